"""A telephone number."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, ClassVar, Literal

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumber, PhoneNumberFormat, ValidationResult
from pydantic import Field as Setting

from xrm_core.fields.base import Field, ParseContext, Rejected, reject
from xrm_core.fields.strings import clean
from xrm_core.kernel.kinds import Kind
from xrm_core.kernel.problem import Problem

_SEPARATORS = {ord(sign): None for sign in " -./()"}
_STORED = re.compile(r"\+[1-9][0-9]{3,14}(?:;ext=[0-9]{1,11})?", re.ASCII)
_E164 = re.compile(r"\+[1-9][0-9]{6,14}", re.ASCII)
_HINT = "Write it like +44 20 7946 0000."
_LENGTHS = {
    ValidationResult.TOO_SHORT: "is too short",
    ValidationResult.TOO_LONG: "is too long",
    ValidationResult.INVALID_LENGTH: "has a wrong length",
}


class Phone(Field):
    """A telephone number, kept in international form."""

    kind: ClassVar[Kind] = Kind.TEXT

    type: Literal["phone"] = "phone"
    region: str | None = Setting(
        default=None,
        description="The region (such as DE) whose national numbers are understood; the workspace's if left out.",
    )

    def check_settings(self) -> list[Problem]:
        if self.region is not None and self.region not in phonenumbers.SUPPORTED_REGIONS:
            return [
                Problem("region", "/region", f"{self.region[:20]!r} is not a region.", "Write a code such as DE or US.")
            ]
        return super().check_settings()

    def value_schema(self) -> dict[str, Any]:
        return {"type": "string", "pattern": r"^\+[1-9][0-9]{3,14}(;ext=[0-9]{1,11})?$"}

    def parse(self, raw: Any, context: ParseContext) -> Any:
        if isinstance(raw, str) and raw[:1] == "+" and len(raw) <= 30:
            tight = raw.translate(_SEPARATORS)
            if len(tight) <= 16 and _plain(tight):
                return tight
        text = clean(raw, 60)
        if not text:
            return None
        region = self.region or context.region
        try:
            number = phonenumbers.parse(text, region)
        except NumberParseException as error:
            raise self._not_a_number(error, region) from None
        reason = phonenumbers.is_possible_number_with_reason(number)
        if reason == ValidationResult.IS_POSSIBLE_LOCAL_ONLY:
            raise reject("phone", "The area code is missing.", _HINT)
        if reason != ValidationResult.IS_POSSIBLE:
            raise reject("phone", f"The number {_LENGTHS.get(reason, 'is not possible')}.", _HINT)
        value = str(phonenumbers.format_number(number, PhoneNumberFormat.E164))
        # Some digits are read as a trunk prefix again and again; a number that changes each time is none.
        if not _plain(value) and not _stable(value):
            raise reject("phone", "This is not a telephone number.", _HINT)
        if number.extension:
            value += f";ext={number.extension}"
        if not _STORED.fullmatch(value):
            raise reject("phone", "This is not a telephone number.", _HINT)
        return value

    def _not_a_number(self, error: NumberParseException, region: str) -> Rejected:
        if error.error_type == NumberParseException.INVALID_COUNTRY_CODE:
            hint = (
                "Begin with + and the country code." if not region else "Begin with + and a country code that exists."
            )
            return reject("phone", "The country of the number is not clear.", hint)
        return reject("phone", "This is not a telephone number.", _HINT)

    def parse_text(self, text: str, context: ParseContext) -> Any:
        return self.parse(
            re.sub(r"^(?:tel|phone):\s*", "", text.strip(), flags=re.IGNORECASE) if len(text) <= 100 else text, context
        )

    def format(self, value: Any, context: ParseContext) -> str:
        return phonenumbers.format_number(_number(value), PhoneNumberFormat.INTERNATIONAL)

    def example(self) -> Any:
        return "+442079460000"

    def search_text(self, value: Any) -> str:
        number = _number(value)
        national = phonenumbers.format_number(number, PhoneNumberFormat.NATIONAL)
        return f"{value} {national} {re.sub('[^0-9]', '', national)} {number.national_number}"


@lru_cache(maxsize=512)
def _country(code: str) -> tuple[frozenset[int], re.Pattern[str] | None] | None:
    """The lengths of national numbers after a country code, and what would be read as a trunk prefix."""
    region = phonenumbers.region_code_for_country_code(int(code))
    if region in (phonenumbers.UNKNOWN_REGION, "001"):
        return None
    metadata = phonenumbers.PhoneMetadata.metadata_for_region(region)
    if metadata is None or metadata.general_desc is None:
        return None
    prefix = metadata.national_prefix_for_parsing
    return frozenset(metadata.general_desc.possible_length), re.compile(prefix, re.ASCII) if prefix else None


def _plain(value: str) -> bool:
    """Whether this is E.164 already, decided without the full reading, which takes ten times as long."""
    if not _E164.fullmatch(value):
        return False
    for digits in (1, 2, 3):
        country = _country(value[1 : 1 + digits])
        if country is not None:
            lengths, prefix = country
            national = value[1 + digits :]
            return len(national) in lengths and (prefix is None or prefix.match(national) is None)
    return False


def _stable(value: str) -> bool:
    try:
        again = _number(value)
    except NumberParseException:
        return False
    return bool(phonenumbers.format_number(again, PhoneNumberFormat.E164) == value)


def _number(value: str) -> PhoneNumber:
    return phonenumbers.parse(value, None)
