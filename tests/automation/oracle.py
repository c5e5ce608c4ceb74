"""A naive reckoning of what automations should have done, for comparison: no database, no queue, only lists."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

Key = tuple[str, str, str, str, str]
"""(automation, record, mark, the value that it follows from, due)."""
Time = tuple[datetime, str]
"""When something is due, and from which value that follows."""


def local(day: date, clock: time, zone: ZoneInfo) -> datetime:
    return datetime(day.year, day.month, day.day, clock.hour, clock.minute, tzinfo=zone).astimezone(UTC)


def plus_month(day: date) -> date:
    year, month = (day.year, day.month + 1) if day.month < 12 else (day.year + 1, 1)
    last = (date(year + month // 12, month % 12 + 1, 1) - timedelta(days=1)).day
    return date(year, month, min(day.day, last))


def plus_business_days(day: date, count: int) -> date:
    while count:
        day += timedelta(days=1)
        count -= day.weekday() < 5
    return day


@dataclass
class Thing:
    """A record as the oracle knows it."""

    created: datetime
    starts_on: date | None = None
    meets_at: datetime | None = None
    last_call: datetime | None = None
    active: bool = True
    archived: bool = False


@dataclass
class Oracle:
    """Knows every record, what is pending for it, and what became of everything that was due."""

    zone: ZoneInfo
    things: dict[str, Thing] = field(default_factory=dict)
    pending: dict[tuple[str, str, str], Time] = field(default_factory=dict)
    """By (automation, record, mark)."""
    outcome: dict[Key, str] = field(default_factory=dict)
    calendar: datetime | None = None

    def arm(self, record: str, now: datetime) -> None:
        """A record was written, archived or restored."""
        thing = self.things[record]
        wanted: dict[tuple[str, str], Time] = {}
        if not thing.archived:
            if thing.starts_on is not None:
                day = thing.starts_on
                for mark, then in (
                    ("-14days", day - timedelta(days=14)), ("-1days", day - timedelta(days=1)),
                    ("+1months", plus_month(day)), ("+3business_days", plus_business_days(day, 3)),
                ):  # fmt: skip
                    wanted["dates", mark] = local(then, time(2, 30), self.zone), day.isoformat()
            if thing.meets_at is not None:
                wanted["meetings", "-90minutes"] = thing.meets_at - timedelta(minutes=90), thing.meets_at.isoformat()
            last = max(filter(None, (thing.last_call, thing.created)))
            at = self._forty(last)
            while at <= now:
                at = self._forty(at)
            wanted["every", ""] = at, last.isoformat()
        for key in [key for key in self.pending if key[1] == record]:
            due, basis = self.pending[key]
            if wanted.get((key[0], key[2])) != (due, basis):
                del self.pending[key]
                self.outcome[key[0], record, key[2], basis, due.isoformat()] = "archived" if thing.archived else (
                    "moved" if (key[0], key[2]) in wanted else "no_date")  # fmt: skip
        for (automation, mark), (due, basis) in wanted.items():
            full = (automation, record, mark, basis, due.isoformat())
            if self.outcome.get(full) in (None, "moved", "no_date", "archived"):
                if due < now:
                    self.outcome[full] = "past"
                    self.pending.pop((automation, record, mark), None)
                else:
                    self.pending[automation, record, mark] = due, basis
                    self.outcome.pop(full, None)

    def _forty(self, at: datetime) -> datetime:
        return local(at.astimezone(self.zone).date() + timedelta(days=40), time(9), self.zone)

    def work(self, now: datetime) -> None:
        """The worker has done everything that is due."""
        for key, (due, basis) in sorted(self.pending.items(), key=lambda entry: entry[1]):
            if due > now:
                continue
            automation, record, mark = key
            del self.pending[key]
            if automation == "every":
                following = self._forty(due)
                while following <= now:
                    self.outcome[automation, record, mark, basis, due.isoformat()] = "superseded"
                    due, following = following, self._forty(following)
                self.pending[key] = following, basis
            full = (automation, record, mark, basis, due.isoformat())
            if automation == "meetings" and now - due > timedelta(hours=6):
                self.outcome[full] = "too_late"
            else:
                self.outcome[full] = "done" if self.things[record].active else "condition"
        while self.calendar is not None and self.calendar <= now:
            following = self.month_end(self.calendar)
            self.outcome["calendar", "", "", "", self.calendar.isoformat()] = "superseded" if following <= now else "done"
            self.calendar = following

    def month_end(self, after: datetime) -> datetime:
        """The next last day of a month at 23:30."""
        day = after.astimezone(self.zone).date()
        while True:
            if (day + timedelta(days=1)).day == 1:
                found = local(day, time(23, 30), self.zone)
                if found > after:
                    return found
            day += timedelta(days=1)

    def values(self, record: str) -> dict[str, Any]:
        """The dates of a record as they are written."""
        thing = self.things[record]
        return {
            "starts_on": thing.starts_on.isoformat() if thing.starts_on else None,
            "meets_at": thing.meets_at.isoformat().replace("+00:00", "Z") if thing.meets_at else None,
            "last_call": thing.last_call.isoformat().replace("+00:00", "Z") if thing.last_call else None,
            "active": thing.active,
        }
