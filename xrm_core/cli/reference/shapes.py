"""JSON Schema in words: what a setting takes, as a cell of a table."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from xrm_core.cli.reference.pages import table

_WORDS = {"string": "text", "integer": "integer", "number": "number", "boolean": "true or false", "null": "null"}
_BOUNDS = (
    ("minimum", "at least {}"),
    ("maximum", "at most {}"),
    ("maxLength", "at most {} characters"),
    ("maxItems", "at most {} of them"),
)
_COMMON = {
    "name": "What expressions and the API call it.",
    "label": "What people see: a text, or texts by language.",
    "label_plural": "The label of several.",
    "description": "What it is for.",
    "help": "One or two sentences for the person who fills it in.",
    "archived": "Retired: hidden, its data stays.",
    "hue": "Its colour.",
    "required": "A record cannot be stored without it.",
    "read_only": "Only the engine and imports write it.",
    "required_when": "A condition over the record that makes it required.",
    "visible_when": "A condition over the record; where it does not hold, forms leave it out.",
    "message": "What people are told; else the engine words it.",
    "order": "Its place, low first.",
    "default": "The one that is opened first.",
}
"""Words for keys that mean the same everywhere, where the model has none of its own."""
# Shapes that come back everywhere have one name instead of their pattern.
_KNOWN_PATTERNS = {r"^[a-z][a-z0-9_]{0,47}$": "name"}


def settings_table(schema: Mapping[str, Any], *, without: frozenset[str] = frozenset()) -> str:
    """A row per property: what it takes, its default, what it is for."""
    required = set(schema.get("required", ()))
    rows = []
    for name, one in schema.get("properties", {}).items():
        if name in without:
            continue
        default = "required" if name in required else _default(one)
        rows.append((f"`{name}`", takes(one), default, one.get("description", _COMMON.get(name, ""))))
    return table(("setting", "takes", "default", ""), rows) if rows else ""


def takes(schema: Mapping[str, Any]) -> str:
    """What a schema lets through, in a few words."""
    if "$ref" in schema:
        return _linked(schema["$ref"].rsplit("/", 1)[-1])
    if "const" in schema:
        return f"`{schema['const']}`"
    if "enum" in schema:
        return "one of " + ", ".join(f"`{value}`" for value in schema["enum"])
    for key in ("anyOf", "oneOf"):
        if key in schema:
            found = list(dict.fromkeys(takes(one) for one in schema[key] if one.get("type") != "null"))
            if len(found) > 8:
                return "a [field](field-types.md)"
            return " or ".join(found)
    kind = schema.get("type")
    if kind == "array":
        items = schema.get("items") or (schema.get("prefixItems") or [{}])[0]
        return f"list of {takes(items) or 'anything'}" + _bounds(schema)
    if kind == "object":
        inner = schema.get("additionalProperties")
        return f"object of {takes(inner)}" if isinstance(inner, dict) and inner else "object"
    if schema.get("pattern") in _KNOWN_PATTERNS:
        return _KNOWN_PATTERNS[schema["pattern"]]
    word = _WORDS.get(str(kind), "anything")
    pattern = schema.get("pattern")
    return word + (f" like `{pattern}`" if pattern else "") + _bounds(schema)


def _linked(name: str) -> str:
    return f"[{name}](definitions.md#{name.lower()})"


def _bounds(schema: Mapping[str, Any]) -> str:
    found = ["not empty"] if schema.get("minLength") == 1 or schema.get("minItems") == 1 else []
    found += [words.format(f"{schema[key]:,}") for key, words in _BOUNDS if key in schema]
    return f", {', '.join(found)}" if found else ""


def _default(schema: Mapping[str, Any]) -> str:
    value = schema.get("default")
    return "" if value in (None, "", [], {}) else f"`{json.dumps(value, ensure_ascii=False)}`"
