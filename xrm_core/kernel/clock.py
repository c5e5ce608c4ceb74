"""Clocks: where "now" comes from, so that time can be fixed in tests and demos."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo


class Clock(Protocol):
    """Anything that tells the time as an aware UTC datetime."""

    def now(self) -> datetime: ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)


class FixedClock:
    """A clock that stands still until it is moved."""

    def __init__(self, at: datetime) -> None:
        if at.tzinfo is None:
            raise ValueError("a clock needs a time with a zone")
        self._at = at.astimezone(UTC)

    def now(self) -> datetime:
        return self._at

    def move(self, by: timedelta) -> None:
        """Move the clock on (or back)."""
        self._at += by

    def set(self, at: datetime) -> None:
        """Set the clock to a time with a zone."""
        self._at = at.astimezone(UTC)


class ShiftedClock:
    """A clock that runs, starting at a chosen time."""

    def __init__(self, start: datetime) -> None:
        self._shift = start.astimezone(UTC) - datetime.now(UTC)

    def now(self) -> datetime:
        return datetime.now(UTC) + self._shift


def today(now: datetime, zone: str) -> date:
    """The calendar day of `now` in the IANA time zone `zone`."""
    return now.astimezone(ZoneInfo(zone)).date()
