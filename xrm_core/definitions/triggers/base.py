"""What all triggers share: what happened to a record, when something is due, and offsets in calendar time."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import ClassVar, Literal
from zoneinfo import ZoneInfo

from pydantic import Field as Setting

from xrm_core.definitions.hints import StageName
from xrm_core.fields.base import Model
from xrm_core.kernel.dates import add_business_days, add_days, add_months

Get = Callable[[str], object]
"""The value of a record under a name, in its stored form; days and instants as Python values where a trigger reads them."""
What = Literal["created", "changed", "archived", "restored", "erased"]
ClockText = str
MOST_OFFSETS = 20


@dataclass(frozen=True, slots=True)
class Happening:
    """What was done to a record: which names changed, and its values before and after."""

    what: What
    names: frozenset[str]
    was: Get
    now: Get


@dataclass(frozen=True, slots=True)
class Due:
    """A moment at which something is due: `mark` tells which of several offsets, `basis` from which value it follows."""

    mark: str
    basis: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Tell:
    """How names are said in a language."""

    language: str
    label: Callable[[str], str]
    stage: Callable[[str], str]
    condition: Callable[[str], str] = str
    """A condition in words."""

    def pick(self, en: str, de: str) -> str:
        """The text of the language."""
        return de if self.language == "de" else en


class Trigger(Model):
    """What sets an automation going."""

    of_record: ClassVar[bool] = True
    """Whether there is always a record that it is about."""
    kind: str

    def reads(self) -> Iterable[tuple[str, str]]:
        """(pointer, name) of the fields that it looks at."""
        return ()

    def stages_named(self) -> Iterable[tuple[str, str]]:
        """(pointer, name) of the stages that it names."""
        return ()

    @abstractmethod
    def sentence(self, tell: Tell) -> str:
        """The trigger as the beginning of a sentence."""


class EventTrigger(Trigger):
    """A trigger that follows from what was done to a record."""

    @abstractmethod
    def matches(self, happening: Happening) -> bool:
        """Whether this is what the automation waits for."""

    def watches(self) -> frozenset[str] | None:
        """The names whose change concerns it; None when it is about records as a whole."""
        return None


class TimeTrigger(Trigger):
    """A trigger that follows from the calendar and from values of a record."""

    once: ClassVar[bool] = False

    @abstractmethod
    def due(self, get: Get, zone: ZoneInfo) -> Iterator[Due]:
        """All moments at which it is due for a record with these values."""

    def following(self, at: datetime, zone: ZoneInfo) -> datetime | None:
        """The next moment after one that has passed, for triggers that come again."""
        return None

    def only_once(self) -> bool:
        """Whether it is due once per record and offset, even if the value that it follows from changes afterwards."""
        return False


class Offset(Model):
    """A distance in time; negative values lie before."""

    value: int = Setting(ge=-100_000, le=100_000)
    unit: Literal["minutes", "hours", "days", "business_days", "weeks", "months"]

    @property
    def mark(self) -> str:
        return f"{self.value:+d}{self.unit}"

    @property
    def exact(self) -> bool:
        """Whether it is counted on the clock, not on the calendar."""
        return self.unit in ("minutes", "hours")

    def days_after(self, day: date) -> date | None:
        """The day at this distance; None outside the calendar."""
        if self.unit == "business_days":
            return add_business_days(day, self.value)
        if self.unit == "months":
            return add_months(day, self.value)
        return add_days(day, self.value * (7 if self.unit == "weeks" else 1))

    def after(self, at: datetime, zone: ZoneInfo) -> datetime | None:
        """The instant at this distance; days keep the time of the clock on the wall."""
        if self.exact:
            try:
                return at + timedelta(**{self.unit: self.value})
            except OverflowError:
                return None
        local = at.astimezone(zone)
        day = self.days_after(local.date())
        return None if day is None else at_local(day, local.time(), zone)

    def said(self, tell: Tell) -> str:
        """The length in words."""
        count = abs(self.value)
        names = {
            "minutes": (("minute", "minutes"), ("Minute", "Minuten")),
            "hours": (("hour", "hours"), ("Stunde", "Stunden")),
            "days": (("day", "days"), ("Tag", "Tage")),
            "business_days": (("business day", "business days"), ("Werktag", "Werktage")),
            "weeks": (("week", "weeks"), ("Woche", "Wochen")),
            "months": (("month", "months"), ("Monat", "Monate")),
        }[self.unit]
        return f"{count} {names[tell.language == 'de'][count != 1]}"


def read_clock(text: str) -> time:
    """The time of day written as HH:MM."""
    return time(int(text[:2]), int(text[3:5]))


def at_local(day: date, clock: time, zone: ZoneInfo) -> datetime | None:
    """The instant at which a clock in a zone shows this. A time that is skipped in spring counts as if the clock had not
    been moved yet, one that comes twice in autumn is meant the first time."""
    try:
        return datetime.combine(day, clock.replace(fold=0, tzinfo=None), tzinfo=zone).astimezone(UTC)
    except OverflowError:
        return None


CLOCK = r"^([01][0-9]|2[0-3]):[0-5][0-9]$"
StageNames = tuple[StageName, ...]


def listed(words: Iterable[str], tell: Tell) -> str:
    """Words joined as people do it."""
    found = list(words)
    if len(found) < 2:
        return "".join(found)
    return f"{', '.join(found[:-1])} {tell.pick('or', 'oder')} {found[-1]}"
