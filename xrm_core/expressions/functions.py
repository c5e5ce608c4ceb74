"""The one table of functions: name, parameters, result, what it does in Python, one sentence and an example."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from xrm_core.expressions import library as lib
from xrm_core.expressions.types import (
    BOOLEAN,
    DATE,
    DECIMAL,
    DURATION,
    INSTANT,
    INTEGER,
    MONEY,
    OPEN,
    REFERENCE,
    TEXT,
    Type,
    common,
)
from xrm_core.kernel.kinds import Kind

_NUMBER = (Kind.INTEGER, Kind.DECIMAL)
_MONEYED = (Kind.MONEY, Kind.RATE)
_ANY = tuple(Kind)


@dataclass(frozen=True, slots=True)
class Param:
    """One parameter: its name and the kinds it takes."""

    name: str
    kinds: tuple[Kind, ...]
    optional: bool = False

    def __str__(self) -> str:
        kinds = (
            "any"
            if self.kinds == _ANY
            else " or ".join(
                "number" if k is Kind.DECIMAL else k.value
                for k in self.kinds
                if not (k is Kind.INTEGER and Kind.DECIMAL in self.kinds)
            )
        )
        return f"{self.name}: {kinds}" + (" (optional)" if self.optional else "")


@dataclass(frozen=True, slots=True)
class Function:
    """A function of the language."""

    name: str
    group: str
    params: tuple[Param, ...]
    result: Type | Callable[[Sequence[Type]], Type | None]
    call: Callable[..., Any] | None
    """None for functions that the checker turns into something else."""
    description: str
    example: str
    variadic: bool = False
    """The last parameter may be repeated."""
    env: bool = False
    """The call takes the environment first (for the time, the zone and the actor)."""
    strict: bool = True
    """An argument that is none makes the answer `if_none` without a call."""
    if_none: Any = None
    constant: bool = False
    """Written without brackets."""

    @property
    def signature(self) -> str:
        if self.constant:
            return self.name
        shown = ", ".join(map(str, self.params)) + (", ..." if self.variadic else "")
        return f"{self.name}({shown})"

    @property
    def least(self) -> int:
        return sum(1 for param in self.params if not param.optional)

    @property
    def most(self) -> int | None:
        return None if self.variadic else len(self.params)

    def param(self, index: int) -> Param:
        return self.params[min(index, len(self.params) - 1)]


def _p(name: str, *kinds: Kind, optional: bool = False) -> Param:
    return Param(name, kinds, optional)


def _first(types: Sequence[Type]) -> Type | None:
    return types[0]


def _common(types: Sequence[Type]) -> Type | None:
    found: Type | None = OPEN
    for one in types:
        found = None if found is None else common(found, one)
    return found


def _rounded(types: Sequence[Type]) -> Type | None:
    if types[0].kind is Kind.MONEY:
        return MONEY
    return INTEGER if len(types) == 1 else DECIMAL


_DATE = _p("date", Kind.DATE)
_TEXT = _p("text", Kind.TEXT)
_LINK = Param("link", _ANY)
_CONDITION = Param("condition", (Kind.BOOLEAN,), optional=True)

_TABLE: tuple[Function, ...] = (
    # time
    Function(
        "today",
        "Time",
        (),
        DATE,
        lib.today,
        "The current day in the workspace's time zone.",
        "due_date < today()",
        env=True,
    ),
    Function("now", "Time", (), INSTANT, lib.now, "The current instant.", "created_at > now() - hours(24)", env=True),
    Function(
        "days", "Time", (_p("n", Kind.INTEGER),), DURATION, lib.days, "A duration of n days.", "start_date + days(90)"
    ),
    Function(
        "weeks",
        "Time",
        (_p("n", Kind.INTEGER),),
        DURATION,
        lib.weeks,
        "A duration of n weeks, in days.",
        "today() + weeks(2)",
    ),
    Function(
        "months",
        "Time",
        (_p("n", Kind.INTEGER),),
        DURATION,
        lib.months,
        "A duration of n calendar months.",
        "start_date + months(6)",
    ),
    Function(
        "years",
        "Time",
        (_p("n", Kind.INTEGER),),
        DURATION,
        lib.years,
        "A duration of n years, in months.",
        "birthday + years(18)",
    ),
    Function(
        "business_days",
        "Time",
        (_p("n", Kind.INTEGER),),
        DURATION,
        lib.business_days,
        "A duration of n days from Monday to Friday.",
        "today() + business_days(5)",
    ),
    Function(
        "hours",
        "Time",
        (_p("n", Kind.INTEGER),),
        DURATION,
        lib.hours,
        "A duration of n hours, for instants.",
        "updated_at + hours(48)",
    ),
    Function("year", "Time", (_DATE,), INTEGER, lib.year, "The year of a date.", "year(start_date) == 2026"),
    Function(
        "quarter", "Time", (_DATE,), INTEGER, lib.quarter, "The quarter of a date, 1 to 4.", "quarter(start_date)"
    ),
    Function("month", "Time", (_DATE,), INTEGER, lib.month, "The month of a date, 1 to 12.", "month(start_date) == 12"),
    Function("day", "Time", (_DATE,), INTEGER, lib.day, "The day of the month of a date.", "day(start_date) == 1"),
    Function(
        "weekday",
        "Time",
        (_DATE,),
        INTEGER,
        lib.weekday,
        "The day of the week of a date: Monday is 1, Sunday is 7.",
        "weekday(today()) < 6",
    ),
    Function(
        "date_of",
        "Time",
        (_p("instant", Kind.INSTANT),),
        DATE,
        lib.date_of,
        "The calendar day of an instant in the workspace's time zone.",
        "date_of(created_at) == today()",
        env=True,
    ),
    Function(
        "days_between",
        "Time",
        (_p("start", Kind.DATE), _p("end", Kind.DATE)),
        INTEGER,
        lib.days_between,
        "How many days lead from start to end; negative when end is earlier.",
        "days_between(created_at, today()) > 30",
    ),
    Function(
        "months_between",
        "Time",
        (_p("start", Kind.DATE), _p("end", Kind.DATE)),
        INTEGER,
        lib.months_between,
        "How many whole months lead from start to end.",
        "months_between(start_date, end_date)",
    ),
    Function(
        "years_between",
        "Time",
        (_p("start", Kind.DATE), _p("end", Kind.DATE)),
        INTEGER,
        lib.years_between,
        "How many whole years lead from start to end, such as an age.",
        "years_between(birthday, today())",
    ),
    Function(
        "business_days_between",
        "Time",
        (_p("start", Kind.DATE), _p("end", Kind.DATE)),
        INTEGER,
        lib.business_days_apart,
        "How many days from Monday to Friday lead from start to end.",
        "business_days_between(opened_on, closed_on)",
    ),
    Function(
        "hours_between",
        "Time",
        (_p("start", Kind.INSTANT), _p("end", Kind.INSTANT)),
        DECIMAL,
        lib.hours_between,
        "How many hours lead from one instant to another, with decimals.",
        "hours_between(created_at, now()) > 24",
    ),
    Function(
        "start_of_week",
        "Time",
        (_DATE,),
        DATE,
        lib.start_of_week,
        "The Monday of the week of a date.",
        "start_of_week(today())",
    ),
    Function(
        "start_of_month",
        "Time",
        (_DATE,),
        DATE,
        lib.start_of_month,
        "The first day of the month of a date.",
        "start_of_month(start_date)",
    ),
    Function(
        "end_of_month",
        "Time",
        (_DATE,),
        DATE,
        lib.end_of_month,
        "The last day of the month of a date.",
        "end_of_month(start_date)",
    ),
    Function(
        "start_of_quarter",
        "Time",
        (_DATE,),
        DATE,
        lib.start_of_quarter,
        "The first day of the quarter of a date.",
        "start_of_quarter(today())",
    ),
    Function(
        "start_of_year",
        "Time",
        (_DATE,),
        DATE,
        lib.start_of_year,
        "The first day of the year of a date.",
        "start_of_year(today())",
    ),
    Function(
        "add",
        "Time",
        (_p("date", Kind.DATE, Kind.INSTANT), _p("duration", Kind.DURATION)),
        _first,
        None,
        "A date or instant later by a duration; the same as +.",
        "add(start_date, months(3))",
    ),
    Function(
        "within",
        "Time",
        (_p("date", Kind.DATE), _p("span", Kind.TEXT)),
        BOOLEAN,
        lib.within,
        "Whether a date lies in a span relative to today, such as 'this_week' or 'next_30_days'.",
        "within(start_date, 'next_30_days')",
        env=True,
        if_none=False,
    ),
    # text
    Function("lower", "Text", (_TEXT,), TEXT, lib.lower, "The text in small letters.", "lower(name)"),
    Function("upper", "Text", (_TEXT,), TEXT, lib.upper, "The text in capital letters.", "upper(code)"),
    Function("trim", "Text", (_TEXT,), TEXT, lib.trim, "The text without blanks at its ends.", "trim(name)"),
    Function(
        "concat",
        "Text",
        (_p("part", Kind.TEXT, Kind.INTEGER, Kind.DECIMAL, Kind.DATE),),
        TEXT,
        lib.concat,
        "All parts joined to one text; empty parts are left out.",
        "concat(code, '-', year(today()))",
        variadic=True,
        strict=False,
    ),
    Function(
        "replace",
        "Text",
        (_TEXT, _p("old", Kind.TEXT), _p("new", Kind.TEXT)),
        TEXT,
        lib.replace,
        "The text with every old part replaced by a new one.",
        "replace(code, '-', '/')",
    ),
    Function(
        "substring",
        "Text",
        (_TEXT, _p("start", Kind.INTEGER), _p("length", Kind.INTEGER, optional=True)),
        TEXT,
        lib.substring,
        "A part of the text; its first character is number 1.",
        "substring(code, 1, 3)",
    ),
    Function(
        "len",
        "Text",
        (_p("value", Kind.TEXT, Kind.LIST),),
        INTEGER,
        lib.length,
        "How many characters a text or how many items a list has.",
        "len(summary) > 200",
    ),
    Function(
        "contains",
        "Text",
        (_p("text", Kind.TEXT, Kind.LIST), _p("part", Kind.TEXT, Kind.REFERENCE)),
        BOOLEAN,
        lib.contains,
        "Whether a text contains another (without regard to case and accents), or a list an item.",
        "contains(name, 'acme')",
        if_none=False,
    ),
    Function(
        "starts_with",
        "Text",
        (_TEXT, _p("part", Kind.TEXT)),
        BOOLEAN,
        lib.starts_with,
        "Whether a text begins with another.",
        "starts_with(name, 'acme')",
        if_none=False,
    ),
    Function(
        "ends_with",
        "Text",
        (_TEXT, _p("part", Kind.TEXT)),
        BOOLEAN,
        lib.ends_with,
        "Whether a text ends with another.",
        "ends_with(email, '.org')",
        if_none=False,
    ),
    # numbers and money
    Function(
        "abs",
        "Numbers",
        (_p("number", *_NUMBER, Kind.MONEY),),
        _first,
        lib.absolute,
        "The number without its sign.",
        "abs(balance)",
    ),
    Function(
        "round",
        "Numbers",
        (_p("number", *_NUMBER, Kind.MONEY), _p("places", Kind.INTEGER, optional=True)),
        _rounded,
        lib.rounding,
        "The number rounded half away from zero, to places after the point (0 if left out).",
        "round(price, 2)",
    ),
    Function(
        "floor",
        "Numbers",
        (_p("number", *_NUMBER),),
        INTEGER,
        lib.floor,
        "The largest integer that is not larger.",
        "floor(hours_worked)",
    ),
    Function(
        "ceil",
        "Numbers",
        (_p("number", *_NUMBER),),
        INTEGER,
        lib.ceil,
        "The smallest integer that is not smaller.",
        "ceil(hours_worked)",
    ),
    Function(
        "min",
        "Numbers",
        (_p("value", *_NUMBER, Kind.DATE, Kind.INSTANT),),
        _common,
        lib.smallest,
        "The smallest or earliest of the values; empty ones are left out.",
        "min(start_date, today())",
        variadic=True,
        strict=False,
    ),
    Function(
        "max",
        "Numbers",
        (_p("value", *_NUMBER, Kind.DATE, Kind.INSTANT),),
        _common,
        lib.largest,
        "The largest or latest of the values; empty ones are left out.",
        "max(quantity, 1)",
        variadic=True,
        strict=False,
    ),
    Function(
        "money",
        "Numbers",
        (_p("amount", *_NUMBER), _p("currency", Kind.TEXT)),
        MONEY,
        lib.make_money,
        "An amount in an ISO currency.",
        "price > money(1000, 'EUR')",
    ),
    Function(
        "amount",
        "Numbers",
        (_p("money", *_MONEYED),),
        DECIMAL,
        lib.amount,
        "The number of a money amount or rate.",
        "amount(price)",
    ),
    Function(
        "currency",
        "Numbers",
        (_p("money", *_MONEYED),),
        TEXT,
        lib.currency,
        "The ISO currency of a money amount or rate.",
        "currency(price) == 'EUR'",
    ),
    Function(
        "annual",
        "Numbers",
        (_p("rate", Kind.RATE),),
        MONEY,
        lib.annual_money,
        "What a rate comes to in a year of 2,080 hours, 260 days, 52 weeks or 12 months.",
        "annual(pay_rate) > money(60000, 'EUR')",
    ),
    Function(
        "per",
        "Numbers",
        (_p("rate", Kind.RATE),),
        TEXT,
        lib.per,
        "The period of a rate: hour, day, week, month or year.",
        "per(pay_rate) == 'hour'",
    ),
    # values and lists
    Function("me", "Values", (), REFERENCE, lib.me, "The user who is asking.", "owner == me", env=True, constant=True),
    Function(
        "coalesce",
        "Values",
        (Param("value", _ANY),),
        _common,
        lib.coalesce,
        "The first value that is not empty.",
        "coalesce(mobile, phone)",
        variadic=True,
        strict=False,
    ),
    Function(
        "is_empty",
        "Values",
        (Param("value", _ANY),),
        BOOLEAN,
        lib.is_empty,
        "Whether there is no value (for a link to many: no record).",
        "is_empty(email)",
        strict=False,
    ),
    Function(
        "is_not_empty",
        "Values",
        (Param("value", _ANY),),
        BOOLEAN,
        None,
        "Whether there is a value.",
        "is_not_empty(phone)",
        strict=False,
    ),
    Function(
        "between",
        "Values",
        (Param("value", _ANY), Param("low", _ANY), Param("high", _ANY)),
        BOOLEAN,
        None,
        "Whether a value lies between two others, both included.",
        "between(start_date, '2026-01-01', '2026-03-31')",
        strict=False,
    ),
    Function(
        "has_any",
        "Values",
        (_p("list", Kind.LIST), _p("items", Kind.LIST)),
        BOOLEAN,
        lib.has_any,
        "Whether a list has at least one of the items.",
        "has_any(skills, ['python', 'go'])",
        strict=False,
    ),
    Function(
        "has_all",
        "Values",
        (_p("list", Kind.LIST), _p("items", Kind.LIST)),
        BOOLEAN,
        lib.has_all,
        "Whether a list has all of the items.",
        "has_all(skills, ['python', 'go'])",
        strict=False,
    ),
    Function(
        "has_none",
        "Values",
        (_p("list", Kind.LIST), _p("items", Kind.LIST)),
        BOOLEAN,
        lib.has_none,
        "Whether a list has none of the items.",
        "has_none(skills, ['cobol'])",
        strict=False,
    ),
    # records behind links
    Function(
        "any",
        "Links",
        (_LINK, _CONDITION),
        BOOLEAN,
        None,
        "Whether at least one linked record meets the condition.",
        "any(tasks, status == 'open')",
    ),
    Function(
        "none",
        "Links",
        (_LINK, _CONDITION),
        BOOLEAN,
        None,
        "Whether no linked record meets the condition.",
        "none(tasks, due_date < today())",
    ),
    Function(
        "all",
        "Links",
        (_LINK, Param("condition", (Kind.BOOLEAN,))),
        BOOLEAN,
        None,
        "Whether every linked record meets the condition; true when there is none.",
        "all(tasks, status == 'done')",
    ),
    Function(
        "count",
        "Links",
        (_LINK, _CONDITION),
        INTEGER,
        None,
        "How many linked records meet the condition.",
        "count(tasks, status == 'open') > 3",
    ),
    Function(
        "sum",
        "Links",
        (_LINK, _p("value", *_NUMBER, Kind.MONEY), _CONDITION),
        OPEN,
        None,
        "The sum of a value over linked records; none for money of several currencies.",
        "sum(invoices, amount, status != 'void')",
    ),
)

FUNCTIONS: dict[str, Function] = {function.name: function for function in _TABLE}
OVER_LINKS = frozenset(function.name for function in _TABLE if function.group == "Links")
REWRITTEN = frozenset({"add", "is_not_empty", "between"}) | OVER_LINKS
"""Functions that the checker turns into other nodes: they need no implementation of their own."""
