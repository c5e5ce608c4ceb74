"""The JSON Schema of a json field: a part of draft 2020-12 in which every check ends soon."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import islice
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError, ValidationError
from jsonschema.validators import extend

from xrm_core.fields.patterns import UnsafePattern, begins_at_start, safe_pattern
from xrm_core.kernel.problem import Problem, pointer

MOST_RULES = 500
"""Subschemas after all $ref are written out."""
DEEPEST_RULES = 20
LONGEST_MATCHED = 1000
"""Characters of a text that a pattern is tried on."""
_MOST_SHOWN = 20

_ONE = frozenset({"additionalProperties", "contains", "else", "if", "items", "not", "propertyNames", "then"})
_LISTS = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})
_MAPS = frozenset({"$defs", "dependentSchemas", "properties"})
_PLAIN = frozenset(
    "$comment $schema const default dependentRequired deprecated description enum examples exclusiveMaximum "
    "exclusiveMinimum format maxContains maxItems maxLength maxProperties maximum minContains minItems minLength "
    "minProperties minimum multipleOf pattern readOnly required title type uniqueItems writeOnly".split()
)
_KNOWN = _ONE | _LISTS | _MAPS | _PLAIN | {"$ref"}


def check_rules(schema: dict[str, Any]) -> list[Problem]:
    """What keeps a schema from being used."""
    try:
        if len(json.dumps(schema)) > 50_000:
            return [Problem("too_long", "", "The schema has more than 50,000 characters.", "Describe less.")]
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        return [Problem("schema", pointer(*error.absolute_path), f"This is not a JSON Schema: {error.message[:200]}.")]
    except (RecursionError, ValueError, TypeError, AttributeError):
        return [Problem("schema", "", "This is not a JSON Schema.", "Write draft 2020-12.")]
    writing = _Writing(schema)
    writing.out(schema, (), ())
    return writing.problems


def written_out(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema without $ref and $defs, so that it means the same inside of another document."""
    found = _Writing(schema).out(schema, (), ())
    return found if isinstance(found, dict) else {}


class _Writing:
    """Writes every $ref out, so that no loop and no multiplication can make a check endless; notes what is wrong."""

    def __init__(self, root: dict[str, Any]) -> None:
        self.root = root
        self.visited = 0
        self.problems: list[Problem] = []

    def out(self, schema: Any, place: tuple[str | int, ...], open_refs: tuple[str, ...], depth: int = 0) -> Any:
        self.visited += 1
        if self.visited > MOST_RULES or depth > DEEPEST_RULES:
            if not any(problem.code == "too_many" for problem in self.problems):
                message = f"At most {MOST_RULES} parts, counting each use of a $ref, and {DEEPEST_RULES} levels."
                self.problems.append(Problem("too_many", pointer(*place[:6]), message, "Describe less."))
            return False
        if not isinstance(schema, dict):
            return schema
        written: dict[str, Any] = {}
        for key, value in schema.items():
            here = (*place, key)
            if key not in _KNOWN:
                self.problems.append(
                    Problem(
                        "unknown_key", pointer(*here), f"'{key}' cannot be used in the schema of a field.", "Remove it."
                    )
                )
            elif key == "$ref":
                written.setdefault("allOf", []).append(self.reference(value, here, open_refs, depth))
            elif key in _ONE:
                written[key] = self.out(value, here, open_refs, depth + 1)
            elif key in _LISTS:
                written.setdefault(key, []).extend(
                    self.out(item, (*here, index), open_refs, depth + 1) for index, item in enumerate(value)
                )
            elif key in _MAPS:
                parts = {name: self.out(item, (*here, name), open_refs, depth + 1) for name, item in value.items()}
                if key != "$defs":
                    written[key] = parts
            else:
                if key == "pattern":
                    self.pattern(value, here)
                written[key] = value
        return written

    def reference(self, target: str, place: tuple[str | int, ...], open_refs: tuple[str, ...], depth: int) -> Any:
        name = target.removeprefix("#/$defs/")
        found = self.root.get("$defs", {}).get(name) if name != target else None
        if found is None:
            self.problems.append(
                Problem(
                    "reference",
                    pointer(*place),
                    "A $ref names an entry of $defs of the same schema.",
                    "Write #/$defs/name.",
                )
            )
        elif name in open_refs:
            self.problems.append(
                Problem(
                    "reference",
                    pointer(*place),
                    f"The definition '{name[:60]}' contains itself.",
                    "Write out as many levels as are needed.",
                )
            )
        else:
            return self.out(found, ("$defs", name), (*open_refs, name), depth + 1)
        return False

    def pattern(self, text: str, place: tuple[str | int, ...]) -> None:
        try:
            safe_pattern(text, LONGEST_MATCHED)
            if not begins_at_start(text):
                raise UnsafePattern("it must begin with ^")
        except UnsafePattern as error:
            self.problems.append(Problem("pattern", pointer(*place), f"The pattern cannot be used: {error}."))


class JsonRules:
    """A checked schema, ready to test values."""

    def __init__(self, schema: dict[str, Any]) -> None:
        self._validator = _Validator(written_out(schema))

    def problems(self, value: Any) -> list[Problem]:
        """What is wrong with a value, up to twenty things."""
        return [
            Problem(
                "schema", pointer(*error.absolute_path), _sentence(error.message), "See the description of the field."
            )
            for error in islice(self._validator.iter_errors(value), _MOST_SHOWN)
        ]


def _unique(validator: Any, wanted: Any, value: Any, schema: Any) -> Iterator[ValidationError]:
    # The library compares every pair, which takes minutes for a long list of objects.
    if wanted and isinstance(value, list) and len({_frozen(item) for item in value}) < len(value):
        yield ValidationError("The list holds the same entry twice")


def _frozen(value: Any) -> str:
    return json.dumps(_levelled(value), sort_keys=True)


def _levelled(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [_levelled(item) for item in value]
    return {key: _levelled(item) for key, item in value.items()} if isinstance(value, dict) else value


def _pattern(validator: Any, pattern: Any, value: Any, schema: Any) -> Iterator[ValidationError]:
    if isinstance(value, str) and (len(value) > LONGEST_MATCHED or not re.search(pattern, value, re.ASCII)):
        yield ValidationError(f"The text does not match {pattern}")


_Validator: Any = extend(  # type: ignore[no-untyped-call]
    Draft202012Validator, {"uniqueItems": _unique, "pattern": _pattern}
)


def _sentence(text: str) -> str:
    return (text if len(text) <= 200 else text[:199] + "…").rstrip(".") + "."
