"""Numbers, money, dates and spans of time as people read them, per language; cached because values repeat."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from zoneinfo import ZoneInfo

import phonenumbers
from babel.core import Locale, UnknownLocaleError
from babel.dates import format_skeleton, format_timedelta
from babel.numbers import format_currency, format_decimal

MANY = 16384


@lru_cache(64)
def known_locale(locale: str) -> Locale:
    """The locale to format with; English when it is not known."""
    try:
        return Locale.parse(locale, sep="-")
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
    return str(format_decimal(amount, pattern, locale=known_locale(locale)))


@lru_cache(MANY)
def money(amount: str, currency: str, locale: str) -> str:
    """An amount with its currency; whole amounts are shown without cents."""
    try:
        value = Decimal(amount)
    except (InvalidOperation, ValueError):
        return f"{amount} {currency}"
    whole = value == value.to_integral_value()
    shown = known_locale(locale)
    if not whole:
        return str(format_currency(value, currency, locale=shown))
    pattern = str(shown.currency_formats["standard"].pattern).replace(".00", "").replace(",00", "")
    return str(format_currency(value, currency, pattern, locale=shown, currency_digits=False))


@lru_cache(MANY)
def day(value: str, locale: str, with_year: bool = True) -> str:
    """A calendar day, such as 22 Nov 2026."""
    try:
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
    return f"{shown}, {format_skeleton('Hm', local, locale=known_locale(locale))}"


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
