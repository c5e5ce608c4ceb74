"""A day of the calendar."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Any, ClassVar, Literal
from zoneinfo import ZoneInfo

from pydantic import Field as Setting

from xrm_core.fields.base import Field, ParseContext, Rejected, reject
from xrm_core.fields.calendar_text import read_date
from xrm_core.kernel.kinds import Kind
from xrm_core.kernel.problem import Problem

_MIDNIGHT = re.compile(r"(.{8,10})[T ]00:00(?::00(?:[.,]0{1,9})?)?(?:Z|[ ]?UTC|[+-]00:?00)?")


def day_of(raw: Any) -> date:
    """The date of a JSON value "YYYY-MM-DD"; years 0001 to 9999."""
    if not isinstance(raw, str):
        raise reject("type", "A date is needed.", 'Send a string such as "2026-03-31".')
    if len(raw) == 10 and raw[4] == "-" and raw[7] == "-" and raw.isascii():
        try:
            return date.fromisoformat(raw)
        except ValueError:
            raise reject("date", "There is no such day.", 'Send a string such as "2026-03-31".') from None
    raise reject("date", "This is not a date.", 'Send a string such as "2026-03-31".')


class Date(Field):
    """A day, without a time."""

    kind: ClassVar[Kind] = Kind.DATE

    type: Literal["date"] = "date"
    min: str | None = Setting(default=None, description="The first day that is taken, as YYYY-MM-DD.")
    max: str | None = Setting(default=None, description="The last day that is taken, as YYYY-MM-DD.")

    def check_settings(self) -> list[Problem]:
        problems = []
        for key, limit in (("min", self.min), ("max", self.max)):
            try:
                if limit is not None:
                    day_of(limit)
            except Rejected as rejected:
                problems += [problem.under(f"/{key}") for problem in rejected.problems]
        if not problems and self.min is not None and self.max is not None and self.min > self.max:
            problems.append(Problem("range", "/max", "The last day lies before the first."))
        return problems or super().check_settings()

    def value_schema(self) -> dict[str, Any]:
        return {"type": "string", "format": "date"}

    def parse(self, raw: Any, context: ParseContext) -> Any:
        text = day_of(raw).isoformat()
        # ISO dates of four-digit years sort like their text.
        if self.min is not None and text < self.min:
            raise reject("too_early", f"Not before {self.min}.")
        if self.max is not None and text > self.max:
            raise reject("too_late", f"Not after {self.max}.")
        return text

    def parse_text(self, text: str, context: ParseContext) -> Any:
        text = text.strip()
        found = _MIDNIGHT.fullmatch(text) if len(text) <= 40 else None
        return self.parse(read_date(found[1] if found else text, context).isoformat(), context)

    def convert_from(self, source: Field, value: Any, context: ParseContext) -> Any:
        if source.kind is Kind.INSTANT:
            # The calendar day on which it happened here.
            moment = datetime.fromisoformat(value)
            try:
                return self.parse(moment.astimezone(ZoneInfo(context.zone)).date().isoformat(), context)
            except OverflowError:
                return self.parse(moment.date().isoformat(), context)
        return self.parse_text(source.format(value, context), context)

    def format(self, value: Any, context: ParseContext) -> str:
        return str(value)

    def example(self) -> Any:
        return next((limit for limit in (self.min, self.max) if limit is not None), "2026-03-31")

    def project(self, value: Any) -> Any:
        return None if value is None else date.fromisoformat(value)
