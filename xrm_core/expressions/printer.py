"""From tree to text, in one canonical form that parses back into the same tree."""

from __future__ import annotations

from decimal import Decimal

from xrm_core.expressions.tree import Binary, Call, Choice, Compare, ListOf, Literal, Logic, Name, Node, Unary

# The higher, the tighter; the same order as Python's.
_CHOICE, _OR, _AND, _NOT, _COMPARE, _SUM, _PRODUCT, _SIGN, _ATOM = range(9)
_BINARY = {"+": _SUM, "-": _SUM, "*": _PRODUCT, "/": _PRODUCT}


def print_node(node: Node) -> str:
    """The canonical text of a tree."""
    return _text(node)[0]


def _text(node: Node) -> tuple[str, int]:
    match node:
        case Literal():
            return print_literal(node.value), _SIGN if _negative(node.value) else _ATOM
        case ListOf():
            return f"[{', '.join(print_node(item) for item in node.items)}]", _ATOM
        case Name():
            return node.text, _ATOM
        case Call():
            return f"{node.function}({', '.join(print_node(arg) for arg in node.args)})", _ATOM
        case Unary(op="not"):
            return f"not {_at_least(node.operand, _NOT)}", _NOT
        case Unary():
            return f"-{_at_least(node.operand, _SIGN)}", _SIGN
        case Binary():
            level = _BINARY[node.op]
            return f"{_at_least(node.left, level)} {node.op} {_at_least(node.right, level + 1)}", level
        case Compare():
            return f"{_at_least(node.left, _COMPARE + 1)} {node.op} {_at_least(node.right, _COMPARE + 1)}", _COMPARE
        case Logic():
            level = _AND if node.op == "and" else _OR
            return f" {node.op} ".join(_at_least(item, level + 1) for item in node.items), level
        case Choice():
            then, condition = _at_least(node.then, _OR), _at_least(node.condition, _OR)
            return f"{then} if {condition} else {print_node(node.otherwise)}", _CHOICE
    raise TypeError(f"{type(node).__name__} cannot be printed")


def _at_least(node: Node, level: int) -> str:
    text, own = _text(node)
    return text if own >= level else f"({text})"


def _negative(value: object) -> bool:
    return (
        isinstance(value, (int, Decimal)) and not isinstance(value, bool) and (value < 0 or str(value).startswith("-"))
    )


def print_literal(value: None | bool | int | Decimal | str) -> str:
    """A value as it is written in an expression."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, Decimal):
        text = format(value, "f")
        return text if "." in text else text + ".0"
    text = (
        value.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n").replace("\t", "\\t").replace("\r", "\\r")
    )
    return f"'{text}'"
