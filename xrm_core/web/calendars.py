"""Calendars: the records of a module by a day or an instant, drawn by month, week or one after another."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import orjson
from babel.dates import format_skeleton, get_day_names
from litestar import Response

from xrm_core.kernel.errors import Malformed
from xrm_core.kernel.kinds import Kind
from xrm_core.records import read
from xrm_core.records.query import RecordQuery
from xrm_core.storage.model import CompiledModule
from xrm_core.web import formats, render
from xrm_core.web.arranging import day_names, lane_names, pattern, spans
from xrm_core.web.describe import Describer
from xrm_core.web.filters import address
from xrm_core.web.formatters import record_url
from xrm_core.web.forms import FormBuilder
from xrm_core.web.frame import html, page
from xrm_core.web.hx import hx
from xrm_core.web.looking import Looking
from xrm_core.web.pages import Picker, Shell, TabView
from xrm_core.web.views_calendar import CalendarPage, DayView, EventView, HourView

SPANS = (("month", "Month"), ("week", "Week"), ("agenda", "Agenda"))
IN_CELL = 3
TRAY = 25
MOST = 1_000
LENGTHS = 16


class Times:
    """Where a module's records stand in time: the field of their start, and of their end if there is one."""

    def __init__(self, describer: Describer, module: CompiledModule, start: str, end: str = "") -> None:
        self.module, self.describer = module, describer
        self.start, self.end = start, end
        field = module.fields[start]
        self.ranged = spans(field)
        self.timed = not self.ranged and field.kind is Kind.INSTANT
        self.zone = formats.zone_of(describer.unit.zone)

    @property
    def first(self) -> str:
        """The path of the start in conditions."""
        return f"{self.start}.start" if self.ranged else self.start

    @property
    def last(self) -> str:
        """The path of the end in conditions, or ''."""
        return f"{self.start}.end" if self.ranged else self.end

    def of(self, row: Mapping[str, Any]) -> tuple[datetime | date | None, datetime | date | None]:
        """Local start and end of a record."""
        if self.ranged:
            value = row.get(self.start) or {}
            return self._local(value.get("start")), self._local(value.get("end"))
        return self._local(row.get(self.start)), self._local(row.get(self.end)) if self.end else None

    def _local(self, value: Any) -> datetime | date | None:
        if not value:
            return None
        if len(str(value)) == 10:
            return date.fromisoformat(str(value))
        found = formats.parse_instant(str(value))
        return found.astimezone(self.zone).replace(tzinfo=None) if found is not None else None

    def bound(self, day: date) -> str:
        """The beginning of a local day, as the field stores it."""
        if not self.timed:
            return day.isoformat()
        return self.stored(datetime.combine(day, time()))

    def stored(self, local: datetime) -> str:
        """A local time as an instant."""
        return local.replace(tzinfo=self.zone).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")

    def between(self, first: date, after: date) -> dict[str, Any]:
        """Records that touch the days from `first` until before `after`."""
        low, high = self.bound(first), self.bound(after)
        begins = {"field": self.first, "op": "lt", "value": high}
        starts = {"field": self.first, "op": "gte", "value": low}
        if not self.last:
            return {"and": [begins, starts]}
        return {"and": [begins, {"or": [starts, {"field": self.last, "op": "gte", "value": low}]}]}


def times_of(looking: Looking) -> Times:
    """The fields that the address or the view names, else the first that can."""
    describer, module = looking.describer, looking.module
    names = day_names(describer, module)
    view = pattern(looking.view, module, "calendar")
    wanted = (looking.given.get("date"), view.date_field if view else None)
    start = next((name for name in wanted if name in names), names[0])
    field = module.fields[start]
    own = view.end_field if view is not None and view.date_field == start else None
    end = looking.given.get("end", own or "")
    known = module.fields.get(end)
    good = known is not None and end in names and known.kind is field.kind and end != start and not spans(field)
    return Times(describer, module, str(start), end if good else "")


async def calendar_answer(looking: Looking, frame: Shell) -> Response[bytes]:
    """The calendar, or its content alone for a partial request."""
    here = looking.here
    await looking.name_records()
    times = times_of(looking)
    span = looking.given.get("span", "month")
    span = span if span in dict(SPANS) else "month"
    anchor = parsed_day(looking.given.get("on")) or here.unit.today
    first, after, shift = _range(span, anchor)
    colour = next(iter(lane_names(looking.describer, looking.module)), None)
    fields = tuple(
        dict.fromkeys(
            ["title", "version", times.start, *([times.end] if times.end else []), *([colour] if colour else [])]
        )
    )
    given = looking.query_filter()
    try:
        both = [times.between(first, after), *([given] if given else [])]
        listed = await read.find(
            here.unit,
            RecordQuery(looking.module.name, filter={"and": both}, fields=fields, limit=MOST, sort=_sort(times)),
        )
        empty = [{"field": times.start, "op": "is_empty"}, *([given] if given else [])]
        tray = await read.find(
            here.unit,
            RecordQuery(looking.module.name, filter={"and": empty}, fields=fields, limit=TRAY, count="capped"),
        )
    except Malformed as wrong:
        looking.filters.problem = " ".join(problem.message for problem in wrong.problems)
        listed = tray = read.Listed([])
    hues = _hues(looking, colour)
    events = _events(looking, times, map(orjson.loads, listed.rows), colour, hues, (first, after))
    waiting = tuple(
        EventView(
            row["id"],
            row.get("title") or "—",
            record_url(looking.module.name, row["id"]),
            row["version"],
            "",
            hue=hues.get(row.get(colour or "", ""), "gray"),
        )
        for row in map(orjson.loads, tray.rows)
    )
    view = _page(looking, times, span, anchor, (first, after, shift), events)
    waits = tray.count
    found = CalendarPage(
        **view,
        tray=waiting,
        tray_count=(formats.number(waits.value, 0, here.locale) + ("" if waits.exact else "+")) if waits else "",
        tray_url=looking.with_(
            layout="list", filter=and_(looking.filters.text, f"is_empty({times.first})"), f=None, span=None, on=None
        ),
        notice=here.t(
            "Only the first {count} are shown. Filter to see the others.", count=formats.number(MOST, 0, here.locale)
        )
        if listed.next
        else "",
        tabs=looking.tabs(),
        layouts=looking.layouts(),
        filters=looking.filters.bar(looking.url),
        pickers=_pickers(looking, times),
        can_move=_movable(looking, times),
        can_empty=_movable(looking, times) and not looking.module.fields[times.start].definition.required,
    )
    said = hx(here.request.headers)
    if said.partial and said.target_id == "results":
        return html(render.fragment("fragments/calendar.html.jinja", found, frame), frame.nonce)
    return page(here, found, frame)


def and_(*texts: str) -> str:
    """Conditions as text, joined by and."""
    parts = [text for text in texts if text]
    return parts[0] if len(parts) == 1 else " and ".join(f"({text})" for text in parts)


def _sort(times: Times) -> tuple[str, ...]:
    return (times.start,) if not times.ranged else ()


def _movable(looking: Looking, times: Times) -> bool:
    builder = FormBuilder(looking.here, looking.module)
    return looking.here.unit.policy.allows(looking.module.id, "edit") and builder.writable(times.start) is not None


def _pickers(looking: Looking, times: Times) -> tuple[Picker, ...]:
    names = day_names(looking.describer, looking.module)
    options = tuple((column.key, column.label) for column in looking.describer.columns(looking.module, names))
    return (Picker("date", looking.here.t("Date"), times.start, options),) if len(options) > 1 else ()


def _hues(looking: Looking, colour: str | None) -> Mapping[str, str]:
    if colour is None:
        return {}
    column = looking.describer.column(looking.module, colour)
    return {name: option.hue for name, option in column.options.items()} if column is not None else {}


def parsed_day(text: str | None) -> date | None:
    """A day of an address, if it is one that calendars have."""
    try:
        found = date.fromisoformat(text or "")
    except ValueError:
        return None
    return found if 1900 <= found.year <= 2200 else None


def _range(span: str, anchor: date) -> tuple[date, date, tuple[date, date]]:
    """First day, the day after the last, and the anchors before and after."""
    if span == "week":
        first = anchor - timedelta(days=anchor.weekday())
        return first, first + timedelta(days=7), (first - timedelta(days=7), first + timedelta(days=7))
    month = anchor.replace(day=1)
    following = (month + timedelta(days=32)).replace(day=1)
    shift = ((month - timedelta(days=1)).replace(day=1), following)
    if span == "agenda":
        return month, following, shift
    first = month - timedelta(days=month.weekday())
    last = following - timedelta(days=1)
    return first, last + timedelta(days=7 - last.weekday()), shift


def _events(
    looking: Looking,
    times: Times,
    rows: Iterable[Mapping[str, Any]],
    colour: str | None,
    hues: Mapping[str, str],
    shown: tuple[date, date],
) -> dict[date, list[EventView]]:
    """The events of every day; one that lasts longer stands on each of its days."""
    locale = formats.known_locale(looking.here.locale)
    found: dict[date, list[EventView]] = {}
    for row in rows:
        start, end = times.of(row)
        if start is None:
            continue
        at = start.date() if isinstance(start, datetime) else start
        until = (end.date() if isinstance(end, datetime) else end) if end is not None else at
        if isinstance(end, datetime) and end.time() == time() and until > at:
            until -= timedelta(days=1)
        text, quarter, length = "", 0, 2
        if isinstance(start, datetime):
            text = format_skeleton("Hm", start, locale=locale)
            quarter = start.minute // 15
            if isinstance(end, datetime):
                text += "–" + format_skeleton("Hm", end, locale=locale)
                length = max(1, min(LENGTHS, round((end - start).total_seconds() / 1800)))
        day = max(at, shown[0])
        while day <= min(max(until, at), shown[1] - timedelta(days=1)):
            event = EventView(
                row["id"],
                row.get("title") or "—",
                record_url(looking.module.name, row["id"]),
                row["version"],
                _iso(start),
                _iso(end),
                text if day == at else "",
                hues.get(str(row.get(colour or "", "")), "blue"),
                quarter,
                length,
                day != at,
            )
            found.setdefault(day, []).append(event)
            day += timedelta(days=1)
    return found


def _iso(value: datetime | date | None) -> str:
    return value.isoformat(timespec="minutes") if isinstance(value, datetime) else value.isoformat() if value else ""


def _page(
    looking: Looking,
    times: Times,
    span: str,
    anchor: date,
    shown: tuple[date, date, tuple[date, date]],
    events: Mapping[date, list[EventView]],
) -> dict[str, Any]:
    here = looking.here
    locale, (first, after, (before, following)) = formats.known_locale(here.locale), shown
    create = looking.view_model.create_url
    days = [first + timedelta(days=n) for n in range((after - first).days)]
    if span == "agenda":
        days = [day for day in days if day in events]

    def described(day: date) -> DayView:
        own = events.get(day, [])
        hours: tuple[HourView, ...] = ()
        if span == "week" and times.timed:
            hours = tuple(
                HourView(hour, tuple(one for one in own if not one.continued and int(one.start[11:13]) == hour))
                for hour in range(24)
            )
            own = [one for one in own if one.continued]
        most = IN_CELL if span == "month" else len(own)
        # A day with one more than fits shows it instead of a line that says so.
        most = len(own) if len(own) == most + 1 else most
        return DayView(
            day.isoformat(),
            str(day.day),
            str(format_skeleton("yMMMMEEEEd", day, locale=locale)),
            tuple(own[:most]),
            tuple(own[most:]),
            span == "month" and day.month != anchor.month,
            day == here.unit.today,
            hours,
            address(create, [(times.start, day.isoformat() + ("T09:00" if times.timed else ""))])
            if create and not times.ranged
            else None,
        )

    drawn = [described(day) for day in days]
    week = timedelta(days=1)
    heading = format_skeleton("yMMMM", anchor, locale=locale)
    if span == "week":
        heading = f"{formats.day(first.isoformat(), here.locale, False)} – {formats.day((after - week).isoformat(), here.locale)}"
    names = get_day_names("abbreviated", locale=locale)
    return {
        "module": looking.view_model,
        "span": span,
        "title": str(heading),
        "weekdays": tuple(str(names[n]) for n in range(7)),
        "weeks": tuple(tuple(drawn[n : n + 7]) for n in range(0, len(drawn), 7)),
        "previous_url": looking.with_(on=before.isoformat()),
        "today_url": looking.with_(on=None),
        "next_url": looking.with_(on=following.isoformat()),
        "spans": tuple(
            TabView(here.t(label), looking.with_(span=name, on=anchor.isoformat()), name == span)
            for name, label in SPANS
        ),
        "by": times.start,
        "timed": times.timed,
        "end": times.last,
        "hours": tuple(str(format_skeleton("Hm", time(hour), locale=locale)) for hour in range(24))
        if span == "week" and times.timed
        else (),
    }
