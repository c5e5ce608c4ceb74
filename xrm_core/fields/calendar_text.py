"""Reading dates and times of day as people type them."""

from __future__ import annotations

import re
from datetime import date, time
from functools import lru_cache

from babel import Locale, UnknownLocaleError

from xrm_core.fields.base import ParseContext, reject
from xrm_core.kernel.text import fold

MONTH_FIRST = frozenset("US AS FM GU MH MP PH PR PW UM VI".split())
"""Regions that write the month before the day."""
_BOTH_WAYS = frozenset({"", "CA"})

_ISO = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})", re.ASCII)
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})", re.ASCII)
_YEAR_FIRST = re.compile(r"(\d{4})[./](\d{1,2})[./](\d{1,2})", re.ASCII)
_NUMBERS = re.compile(r"(\d{1,2})([./-])\s?(\d{1,2})\2\s?(\d{4}|\d{2})", re.ASCII)
_DAY_NAME = re.compile(r"(\d{1,2})(?:\.|st|nd|rd|th)?[\s-]+([^\W\d_]{3,15})\.?,?[\s-]+(\d{4})")
_NAME_DAY = re.compile(r"([^\W\d_]{3,15})\.?\s+(\d{1,2})(?:st|nd|rd|th)?,?\s+(\d{4})")
_TIME = re.compile(
    r"(\d{1,2})[:.](\d{2})(?:[:.](\d{2})(?:[.,](\d{1,6})\d{0,3})?)?(?:\s?([ap])\.?m\.?)?(?:\s?(?:Uhr|h))?",
    re.ASCII | re.IGNORECASE,
)
_HOUR = re.compile(r"(\d{1,2})\s?(?:([ap])\.?m\.?|Uhr|h)", re.ASCII | re.IGNORECASE)

_FORM = "Write it like 2026-03-31."


def read_date(text: str, context: ParseContext) -> date:
    """The date in `text`: ISO, 31.3.2026, 31/3/2026 or 3/31/2026 as the region has it, 31 March 2026; no guess."""
    text = text.strip()
    if len(text) > 40:
        raise reject("date", "This is too long for a date.", _FORM)
    found = _ISO.fullmatch(text) or _YEAR_FIRST.fullmatch(text) or _COMPACT.fullmatch(text)
    if found is not None:
        return _day(found[1], found[2], found[3])
    found = _NUMBERS.fullmatch(text)
    if found is not None:
        return _numbers(found[1], found[2], found[3], found[4], context.region)
    found = _DAY_NAME.fullmatch(text)
    if found is not None:
        return _named(found[3], found[2], found[1], context.language)
    found = _NAME_DAY.fullmatch(text)
    if found is not None:
        return _named(found[3], found[1], found[2], context.language)
    raise reject("date", "This is not a date.", _FORM)


def _numbers(first: str, mark: str, second: str, year: str, region: str) -> date:
    if len(year) == 2:
        raise reject("date", "The century is not clear.", "Write the year with four digits.")
    if mark == ".":
        return _day(year, second, first)
    a, b = int(first), int(second)
    if region in _BOTH_WAYS and a <= 12 and b <= 12 and a != b:
        raise reject("ambiguous", f"It is not clear which of {a} and {b} is the month.", _FORM)
    if region in MONTH_FIRST or (region in _BOTH_WAYS and b > 12):
        if a > 12:
            raise reject("date", f"There is no month {a}; dates here are written month/day/year.", _FORM)
        return _day(year, first, second)
    if b > 12:
        raise reject("date", f"There is no month {b}; dates here are written day/month/year.", _FORM)
    return _day(year, second, first)


def _named(year: str, name: str, day: str, language: str) -> date:
    month = _months(language).get(fold(name)) or _months("en").get(fold(name))
    if month is None:
        raise reject("date", f"{name!r} is not the name of a month.", _FORM)
    return _day(year, str(month), day)


def _day(year: str, month: str, day: str) -> date:
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        raise reject("date", f"There is no day {int(year):04}-{int(month):02}-{int(day):02}.", _FORM) from None


@lru_cache(maxsize=64)
def _months(language: str) -> dict[str, int]:
    try:
        locale = Locale.parse(language.replace("-", "_"))
    except (UnknownLocaleError, ValueError, TypeError):
        locale = Locale.parse("en")
    names = {"mrz": 3, "maerz": 3, "sept": 9}
    for context in ("format", "stand-alone"):
        for width in ("wide", "abbreviated"):
            for number, name in locale.months[context][width].items():
                names.setdefault(fold(name).rstrip("."), number)
    for number, name in locale.months["format"]["wide"].items():
        names.setdefault(fold(name)[:3], number)
    return names


def read_time(text: str) -> time:
    """The time of day in `text`: 14:30, 14:30:05.5, 2:30 pm, 14 Uhr."""
    text = text.strip()
    found = _TIME.fullmatch(text) if len(text) <= 30 else None
    if found is not None:
        hour, minute, second, half = int(found[1]), int(found[2]), int(found[3] or 0), found[5]
        micro = int((found[4] or "").ljust(6, "0"))
    else:
        found = _HOUR.fullmatch(text) if len(text) <= 30 else None
        if found is None:
            raise reject("time", "This is not a time of day.", "Write it like 14:30.")
        hour, minute, second, micro, half = int(found[1]), 0, 0, 0, found[2]
    if half:
        if not 1 <= hour <= 12:
            raise reject("time", f"There is no {hour} o'clock before or after noon.", "Write it like 14:30.")
        hour = hour % 12 + (12 if half in "pP" else 0)
    try:
        return time(hour, minute, second, micro)
    except ValueError:
        raise reject("time", f"There is no time {hour:02}:{minute:02}:{second:02}.", "Write it like 14:30.") from None
