"""An amount of money."""

from __future__ import annotations

from decimal import Decimal as Number
from typing import Any, ClassVar, Literal

from pydantic import Field as Setting

from xrm_core.fields.amounts import amount_schema, read_amount, store_amount
from xrm_core.fields.base import Field, ParseContext
from xrm_core.fields.currencies import CURRENCIES
from xrm_core.fields.numbers import check_range, write_number
from xrm_core.kernel.kinds import Kind
from xrm_core.kernel.problem import Problem


class Money(Field):
    """An exact amount of money in a currency."""

    kind: ClassVar[Kind] = Kind.MONEY
    attributes: ClassVar[dict[str, Kind]] = {"amount": Kind.DECIMAL, "currency": Kind.TEXT}

    type: Literal["money"] = "money"
    currency: str | None = Setting(default=None, description="ISO 4217 code, when only one currency is taken.")
    min: Number | None = Setting(default=None, allow_inf_nan=False)
    max: Number | None = Setting(default=None, allow_inf_nan=False)

    def check_settings(self) -> list[Problem]:
        problems = []
        if self.currency is not None and self.currency not in CURRENCIES:
            problems.append(
                Problem(
                    "currency",
                    "/currency",
                    f"{self.currency[:20]!r} is not a currency of ISO 4217.",
                    "Write a code such as EUR.",
                )
            )
        if self.min is not None and self.max is not None and self.min > self.max:
            problems.append(
                Problem("range", "/max", f"The largest value {self.max} is below the smallest, {self.min}.")
            )
        return problems or super().check_settings()

    def value_schema(self) -> dict[str, Any]:
        return amount_schema(self.currency)

    def parse(self, raw: Any, context: ParseContext) -> Any:
        amount, currency = store_amount(raw, self.currency, context)
        if self.min is not None or self.max is not None:
            check_range(Number(amount), self.min, self.max)
        return {"amount": amount, "currency": currency}

    def parse_text(self, text: str, context: ParseContext) -> Any:
        return self.parse(read_amount(text, self.currency, context), context)

    def format(self, value: Any, context: ParseContext) -> str:
        return f"{write_number(value['amount'], context)} {value['currency']}"

    def example(self) -> Any:
        currency = self.currency or "EUR"
        number = next((limit for limit in (self.min, self.max) if limit is not None), Number(12000))
        if (self.min is None or self.min <= 12000) and (self.max is None or self.max >= 12000):
            number = Number(12000)
        return self.parse({"amount": str(number), "currency": currency}, ParseContext())

    def project(self, value: Any) -> Any:
        return None if value is None else Number(value["amount"])
