"""What the functions of the language do with Python values; arguments are never none unless the table says so."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Protocol

from xrm_core.expressions.arithmetic import MAX_TEXT, bounded_text, day_of, decimal, divide, integer, rounded, whole
from xrm_core.expressions.spans import span_of
from xrm_core.expressions.values import Duration, Money, Rate, annual, number_text
from xrm_core.kernel.dates import business_days_between, week_start
from xrm_core.kernel.text import FOLD_TABLE, fold

BLANKS = " \t\n\r\u00a0"
NOBODY = "00000000-0000-0000-0000-000000000000"
"""Who `me` is when nobody asks: an id that no record has, so that records without an owner are not his."""


class Moment(Protocol):
    """The time, the zone and the actor: what a constant expression may depend on."""

    @property
    def now(self) -> datetime: ...
    @property
    def today(self) -> date: ...
    @property
    def zone(self) -> str: ...
    @property
    def me(self) -> str | None: ...


def today(env: Moment) -> date:
    return env.today


def now(env: Moment) -> datetime:
    return env.now


def me(env: Moment) -> str:
    return env.me or NOBODY


def days(n: int) -> Duration:
    return Duration(n, "days")


def weeks(n: int) -> Duration | None:
    return None if integer(n * 7) is None else Duration(n * 7, "days")


def months(n: int) -> Duration:
    return Duration(n, "months")


def years(n: int) -> Duration | None:
    return None if integer(n * 12) is None else Duration(n * 12, "months")


def business_days(n: int) -> Duration:
    return Duration(n, "business_days")


def hours(n: int) -> Duration:
    return Duration(n, "hours")


def year(day: date) -> int:
    return day.year


def quarter(day: date) -> int:
    return (day.month + 2) // 3


def month(day: date) -> int:
    return day.month


def day(day: date) -> int:
    return day.day


def weekday(day: date) -> int:
    return day.isoweekday()


def date_of(env: Moment, at: datetime) -> date | None:
    return day_of(at, env.zone)


def days_between(start: date, end: date) -> int:
    return end.toordinal() - start.toordinal()


def months_between(start: date, end: date) -> int:
    if end < start:
        return -months_between(end, start)
    return (end.year - start.year) * 12 + end.month - start.month - (end.day < start.day)


def years_between(start: date, end: date) -> int:
    found = months_between(start, end)
    return found // 12 if found >= 0 else -(-found // 12)


def business_days_apart(start: date, end: date) -> int:
    return business_days_between(start, end)


_MICROSECOND = timedelta(microseconds=1)


def hours_between(start: datetime, end: datetime) -> Decimal | None:
    return divide((end - start) // _MICROSECOND, 3_600_000_000)


def start_of_week(day: date) -> date:
    return week_start(day)


def start_of_month(day: date) -> date:
    return day.replace(day=1)


def end_of_month(day: date) -> date:
    return day.replace(day=monthrange(day.year, day.month)[1])


def start_of_quarter(day: date) -> date:
    return date(day.year, (day.month - 1) // 3 * 3 + 1, 1)


def start_of_year(day: date) -> date:
    return date(day.year, 1, 1)


def within(env: Moment, day: date, span: str) -> bool:
    found = span_of(span, env.today)
    return found is not None and found.start <= day <= found.end


def _case_tables() -> tuple[dict[int, int], dict[int, int]]:
    # The same letters that folding knows, so that the tables stay small and the database can have them too.
    lower_case: dict[int, int] = {}
    upper_case: dict[int, int] = {}
    for code in range(0x80, 0x2000):
        character = chr(code)
        if code not in FOLD_TABLE and code not in FOLD_TABLE.values() and not 0xC0 <= code < 0x530:
            continue
        small, large = character.lower(), character.upper()
        if len(small) == 1 and small != character:
            lower_case[code] = ord(small)
        if len(large) == 1 and large != character:
            upper_case[code] = ord(large)
    for code in range(0x41, 0x5B):
        lower_case[code], upper_case[code + 32] = code + 32, code
    return lower_case, upper_case


LOWER_TABLE, UPPER_TABLE = _case_tables()


def lower(text: str) -> str:
    return text.translate(LOWER_TABLE)


def upper(text: str) -> str:
    return text.translate(UPPER_TABLE)


def trim(text: str) -> str:
    return text.strip(BLANKS)


def part_text(value: str | int | Decimal | date) -> str:
    """A part of a joined text."""
    if isinstance(value, str):
        return value
    return value.isoformat() if isinstance(value, date) else number_text(value)


def concat(*parts: Any) -> str | None:
    found = [part_text(part) for part in parts if part is not None]
    return bounded_text("".join(found)) if found else None


def replace(text: str, old: str, new: str) -> str | None:
    if not old:
        return text
    # Measured first: the result may be far longer than all arguments together.
    if len(text) + text.count(old) * (len(new) - len(old)) > MAX_TEXT:
        return None
    return text.replace(old, new)


def substring(text: str, start: int, length: int | None = None) -> str:
    begin = max(start, 1) - 1
    return text[begin:] if length is None else text[begin : begin + max(length, 0)]


def length(value: str | Sequence[Any]) -> int:
    return len(value)


def contains(value: str | list[str], part: str) -> bool:
    if isinstance(value, str):
        return fold(part) in fold(value)
    wanted = fold(part)
    return any(fold(item) == wanted for item in value if isinstance(item, str))


def starts_with(text: str, part: str) -> bool:
    return fold(text).startswith(fold(part))


def ends_with(text: str, part: str) -> bool:
    return fold(text).endswith(fold(part))


def absolute(value: int | Decimal | Money) -> int | Decimal | Money:
    # copy_abs keeps all digits; abs() would round to the context's precision.
    if isinstance(value, Money):
        return Money(value.amount.copy_abs(), value.currency)
    return abs(value) if isinstance(value, int) else value.copy_abs()


def rounding(value: int | Decimal | Money, places: int | None = None) -> int | Decimal | Money | None:
    if isinstance(value, Money):
        amount = rounded(value.amount, places or 0)
        return None if amount is None else Money(amount, value.currency)
    return whole(value, "round") if places is None else rounded(value, places)


def floor(value: int | Decimal) -> int | None:
    return whole(value, "floor")


def ceil(value: int | Decimal) -> int | None:
    return whole(value, "ceil")


def smallest(*values: Any) -> Any:
    return min((value for value in values if value is not None), default=None)


def largest(*values: Any) -> Any:
    return max((value for value in values if value is not None), default=None)


def make_money(value: int | Decimal, unit: str) -> Money:
    return Money(Decimal(value), unit)


def amount(value: Money | Rate) -> Decimal:
    return value.amount


def currency(value: Money | Rate) -> str:
    return value.currency


def annual_money(rate: Rate) -> Money | None:
    found = decimal(annual(rate))
    return None if found is None else Money(found, rate.currency)


def per(rate: Rate) -> str:
    return rate.per


def coalesce(*values: Any) -> Any:
    return next((value for value in values if not is_empty(value)), None)


def is_empty(value: Any) -> bool:
    return value is None or value == "" or value == []


def _folded(items: Sequence[Any] | None) -> set[str]:
    return {fold(item) for item in items or () if isinstance(item, str)}


def has_any(items: Sequence[str] | None, wanted: Sequence[str] | None) -> bool:
    return bool(_folded(items) & _folded(wanted))


def has_all(items: Sequence[str] | None, wanted: Sequence[str] | None) -> bool:
    return _folded(wanted) <= _folded(items)


def has_none(items: Sequence[str] | None, wanted: Sequence[str] | None) -> bool:
    return not has_any(items, wanted)
