"""A span of days."""

from __future__ import annotations

import re
from typing import Any, ClassVar, Literal

from xrm_core.fields.base import Field, ParseContext, Rejected, reject
from xrm_core.fields.calendar_text import read_date
from xrm_core.fields.date import day_of
from xrm_core.kernel.kinds import Kind

_PARTS = re.compile(
    r"(?P<start>.*?)(?:\s+(?:to|bis|until|-)(?:\s+|$)|\s*(?:\u2013|\u2014|\.\.\.?)\s*|(?<=\d{4}-\d\d-\d\d)/(?=\d{4}-)|^-\s+)(?P<end>.*)"
)


class DateRange(Field):
    """A span of days from a first to a last one; one of them may be left open."""

    kind: ClassVar[Kind] = Kind.OBJECT
    attributes: ClassVar[dict[str, Kind]] = {"start": Kind.DATE, "end": Kind.DATE}

    type: Literal["date_range"] = "date_range"

    def value_schema(self) -> dict[str, Any]:
        day = {"type": "string", "format": "date"}
        return {
            "type": "object",
            "properties": {"start": day, "end": day},
            "minProperties": 1,
            "additionalProperties": False,
        }

    def parse(self, raw: Any, context: ParseContext) -> Any:
        if not isinstance(raw, dict) or not raw.keys() <= {"start", "end"}:
            raise reject("type", "A span of days is needed.", 'Send {"start": "2026-01-01", "end": "2026-03-31"}.')
        value, problems = {}, []
        for key in ("start", "end"):
            given = raw.get(key)
            if given is None or given == "":
                continue
            try:
                value[key] = day_of(given).isoformat()
            except Rejected as rejected:
                problems += [problem.under(f"/{key}") for problem in rejected.problems]
        if problems:
            raise Rejected(*problems)
        if len(value) == 2 and value["start"] > value["end"]:
            raise reject(
                "range", f"The last day {value['end']} lies before the first, {value['start']}.", "Swap them.", "/end"
            )
        return value or None

    def parse_text(self, text: str, context: ParseContext) -> Any:
        text = text.strip()
        found = _PARTS.fullmatch(text) if len(text) <= 100 else None
        if found is None:
            raise reject("type", "This is not a span of days.", "Write it like 2026-01-01 \u2013 2026-03-31.")
        ends = {key: read_date(part, context).isoformat() for key, part in found.groupdict().items() if part.strip()}
        return self.parse(ends, context)

    def format(self, value: Any, context: ParseContext) -> str:
        return f"{value.get('start', '')} \u2013 {value.get('end', '')}".strip()

    def example(self) -> Any:
        return {"start": "2026-01-01", "end": "2026-03-31"}

    def project(self, value: Any) -> Any:
        return None
