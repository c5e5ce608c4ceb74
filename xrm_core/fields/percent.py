"""A share in percent."""

from __future__ import annotations

from decimal import Decimal as Number
from typing import Any, ClassVar, Literal

from pydantic import Field as Setting

from xrm_core.fields.base import Field, ParseContext
from xrm_core.fields.numbers import canonical, check_range, decimal_schema, exact, read_number, write_number
from xrm_core.kernel.kinds import Kind
from xrm_core.kernel.problem import Problem


class Percent(Field):
    """A share in percent: 12.50 means 12.50 %."""

    kind: ClassVar[Kind] = Kind.DECIMAL

    type: Literal["percent"] = "percent"
    scale: int = Setting(default=2, ge=0, le=10, description="How many decimals are kept; more are rounded half up.")
    min: Number | None = Setting(default=Number(0), allow_inf_nan=False)
    max: Number | None = Setting(default=Number(100), allow_inf_nan=False)

    def check_settings(self) -> list[Problem]:
        if self.min is not None and self.max is not None and self.min > self.max:
            return [Problem("range", "/max", f"The largest value {self.max} is below the smallest, {self.min}.")]
        return super().check_settings()

    def value_schema(self) -> dict[str, Any]:
        return decimal_schema(self.scale)

    def parse(self, raw: Any, context: ParseContext) -> Any:
        return self._store(exact(raw))

    def parse_text(self, text: str, context: ParseContext) -> Any:
        return self._store(read_number(text.strip().removesuffix("%").strip(), context))

    def _store(self, number: Number) -> str:
        stored = canonical(number, self.scale)
        if self.min is not None or self.max is not None:
            check_range(Number(stored), self.min, self.max)
        return stored

    def format(self, value: Any, context: ParseContext) -> str:
        return write_number(value, context) + " %"

    def example(self) -> Any:
        for number in (Number("22.5"), self.min, self.max):
            if (
                number is not None
                and (self.min is None or number >= self.min)
                and (self.max is None or number <= self.max)
            ):
                return canonical(number, self.scale)
        return canonical(Number(0), self.scale)

    def project(self, value: Any) -> Any:
        return None if value is None else Number(value)
