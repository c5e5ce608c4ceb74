"""Again and again for each record, counted from the last time that something happened."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, datetime, time
from typing import Literal
from zoneinfo import ZoneInfo

from pydantic import Field as Setting

from xrm_core.definitions.hints import DateFieldName
from xrm_core.definitions.triggers.base import CLOCK, Due, Get, Offset, Tell, TimeTrigger, at_local, read_clock

_DAY = "09:00"


class Every(TimeTrigger):
    """Every so many days, weeks or months since the latest of these dates; a later date begins the count anew."""

    kind: Literal["every"]
    every: Offset
    since: tuple[DateFieldName, ...] = Setting(
        min_length=1, max_length=10, description="Date or time fields; the latest counts."
    )
    at: str = Setting(default=_DAY, pattern=CLOCK, description="Time of day, in the workspace's zone.")

    def reads(self) -> Iterable[tuple[str, str]]:
        return ((f"/since/{place}", name) for place, name in enumerate(self.since))

    def due(self, get: Get, zone: ZoneInfo) -> Iterator[Due]:
        found: list[datetime] = []
        for name in self.since:
            value = get(name)
            if isinstance(value, datetime):
                found.append(value)
            elif isinstance(value, date):
                start = at_local(value, time(0), zone)
                if start is not None:
                    found.append(start)
        if not found:
            return
        last = max(found)
        at = self.following(last, zone)
        if at is not None:
            yield Due("", last.isoformat(), at)

    def following(self, at: datetime, zone: ZoneInfo) -> datetime | None:
        day = self.every.days_after(at.astimezone(zone).date())
        return None if day is None else at_local(day, read_clock(self.at), zone)

    def sentence(self, tell: Tell) -> str:
        names = " / ".join(tell.label(name) for name in self.since)
        said = self.every.said(tell)
        return tell.pick(f"Every {said} after {names}", f"Alle {said} nach {names}")
