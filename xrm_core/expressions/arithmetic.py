"""Arithmetic and comparison of Python values: exact, bounded, and none where an operation has no answer."""

from __future__ import annotations

import operator
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Context, Decimal, localcontext
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from xrm_core.expressions.values import Duration, Money, Rate, annual, hours
from xrm_core.kernel.dates import add_business_days, add_days, add_months
from xrm_core.kernel.kinds import Kind
from xrm_core.kernel.text import fold

# Bounds of what an expression may compute; beyond them the answer is none. Stored values may be anything.
MAX_TEXT = 100_000
INTEGER_LIMIT = 10**15
DECIMAL_LIMIT = Decimal(10) ** 30
PLACES = 20
"""Products are exact up to this many decimal places, and rounded half away from zero beyond."""
QUOTIENT_PLACES = 12
MAX_STEP = 4_000_000
"""The longest duration that can be added to a date, in its unit."""

EXACT = Context(prec=200, rounding=ROUND_HALF_UP, Emin=-999_999, Emax=999_999)
_QUOTIENT = Decimal(1).scaleb(-QUOTIENT_PLACES)
_LAST = Decimal(1).scaleb(-PLACES)
Operation = Callable[[Any, Any], Any]


def integer(value: int) -> int | None:
    """The integer if it is within bounds."""
    return value if -INTEGER_LIMIT < value < INTEGER_LIMIT else None


def decimal(value: Decimal) -> Decimal | None:
    """The decimal within bounds, with at most `PLACES` places."""
    if not -DECIMAL_LIMIT < value < DECIMAL_LIMIT:
        return None
    exponent = value.as_tuple().exponent
    return value.quantize(_LAST, context=EXACT) if isinstance(exponent, int) and exponent < -PLACES else value


def bounded_text(value: str) -> str | None:
    """The text if it is not too long."""
    return value if len(value) <= MAX_TEXT else None


def divide(left: int | Decimal, right: int | Decimal) -> Decimal | None:
    """The quotient rounded half away from zero to 12 places; none for a division by zero."""
    if not right:
        return None
    found = EXACT.divide(Decimal(left), Decimal(right))
    return found.quantize(_QUOTIENT, context=EXACT) if -DECIMAL_LIMIT < found < DECIMAL_LIMIT else None


def rounded(value: int | Decimal, places: int = 0) -> Decimal | None:
    """Rounded half away from zero."""
    places = min(max(places, 0), PLACES)
    if not -DECIMAL_LIMIT < value < DECIMAL_LIMIT:
        return None
    return decimal(Decimal(value).quantize(Decimal(1).scaleb(-places), context=EXACT))


def whole(value: int | Decimal, how: str) -> int | None:
    """Rounded to an integer: `floor`, `ceil` or `round`."""
    if isinstance(value, int):
        return integer(value)
    mode = {"floor": ROUND_FLOOR, "ceil": ROUND_CEILING, "round": ROUND_HALF_UP}[how]
    if abs(value) >= DECIMAL_LIMIT:
        return None
    with localcontext(EXACT):
        return integer(int(value.to_integral_value(rounding=mode)))


@lru_cache(maxsize=64)
def zone_of(name: str) -> ZoneInfo:
    """The time zone of an IANA name."""
    return ZoneInfo(name)


def day_of(instant: datetime, zone: str) -> date | None:
    """The calendar day of an instant in a time zone."""
    try:
        return instant.astimezone(zone_of(zone)).date()
    except OverflowError:
        return None


def day_begins(day: date, zone: str) -> datetime | None:
    """The first instant of a calendar day in a time zone."""
    try:
        start = datetime(day.year, day.month, day.day, tzinfo=zone_of(zone)).astimezone(UTC)
        # Where clocks skip midnight the wall time 00:00 does not exist; the day begins at the jump.
        return start if day_of(start, zone) == day else start + timedelta(hours=1)
    except OverflowError:
        return None


def move_date(day: date, by: Duration, sign: int = 1) -> date | None:
    """A date later or earlier by a duration; hours do not move a date."""
    if not -MAX_STEP <= by.value <= MAX_STEP:
        return None
    steps = int(by.value) * sign
    match by.unit:
        case "days":
            return add_days(day, steps)
        case "months":
            return add_months(day, steps)
        case "business_days":
            return add_business_days(day, steps)
        case _:
            return None


def move_instant(at: datetime, by: Duration, sign: int = 1) -> datetime | None:
    """An instant later or earlier by a duration, counted in UTC."""
    if by.unit != "hours":
        day = move_date(at.date(), by, sign)
        return None if day is None else datetime.combine(day, at.timetz())
    if not -MAX_STEP // 2 <= by.value <= MAX_STEP // 2:
        return None
    try:
        return at + timedelta(microseconds=sign * int(by.value * 3_600_000_000))
    except OverflowError:
        return None


def _add_integers(left: int, right: int) -> int | None:
    return integer(left + right)


def _subtract_integers(left: int, right: int) -> int | None:
    return integer(left - right)


def _multiply_integers(left: int, right: int) -> int | None:
    return integer(left * right)


def add_numbers(left: int | Decimal, right: int | Decimal) -> Decimal | None:
    """The exact sum."""
    return decimal(EXACT.add(Decimal(left), Decimal(right)))


def _subtract_numbers(left: int | Decimal, right: int | Decimal) -> Decimal | None:
    return decimal(EXACT.subtract(Decimal(left), Decimal(right)))


def multiply(left: int | Decimal, right: int | Decimal) -> Decimal | None:
    """The product, exact up to `PLACES` decimal places."""
    return decimal(EXACT.multiply(Decimal(left), Decimal(right)))


def _add_durations(left: Duration, right: Duration, sign: int = 1) -> Duration | None:
    if left.unit != right.unit:
        return None
    value = add_numbers(left.value, sign * right.value)
    return None if value is None else duration(value, left.unit)


def duration(value: int | Decimal, unit: str) -> Duration:
    """A duration whose value is an integer where it can be."""
    return Duration(int(value) if value == int(value) else value, unit)


def _scale_duration(left: Duration, right: int) -> Duration | None:
    value = multiply(left.value, right)
    return None if value is None else duration(value, left.unit)


def money(amount: Decimal | None, currency: str) -> Money | None:
    """Money, unless there is no amount."""
    return None if amount is None else Money(amount, currency)


def _add_money(left: Money, right: Money) -> Money | None:
    return money(add_numbers(left.amount, right.amount), left.currency) if left.currency == right.currency else None


def _subtract_money(left: Money, right: Money) -> Money | None:
    return (
        money(_subtract_numbers(left.amount, right.amount), left.currency) if left.currency == right.currency else None
    )


def _scale_rate(left: Rate, amount: Decimal | None) -> Rate | None:
    return None if amount is None else Rate(amount, left.currency, left.per)


def _days_apart(left: date, right: date) -> Duration:
    return Duration(left.toordinal() - right.toordinal(), "days")


def _swap(operation: Operation) -> Operation:
    return lambda left, right: operation(right, left)


def _money_by(left: Money, right: int | Decimal) -> Money | None:
    return money(multiply(left.amount, right), left.currency)


def _rate_by(left: Rate, right: int | Decimal) -> Rate | None:
    return _scale_rate(left, multiply(left.amount, right))


_I, _D = Kind.INTEGER, Kind.DECIMAL
OPERATIONS: dict[tuple[str, Kind, Kind], tuple[Kind, Operation]] = {
    ("+", Kind.TEXT, Kind.TEXT): (Kind.TEXT, lambda left, right: bounded_text(left + right)),
    ("+", _I, _I): (_I, _add_integers),
    ("-", _I, _I): (_I, _subtract_integers),
    ("*", _I, _I): (_I, _multiply_integers),
    ("+", Kind.DATE, Kind.DURATION): (Kind.DATE, move_date),
    ("-", Kind.DATE, Kind.DURATION): (Kind.DATE, lambda left, right: move_date(left, right, -1)),
    ("+", Kind.INSTANT, Kind.DURATION): (Kind.INSTANT, move_instant),
    ("-", Kind.INSTANT, Kind.DURATION): (Kind.INSTANT, lambda left, right: move_instant(left, right, -1)),
    ("-", Kind.DATE, Kind.DATE): (Kind.DURATION, _days_apart),
    ("+", Kind.DURATION, Kind.DURATION): (Kind.DURATION, _add_durations),
    ("-", Kind.DURATION, Kind.DURATION): (Kind.DURATION, lambda left, right: _add_durations(left, right, -1)),
    ("*", Kind.DURATION, _I): (Kind.DURATION, _scale_duration),
    ("*", _I, Kind.DURATION): (Kind.DURATION, _swap(_scale_duration)),
    ("+", Kind.MONEY, Kind.MONEY): (Kind.MONEY, _add_money),
    ("-", Kind.MONEY, Kind.MONEY): (Kind.MONEY, _subtract_money),
    ("/", Kind.MONEY, Kind.MONEY): (
        _D,
        lambda left, right: divide(left.amount, right.amount) if left.currency == right.currency else None,
    ),
}
for _left, _right in ((_I, _D), (_D, _I), (_D, _D)):
    OPERATIONS["+", _left, _right] = (_D, add_numbers)
    OPERATIONS["-", _left, _right] = (_D, _subtract_numbers)
    OPERATIONS["*", _left, _right] = (_D, multiply)
for _left in (_I, _D):
    for _right in (_I, _D):
        OPERATIONS["/", _left, _right] = (_D, divide)
    OPERATIONS["*", Kind.MONEY, _left] = (Kind.MONEY, _money_by)
    OPERATIONS["*", _left, Kind.MONEY] = (Kind.MONEY, _swap(_money_by))
    OPERATIONS["/", Kind.MONEY, _left] = (
        Kind.MONEY,
        lambda left, right: money(divide(left.amount, right), left.currency),
    )
    OPERATIONS["*", Kind.RATE, _left] = (Kind.RATE, _rate_by)
    OPERATIONS["*", _left, Kind.RATE] = (Kind.RATE, _swap(_rate_by))
    OPERATIONS["/", Kind.RATE, _left] = (Kind.RATE, lambda left, right: _scale_rate(left, divide(left.amount, right)))


_ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def comparer(op: str, kind: Kind | None) -> Callable[[Any, Any], bool]:
    """The function that compares two values of a kind; none equals none, and is in no order to anything."""
    compare = _ORDER[op]
    if op in ("==", "!="):
        same = _same(kind)
        wanted = op == "=="

        def equality(left: Any, right: Any) -> bool:
            if left is None or right is None:
                return (left is right) is wanted
            return same(left, right) is wanted

        return equality
    key = comparable(kind)

    def ordering(left: Any, right: Any) -> bool:
        if left is None or right is None:
            return False
        if kind in (Kind.MONEY, Kind.RATE) and left.currency != right.currency:
            return False
        return compare(key(left), key(right))

    return ordering


def comparable(kind: Kind | None) -> Callable[[Any], Any]:
    """What of a value is compared."""
    match kind:
        case Kind.TEXT:
            return fold
        case Kind.DURATION:
            return hours
        case Kind.MONEY:
            return lambda value: value.amount
        case Kind.RATE:
            return annual
        case _:
            return lambda value: value


def _same(kind: Kind | None) -> Callable[[Any, Any], bool]:
    key = comparable(kind)
    if kind in (Kind.MONEY, Kind.RATE):
        return lambda left, right: left.currency == right.currency and key(left) == key(right)
    return lambda left, right: bool(key(left) == key(right))
