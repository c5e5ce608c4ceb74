"""Conditions as people build them: rows of field, operator and value in groups, and the way there and back.

A group is `{"join": "and" | "or", "items": [...]}`, a row `{"field", "op", "value"}`; what has no row of its own is
`{"text": "..."}`. Values are texts, booleans, `{"number": "12.5"}`, `{"n": 90, "unit": "days"}`, `{"me": true}` or
lists of them; the value of a question about linked records is a group again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, cast

from xrm_core.expressions.json_form import from_json
from xrm_core.expressions.parser import parse
from xrm_core.expressions.printer import print_node
from xrm_core.expressions.scan import MAX_DEPTH, MAX_NODES, MAX_PATH
from xrm_core.expressions.scope import did_you_mean
from xrm_core.expressions.tree import (
    Binary,
    Call,
    Compare,
    CompareOp,
    ListOf,
    Literal,
    Logic,
    LogicOp,
    Name,
    Node,
    Unary,
    depth,
    logic,
    negative,
    walk,
)
from xrm_core.kernel.problem import Problem, pointer

_COMPARE: Mapping[str, CompareOp] = {"eq": "==", "ne": "!=", "lt": "<", "lte": "<=", "gt": ">", "gte": ">="}
_COMPARE_NAMES = {sign: name for name, sign in _COMPARE.items()}
_RELATIVE: Mapping[tuple[str, str], str] = {("<", "-"): "before_last", (">", "+"): "after_next"}
_TEXTS = ("contains", "starts_with", "ends_with")
_LISTS = ("has_any", "has_all", "has_none")
_RELATED = ("any", "none", "all")
_BARE = ("is_empty", "is_not_empty")
_SUBJECTS = ("annual", "count")
"""Functions of one field or link whose result is asked about like a field: `count(tasks) >= 3`."""
OPERATORS = (
    *_COMPARE, "in", "not_in", *_TEXTS, "not_contains", *_LISTS, *_BARE, "between", "within", "not_within",
    "in_next", "in_last", *_RELATIVE.values(), *_RELATED,
)  # fmt: skip
UNITS = ("days", "weeks", "months", "years")
"""Units of relative dates."""
_DURATIONS = (*UNITS, "business_days", "hours")
_SPANS = (*UNITS, "quarters")
_COUNTED = re.compile(r"(next|last)_([1-9][0-9]{0,3})_(days|weeks|months|quarters|years)")
_PATH = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*")
_SUBJECT = re.compile(rf"({'|'.join(_SUBJECTS)})\(([a-z][a-z0-9_.]*)\)")
DEEPEST = 2
"""Levels of groups that are shown as groups; what is deeper is shown as text."""


class _Wrong(Exception):
    def __init__(self, path: tuple[str | int, ...], code: str, message: str, hint: str = "") -> None:
        self.problem = Problem(code, pointer(*path), message, hint)


# -- from a tree to rows ------------------------------------------------------------------------------------------------


def to_rows(node: Node | None, offered: Callable[[dict[str, Any]], bool] | None = None) -> dict[str, Any]:
    """The group for a condition; rows that `offered` refuses are carried as text."""
    return _group(node, offered or (lambda row: True), 1)


def _group(node: Node | None, offered: Callable[[dict[str, Any]], bool], level: int) -> dict[str, Any]:
    if node is None or node == Literal(True):
        return {"join": "and", "items": []}
    if isinstance(node, Logic):
        return {"join": node.op, "items": [_item(item, offered, level) for item in node.items]}
    return {"join": "and", "items": [_item(node, offered, level)]}


def _item(node: Node, offered: Callable[[dict[str, Any]], bool], level: int) -> dict[str, Any]:
    if isinstance(node, Logic) and level < DEEPEST:
        return _group(node, offered, level + 1)
    row = None if isinstance(node, Logic) else _row(node)
    return row if row is not None and offered(row) else {"text": print_node(node)}


def _row(node: Node) -> dict[str, Any] | None:
    match node:
        case Compare(op="in" | "not in", right=ListOf() as right):
            return _with("in" if node.op == "in" else "not_in", node.left, _value(right))
        case Compare():
            return _compared(node)
        case Unary(
            op="not", operand=Call(function="contains" | "within" as name, args=(subject, Literal(value=str(text))))
        ):
            return _with(f"not_{name}", subject, text)
        case Call(function=name, args=(subject,)) if name in _BARE:
            return _with(name, subject)
        case Call(function="within", args=(subject, Literal(value=str(text)))):
            found = _COUNTED.fullmatch(text)
            if found is None:
                return _with("within", subject, text)
            return _with(f"in_{found[1]}", subject, {"n": int(found[2]), "unit": found[3]})
        case Call(function=name, args=(subject, Literal(value=str(text)))) if name in _TEXTS:
            return _with(name, subject, text)
        case Call(function=name, args=(subject, ListOf() as items)) if name in _LISTS:
            return _with(name, subject, _value(items))
        case Call(function="between", args=(subject, low, high)):
            return _with("between", subject, [_value(low), _value(high)])
        case Call(function=name, args=(Name() as link,)) if name in ("any", "none"):
            return _with(name, link)
        case Call(function=name, args=(Name() as link, condition)) if name in _RELATED:
            return _with(name, link, _group(condition, lambda row: True, 1))
    return None


_NOTHING = object()


def _with(op: str, subject: Node, value: Any = _NOTHING) -> dict[str, Any] | None:
    field = _field(subject)
    if field is None or value is None or isinstance(value, list) and None in value:
        return None
    return {"field": field, "op": op} | ({} if value is _NOTHING else {"value": value})


def _field(node: Node) -> str | None:
    match node:
        case Name():
            return node.text if _PATH.fullmatch(node.text) and node.text != "me" else None
        case Call(function=name, args=(Name() as inner,)) if name in _SUBJECTS and _PATH.fullmatch(inner.text):
            return f"{name}({inner.text})"
    return None


def _compared(node: Compare) -> dict[str, Any] | None:
    match node.right:
        case Binary(op=sign, left=Call(function="today", args=()), right=length) if (node.op, sign) in _RELATIVE:
            span = _value(length)
            if isinstance(span, dict) and span.get("unit") in UNITS and span["n"] > 0:
                return _with(_RELATIVE[node.op, sign], node.left, span)
            return None
    value, name = _value(node.right), _COMPARE_NAMES.get(node.op)
    # "in" a list that is a field or computed has no row.
    return None if name is None or isinstance(value, list) else _with(name, node.left, value)


def _value(node: Node) -> Any:
    """The value of a row, or None where rows have none for it."""
    match node:
        case Literal(value=bool(value)):
            return value
        case Literal(value=int() | Decimal()):
            return {"number": format(node.value, "f") if isinstance(node.value, Decimal) else str(node.value)}
        case Literal(value=str(text)):
            return text
        case Name(parts=("me",)):
            return {"me": True}
        case Call(function=unit, args=(Literal(value=int(n)),)) if unit in _DURATIONS and not isinstance(n, bool):
            return {"n": n, "unit": unit}
        case ListOf(items=items):
            found = [_value(item) for item in items]
            return None if not found or any(one is None or isinstance(one, list) for one in found) else found
    return None


# -- from rows to a tree ------------------------------------------------------------------------------------------------


def from_rows(document: Any) -> tuple[Node | None, list[Problem]]:
    """The tree of a group, or its problems with JSON pointers; an empty group is true."""
    try:
        node = _read_group(document, (), 0)
    except _Wrong as wrong:
        return None, [wrong.problem]
    if depth(node) > MAX_DEPTH or sum(1 for _ in walk(node)) > MAX_NODES:
        return None, [Problem("too_complex", "", f"The filter has more than {MAX_NODES} parts or {MAX_DEPTH} levels.")]
    return node, []


def _read_group(document: Any, path: tuple[str | int, ...], level: int) -> Node:
    if level > MAX_DEPTH:
        raise _Wrong(path[:20], "too_complex", f"The filter is nested more than {MAX_DEPTH} deep.")
    if not isinstance(document, dict) or set(document) - {"join", "items"} or document.get("join") not in ("and", "or"):
        raise _Wrong(path, "type", "A group joins items.", 'Write {"join": "and", "items": []}.')
    items = document.get("items")
    if not isinstance(items, list) or len(items) > MAX_NODES:
        raise _Wrong((*path, "items"), "type", f"A group has a list of at most {MAX_NODES} items.")
    if not items:
        return Literal(True)
    op = cast(LogicOp, document["join"])
    return logic(op, [_read_item(item, (*path, "items", index), level + 1) for index, item in enumerate(items)])


def _read_item(document: Any, path: tuple[str | int, ...], level: int) -> Node:
    if isinstance(document, dict) and "join" in document:
        return _read_group(document, path, level)
    if isinstance(document, dict) and set(document) == {"text"}:
        text = document["text"]
        node, problems = parse(text) if isinstance(text, str) else (None, [])
        if node is None:
            first = problems[0] if problems else Problem("type", "", "A condition as text is a text.")
            raise _Wrong((*path, "text"), first.code, first.message, first.hint)
        return node
    if not isinstance(document, dict) or set(document) - {"field", "op", "value"}:
        raise _Wrong(path, "type", "A condition has a field, an operator and a value.")
    op = document.get("op")
    if op not in OPERATORS:
        hint = did_you_mean(str(op)[:40], OPERATORS) or f"Operators are {', '.join(OPERATORS)}."
        raise _Wrong((*path, "op"), "unknown_operator", "There is no such operator.", hint)
    return _read_row(_subject(document.get("field"), path), str(op), document, path, level)


def _subject(field: Any, path: tuple[str | int, ...]) -> Node:
    text = field if isinstance(field, str) and len(field) < 500 else ""
    wrapped = _SUBJECT.fullmatch(text)
    plain = wrapped[2] if wrapped else text
    if not _PATH.fullmatch(plain) or plain.count(".") >= MAX_PATH:
        raise _Wrong(
            (*path, "field"), "syntax", "A field is named by its name or a dotted path.", "For example client.name."
        )
    name = Name(tuple(plain.split(".")))
    return Call(wrapped[1], (name,)) if wrapped else name


def _read_row(subject: Node, op: str, document: dict[str, Any], path: tuple[str | int, ...], level: int) -> Node:
    at = (*path, "value")
    if op in _BARE:
        return Call(op, (subject,))
    if op in _RELATED:
        condition = (
            _read_group(document["value"], at, level + 1) if document.get("value") is not None else Literal(True)
        )
        if condition == Literal(True) and op != "all":
            return Call(op, (subject,))
        return Call(op, (subject, condition))
    if "value" not in document:
        raise _Wrong(at, "missing", "A value is missing.")
    value = document["value"]
    if op in _COMPARE:
        return Compare(_COMPARE[op], subject, _read_value(value, at))
    if op in ("in", "not_in"):
        return Compare("in" if op == "in" else "not in", subject, _read_list(value, at))
    if op in _LISTS:
        return Call(op, (subject, _read_list(value, at)))
    if op == "between":
        if not isinstance(value, list) or len(value) != 2:
            raise _Wrong(at, "type", "Two values are needed.")
        return Call(op, (subject, *(_read_value(one, (*at, n)) for n, one in enumerate(value))))
    if op in _RELATIVE.values():
        sign = "-" if op == "before_last" else "+"
        return Compare("<" if sign == "-" else ">", subject, Binary(sign, Call("today", ()), _length(value, at, UNITS)))  # type: ignore[arg-type]
    if op in ("in_next", "in_last"):
        _length(value, at, _SPANS)
        return Call("within", (subject, Literal(f"{op.removeprefix('in_')}_{value['n']}_{value['unit']}")))
    if not isinstance(value, str):
        raise _Wrong(at, "type", "A text is needed.")
    call = Call(op.removeprefix("not_"), (subject, _plain(value, at)))
    return Unary("not", call) if op.startswith("not_") else call


def _length(value: Any, path: tuple[str | int, ...], units: tuple[str, ...]) -> Node:
    known = isinstance(value, dict) and set(value) == {"n", "unit"} and value["unit"] in units
    if not known or not isinstance(value["n"], int) or isinstance(value["n"], bool) or not 1 <= value["n"] <= 9999:
        raise _Wrong(path, "type", "A length of time is needed.", f"A number from 1 to 9999 of {', '.join(units)}.")
    return Call(value["unit"], (Literal(value["n"]),))


def _read_list(value: Any, path: tuple[str | int, ...]) -> Node:
    if not isinstance(value, list) or not value or len(value) > MAX_NODES:
        raise _Wrong(path, "type", "At least one value is needed.")
    return ListOf(tuple(_read_value(one, (*path, n)) for n, one in enumerate(value)))


def _read_value(value: Any, path: tuple[str | int, ...]) -> Node:
    if isinstance(value, bool):
        return Literal(value)
    if isinstance(value, str):
        return _plain(value, path)
    if isinstance(value, dict) and set(value) == {"me"}:
        return Name(("me",))
    if isinstance(value, dict) and set(value) == {"number"}:
        return _number(value["number"], path)
    if isinstance(value, dict) and set(value) == {"n", "unit"}:
        return _length(value, path, _DURATIONS)
    raise _Wrong(path, "type", "This is not a value.")


def _plain(text: str, path: tuple[str | int, ...]) -> Node:
    """A text as a literal, under the rules of the JSON form."""
    node, problems = from_json({"field": "x", "op": "eq", "value": text})
    if not isinstance(node, Compare):
        raise _Wrong(path, problems[0].code, problems[0].message)
    return node.right


def _number(text: Any, path: tuple[str | int, ...]) -> Node:
    if not isinstance(text, str) or not re.fullmatch(r"-?[0-9]{1,30}(\.[0-9]{1,20})?", text):
        raise _Wrong(path, "number", "This is not a number.", "Write it like 1250 or 12.50.")
    try:
        value: int | Decimal = Decimal(text) if "." in text else int(text)
    except (InvalidOperation, ValueError):
        raise _Wrong(path, "number", "This is not a number.") from None
    return negative(Literal(-value)) if text.startswith("-") else Literal(value)
