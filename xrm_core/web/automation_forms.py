"""The form of an automation back to JSON, and what its buttons do to lists: add, remove, move."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

import orjson

from xrm_core.web.automation_inputs import PREFIX, Shape, input_of, kinds, resolved, schema, tag_of
from xrm_core.web.widgets import Form

DEEPEST = 30
MOST_NAMES = 5_000
Tree = dict[str, Any]


def body_of(form: Form) -> dict[str, Any]:
    """The automation that the inputs describe; what is empty is left out."""
    tree: Tree = {}
    for key, value in form.items[:MOST_NAMES]:
        parts = key.split("/")
        if parts[0] != PREFIX or len(parts) < 2 or len(parts) > DEEPEST or not isinstance(value, str):
            continue
        here = tree
        for part in parts[1:]:
            here = here.setdefault(part, {})
        here.setdefault("", []).append(value.replace("\r\n", "\n").strip())
    found = _object(schema(), tree)
    return found if isinstance(found, dict) else {}


def _object(shape: Shape, tree: Tree) -> Any:
    found: dict[str, Any] = {}
    for name, raw in shape["properties"].items():
        if name not in tree:
            continue
        inner = resolved(raw)
        if "const" in inner:
            found[name] = inner["const"]
            continue
        value = _value(name, inner, tree[name])
        if value is None or (value == inner.get("default") and name not in shape.get("required", ())):
            continue
        found[name] = value
    return found


def _value(name: str, shape: Shape, tree: Tree) -> Any:
    text = (tree.get("") or [""])[-1]
    match input_of(name, shape):
        case "label":
            texts = {language: _text(one) for language, one in tree.items() if language and _text(one)}
            return (texts["en"] if texts.keys() == {"en"} else texts) if texts else None
        case "object":
            if set(shape["properties"]) == {"value", "unit"} and not _text(tree.get("value", {})):
                return None
            return _object(shape, tree)
        case "nodes":
            tag = tag_of(shape)
            found = []
            for at in _numbers(tree):
                kind = _text(tree[at].get(tag, {}))
                own = kinds(shape).get(kind)
                found.append(_object(own, tree[at]) if own is not None else {tag: kind})
            return found
        case "list":
            inner = resolved(shape["items"])
            values = [_value(at, inner, tree[at]) for at in _numbers(tree)]
            while values and values[-1] is None:
                values.pop()
            return ["" if one is None else one for one in values]
        case "table":
            inner = resolved(
                shape.get("additionalProperties") or next(iter(shape.get("patternProperties", {"": {}}).values()))
            )
            rows = {}
            for at in _numbers(tree):
                key, kept = _text(tree[at].get("k", {})), tree[at].get("v", {})
                value = _value("v", inner, kept)
                if key or value not in (None, ""):
                    rows[key] = "" if value is None else value
            return rows
        case "many":
            return [_plain(one) if not resolved(shape["items"]).get("type") else one for one in _split(tree) if one]
        case "words":
            inner = resolved(shape.get("items") or {})
            return [_number(one) if inner.get("type") == "integer" else one for one in _split(tree)]
        case "check":
            return text == "true"
        case "number":
            return _number(text) if text else None
        case "any":
            return _plain(text) if text else None
    return text or None


def _text(tree: Any) -> str:
    return str((tree.get("") or [""])[-1]) if isinstance(tree, Mapping) else ""


def _split(tree: Tree) -> list[str]:
    """Values of a list: chosen ones one by one, typed ones separated by commas."""
    return [part.strip() for value in tree.get("", ()) for part in value.split(",") if part.strip()]


def _numbers(tree: Tree) -> list[str]:
    return sorted((key for key in tree if _is_place(key)), key=int)


def _number(text: str) -> Any:
    try:
        return int(text)
    except ValueError:
        return text


def _plain(text: str) -> Any:
    """JSON that is no text stands for itself; everything else is text."""
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError:
        return text
    return text if isinstance(found, str) else found


# -- lists ----------------------------------------------------------------------------------------------------------------


def changed(body: dict[str, Any], action: str, path: str, chosen: str) -> str:
    """Add to a list, set something optional, remove or move; gives the place to go on with."""
    parts = path.split("/")[1:]
    holder, shape = _holder(body, parts)
    if holder is None or shape is None or not parts:
        return ""
    key = parts[-1]
    if action == "add":
        return _add(holder, key, shape, path, chosen)
    if action == "set" and isinstance(holder, dict):
        holder.setdefault(key, {})
        return path
    if action == "remove":
        if isinstance(holder, dict):
            holder.pop(list(holder)[int(key)] if _is_place(key) and int(key) < len(holder) else key, None)
        elif _is_place(key) and int(key) < len(holder):
            holder.pop(int(key))
            if holder:
                return "/" + "/".join([*parts[:-1], str(min(int(key), len(holder) - 1))])
        return "/" + "/".join(parts[:-1])
    if action in ("up", "down") and isinstance(holder, list) and _is_place(key):
        at, to = int(key), int(key) + (1 if action == "down" else -1)
        if 0 <= at < len(holder) and 0 <= to < len(holder):
            holder.insert(to, holder.pop(at))
            return "/" + "/".join([*parts[:-1], str(to)])
    return path


def _add(holder: Any, key: str, shape: Shape, path: str, chosen: str) -> str:
    if not isinstance(holder, dict):
        return ""
    made = input_of(key, shape)
    if made == "table":
        rows = holder.setdefault(key, {})
        rows.setdefault("", "")
        return f"{path}/{len(rows) - 1}"
    values = holder.setdefault(key, _beginning(shape))
    if not isinstance(values, list):
        return ""
    if made == "nodes":
        if chosen not in kinds(shape):
            return path
        fresh: Any = {tag_of(shape): chosen}
    elif resolved(shape["items"]).get("properties"):
        fresh = {}
    else:
        fresh = chosen
        if values and values[-1] == "":
            values.pop()
    values.append(fresh)
    return f"{path}/{len(values) - 1}"


def _is_place(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 6


def _beginning(shape: Shape) -> Any:
    """What a list or an object holds as long as nobody said anything."""
    return deepcopy(shape.get("default")) or ([] if shape.get("type") == "array" else {})


def _holder(body: dict[str, Any], parts: list[str]) -> tuple[Any, Shape | None]:
    """What holds the last part of a path, and the shape of that part; None where the path leads nowhere."""
    here: Any = body
    shape: Shape = schema()
    for at, part in enumerate(parts):
        last = at == len(parts) - 1
        if isinstance(here, dict) and part in shape.get("properties", {}):
            inner = resolved(shape["properties"][part])
            if last:
                return here, inner
            here = here.setdefault(part, _beginning(inner))
            shape = inner
        elif isinstance(here, dict) and "properties" not in shape and _is_place(part) and last:
            return here, shape
        elif isinstance(here, list) and _is_place(part) and int(part) < len(here):
            if last:
                return here, shape
            here = here[int(part)]
            if "discriminator" in (shape.get("items") or {}):
                own = kinds(shape).get(str(here.get(tag_of(shape)))) if isinstance(here, dict) else None
                if own is None:
                    return None, None
                shape = own
            else:
                shape = resolved(shape.get("items") or {})
        else:
            return None, None
    return None, None
