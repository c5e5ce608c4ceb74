"""iCalendar texts: what is written for others, and what others wrote, however broken."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from icalendar import Calendar, Event, vCalAddress, vText

from xrm_core.messaging.addresses import Mailable, normal

LONGEST = 2_000_000
MOST = 5_000
STATUSES = frozenset({"ACCEPTED", "DECLINED", "TENTATIVE", "NEEDS-ACTION", "DELEGATED"})


@dataclass(frozen=True, slots=True)
class Entry:
    """One event for a calendar."""

    uid: str
    title: str
    start: datetime | date
    end: datetime | date
    changed_at: datetime
    sequence: int = 0
    place: str = ""
    text: str = ""
    url: str = ""
    cancelled: bool = False
    organizer: Mailable | None = None
    attendees: Sequence[tuple[Mailable, str]] = ()
    """With their answers."""


def write(entries: Iterable[Entry], *, method: str | None = None, name: str = "") -> str:
    """A calendar with these events."""
    calendar = Calendar()
    calendar.add("prodid", "-//XRM//XRM//EN")
    calendar.add("version", "2.0")
    if method:
        calendar.add("method", method)
    if name:
        calendar.add("x-wr-calname", name)
    for entry in entries:
        calendar.add_component(_event(entry, invites=method is not None))
    return bytes(calendar.to_ical()).decode()


def _event(entry: Entry, *, invites: bool) -> Event:
    event = Event()
    event.add("uid", entry.uid)
    event.add("dtstamp", entry.changed_at)
    event.add("last-modified", entry.changed_at)
    event.add("sequence", entry.sequence)
    event.add("dtstart", entry.start)
    event.add("dtend", entry.end)
    event.add("summary", _clean(entry.title))
    event.add("status", "CANCELLED" if entry.cancelled else "CONFIRMED")
    for key, value in (("location", entry.place), ("description", entry.text), ("url", entry.url)):
        if value:
            event.add(key, _clean(value))
    if entry.organizer is not None:
        event["organizer"] = _person(entry.organizer)
    for person, status in entry.attendees:
        address = _person(person)
        address.params["partstat"] = vText(status)
        address.params["role"] = vText("REQ-PARTICIPANT")
        if invites:
            address.params["rsvp"] = vText("TRUE")
        event.add("attendee", address, encode=False)
    return event


def _person(person: Mailable) -> vCalAddress:
    found = vCalAddress(f"mailto:{person.address}")
    if person.name:
        found.params["cn"] = vText("".join(c for c in person.name if c >= " " and c != '"'))
    return found


def _clean(text: str) -> str:
    return "".join(c for c in text.replace("\r\n", "\n") if c == "\n" or c >= " ")


@dataclass(frozen=True, slots=True)
class Found:
    """An event that somebody else wrote, as far as it could be read."""

    uid: str
    title: str
    start: datetime | None
    end: datetime | None
    all_day: bool
    sequence: int
    cancelled: bool
    busy: bool
    recurring: bool
    place: str
    attendees: tuple[tuple[str, str], ...] = ()
    """(address, answer)."""
    organizer: str | None = None


@dataclass(slots=True)
class Reading:
    """What a text holds."""

    method: str = ""
    events: list[Found] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def read(raw: bytes | str, zone: str = "UTC") -> Reading:
    """The events of a calendar text; what is broken is left out and told. Never raises."""
    reading = Reading()
    if len(raw) > LONGEST:
        reading.problems.append(f"the calendar has more than {LONGEST} bytes")
        return reading
    try:
        calendars = Calendar.from_ical(raw, multiple=True)
    except Exception as error:  # the library raises whatever its parts raise on broken texts
        reading.problems.append(f"{type(error).__name__}: {error}"[:300])
        return reading
    for calendar in calendars:
        if isinstance(calendar, Calendar):
            reading.method = reading.method or _one(calendar, "METHOD").upper()
        for component in [calendar, *calendar.walk("VEVENT")][:MOST]:
            if component.name != "VEVENT":
                continue
            try:
                reading.events.append(_found(component, zone))
            except Exception as error:  # as above
                reading.problems.append(f"{_one(component, 'UID')[:80]}: {type(error).__name__}: {error}"[:300])
            reading.problems += [f"{name}: {text}"[:300] for name, text in getattr(component, "errors", [])][:20]
    unique: dict[tuple[str, str], Found] = {}
    for one in reading.events:
        unique.setdefault((one.uid, str(one.start)), one)
    reading.events = list(unique.values())
    return reading


def _found(component: Any, zone: str) -> Found:
    start, all_day = _moment(component, "DTSTART", zone)
    end, _ = _moment(component, "DTEND", zone)
    if start is not None and end is None:
        length = getattr(component.get("DURATION"), "dt", None)
        ordinary = timedelta(days=1) if all_day else timedelta(0)
        end = start + (length if isinstance(length, timedelta) else ordinary)
    if start is not None and end is not None and end < start:
        end = start
    given = component.get("ATTENDEE")
    people = given if isinstance(given, list) else [given] if given is not None else []
    attendees = []
    for one in people:
        address = _address(one)
        status = str(getattr(one, "params", {}).get("PARTSTAT", "NEEDS-ACTION")).upper()
        if address is not None:
            attendees.append((address, status if status in STATUSES else "NEEDS-ACTION"))
    try:
        sequence = max(0, int(component.get("SEQUENCE", 0)))
    except (TypeError, ValueError):
        sequence = 0
    return Found(
        uid=_one(component, "UID")[:500], title=_one(component, "SUMMARY")[:500], start=start, end=end, all_day=all_day,
        sequence=sequence, cancelled=_one(component, "STATUS").upper() == "CANCELLED",
        busy=_one(component, "TRANSP").upper() != "TRANSPARENT", recurring=component.get("RRULE") is not None,
        place=_one(component, "LOCATION")[:500], attendees=tuple(attendees), organizer=_address(component.get("ORGANIZER")),
    )  # fmt: skip


def _one(component: Any, name: str) -> str:
    value = component.get(name)
    if isinstance(value, list):
        value = value[0] if value else None
    return "".join(c for c in str(value) if c >= " ").strip() if value is not None else ""


def _moment(component: Any, name: str, zone: str) -> tuple[datetime | None, bool]:
    value = component.get(name)
    if isinstance(value, list):
        value = value[0] if value else None
    moment = getattr(value, "dt", None)
    if isinstance(moment, datetime):
        aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=ZoneInfo(zone))
        return aware.astimezone(UTC), False
    if isinstance(moment, date):
        return datetime.combine(moment, time(), ZoneInfo(zone)).astimezone(UTC), True
    return None, False


def _address(value: Any) -> str | None:
    if isinstance(value, list):
        value = value[0] if value else None
    text = str(value or "")
    return normal(text.partition(":")[2] if text.lower().startswith("mailto:") else text)
