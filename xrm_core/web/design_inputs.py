"""Settings of definitions as inputs: made from the definition models, so that a new setting appears by itself."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import orjson
from pydantic import BaseModel

from xrm_core.kernel.labels import label_text
from xrm_core.kernel.problem import Problem
from xrm_core.web.views_design import Setting
from xrm_core.web.widgets import Form

LABELS = ("label", "label_plural", "help", "description", "message")
LANGUAGES = ("en", "de")
EXPRESSIONS = ("when", "check", "formula", "where", "filter", "required_when", "visible_when", "read_only_when", "entry_when", "expression")  # fmt: skip
APART = frozenset({"id", "type", "options", "archived", "takes_from", "schema_ref", "$schema", "replaced_by", "module"})
"""Settings that have a place of their own, or that operations set."""
CONDITIONS = ("required_when", "visible_when", "read_only_when", "entry_when", "when", "where", "moves_to", "requires")
BUILT = ("required_when", "visible_when", "read_only_when", "entry_when", "when", "check", "filter")
"""Conditions over the module's own records, which can be put together from rows."""
FIRST = ("label", "label_plural", "name", "to", "kind", "formula", "link", "function", "field", "check", "filter")
PREFIX = "s."
_CHOICES = re.compile(r"\^\(([a-z_|]+)\)\$")
"""A pattern that is a list of words."""
Translate = Callable[..., str]


def inputs(
    model: type[BaseModel],
    node: Mapping[str, Any],
    t: Translate,
    errors: Mapping[str, tuple[str, ...]],
    names: Iterable[str] = (),
    hide: Iterable[str] = (),
    sets: Mapping[str, tuple[tuple[str, str], ...]] | None = None,
) -> tuple[tuple[str, tuple[Setting, ...]], ...]:
    """The settings of a node in groups: what it is, how it behaves, when it applies. `sets` are lists to tick words in."""
    schema = model.model_json_schema(by_alias=True)
    known = tuple((name, name) for name in names)
    hidden = set(hide)
    groups: dict[str, list[Setting]] = {"": [], t("Behaviour"): [], t("Conditions"): []}
    ordered = sorted(schema["properties"].items(), key=lambda item: FIRST.index(item[0]) if item[0] in FIRST else 99)
    for name, raw in ordered:
        if name in APART or name in hidden:
            continue
        found = _setting(name, _resolved(raw, schema), node.get(name), t, name in schema.get("required", ()), known)
        if found is None:
            continue
        if sets and name in sets:
            chosen = tuple(str(one) for one in node.get(name) or ())
            found = Setting(name, found.label, "set", chosen, sets[name], found.help)
        setting = _with_errors(found, errors)
        where = t("Conditions") if name in CONDITIONS else "" if found.kind == "label" or name in FIRST else t("Behaviour")
        groups[where].append(setting)
    return tuple((title, tuple(settings)) for title, settings in groups.items() if settings)


def _resolved(raw: Mapping[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    """A property without references and without the alternative `null`."""
    found = dict(raw)
    if "$ref" in found:
        found = {**schema["$defs"][found["$ref"].rpartition("/")[2]], **{k: v for k, v in found.items() if k != "$ref"}}
    options = [one for one in found.get("anyOf", ()) if one.get("type") != "null"]
    if len(options) == 1:
        found = {**found, **_resolved(options[0], schema)}
    return found


def _setting(
    name: str, shape: Mapping[str, Any], value: Any, t: Translate, required: bool, known: tuple[tuple[str, str], ...],
    condition: bool = True,
) -> Setting | None:
    label = t(name.replace("_", " ").capitalize())
    about = str(shape.get("description") or "")
    if value is None:
        value = shape.get("default")
    if name in LABELS:
        texts = {"en": value} if isinstance(value, str) else dict(value or {})
        languages = dict.fromkeys([*LANGUAGES, *texts])
        return Setting(name, label, "label", {language: texts.get(language, "") for language in languages}, required=required)
    if name in EXPRESSIONS:
        written = "condition" if name in BUILT and condition else "expression"
        return Setting(name, label, written, value or "", help=t(about) if about else "", required=required)
    kind = shape.get("type")
    if "const" in shape:
        return None
    if pattern := _CHOICES.fullmatch(str(shape.get("pattern", ""))):
        shape = {**shape, "enum": pattern[1].split("|")}
    if "enum" in shape:
        choices = tuple((str(one), t(str(one).replace("_", " ").capitalize())) for one in shape["enum"])
        return Setting(name, label, "choice", value or "", choices if required or shape.get("default") else (("", "—"), *choices), about, required=required)
    if kind == "boolean":
        return Setting(name, label, "check", bool(value), help=about)
    if kind in ("integer", "number"):
        return Setting(name, label, "number", value, help=about, required=required, minimum=shape.get("minimum"), maximum=shape.get("maximum"))
    if kind == "string":
        return Setting(name, label, "text", value or "", help=about, required=required)
    if kind == "array" and _resolved_items(shape):
        return Setting(name, label, "list", ", ".join(value or ()), known, about, required=required)
    text = "" if value is None else value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return Setting(name, label, "text" if name == "default" else "json", text, help=about, required=required)


def _resolved_items(shape: Mapping[str, Any]) -> bool:
    items = shape.get("items") or {}
    return items.get("type") == "string" and "$ref" not in items


def _with_errors(setting: Setting, errors: Mapping[str, tuple[str, ...]]) -> Setting:
    found = errors.get(setting.name)
    if not found:
        return setting
    return Setting(
        setting.name, setting.label, setting.kind, setting.value, setting.choices, setting.help, found, setting.required,
        setting.minimum, setting.maximum,
    )  # fmt: skip


def changes(model: type[BaseModel], form: Form, node: Mapping[str, Any]) -> tuple[dict[str, Any], list[Problem]]:
    """What the inputs change: a JSON merge patch; None takes a setting away."""
    schema = model.model_json_schema(by_alias=True)
    found: dict[str, Any] = {}
    problems: list[Problem] = []
    for name, raw in schema["properties"].items():
        key = PREFIX + name
        if name in APART or not form.has(key):
            continue
        shape = _resolved(raw, schema)
        try:
            value = _read(name, shape, form, key)
        except ValueError as error:
            problems.append(Problem("value", f"/{name}", str(error)))
            continue
        before = node.get(name)
        if value == (before if before is not None else shape.get("default")) or (value is None and before is None):
            continue
        found[name] = value
        if isinstance(value, dict) and isinstance(before, dict):
            found[name] = {**dict.fromkeys(before, None), **value}
    return found, problems


def _read(name: str, shape: Mapping[str, Any], form: Form, key: str) -> Any:
    if name in LABELS:
        texts = {other[len(key) + 1 :]: form.text(other) for other in sorted(form.names) if other.startswith(key + ".")}
        texts = {language: text for language, text in texts.items() if text}
        if not texts:
            return None
        return texts["en"] if texts.keys() == {"en"} else texts
    text = form.text(key)
    kind = shape.get("type")
    if kind == "boolean" and "enum" not in shape:
        return text == "true"
    if not text:
        return [] if kind == "array" and shape.get("default") is not None else None
    if "enum" in shape or name in EXPRESSIONS:
        return text
    if kind == "integer":
        return _number(text, int)
    if kind == "number":
        return _number(text, float)
    if kind == "array" and _resolved_items(shape):
        given = ",".join(form.texts(key))
        return [part.strip() for part in given.replace("\n", ",").split(",") if part.strip()]
    if kind == "string":
        return text
    return default_of(text) if name == "default" else _json(text)


def default_of(text: str) -> Any:
    """A default as it is typed: `=` begins an expression, else JSON or plain text."""
    if text.startswith("="):
        return {"expression": text[1:].strip()}
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text


def _number(text: str, turn: Callable[[str], Any]) -> Any:
    try:
        return turn(text)
    except ValueError:
        raise ValueError("A number is needed.") from None


def _json(text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise ValueError(f"This is not JSON: {error.msg} (line {error.lineno}, column {error.colno}).") from None


def shown_label(node: Mapping[str, Any], language: str) -> str:
    """What a node is called."""
    label = node.get("label")
    return label_text(label, language) if label else str(node.get("name", ""))
