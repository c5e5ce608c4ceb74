"""What no record is needed for becomes parameters: computed at once, or at execution where time or actor matter."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

from xrm_core.expressions import compile as compile_python
from xrm_core.expressions.arithmetic import day_begins
from xrm_core.expressions.evaluate import Now, Values, asks_moment
from xrm_core.expressions.functions import FUNCTIONS
from xrm_core.expressions.library import Moment
from xrm_core.expressions.typed import Apply, Arithmetic, Chosen, Const, OneOf, Typed
from xrm_core.expressions.types import DATE
from xrm_core.kernel.kinds import Kind
from xrm_core.kernel.text import fold
from xrm_core.storage.sql.values import SQL_TYPES, Bind, Sql, Term, as_parameter


def evaluated(node: Typed) -> Callable[[Moment], Any]:
    """The function that computes a constant expression at a moment."""
    compiled = compile_python(node)
    return lambda moment: compiled(Values({}, moment))


def bind(node: Typed, compute: Callable[[Moment], Any], type: str) -> Sql:
    """A parameter: its value at once where it is the same at any time, else computed at every execution."""
    known = not _asks(node)
    return Sql(f"%s::{type}", (compute(Now()) if known else Bind(compute),))


def _asks(node: Typed) -> bool:
    # An instant's day and a day's first instant depend on the zone, which is only known at execution.
    return asks_moment(node) or node.type == DATE or isinstance(node, OneOf) and any(_asks(item) for item in node.items)


def constant(node: Typed) -> Term:
    """A value that no record is needed for, as parameters."""
    kind = node.type.kind
    if kind is None:
        return Term(Kind.TEXT, Sql("null::text"), constant=True)
    value = evaluated(node)
    varies = asks_moment(node)
    fixed = None if varies else value(Now())
    nullable = not _never_none(node) if varies else fixed is None

    def part(compute: Callable[[Any], Any], type: str) -> Sql:
        def found(moment: Moment) -> Any:
            known = value(moment)
            return None if known is None else as_parameter(kind, compute(known))

        return Sql(f"%s::{type}", (Bind(found) if varies else found(Now()),))

    type = SQL_TYPES[kind]
    if kind is Kind.DURATION:
        return Term(
            kind, part(lambda v: v.value, type), part(lambda v: v.unit, "text"), nullable=nullable, constant=True
        )
    if kind in (Kind.MONEY, Kind.RATE):
        per = part(lambda v: v.per, "text") if kind is Kind.RATE else None
        return Term(
            kind,
            part(lambda v: v.amount, type),
            part(lambda v: v.currency, "text"),
            per,
            nullable=nullable,
            constant=True,
        )
    folded: Sql | None = None
    if kind is Kind.TEXT:
        folded = part(folded_text, type)
    elif kind is Kind.LIST:
        folded = part(lambda v: [folded_text(item) for item in v if item is not None], type)
    return Term(kind, part(lambda v: v, type), folded=folded, nullable=nullable, constant=True)


def _never_none(node: Typed) -> bool:
    """Whether a value that depends on the moment is there at any moment people live in."""
    match node:
        case Const():
            return node.value is not None
        case Apply():
            function = FUNCTIONS[node.function]
            sure = function.group == "Time" or function.constant
            return sure and all(_never_none(arg) for arg in node.args)
        case Arithmetic():
            return node.type.kind in (Kind.DATE, Kind.INSTANT) and _never_none(node.left) and _never_none(node.right)
    return node.type.kind is Kind.BOOLEAN and not isinstance(node, Chosen)


def folded_text(text: str | None) -> Any:
    """The text as it is compared."""
    return None if text is None else fold(text)


def first_instant(day: date | None, moment: Moment) -> datetime | str | None:
    """The first instant of a day in the moment's zone."""
    if day is None:
        return None
    return day_begins(day, moment.zone) or ("-infinity" if day.year == 1 else "infinity")


def end_instant(day: date | None, moment: Moment) -> datetime | str | None:
    """The first instant after a day in the moment's zone."""
    if day is None:
        return None
    return "infinity" if day == date.max else first_instant(day + timedelta(days=1), moment)


def successor(text: str | None) -> str | None:
    """The first text behind all that begin with `text`; None where there is no such text."""
    while text:
        code = ord(text[-1]) + 1
        if code <= 0x10FFFF:
            return text[:-1] + chr(0xE000 if 0xD800 <= code <= 0xDFFF else code)
        text = text[:-1]
    return None


def like_pattern(text: str | None, before: str, after: str) -> str | None:
    """The pattern of LIKE for texts that contain or end with `text`."""
    if text is None:
        return None
    escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"{before}{escaped}{after}"
