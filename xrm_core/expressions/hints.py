"""The words of the checker: how kinds are called, and what to write instead."""

from __future__ import annotations

from xrm_core.expressions.function import Function
from xrm_core.expressions.typed import Const, Typed
from xrm_core.expressions.types import BOOLEAN, DECIMAL, INTEGER, OPEN, TEXT, Type
from xrm_core.kernel.kinds import Kind


def named(type: Type) -> str:
    """The kind with its article."""
    text = str(type)
    return f"{'an' if text[0] in 'aeio' else 'a'} {text}"


def literal_type(value: object) -> Type:
    """The type of a value written down."""
    match value:
        case None:
            return OPEN
        case bool():
            return BOOLEAN
        case int():
            return INTEGER
        case str():
            return TEXT
        case _:
            return DECIMAL


def none_as(typed: Typed, wanted: Type) -> Typed:
    """A bare none with a type."""
    return Const(None, type=wanted) if typed.type.open and isinstance(typed, Const) else typed


def amount(function: Function) -> str:
    """How many values a function takes."""
    least, most = function.least, function.most
    many = f"{least} or more" if most is None else str(least) if least == most else f"{least} to {most}"
    return f"{many} value{'' if many == '1' else 's'}" if many != "0" else "no values"


def arithmetic_hint(op: str, left: Type, right: Type) -> str:
    """What to write instead of a calculation that has no meaning."""
    kinds = {left.kind, right.kind}
    if kinds & {Kind.DATE, Kind.INSTANT} and kinds & {Kind.INTEGER, Kind.DECIMAL}:
        return "Write days(n), months(n) or business_days(n), for example start_date + days(90)."
    if Kind.TEXT in kinds and op == "+":
        return "Write concat(a, b)."
    if Kind.MONEY in kinds and kinds & {Kind.INTEGER, Kind.DECIMAL}:
        return "Write money(100, 'EUR'), or amount(...) for the number alone."
    if Kind.RATE in kinds:
        return "Use annual(...) to make it money."
    if kinds == {Kind.INSTANT}:
        return "Write hours_between(a, b) or days_between(a, b)."
    return ""


def compare_hint(left: Typed, right: Typed) -> str:
    """What to write instead of a comparison that has no meaning."""
    kinds = {left.type.kind, right.type.kind}
    if Kind.TEXT in kinds and kinds & {Kind.DATE, Kind.INSTANT}:
        return "Write dates as '2026-01-31'."
    if Kind.DURATION in kinds:
        return "Write days(n), months(n), business_days(n) or hours(n)."
    if Kind.REFERENCE in kinds:
        return "Compare a field of the linked record, for example client.name == 'Acme', or its id."
    if Kind.LIST in kinds:
        return "Write contains(list, item) or item in list."
    if Kind.RATE in kinds:
        return "Write annual(...) or amount(...)."
    return ""
