"""Numbers, money, dates and spans of time as people read them, per language; cached because values repeat."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from zoneinfo import ZoneInfo

import phonenumbers
from babel.core import Locale, UnknownLocaleError
from babel.dates import format_date, format_skeleton, format_timedelta
from babel.numbers import format_currency, format_decimal

MANY = 16384


NUMBERS = {"comma": "de", "point": "en", "space": "fr"}
"""Whose separators are meant by a way of writing numbers."""
DATES = {"iso": "yyyy-MM-dd", "day_first": "dd/MM/yyyy", "month_first": "MM/dd/yyyy"}


def with_formats(locale: str, wanted: object) -> str:
    """A locale that also carries how somebody wants dates, times and numbers: `de@date=iso;time=12h`."""
    if not isinstance(wanted, dict):
        return locale
    parts = [f"{name}={wanted[name]}" for name in ("date", "time", "number") if wanted.get(name)]
    return f"{locale}@{';'.join(parts)}" if parts else locale


@lru_cache(256)
def wanted_format(locale: str, name: str) -> str:
    """What a locale says about dates, times or numbers; empty: as usual in the language."""
    parts = dict(part.split("=", 1) for part in locale.partition("@")[2].split(";") if "=" in part)
    return parts.get(name, "")


@lru_cache(256)
def number_locale(locale: str) -> Locale:
    """The locale whose separators numbers get."""
    return known_locale(NUMBERS.get(wanted_format(locale, "number"), locale))


@lru_cache(256)
def known_locale(locale: str) -> Locale:
    """The locale to format with; English when it is not known."""
    try:
        return Locale.parse(locale.partition("@")[0], sep="-")
    except (UnknownLocaleError, ValueError):
        return Locale("en")


@lru_cache(MANY)
def number(value: str | int, scale: int | None, locale: str) -> str:
    """A number with the language's separators; `scale` fixes the places after the point."""
    try:
        amount = Decimal(value)
    except (InvalidOperation, ValueError):
        return str(value)
    pattern = "#,##0" + ("." + "0" * scale if scale else "") if scale is not None else "#,##0.##########"
    return str(format_decimal(amount, pattern, locale=number_locale(locale)))


@lru_cache(MANY)
def money(amount: str, currency: str, locale: str) -> str:
    """An amount with its currency; whole amounts are shown without cents."""
    try:
        value = Decimal(amount)
    except (InvalidOperation, ValueError):
        return f"{amount} {currency}"
    whole = value == value.to_integral_value()
    shown, digits = known_locale(locale), number_locale(locale)
    pattern = str(shown.currency_formats["standard"].pattern)
    if not whole:
        return str(format_currency(value, currency, pattern, locale=digits))
    pattern = pattern.replace(".00", "").replace(",00", "")
    return str(format_currency(value, currency, pattern, locale=digits, currency_digits=False))


@lru_cache(MANY)
def day(value: str, locale: str, with_year: bool = True) -> str:
    """A calendar day, such as 22 Nov 2026."""
    own = DATES.get(wanted_format(locale, "date"))
    try:
        if own is not None:
            return str(format_date(date.fromisoformat(value), own, locale=known_locale(locale)))
        return str(
            format_skeleton("yMMMd" if with_year else "MMMd", date.fromisoformat(value), locale=known_locale(locale))
        )
    except ValueError:
        return value


@lru_cache(MANY)
def parse_instant(value: str) -> datetime | None:
    """The stored form of an instant as a datetime."""
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


@lru_cache(256)
def zone_of(name: str) -> ZoneInfo:
    """A time zone by its name."""
    return ZoneInfo(name)


@lru_cache(MANY)
def instant(value: str, locale: str, zone: str, with_year: bool = True) -> str:
    """A point in time, in the reader's time zone."""
    found = parse_instant(value)
    if found is None:
        return value
    local = found.astimezone(zone_of(zone))
    shown = day(local.date().isoformat(), locale, with_year)
    return f"{shown}, {clock(local, locale)}"


def clock(local: datetime, locale: str) -> str:
    """The time of day of a local time."""
    skeleton = "hm" if wanted_format(locale, "time") == "12h" else "Hm"
    return str(format_skeleton(skeleton, local, locale=known_locale(locale)))


@lru_cache(MANY)
def ago(seconds: int, locale: str) -> str:
    """How long ago (or, negative, how far ahead) something is."""
    shown = format_timedelta(-seconds, add_direction=True, threshold=1, format="short", locale=known_locale(locale))
    return str(shown)


def since(value: str, now: datetime, locale: str, zone: str) -> str:
    """An instant as "3 hr ago" within a week, as a date otherwise."""
    found = parse_instant(value)
    if found is None:
        return value
    seconds = int((now - found).total_seconds())
    if abs(seconds) < 7 * 86400:
        # Rounded, so that a page of times asks the cache for few different texts.
        step = 60 if abs(seconds) < 3600 else 3600
        return ago(seconds // step * step or step, locale)
    local = found.astimezone(zone_of(zone))
    return day(local.date().isoformat(), locale, local.year != now.year)


@lru_cache(MANY)
def phone(value: str) -> str:
    """An E.164 number with spaces."""
    try:
        return phonenumbers.format_number(phonenumbers.parse(value), phonenumbers.PhoneNumberFormat.INTERNATIONAL)
    except phonenumbers.NumberParseException:
        return value


def size(octets: object, locale: str) -> str:
    """A file size."""
    if not isinstance(octets, int):
        return ""
    if octets < 1024:
        return f"{octets} B"
    if octets < 1024 * 1024:
        return f"{number(str(round(octets / 1024)), 0, locale)} KB"
    return f"{number(str(round(octets / 1048576, 1)), 1, locale)} MB"


@lru_cache(MANY)
def initials(name: str) -> str:
    """One or two letters for an avatar."""
    words = [word for word in name.split() if word[:1].isalnum()]
    return (words[0][0] + (words[-1][0] if len(words) > 1 else "")).upper() if words else "?"


HUES = ("blue", "teal", "violet", "amber", "pink", "green", "cyan", "orange", "indigo", "lime", "red", "gray")


@lru_cache(MANY)
def hue_of(name: str) -> str:
    """A colour that stays the same for the same name."""
    return HUES[sum(name.encode()) % 11]
