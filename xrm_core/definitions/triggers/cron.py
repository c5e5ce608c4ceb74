"""At fixed times of the workspace's calendar."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Annotated, ClassVar, Literal
from zoneinfo import ZoneInfo

from pydantic import Field as Setting

from xrm_core.definitions.triggers.base import CLOCK, Due, Get, Tell, TimeTrigger, at_local, read_clock
from xrm_core.kernel.dates import add_days

Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
WEEKDAYS: tuple[Weekday, ...] = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_GERMAN = ("Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag", "Sonntag")
_LONGEST = 8 * 366
"""No day fits later than this: 29 February comes after eight years at the latest."""


class Cron(TimeTrigger):
    """At these times on these days; without days, every day. Runs for each record that meets the condition."""

    of_record: ClassVar[bool] = False
    kind: Literal["cron"]
    at: tuple[Annotated[str, Setting(pattern=CLOCK)], ...] = Setting(
        min_length=1, max_length=24, description="Times of day, HH:MM."
    )
    weekdays: tuple[Weekday, ...] = Setting(default=(), max_length=7)
    days: tuple[int, ...] = Setting(
        default=(), max_length=31, description="Days of the month; -1 is the last one, -2 the one before."
    )
    months: tuple[int, ...] = Setting(default=(), max_length=12)

    def model_post_init(self, context: object) -> None:
        """Refuse what no calendar has."""
        if any(not (1 <= day <= 31 or -31 <= day <= -1) for day in self.days):
            raise ValueError("days are 1 to 31, or -1 to -31 from the end")
        if any(not 1 <= month <= 12 for month in self.months):
            raise ValueError("months are 1 to 12")

    def due(self, get: Get, zone: ZoneInfo) -> Iterator[Due]:
        return iter(())

    def following(self, at: datetime, zone: ZoneInfo) -> datetime | None:
        day = at.astimezone(zone).date()
        clocks = sorted({read_clock(text) for text in self.at})
        for step in range(_LONGEST):
            here = add_days(day, step)
            if here is None:
                return None
            last = (here.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
            fits = (
                (not self.weekdays or WEEKDAYS[here.weekday()] in self.weekdays)
                and (not self.days or here.day in self.days or here.day - last.day - 1 in self.days)
                and (not self.months or here.month in self.months)
            )
            if fits:
                for clock in clocks:
                    found = at_local(here, clock, zone)
                    if found is not None and found > at:
                        return found
        return None

    def sentence(self, tell: Tell) -> str:
        times = ", ".join(self.at)
        if self.weekdays:
            names = ", ".join(
                tell.pick(day.title(), _GERMAN[WEEKDAYS.index(day)]) for day in WEEKDAYS if day in self.weekdays
            )
        elif self.days:
            names = ", ".join(
                tell.pick("last day", "am letzten Tag") if day == -1 else tell.pick(f"day {day}", f"am {day}.")
                for day in self.days
            ) + tell.pick(" of the month", " des Monats")
        else:
            names = tell.pick("day", "Tag")
        german = f"{names[:1].upper()}{names[1:]}" if self.days and not self.weekdays else f"Jeden {names}"
        return tell.pick(f"Every {names} at {times}", f"{german} um {times} Uhr")
