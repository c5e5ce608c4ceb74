"""A telephone number."""

from __future__ import annotations

import re
from typing import Any, ClassVar, Literal

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumber, PhoneNumberFormat, ValidationResult
from pydantic import Field as Setting

from xrm_core.fields.base import Field, ParseContext, Rejected, reject
from xrm_core.fields.strings import clean
from xrm_core.kernel.kinds import Kind
from xrm_core.kernel.problem import Problem

_STORED = re.compile(r"\+[1-9][0-9]{3,14}(?:;ext=[0-9]{1,11})?", re.ASCII)
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
            raise reject("phone", "The area code is missing.", "Write it like +44 20 7946 0000.")
        if reason != ValidationResult.IS_POSSIBLE:
            raise reject(
                "phone", f"The number {_LENGTHS.get(reason, 'is not possible')}.", "Write it like +44 20 7946 0000."
            )
        value = phonenumbers.format_number(number, PhoneNumberFormat.E164)
        if number.extension:
            value += f";ext={number.extension}"
        if not _STORED.fullmatch(value):
            raise reject("phone", "This is not a telephone number.", "Write it like +44 20 7946 0000.")
        return value

    def _not_a_number(self, error: NumberParseException, region: str) -> Rejected:
        if error.error_type == NumberParseException.INVALID_COUNTRY_CODE:
            hint = (
                "Begin with + and the country code." if not region else "Begin with + and a country code that exists."
            )
            return reject("phone", "The country of the number is not clear.", hint)
        return reject("phone", "This is not a telephone number.", "Write it like +44 20 7946 0000.")

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


def _number(value: str) -> PhoneNumber:
    return phonenumbers.parse(value, None)
