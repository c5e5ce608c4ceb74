"""Calendar arithmetic that never raises: business days, months; SQL functions of schema `xrm` are its twins."""

from __future__ import annotations

from calendar import monthrange
from datetime import date, timedelta

_LAST = date.max.toordinal()


def add_days(day: date, count: int) -> date | None:
    """`count` days later (earlier if negative); None outside the years 1 to 9999."""
    ordinal = day.toordinal() + count
    return date.fromordinal(ordinal) if 1 <= ordinal <= _LAST else None


def add_months(day: date, count: int) -> date | None:
    """The same day `count` months later, or that month's last day; None outside the years 1 to 9999."""
    year, month = divmod(day.year * 12 + day.month - 1 + count, 12)
    if not 1 <= year <= 9999:
        return None
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def add_business_days(day: date, count: int) -> date | None:
    """The `count`-th day from Monday to Friday after `day` (before it if negative); 0 is `day` itself."""
    if count == 0:
        return day
    weekday = day.weekday()
    monday = day.toordinal() - weekday
    if weekday > 4:  # a weekend counts as the Friday before, or going back as the Monday after
        weekday = 4 if count > 0 else 5
    weeks, rest = divmod(weekday + count, 5)
    ordinal = monday + weeks * 7 + rest
    return date.fromordinal(ordinal) if 1 <= ordinal <= _LAST else None


def _business_days_until(ordinal: int) -> int:
    weeks, rest = divmod(ordinal - 1, 7)  # 0001-01-01 is a Monday
    return weeks * 5 + min(rest + 1, 5)


def business_days_between(start: date, end: date) -> int:
    """How many business days lead from `start` to `end`; negative when `end` is earlier."""
    back = 1 if end < start else 0
    return _business_days_until(end.toordinal() - back) - _business_days_until(start.toordinal() - back)


def month_start(day: date) -> date:
    """The first day of its month."""
    return day.replace(day=1)


def week_start(day: date) -> date:
    """The Monday of its week (in the first week of year 1 that is 0001-01-01)."""
    return day - timedelta(days=day.weekday())
