"""The filter builder's JSON form of a condition, and the way there and back without loss."""

from __future__ import annotations

import re
import unicodedata
from decimal import Decimal
from typing import Any, cast

from xrm_core.expressions.parser import parse
from xrm_core.expressions.printer import print_node
from xrm_core.expressions.scan import MAX_DEPTH, MAX_NODES, MAX_PATH
from xrm_core.expressions.scope import did_you_mean
from xrm_core.expressions.tree import (
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
    walk,
)
from xrm_core.kernel.problem import Problem, pointer

_COMPARE: dict[str, CompareOp] = {
    "eq": "==",
    "ne": "!=",
    "lt": "<",
    "lte": "<=",
    "gt": ">",
    "gte": ">=",
    "in": "in",
    "not_in": "not in",
}
_NAMES = {op: name for name, op in _COMPARE.items()}
_WITH_VALUE = ("contains", "starts_with", "ends_with", "has_any", "has_all", "has_none", "within")
_WITHOUT = ("is_empty", "is_not_empty")
_NESTED = ("any", "none", "all")
OPERATORS = (*_COMPARE, *_WITH_VALUE, *_WITHOUT, "between", *_NESTED)
_PATH = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*")
_MAX_TEXT = 4_000


class _Wrong(Exception):
    def __init__(self, problem: Problem) -> None:
        self.problem = problem


def from_json(document: Any) -> tuple[Node | None, list[Problem]]:
    """The tree of a filter in JSON, or its problems with JSON pointers."""
    try:
        node = _condition(document, (), 0)
    except _Wrong as wrong:
        return None, [wrong.problem]
    if depth(node) > MAX_DEPTH or sum(1 for _ in walk(node)) > MAX_NODES:
        return None, [
            Problem(
                "too_complex", "", f"the filter has more than {MAX_NODES} parts or more than {MAX_DEPTH} levels", ""
            )
        ]
    return node, []


def to_json(node: Node) -> dict[str, Any]:
    """The JSON form of a condition; what has no form of its own is carried as {"expression": text}."""
    match node:
        case Logic():
            return {node.op: [to_json(item) for item in node.items]}
        case Literal(value=True):
            return {"and": []}
        case Literal(value=False):
            return {"or": []}
        case Unary(op="not"):
            return {"not": to_json(node.operand)}
        case Compare(left=Name() as name) if _plain(name):
            return {"field": name.text, "op": _NAMES[node.op], "value": _value_out(node.right)}
        case Call(args=(Name() as name, *rest)) if _plain(name):
            leaf = _call_out(node.function, name, rest)
            if leaf is not None:
                return leaf
    return {"expression": print_node(node)}


def _call_out(function: str, name: Name, rest: list[Node]) -> dict[str, Any] | None:
    if function in _WITHOUT and not rest:
        return {"field": name.text, "op": function}
    if function in _WITH_VALUE and len(rest) == 1:
        return {"field": name.text, "op": function, "value": _value_out(rest[0])}
    if function == "between" and len(rest) == 2:
        return {"field": name.text, "op": function, "value": [_value_out(one) for one in rest]}
    if function in _NESTED and len(rest) == 1:
        return {"field": name.text, "op": function, "value": to_json(rest[0])}
    if function in _NESTED and not rest:
        return {"field": name.text, "op": function}
    return None


def _plain(name: Name) -> bool:
    return _PATH.fullmatch(name.text) is not None


def _value_out(node: Node) -> Any:
    if isinstance(node, Literal):
        if isinstance(node.value, Decimal):
            shown = float(node.value)
            if Decimal(repr(shown)) == node.value:
                return shown
        elif not isinstance(node.value, int) or isinstance(node.value, bool) or abs(node.value) < 2**53:
            return node.value
    if isinstance(node, ListOf) and not any(isinstance(item, ListOf) for item in node.items):
        return [_value_out(item) for item in node.items]
    return {"expression": print_node(node)}


def _wrong(path: tuple[str | int, ...], code: str, message: str, hint: str = "") -> _Wrong:
    return _Wrong(Problem(code, pointer(*path), message, hint))


def _condition(document: Any, path: tuple[str | int, ...], level: int) -> Node:
    if level > MAX_DEPTH:
        raise _wrong(path[:20], "too_complex", f"the filter is nested more than {MAX_DEPTH} deep")
    if not isinstance(document, dict):
        raise _wrong(
            path, "type", "a condition is an object", 'Write {"field": "status", "op": "eq", "value": "active"}.'
        )
    keys = set(document)
    if keys == {"expression"}:
        return _expression(document["expression"], (*path, "expression"))
    if keys == {"not"}:
        return Unary("not", _condition(document["not"], (*path, "not"), level + 1))
    if len(keys) == 1 and keys <= {"and", "or"}:
        op = cast(LogicOp, next(iter(keys)))
        items = document[op]
        if not isinstance(items, list):
            raise _wrong((*path, op), "type", f"'{op}' needs a list of conditions")
        if len(items) > MAX_NODES:
            raise _wrong((*path, op), "too_complex", f"at most {MAX_NODES} conditions are allowed")
        return logic(op, [_condition(item, (*path, op, index), level + 1) for index, item in enumerate(items)])
    if "field" not in keys or "op" not in keys:
        raise _wrong(path, "syntax", "a condition needs 'field' and 'op', or one of 'and', 'or', 'not', 'expression'")
    unknown = keys - {"field", "op", "value"}
    if unknown:
        raise _wrong((*path, min(map(str, unknown))), "unknown_key", "a condition has only 'field', 'op' and 'value'")
    return _leaf(document, path, level)


def _leaf(document: dict[str, Any], path: tuple[str | int, ...], level: int) -> Node:
    name = document["field"]
    if not isinstance(name, str) or _PATH.fullmatch(name) is None or name.count(".") >= MAX_PATH:
        raise _wrong(
            (*path, "field"), "syntax", "'field' must be a field name or a dotted path", "For example client.name."
        )
    field, op, value = Name(tuple(name.split("."))), document["op"], document.get("value")
    if op not in OPERATORS:
        raise _wrong(
            (*path, "op"),
            "unknown_operator",
            "there is no such operator",
            did_you_mean(str(op)[:40], OPERATORS) or f"Operators are {', '.join(OPERATORS)}.",
        )
    at = (*path, "value")
    if op in _WITHOUT:
        if value not in (None, True):
            raise _wrong(at, "type", f"'{op}' has no value", "Leave 'value' out.")
        return Call(op, (field,))
    if op in _NESTED:
        if value is None:
            if op == "all":
                raise _wrong(at, "missing", "'all' needs a condition as its value")
            return Call(op, (field,))
        return Call(op, (field, _condition(value, at, level + 1)))
    if "value" not in document:
        raise _wrong(path, "missing", f"'{op}' needs a value", "Add 'value'.")
    if op == "between":
        if not isinstance(value, list) or len(value) != 2:
            raise _wrong(at, "type", "'between' needs a list of two values")
        return Call(op, (field, _value_in(value[0], (*at, 0)), _value_in(value[1], (*at, 1))))
    if op in ("in", "not_in", "has_any", "has_all", "has_none") and not isinstance(value, (list, dict)):
        raise _wrong(at, "type", f"'{op}' needs a list", 'For example ["a", "b"].')
    if op in _COMPARE:
        return Compare(_COMPARE[op], field, _value_in(value, at))
    return Call(op, (field, _value_in(value, at)))


def _value_in(value: Any, path: tuple[str | int, ...], inside: bool = False) -> Node:
    if value is None or isinstance(value, bool):
        return Literal(value)
    if isinstance(value, str):
        if len(value) > _MAX_TEXT:
            raise _wrong(path, "too_long", f"a text in a filter has at most {_MAX_TEXT} characters")
        if any(unicodedata.category(c) in ("Cs", "Cc") and c not in "\n\t\r" for c in value):
            raise _wrong(path, "syntax", "the text has characters that cannot be used")
        return Literal(unicodedata.normalize("NFC", value))
    if isinstance(value, (int, float, Decimal)):
        return Literal(_number(value, path))
    if isinstance(value, dict) and set(value) == {"expression"}:
        return _expression(value["expression"], (*path, "expression"))
    if isinstance(value, list) and not inside:
        if len(value) > MAX_NODES:
            raise _wrong(path, "too_complex", f"a list in a filter has at most {MAX_NODES} items")
        return ListOf(tuple(_value_in(item, (*path, index), inside=True) for index, item in enumerate(value)))
    raise _wrong(
        path,
        "type",
        "this is not a value",
        'Write a text, number, true, false, null, a list of them or {"expression": "today() + days(7)"}.',
    )


def _number(value: int | float | Decimal, path: tuple[str | int, ...]) -> int | Decimal:
    if isinstance(value, int):
        if abs(value) >= 10**40:
            raise _wrong(path, "too_long", "the number has too many digits")
        return value
    found = value if isinstance(value, Decimal) else Decimal(repr(value))
    if not found.is_finite() or abs(found) >= Decimal(10) ** 40 or (found and abs(found.adjusted()) > 40):
        raise _wrong(path, "type", "this number cannot be used")
    return found


def _expression(text: Any, path: tuple[str | int, ...]) -> Node:
    if not isinstance(text, str):
        raise _wrong(path, "type", "an expression is a text")
    node, problems = parse(text)
    if node is None:
        raise _Wrong(problems[0].under(pointer(*path)))
    return node
