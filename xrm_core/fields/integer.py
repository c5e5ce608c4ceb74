"""A whole number."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import Field as Setting

from xrm_core.fields.base import Field, ParseContext, reject
from xrm_core.fields.numbers import LARGEST_INTEGER, check_range, read_number
from xrm_core.kernel.kinds import Kind
from xrm_core.kernel.problem import Problem


class Integer(Field):
    """A whole number."""

    kind: ClassVar[Kind] = Kind.INTEGER

    type: Literal["integer"] = "integer"
    min: int | None = Setting(default=None, ge=-LARGEST_INTEGER, le=LARGEST_INTEGER)
    max: int | None = Setting(default=None, ge=-LARGEST_INTEGER, le=LARGEST_INTEGER)

    def check_settings(self) -> list[Problem]:
        if self.min is not None and self.max is not None and self.min > self.max:
            return [Problem("range", "/max", f"The largest value {self.max} is below the smallest, {self.min}.")]
        return super().check_settings()

    def value_schema(self) -> dict[str, Any]:
        low = -LARGEST_INTEGER if self.min is None else self.min
        return {"type": "integer", "minimum": low, "maximum": LARGEST_INTEGER if self.max is None else self.max}

    def parse(self, raw: Any, context: ParseContext) -> Any:
        if type(raw) is float and raw.is_integer():
            raw = int(raw)
        if type(raw) is not int:
            raise reject("type", "A whole number is needed.", "Send a JSON number without decimals.")
        if not -LARGEST_INTEGER <= raw <= LARGEST_INTEGER:
            raise reject("too_large", "The number has more than 15 digits.", f"At most {LARGEST_INTEGER}.")
        check_range(raw, self.min, self.max)
        return raw

    def parse_text(self, text: str, context: ParseContext) -> Any:
        number = read_number(text, context)
        if number != int(number):
            raise reject("type", "A whole number is needed.", "Leave the decimals out.")
        return self.parse(int(number), context)

    def format(self, value: Any, context: ParseContext) -> str:
        return str(value)

    def example(self) -> Any:
        for number in (12, self.min, self.max):
            if (
                number is not None
                and (self.min is None or number >= self.min)
                and (self.max is None or number <= self.max)
            ):
                return number
        return self.min
