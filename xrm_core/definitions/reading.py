"""Reading definitions from plain JSON data: a definition, or every problem with its place and cure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from xrm_core.definitions.names import closest, did_you_mean
from xrm_core.fields.base import Model
from xrm_core.kernel.errors import Invalid
from xrm_core.kernel.problem import Problem, pointer

M = TypeVar("M", bound=Model)

_WORDS = {
    "missing": ("required", "'{key}' is needed here."),
    "extra_forbidden": ("unknown_key", "'{key}' is not known here."),
    "string_type": ("type", "A text is needed."),
    "int_type": ("type", "A whole number is needed."),
    "int_from_float": ("type", "A whole number is needed."),
    "int_parsing": ("type", "A whole number is needed."),
    "bool_type": ("type", "true or false is needed."),
    "bool_parsing": ("type", "true or false is needed."),
    "tuple_type": ("type", "A list is needed."),
    "list_type": ("type", "A list is needed."),
    "dict_type": ("type", "An object is needed."),
    "model_type": ("type", "An object is needed."),
    "model_attributes_type": ("type", "An object is needed."),
    "union_tag_not_found": ("required", "'{tag}' is needed here."),
    "union_tag_invalid": ("unknown_type", "There is no {tag} '{value}'."),
    "literal_error": ("not_allowed", "This is not one of the allowed values."),
    "string_too_long": ("too_long", "At most {max_length} characters."),
    "string_too_short": ("too_short", "At least {min_length} characters."),
    "too_long": ("too_many", "At most {max_length} entries."),
    "too_short": ("too_few", "At least {min_length} entries."),
}
_SHAPES = frozenset({"string_type", "dict_type", "model_type", "model_attributes_type", "bool_type", "int_type"})


def read(model: type[M], data: Any, path: str = "") -> M:
    """`data` as a definition of the class `model`; raises `Invalid` with every problem, paths below `path`."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise Invalid(problems_of(error, data, path)) from None
    except RecursionError:
        raise Invalid(Problem("too_deep", path, "The definition is nested too deeply.")) from None


def read_as(kind: Any, data: Any, path: str = "") -> Any:
    """`data` as any annotated type, such as the union of all field types."""
    try:
        return TypeAdapter(kind).validate_python(data)
    except ValidationError as error:
        raise Invalid(problems_of(error, data, path)) from None
    except RecursionError:
        raise Invalid(Problem("too_deep", path, "The definition is nested too deeply.")) from None


def problems_of(error: ValidationError, data: Any, path: str = "") -> list[Problem]:
    """The errors of a model as problems with JSON pointers into `data`."""
    found: dict[str, list[tuple[str, Problem]]] = {}
    for item in error.errors(include_url=False):
        place = _place(item["loc"], data, item["type"])
        problem = _problem(item, path + pointer(*place), place, data)
        found.setdefault(problem.path, []).append((item["type"], problem))
    problems: list[Problem] = []
    for group in found.values():
        # A union reports one error per branch; the one that says more than "wrong shape" is the useful one.
        useful = [problem for kind, problem in group if kind not in _SHAPES] or [group[0][1]]
        problems += list(dict.fromkeys(useful))
    return problems


def _place(loc: tuple[int | str, ...], data: Any, kind: str) -> list[int | str]:
    # Pydantic puts the tags of unions into the location: what is not in the data is one (or a missing key, last).
    place: list[int | str] = []
    here = data
    for index, part in enumerate(loc):
        last = index == len(loc) - 1
        if isinstance(here, dict) and (part in here or (last and kind == "missing")):
            place.append(part)
            here = here.get(part)
        elif isinstance(here, (list, tuple)) and isinstance(part, int) and part < len(here):
            place.append(part)
            here = here[part]
    return place


def _problem(item: Any, path: str, place: list[int | str], data: Any) -> Problem:
    kind, context = item["type"], item.get("ctx", {})
    key = str(place[-1]) if place else ""
    hint = ""
    if kind == "union_tag_invalid":
        tag = str(context.get("discriminator", "type")).strip("'")
        expected = [word.strip(" '") for word in str(context.get("expected_tags", "")).split(",")]
        return Problem(
            "unknown_type",
            f"{path}/{tag}",
            f"There is no {tag} '{context.get('tag')}'.",
            did_you_mean(str(context.get("tag")), expected),
        )
    if kind == "union_tag_not_found":
        tag = str(context.get("discriminator", "type")).strip("'")
        return Problem("required", f"{path}/{tag}", f"'{tag}' is needed here.")
    if kind == "literal_error":
        expected = [word.strip("'") for word in str(context.get("expected", "")).replace(" or ", ", ").split(", ")]
        hint = did_you_mean(str(item.get("input")), expected)
    if kind == "string_pattern_mismatch":
        if r"[a-z][a-z0-9_]" in str(context.get("pattern")):
            return Problem(
                "name",
                path,
                "A name has lower-case letters, digits and underscores, a letter first, and at most 48 characters.",
            )
        return Problem("pattern", path, f"This does not fit the pattern {context.get('pattern')}.")
    if kind == "value_error":
        return Problem("value", path, _sentence(str(context.get("error", item["msg"]))))
    if kind == "extra_forbidden":
        near = closest(key, _settings(Model))
        hint = f"Did you mean '{near}'?" if near and near != key else "Remove it: it has no meaning here."
    if kind in _WORDS:
        code, words = _WORDS[kind]
        return Problem(code, path, words.format_map({"key": key, "tag": "type", **context}), hint)
    return Problem("value", path, _sentence(str(item["msg"]).replace("Input should", "This should")), hint)


def _settings(model: type[Model]) -> set[str]:
    # The names of all settings of all kinds of definitions: enough to recognise a slip of the finger.
    found = set(model.model_fields)
    for child in model.__subclasses__():
        found |= _settings(child)
    return found


def _sentence(text: str) -> str:
    text = text.strip()
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "?", "!")) else ".")


def join_problems(parts: Iterable[Iterable[Problem]]) -> list[Problem]:
    """All problems in order, each once."""
    return list(dict.fromkeys(problem for part in parts for problem in part))
