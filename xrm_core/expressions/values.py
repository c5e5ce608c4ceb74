"""The Python values that expressions work with, and the way from and to their stored JSON form."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple

from xrm_core.kernel.kinds import Kind

UNITS = ("days", "business_days", "months", "hours")
PERIODS = {"hour": 2080, "day": 260, "week": 52, "month": 12, "year": 1}
"""How often a year has each period of a rate: 52 weeks of five days of eight hours."""

# How many days a unit is when durations are compared; a month is a twelfth of the mean Gregorian year.
_DAYS = {"days": Decimal(1), "business_days": Decimal("1.4"), "months": Decimal("30.436875")}


class Duration(NamedTuple):
    """A length of time in one unit: days, business_days, months or hours."""

    value: int | Decimal
    unit: str


class Money(NamedTuple):
    """An exact amount in an ISO currency."""

    amount: Decimal
    currency: str


class Rate(NamedTuple):
    """Money per hour, day, week, month or year."""

    amount: Decimal
    currency: str
    per: str


class Span(NamedTuple):
    """Two days, both included."""

    start: date
    end: date


def hours(duration: Duration) -> Decimal:
    """How long a duration is for comparing and sorting, in hours, so that every unit comes out exact."""
    value = Decimal(duration.value)
    return value if duration.unit == "hours" else value * _DAYS[duration.unit] * 24


def approximate_days(duration: Duration) -> Decimal:
    """The same in days, as a promoted column keeps it; rounded to 6 places."""
    return round(hours(duration) / 24, 6)


def annual(rate: Rate) -> Decimal:
    """The amount of a rate over a year."""
    return rate.amount * PERIODS[rate.per]


_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_INSTANT = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[T ]([0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?)"
    r"(Z|[+-][0-9]{2}:[0-9]{2})?"
)


def read_date(text: str) -> date | None:
    """The day written as YYYY-MM-DD, or None."""
    if _DATE.fullmatch(text) is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def read_instant(text: str) -> datetime | None:
    """The instant written in ISO 8601 (UTC where no offset is given), or None."""
    found = _INSTANT.fullmatch(text)
    if found is None:
        return None
    day, time, offset = found.groups()
    try:
        return datetime.fromisoformat(f"{day}T{time}{'+00:00' if offset in (None, 'Z') else offset}").astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def number_text(value: int | Decimal) -> str:
    """A number in its shortest exact form: no exponent, no zeros at the end."""
    if isinstance(value, int):
        return str(value)
    text = format(value, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def from_json(kind: Kind, value: Any) -> Any:
    """The Python value of a stored JSON value; empty texts and lists are None, and so is what is not of the kind."""
    if value is None or value == "" or value == []:
        return None
    try:
        return _READERS[kind](value)
    except (KeyError, TypeError, ValueError, AttributeError, InvalidOperation):
        return None


def to_json(kind: Kind, value: Any) -> Any:
    """The stored JSON form of a Python value."""
    if value is None or value == "" or value == []:
        return None
    return _WRITERS[kind](value)


def _read_text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _read_integer(value: Any) -> int:
    if isinstance(value, bool):
        raise TypeError
    return int(value)


def _read_decimal(value: Any) -> Decimal:
    if isinstance(value, bool):
        raise TypeError
    found = Decimal(repr(value) if isinstance(value, float) else value)
    if not found.is_finite():
        raise ValueError
    return found


def _read_boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError
    return value


def _read_date(value: Any) -> date | None:
    if type(value) is date:
        return value
    return read_date(value)


def _read_instant(value: Any) -> datetime | None:
    if isinstance(value, datetime):
        return value.astimezone(UTC)
    return read_instant(value)


def _read_duration(value: Any) -> Duration:
    number = _read_decimal(value["value"])
    if value["unit"] not in UNITS:
        raise ValueError
    return Duration(int(number) if number == int(number) else number, value["unit"])


def _read_money(value: Any) -> Money:
    return Money(_read_decimal(value["amount"]), _read_text(value["currency"]))


def _read_rate(value: Any) -> Rate:
    if value["per"] not in PERIODS:
        raise ValueError
    return Rate(_read_decimal(value["amount"]), _read_text(value["currency"]), value["per"])


def _read_list(value: Any) -> list[Any]:
    if not isinstance(value, (list, tuple)):
        raise TypeError
    return list(value)


def _read_reference(value: Any) -> str:
    return str(value["id"]) if isinstance(value, dict) else str(value)


_READERS: dict[Kind, Callable[[Any], Any]] = {
    Kind.TEXT: _read_text,
    Kind.INTEGER: _read_integer,
    Kind.DECIMAL: _read_decimal,
    Kind.BOOLEAN: _read_boolean,
    Kind.DATE: _read_date,
    Kind.INSTANT: _read_instant,
    Kind.DURATION: _read_duration,
    Kind.MONEY: _read_money,
    Kind.RATE: _read_rate,
    Kind.LIST: _read_list,
    Kind.REFERENCE: _read_reference,
    Kind.OBJECT: lambda value: value,
}


def _plain(value: Any) -> str:
    # Keeps the digits that were stored ("12.50"), never an exponent.
    return format(value, "f") if isinstance(value, Decimal) else str(value)


def _write_instant(value: datetime) -> str:
    at = value.astimezone(UTC)
    # Written by hand: isoformat leaves the fraction out where it is zero, and the stored form has one fixed width.
    day = f"{at.year:04d}-{at.month:02d}-{at.day:02d}"
    return f"{day}T{at.hour:02d}:{at.minute:02d}:{at.second:02d}.{at.microsecond:06d}Z"


def _write_duration(value: Duration) -> dict[str, Any]:
    number = int(value.value) if value.value == int(value.value) else _plain(value.value)
    return {"value": number, "unit": value.unit}


_WRITERS: dict[Kind, Callable[[Any], Any]] = {
    Kind.TEXT: str,
    Kind.INTEGER: int,
    Kind.DECIMAL: _plain,
    Kind.BOOLEAN: bool,
    Kind.DATE: date.isoformat,
    Kind.INSTANT: _write_instant,
    Kind.DURATION: _write_duration,
    Kind.MONEY: lambda value: {"amount": _plain(value.amount), "currency": value.currency},
    Kind.RATE: lambda value: {"amount": _plain(value.amount), "currency": value.currency, "per": value.per},
    Kind.LIST: list,
    Kind.REFERENCE: str,
    Kind.OBJECT: lambda value: value,
}
