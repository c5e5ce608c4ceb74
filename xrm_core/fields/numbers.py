"""Exact numbers: from JSON, from typed text in the notation of a language, and back to text."""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Context, Decimal, InvalidOperation
from functools import lru_cache

from babel import Locale, UnknownLocaleError
from babel.numbers import get_decimal_symbol, get_group_symbol

from xrm_core.fields.base import ParseContext, reject

LARGEST_INTEGER = 2**53 - 1
MOST_DIGITS = 18
"""Digits before the decimal point."""

_EXACT = Context(prec=100)
_LIMIT = Decimal(10) ** MOST_DIGITS
_JSON_NUMBER = re.compile(r"[+-]?(?:[0-9]{1,40}(?:\.[0-9]{0,40})?|\.[0-9]{1,40})(?:[eE][+-]?[0-9]{1,2})?", re.ASCII)
_TYPED = re.compile(r"[+-]?(?=[.,]?[0-9])[0-9]*(?:[.,][0-9]*)*")
_GROUP_SPACE = re.compile(r"(?<=[0-9])[ \u00a0\u202f\u2009'\u2019](?=[0-9]{3}(?![0-9]))")
_STEPS = tuple(Decimal(1).scaleb(-scale) for scale in range(11))


def exact(raw: object) -> Decimal:
    """The number of a JSON value: an integer, a number or a string such as "12.50"; binary fractions never count."""
    if isinstance(raw, str):
        if not _JSON_NUMBER.fullmatch(raw):
            raise reject("type", "A number is needed.", 'Send a JSON number or a string such as "12.50".')
        number = Decimal(raw)
    elif isinstance(raw, bool) or not isinstance(raw, (int, float)):
        raise reject("type", "A number is needed.", 'Send a JSON number or a string such as "12.50".')
    elif isinstance(raw, int):
        if abs(raw) >= 10**MOST_DIGITS:
            raise _too_large()
        return Decimal(raw)
    else:
        number = Decimal(repr(raw))
        if not number.is_finite():
            raise reject("type", "A finite number is needed.")
    if not -_LIMIT < number < _LIMIT:
        raise _too_large()
    return number


def canonical(number: Decimal, scale: int) -> str:
    """`number` with exactly `scale` decimals, rounded half up, as it is stored."""
    rounded = number.quantize(_STEPS[scale], rounding=ROUND_HALF_UP, context=_EXACT)
    if not -_LIMIT < rounded < _LIMIT:
        raise _too_large()
    return format(abs(rounded) if not rounded else rounded, "f")


def check_range(number: Decimal | int, low: Decimal | int | None, high: Decimal | int | None) -> None:
    """Rejects a number outside the limits."""
    if low is not None and number < low:
        raise reject("too_small", f"At least {low}; this is {number}.")
    if high is not None and number > high:
        raise reject("too_large", f"At most {high}; this is {number}.")


def read_number(text: str, context: ParseContext) -> Decimal:
    """The number a person typed: 1234.5, 1,234.50, 1.234,50, 1 234,50 or 1'234.50.

    A single point or comma before exactly three digits is read as the context's language writes it; all else is clear
    from the text.
    """
    if len(text) > 60:
        raise reject("type", "This is too long for a number.")
    plain = _GROUP_SPACE.sub("", text.strip().replace("\u2212", "-"))
    if not _TYPED.fullmatch(plain):
        raise reject("type", "A number is needed.", "Write it like 1234.50.")
    try:
        number = Decimal(_pointed(plain, context))
    except InvalidOperation:
        raise reject("type", "A number is needed.", "Write it like 1234.50.") from None
    if not -_LIMIT < number < _LIMIT:
        raise _too_large()
    return number


def write_number(value: str, context: ParseContext, *, grouped: bool = True) -> str:
    """A stored number such as "1234.50" in the notation of the context's language."""
    point, group = _symbols(context.language, context.region)
    whole, _, fraction = value.partition(".")
    if grouped:
        whole = format(int(whole), ",").replace(",", group) if whole != "-0" else whole
    return f"{whole}{point}{fraction}" if fraction else whole


def _pointed(text: str, context: ParseContext) -> str:
    points, commas = text.count("."), text.count(",")
    if not points and not commas:
        return text
    if points and commas:
        mark = "." if text.rfind(".") > text.rfind(",") else ","
        if text.count(mark) > 1:
            raise InvalidOperation
        whole, _, fraction = text.rpartition(mark)
        return _ungrouped(whole, "," if mark == "." else ".") + "." + fraction
    mark = "." if points else ","
    if points + commas > 1:
        return _ungrouped(text, mark)
    whole, _, fraction = text.partition(mark)
    digits = whole.lstrip("+-")
    unclear = len(fraction) == 3 and 1 <= len(digits) <= 3 and not digits.startswith("0")
    if unclear and _symbols(context.language, context.region)[0] != mark:
        return whole + fraction
    return whole + "." + fraction


def _ungrouped(text: str, mark: str) -> str:
    first, *groups = text.lstrip("+-").split(mark)
    if not 1 <= len(first) <= 3 or any(len(group) != 3 for group in groups):
        raise InvalidOperation
    return text.replace(mark, "")


def _too_large() -> Exception:
    return reject("too_large", f"At most {MOST_DIGITS} digits before the decimal point.")


@lru_cache(maxsize=256)
def _symbols(language: str, region: str) -> tuple[str, str]:
    """The decimal mark and the grouping mark."""
    for name in (f"{language.split('-')[0]}_{region}", language.replace("-", "_"), language.split("-")[0]):
        try:
            locale = Locale.parse(name)
        except (UnknownLocaleError, ValueError, TypeError):
            continue
        point, group = get_decimal_symbol(locale), get_group_symbol(locale)
        if point in (".", ","):
            return point, group if group in (".", ",", "\u00a0", "\u202f", "'", "\u2019") else " "
    return ".", ","


def decimal_schema(scale: int) -> dict[str, str]:
    """The JSON Schema of a stored number with `scale` decimals."""
    return {"type": "string", "pattern": f"^-?[0-9]{{1,{MOST_DIGITS}}}" + (f"\\.[0-9]{{{scale}}}$" if scale else "$")}
