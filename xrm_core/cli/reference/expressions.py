"""The expression language: its functions, operators, spans and limits, from the tables that the engine itself uses."""

from __future__ import annotations

from collections import defaultdict

from xrm_core.cli.reference.pages import table
from xrm_core.expressions import FUNCTIONS, Function, Type, checker, scan, template
from xrm_core.expressions import arithmetic as sums
from xrm_core.expressions.arithmetic import OPERATIONS
from xrm_core.expressions.json_form import OPERATORS
from xrm_core.expressions.spans import EXAMPLES
from xrm_core.kernel.kinds import Kind

_COMPARED = {
    "==": "equal; none equals none",
    "!=": "not equal",
    "<": "smaller, earlier, first in the alphabet",
    "<=": "smaller or equal",
    ">": "larger",
    ">=": "larger or equal",
    "in": "one of a list: `stage in ['new', 'open']`",
    "not in": "none of a list",
}
_JOINED = {
    "not": "turns a condition round",
    "and": "both hold",
    "or": "at least one holds",
    "a if c else b": "`a` where `c` holds, else `b`",
}


def functions() -> str:
    """All functions by group."""
    groups: dict[str, list[Function]] = defaultdict(list)
    for function in FUNCTIONS.values():
        groups[function.group].append(function)
    found = []
    for group, members in groups.items():
        rows = [(f"`{one.signature}`", one.description, _result(one), f"`{one.example}`") for one in members]
        found += [f"## {group}", table(("function", "what it does", "answer", "example"), rows)]
    return "\n\n".join(found)


def _result(function: Function) -> str:
    if isinstance(function.result, Type):
        return str(function.result)
    return "depends on the arguments"


def operators() -> str:
    """Comparison and logic, what binds strongest first."""
    rows = [(f"`{op}`", words) for op, words in {**_COMPARED, **_JOINED}.items()]
    return table(("operator", "meaning"), rows)


def arithmetic() -> str:
    """What may be calculated with what."""
    found: dict[tuple[str, str], list[str]] = defaultdict(list)
    for (op, left, right), (result, _) in OPERATIONS.items():
        found[op, str(result)].append(f"`{_kind(left)} {op} {_kind(right)}`")
    order = {op: index for index, op in enumerate("*/+-")}
    rows = [
        (f"`{op}`", ", ".join(dict.fromkeys(pairs)), result)
        for (op, result), pairs in sorted(found.items(), key=lambda item: (order[item[0][0]], item[0][1]))
    ]
    return table(("operator", "takes", "answer"), rows)


def _kind(kind: Kind) -> str:
    return str(kind)


def json_operators() -> str:
    """The operators of the JSON form."""
    return ", ".join(f"`{op}`" for op in OPERATORS)


def spans() -> str:
    """Names of spans."""
    return ", ".join(f"`{name}`" for name in EXAMPLES)


def limits() -> str:
    """What bounds an expression."""
    rows = [
        ("characters of an expression", scan.MAX_LENGTH),
        ("levels of nesting", scan.MAX_DEPTH),
        ("parts (nodes of the tree)", scan.MAX_NODES),
        ("parts of a dotted path", scan.MAX_PATH),
        ("digits of a number", scan.MAX_DIGITS),
        ("questions about linked records inside one another", checker.MAX_NESTED_LINKS),
        ("characters of a computed text", sums.MAX_TEXT),
        ("decimal places of a product", sums.PLACES),
        ("decimal places of a quotient", sums.QUOTIENT_PLACES),
        ("characters of a title", template.MAX_TITLE),
    ]
    return table(("limit", "value"), [(name, f"{value:,}") for name, value in rows])
