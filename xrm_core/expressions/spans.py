"""Spans of days relative to today, as `within(date, 'next_30_days')` names them; weeks begin on Monday."""

from __future__ import annotations

import re
from datetime import date, timedelta

from xrm_core.expressions.values import Span
from xrm_core.kernel.dates import add_days, add_months

_NAMED = re.compile(r"(this|next|last)_(week|month|quarter|year)")
_COUNTED = re.compile(r"(next|last)_([1-9][0-9]{0,3})_(days|weeks|months|quarters|years)")
_MONTHS = {"month": 1, "quarter": 3, "year": 12}
EXAMPLES = (
    "today",
    "yesterday",
    "tomorrow",
    "this_week",
    "next_week",
    "last_week",
    "this_month",
    "next_month",
    "last_month",
    "this_quarter",
    "next_quarter",
    "last_quarter",
    "this_year",
    "next_year",
    "last_year",
    "next_7_days",
    "next_30_days",
    "next_90_days",
    "last_7_days",
    "last_30_days",
    "last_90_days",
    "last_12_months",
)


def is_span(name: str) -> bool:
    """Whether the name says a span."""
    return span_of(name, date(2000, 1, 1)) is not None


def span_of(name: str, today: date) -> Span | None:
    """The first and last day of a span, or None when the name says none or the calendar ends.

    `next_N_days` begins today and has N + 1 days, `last_N_days` ends today: both include today, as do the spans of
    N weeks, months, quarters and years. `next_week` and the like are the whole calendar week after this one.
    """
    if name in ("today", "yesterday", "tomorrow"):
        day = add_days(today, {"today": 0, "yesterday": -1, "tomorrow": 1}[name])
        return None if day is None else Span(day, day)
    if found := _NAMED.fullmatch(name):
        return _calendar(found[2], {"this": 0, "next": 1, "last": -1}[found[1]], today)
    if found := _COUNTED.fullmatch(name):
        sign = 1 if found[1] == "next" else -1
        end = _step(today, sign * int(found[2]), found[3][:-1])
        if end is None:
            return None
        return Span(today, end) if sign == 1 else Span(end, today)
    return None


def _step(day: date, count: int, unit: str) -> date | None:
    if unit in _MONTHS:
        return add_months(day, count * _MONTHS[unit])
    return add_days(day, count * (7 if unit == "week" else 1))


def _calendar(unit: str, step: int, today: date) -> Span | None:
    if unit == "week":
        start = add_days(today - timedelta(days=today.weekday()), 7 * step)
        end = None if start is None else add_days(start, 6)
    else:
        months = _MONTHS[unit]
        first = date(today.year, (today.month - 1) // months * months + 1, 1)
        start = add_months(first, step * months)
        following = None if start is None else add_months(start, months)
        end = date.max if following is None else following - timedelta(days=1)
    return None if start is None or end is None else Span(start, end)
