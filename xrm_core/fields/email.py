"""An e-mail address."""

from __future__ import annotations

import re
from typing import Any, ClassVar, Literal

from email_validator import EmailNotValidError, validate_email

from xrm_core.fields.base import Field, ParseContext, reject
from xrm_core.fields.strings import clean
from xrm_core.kernel.kinds import Kind

LONGEST = 254

# Nearly all addresses have this plain form, which the full check would accept as it is.
_PLAIN = re.compile(
    r"(?=.{6,254}\Z)(?=[^@]{1,64}@)[a-z0-9_+-]+(?:\.[a-z0-9_+-]+)*@(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,24}",
    re.IGNORECASE | re.ASCII,
)
_DECORATED = re.compile(r"(?:mailto:)?(?:[^<>]*<)?\s*([^<>\s]+)\s*>?\s*", re.IGNORECASE)


class Email(Field):
    """An e-mail address."""

    kind: ClassVar[Kind] = Kind.TEXT

    type: Literal["email"] = "email"

    def value_schema(self) -> dict[str, Any]:
        return {"type": "string", "format": "idn-email", "minLength": 6, "maxLength": LONGEST}

    def parse(self, raw: Any, context: ParseContext) -> Any:
        if isinstance(raw, str) and "--" not in raw and _PLAIN.fullmatch(raw):
            return raw.lower()
        text = clean(raw, LONGEST)
        if not text:
            return None
        try:
            checked = validate_email(text, check_deliverability=False, globally_deliverable=False, strict=True)
        except (EmailNotValidError, ValueError) as error:
            raise reject(
                "email", f"This is not an e-mail address: {_short(error)}", "Write it like name@example.org."
            ) from None
        address = clean(checked.normalized.lower(), LONGEST)
        if "." not in checked.domain or len(address) < 6:
            raise reject("email", "The part after @ is not a complete domain.", "Write it like name@example.org.")
        return address

    def parse_text(self, text: str, context: ParseContext) -> Any:
        found = _DECORATED.fullmatch(text) if len(text) <= 500 else None
        return self.parse(found[1] if found else text, context)

    def example(self) -> Any:
        return "office@example.org"

    def search_text(self, value: Any) -> str:
        return str(value)


def _short(error: Exception) -> str:
    text = str(error).encode("utf-8", "replace").decode()
    return text if len(text) <= 200 else text[:199] + "…"
