"""Amounts with a currency: what money and money rates share."""

from __future__ import annotations

import re
from decimal import Decimal
from difflib import get_close_matches
from typing import Any

from xrm_core.fields.base import ParseContext, reject
from xrm_core.fields.currencies import CURRENCIES, currency_of, decimals
from xrm_core.fields.numbers import MOST_DIGITS, canonical, exact, read_number

_TYPED = re.compile(
    r"(?P<minus>[-+\u2212]?)(?P<before>[^\d.,+\-\u2212]*)(?P<number>[-+\u2212]?[.,]?\d.*?)(?P<after>[^\d.,]*)"
)
_KEYS = frozenset({"amount", "currency"})


def amount_schema(currency: str | None) -> dict[str, Any]:
    """The JSON Schema of an amount."""
    pattern = f"^-?[0-9]{{1,{MOST_DIGITS}}}(\\.[0-9]{{2,3}})?$"
    code: dict[str, Any] = {"const": currency} if currency else {"type": "string", "pattern": "^[A-Z]{3}$"}
    return {
        "type": "object",
        "properties": {"amount": {"type": "string", "pattern": pattern}, "currency": code},
        "required": ["amount", "currency"],
        "additionalProperties": False,
    }


def store_amount(raw: Any, fixed: str | None, context: ParseContext, keys: frozenset[str] = _KEYS) -> tuple[str, str]:
    """Amount and currency as stored; a bare number is in the fixed currency or the workspace's."""
    currency = fixed or context.currency
    if isinstance(raw, dict):
        if not raw.keys() <= keys:
            other = next(key for key in raw if key not in keys)
            raise reject(
                "unknown_key", f"{str(other)[:40]!r} is not part of an amount.", 'Send {"amount", "currency"}.'
            )
        amount, given = raw.get("amount"), raw.get("currency")
        if amount is None:
            raise reject(
                "required", "The amount is missing.", 'Send {"amount": "12000.00", "currency": "EUR"}.', "/amount"
            )
        if given is not None:
            currency = _currency(given, fixed)
    else:
        amount = raw
    return canonical(exact(amount), decimals(currency)), currency


def _currency(given: Any, fixed: str | None) -> str:
    if not isinstance(given, str) or given not in CURRENCIES:
        code = given[:20].strip().upper() if isinstance(given, str) else ""
        if code not in CURRENCIES:
            near = get_close_matches(code, sorted(CURRENCIES), 1)
            hint = f"Did you mean {near[0]}?" if near else "Use an ISO 4217 code such as EUR."
            raise reject("currency", "The currency is not known.", hint, "/currency")
        given = code
    if fixed is not None and given != fixed:
        raise reject("currency", f"Only {fixed} is taken here; this is {given}.", "Convert the amount.", "/currency")
    return str(given)


def read_amount(text: str, fixed: str | None, context: ParseContext) -> dict[str, Any]:
    """The amount that a person typed: "12,000 EUR", "EUR 12.000,00", "€60k", "-£5"."""
    found = _TYPED.fullmatch(text.strip()) if len(text) <= 80 else None
    if found is None:
        raise reject("type", "An amount is needed.", "Write it like 12000 EUR.")
    before, after = found["before"].strip(), found["after"].strip()
    factor = Decimal(1)
    if after[:1] in ("k", "K") and (len(after) == 1 or after[1] in " /" or after[1:].upper() in CURRENCIES):
        factor, after = Decimal(1000), after[1:].strip()
    if before and after:
        raise reject("currency", "The currency is named twice.", "Write it like 12000 EUR.")
    number = read_number((found["minus"] + found["number"]).strip(), context) * factor
    sign = before or after
    currency = currency_of(sign, context.currency) if sign else fixed or context.currency
    if currency is None:
        raise reject("currency", f"The currency {sign[:20]!r} is not known.", "Use an ISO 4217 code such as EUR.")
    return {"amount": format(number, "f"), "currency": currency}
