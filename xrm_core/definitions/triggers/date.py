"""Some time before or after a date of a record."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, datetime
from typing import Literal
from zoneinfo import ZoneInfo

from pydantic import Field as Setting

from xrm_core.definitions.hints import DateFieldName
from xrm_core.definitions.triggers.base import (
    CLOCK,
    MOST_OFFSETS,
    Due,
    Get,
    Offset,
    Tell,
    TimeTrigger,
    at_local,
    read_clock,
)
from xrm_core.kernel.dates import add_business_days

_DAY = "09:00"


class Dated(TimeTrigger):
    """A date or time of the record comes nearer, is reached, or lies behind."""

    kind: Literal["date"]
    field: DateFieldName
    offsets: tuple[Offset, ...] = Setting(
        default=(Offset(value=0, unit="days"),),
        min_length=1,
        max_length=MOST_OFFSETS,
        description="Negative is before.",
    )
    at: str | None = Setting(
        default=None,
        pattern=CLOCK,
        description="Time of day in the workspace's zone; dates without one are due at 09:00.",
    )
    roll: Literal["none", "next_business_day", "previous_business_day"] = Setting(
        default="none", description="Where to go from a weekend."
    )
    again: bool = Setting(
        default=True,
        description="Due again when the date moves after it was done; otherwise once per record and offset.",
    )

    def reads(self) -> Iterable[tuple[str, str]]:
        return (("/field", self.field),)

    def only_once(self) -> bool:
        return not self.again

    def due(self, get: Get, zone: ZoneInfo) -> Iterator[Due]:
        value = get(self.field)
        for offset in self.offsets:
            if isinstance(value, datetime):
                at = self._from_instant(value, offset, zone)
                basis = value.isoformat()
            elif isinstance(value, date):
                at = self._from_day(value, offset, zone)
                basis = value.isoformat()
            else:
                return
            if at is not None:
                yield Due(offset.mark, basis, at)

    def _from_instant(self, value: datetime, offset: Offset, zone: ZoneInfo) -> datetime | None:
        at = offset.after(value, zone)
        if at is None or offset.exact:
            return at
        local = at.astimezone(zone)
        day = self._rolled(local.date())
        clock = read_clock(self.at) if self.at is not None else local.time()
        return None if day is None else at_local(day, clock, zone)

    def _from_day(self, value: date, offset: Offset, zone: ZoneInfo) -> datetime | None:
        clock = read_clock(self.at or _DAY)
        if offset.exact:
            start = at_local(value, clock, zone)
            return None if start is None else offset.after(start, zone)
        day = offset.days_after(value)
        day = None if day is None else self._rolled(day)
        return None if day is None else at_local(day, clock, zone)

    def _rolled(self, day: date) -> date | None:
        if self.roll == "none" or day.weekday() < 5:
            return day
        return add_business_days(day, 1 if self.roll == "next_business_day" else -1)

    def sentence(self, tell: Tell) -> str:
        name = tell.label(self.field)
        found = []
        for offset in self.offsets:
            if offset.value == 0:
                found.append(tell.pick(f"on {name}", f"am Tag: {name}"))
            elif offset.value < 0:
                found.append(tell.pick(f"{offset.said(tell)} before {name}", f"{offset.said(tell)} vor {name}"))
            else:
                found.append(tell.pick(f"{offset.said(tell)} after {name}", f"{offset.said(tell)} nach {name}"))
        text = ", ".join(found)
        text = text[:1].upper() + text[1:]
        return text + (tell.pick(f" at {self.at}", f" um {self.at} Uhr") if self.at else "")
