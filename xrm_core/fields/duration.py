"""A length of time."""

from __future__ import annotations

import re
from typing import Any, ClassVar, Literal

from pydantic import Field as Setting

from xrm_core.expressions.values import Duration as Length
from xrm_core.expressions.values import approximate_days
from xrm_core.fields.base import Field, ParseContext, reject
from xrm_core.kernel.kinds import Kind
from xrm_core.kernel.text import fold

Unit = Literal["hours", "days", "business_days", "months"]
LONGEST = 1_000_000

_WORDS: dict[str, tuple[str, int]] = {
    word: (unit, factor)
    for (unit, factor), words in {
        ("hours", 1): "hour hours h hr hrs stunde stunden std",
        ("days", 1): "day days d tag tage tagen",
        ("days", 7): "week weeks w wk woche wochen",
        (
            "business_days",
            1,
        ): "business_day business_days businessday businessdays working_day working_days workday workdays bd "
        "arbeitstag arbeitstage arbeitstagen werktag werktage werktagen",
        ("months", 1): "month months mo mon m monat monate monaten",
        ("months", 12): "year years y yr jahr jahre jahren",
    }.items()
    for word in words.split()
}
_TYPED = re.compile(r"([+-]?\d{1,7})\s*([^\d].{0,20})", re.ASCII)
_ISO = re.compile(r"(-?)P(?:(\d{1,7})([YMWD])|T(\d{1,7})H)", re.IGNORECASE | re.ASCII)
_ISO_UNITS = {"Y": ("months", 12), "M": ("months", 1), "W": ("days", 7), "D": ("days", 1)}
_ENGLISH = {
    "hours": ("hour", "hours"),
    "days": ("day", "days"),
    "business_days": ("business day", "business days"),
    "months": ("month", "months"),
}
_GERMAN = {
    "hours": ("Stunde", "Stunden"),
    "days": ("Tag", "Tage"),
    "business_days": ("Arbeitstag", "Arbeitstage"),
    "months": ("Monat", "Monate"),
}


class Duration(Field):
    """A length of time in days, business days, months or hours."""

    kind: ClassVar[Kind] = Kind.DURATION
    attributes: ClassVar[dict[str, Kind]] = {"value": Kind.INTEGER, "unit": Kind.TEXT}

    type: Literal["duration"] = "duration"
    units: tuple[Unit, ...] = Setting(
        default=("days", "months", "business_days"), min_length=1, description="The units that are taken."
    )

    def value_schema(self) -> dict[str, Any]:
        return {
            "type": "object",
            "properties": {
                "value": {"type": "integer", "minimum": -LONGEST, "maximum": LONGEST},
                "unit": {"enum": list(self.units)},
            },
            "required": ["value", "unit"],
            "additionalProperties": False,
        }

    def parse(self, raw: Any, context: ParseContext) -> Any:
        if isinstance(raw, str):
            text = raw.strip()
            return self.parse_text(text, context) if text else None
        if not isinstance(raw, dict) or raw.keys() != {"value", "unit"}:
            raise reject(
                "type", "A length of time is needed.", 'Send {"value": 90, "unit": "days"} or a text such as "90 days".'
            )
        value, unit = raw["value"], raw["unit"]
        if type(value) is not int:
            raise reject("type", "A whole number is needed.", "Choose a smaller unit instead of a fraction.", "/value")
        if not -LONGEST <= value <= LONGEST:
            raise reject(
                "too_large", f"At most {LONGEST} {'units' if not isinstance(unit, str) else unit[:20]}.", path="/value"
            )
        if unit not in self.units:
            raise reject(
                "not_allowed", "This unit is not taken here.", "One of " + ", ".join(self.units) + ".", "/unit"
            )
        return {"value": value, "unit": unit}

    def parse_text(self, text: str, context: ParseContext) -> Any:
        text = text.strip()
        value, unit = self._read(text) if len(text) <= 60 else (None, "")
        if value is None:
            raise reject("type", "This is not a length of time.", "Write it like 90 days or 3 months.")
        return self.parse({"value": value, "unit": unit}, context)

    def _read(self, text: str) -> tuple[int | None, str]:
        if re.fullmatch(r"[+-]?\d{1,7}", text, re.ASCII) and len(self.units) == 1:
            return int(text), self.units[0]
        iso = _ISO.fullmatch(text)
        if iso is not None:
            unit, factor = _ISO_UNITS[iso[3].upper()] if iso[3] else ("hours", 1)
            return int(iso[1] + (iso[2] or iso[4])) * factor, unit
        found = _TYPED.fullmatch(text)
        known = _WORDS.get(re.sub(r"[\s_-]+", "_", fold(found[2]).strip(" .")), None) if found else None
        return (int(found[1]) * known[1], known[0]) if found and known else (None, "")

    def format(self, value: Any, context: ParseContext) -> str:
        names = _GERMAN if context.language.split("-")[0] == "de" else _ENGLISH
        return f"{value['value']} {names[value['unit']][abs(value['value']) != 1]}"

    def example(self) -> Any:
        return {
            "value": 3 if "days" not in self.units else 90,
            "unit": "days" if "days" in self.units else self.units[0],
        }

    def project(self, value: Any) -> Any:
        if value is None:
            return None
        return approximate_days(Length(value["value"], value["unit"]))
