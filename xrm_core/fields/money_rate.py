"""An amount of money per unit of time."""

from __future__ import annotations

import re
from decimal import Decimal as Number
from typing import Any, ClassVar, Literal

from pydantic import Field as Setting

from xrm_core.expressions.values import PERIODS
from xrm_core.fields.amounts import amount_schema, read_amount, store_amount
from xrm_core.fields.base import Field, ParseContext, reject
from xrm_core.fields.currencies import CURRENCIES
from xrm_core.fields.numbers import check_range, write_number
from xrm_core.kernel.kinds import Kind
from xrm_core.kernel.problem import Problem
from xrm_core.kernel.text import fold

Per = Literal["hour", "day", "week", "month", "year"]
PER: tuple[Per, ...] = ("hour", "day", "week", "month", "year")

_KEYS = frozenset({"amount", "currency", "per"})
_WORDS: dict[str, str] = {
    word: per
    for per, words in {
        "hour": "hour hours hourly h hr hrs stunde stunden std stdl heure ora hora uur",
        "day": "day days daily d tag tage tage tg taglich jour jours giorno dia dag",
        "week": "week weeks weekly wk w woche wochen semaine settimana semana",
        "month": "month months monthly mo m mon monat monate mt mois mese mes maand",
        "year": "year years yearly annual annually annum yr y a pa jahr jahre an anno ano jaar",
    }.items()
    for word in words.split()
}
_GERMAN = {"hour": "Stunde", "day": "Tag", "week": "Woche", "month": "Monat", "year": "Jahr"}
_TAIL = re.compile(
    r"(?P<amount>.*\d.*?)\s*(?:/|\bper\b|\bpro\b|\bpar\b|\bp\.|\ba\b|\bje\b|(?<=[\s\d])(?=[^\W\d]))\s*(?P<per>[^\W\d]+\.?)",
    re.IGNORECASE,
)


class MoneyRate(Field):
    """An amount of money per hour, day, week, month or year."""

    kind: ClassVar[Kind] = Kind.RATE
    attributes: ClassVar[dict[str, Kind]] = {"amount": Kind.DECIMAL, "currency": Kind.TEXT, "per": Kind.TEXT}

    type: Literal["money_rate"] = "money_rate"
    per: tuple[Per, ...] = Setting(default=PER, min_length=1, description="The units of time that are taken.")
    currency: str | None = Setting(default=None, description="ISO 4217 code, when only one currency is taken.")
    min: Number | None = Setting(default=None, allow_inf_nan=False)

    def check_settings(self) -> list[Problem]:
        if self.currency is not None and self.currency not in CURRENCIES:
            return [
                Problem(
                    "currency",
                    "/currency",
                    f"{self.currency[:20]!r} is not a currency of ISO 4217.",
                    "Write a code such as EUR.",
                )
            ]
        return super().check_settings()

    def value_schema(self) -> dict[str, Any]:
        schema = amount_schema(self.currency)
        schema["properties"]["per"] = {"enum": list(self.per)}
        schema["required"].append("per")
        return schema

    def parse(self, raw: Any, context: ParseContext) -> Any:
        amount, currency = store_amount(raw, self.currency, context, _KEYS)
        per = raw.get("per") if isinstance(raw, dict) else None
        if per is None:
            if len(self.per) > 1:
                raise reject("required", "The unit of time is missing.", "One of " + ", ".join(self.per) + ".", "/per")
            per = self.per[0]
        elif per not in self.per:
            raise reject(
                "not_allowed", "This unit of time is not taken here.", "One of " + ", ".join(self.per) + ".", "/per"
            )
        if self.min is not None:
            check_range(Number(amount), self.min, None)
        return {"amount": amount, "currency": currency, "per": per}

    def parse_text(self, text: str, context: ParseContext) -> Any:
        text = text.strip()
        if len(text) > 100:
            raise reject("type", "An amount per time is needed.", "Write it like 60000 EUR/year.")
        per = None
        found = _TAIL.fullmatch(re.sub(r"p\.\s?a\.?$", "/ year", text))
        if found is not None:
            per = _WORDS.get(fold(found["per"]).rstrip("."))
        if found is None or per is None:
            return self.parse(read_amount(text, self.currency, context), context)
        return self.parse({**read_amount(found["amount"], self.currency, context), "per": per}, context)

    def format(self, value: Any, context: ParseContext) -> str:
        per = _GERMAN[value["per"]] if context.language.split("-")[0] == "de" else value["per"]
        return f"{write_number(value['amount'], context)} {value['currency']}/{per}"

    def example(self) -> Any:
        per = "year" if "year" in self.per else self.per[0]
        amount = max(Number(60000) if per == "year" else Number(60), self.min or Number(0))
        return self.parse({"amount": str(amount), "currency": self.currency or "EUR", "per": per}, ParseContext())

    def project(self, value: Any) -> Any:
        return None if value is None else Number(value["amount"]) * PERIODS[value["per"]]
