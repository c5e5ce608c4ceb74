"""Today: what is due, what takes place, and what asks for attention, each to be worked off by keys."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from urllib.parse import quote

from litestar import Response, get
from markupsafe import Markup

from xrm_core.kernel.errors import NotFound
from xrm_core.kernel.kinds import Kind
from xrm_core.kernel.problem import Problem
from xrm_core.records import personal
from xrm_core.records.today import today
from xrm_core.storage.model import CompiledModule
from xrm_core.storage.rows import instant
from xrm_core.web import formats
from xrm_core.web.describe import Describer
from xrm_core.web.formatters import is_empty, pick, record_url, show
from xrm_core.web.frame import page, redirect, shell
from xrm_core.web.pages import EmptyState
from xrm_core.web.services import Req, Visit, visit
from xrm_core.web.views_today import TodayPage, WorkItem, WorkList

FACTS = 3
MORNING = time(9)
"""When something put off to another day comes up again, if it has a time."""


@get("/")
async def start(request: Req) -> Response[bytes]:
    """Where the person wants to start: today's work unless they chose a module."""
    async with visit(request) as here:
        wanted = str(here.caller.preferences.get("start_page") or "today")
        known = [module.name for module in Describer(here).modules()]
    return redirect(f"/m/{wanted}" if wanted in known else "/today")


@get("/today")
async def today_page(request: Req) -> Response[bytes]:
    """The work queue of whoever is signed in."""
    async with visit(request) as here:
        found = await today(here.unit)
        queue = Queue(here)
        lists = [queue.tasks(entry) for entry in found["tasks"]]
        lists += [queue.events(entry) for entry in found["events"]]
        lists += [queue.attention(entry) for entry in found["attention"]]
        shown = tuple(one for one in lists if one.items)
        day = formats.day(found["date"], here.reader.locale)
        view = TodayPage(day, found["date"], shown, await _empty(here))
        return page(here, view, shell(here, here.t("Today"), place="today"))


class Queue:
    """Makes the lists of the page from what the engine found."""

    def __init__(self, here: Visit) -> None:
        self.here = here
        self.describer = Describer(here)

    def tasks(self, entry: dict[str, Any]) -> WorkList:
        """Tasks that are due; E marks them as done where the definition says how."""
        module, due = self._module(entry), entry["due"]
        edits = self.here.unit.policy.allows(module.id, "edit")
        items = []
        for record in entry["data"]:
            later = (self._off(module, record, due, days) if edits else {} for days in (1, 7))
            done = entry["done"] if edits else {}
            items.append(self._item(module, record, due, skip=(due, entry["assignee"]), done=done, later=tuple(later)))
        return self._list(entry, module, module.name, self.describer.module(module).label_plural, items)

    def events(self, entry: dict[str, Any]) -> WorkList:
        """What takes place today."""
        module, begins = self._module(entry), entry["start"]
        skip = (begins, entry["end"] or "")
        items = [self._item(module, record, begins, skip=skip, event=True) for record in entry["data"]]
        return self._list(entry, module, module.name, self.describer.module(module).label_plural, items)

    def attention(self, entry: dict[str, Any]) -> WorkList:
        """A view that asks for attention."""
        module = self._module(entry)
        view = next(view for view in module.definition.views if view.name == entry["view"])
        items = [self._item(module, record, "", columns=entry["columns"]) for record in entry["data"]]
        url = f"{self.describer.module(module).url}?view={quote(view.name)}"
        return self._list(entry, module, f"{module.name}-{view.name}", self.describer.text(view.label), items, url)

    def _module(self, entry: dict[str, Any]) -> CompiledModule:
        return self.here.unit.catalog.by_name[entry["module"]]

    def _list(
        self, entry: dict[str, Any], module: CompiledModule, name: str, label: str, items: list[WorkItem], url: str = ""
    ) -> WorkList:
        count = entry["count"] or {"value": len(items), "exact": True}
        view = self.describer.module(module)
        url = url or f"{view.url}?filter={quote(entry['filter'])}"
        return WorkList(name, label, view, tuple(items), count["value"], count["exact"], url)

    def _item(
        self,
        module: CompiledModule,
        record: dict[str, Any],
        at: str,
        *,
        skip: tuple[str, ...] = (),
        columns: list[str] | None = None,
        done: dict[str, Any] | None = None,
        later: tuple[dict[str, Any], ...] = ({}, {}),
        event: bool = False,
    ) -> WorkItem:
        when, exact, late = self._when(record.get(at) if at else None, event)
        return WorkItem(
            module.name,
            record["id"],
            record["version"],
            record.get("title") or "—",
            record_url(module.name, record["id"]),
            when,
            exact,
            late,
            self._facts(module, record, columns, skip),
            done or {},
            *later,
        )

    def _facts(
        self, module: CompiledModule, record: dict[str, Any], columns: list[str] | None, skip: tuple[str, ...]
    ) -> Markup:
        plain = module.definition.title.strip()
        own = columns if columns is not None else self.describer.default_paths(module, 12)
        wanted = [name for name in own if name not in (*skip, "title", "updated_at", "owner") and "." not in name]
        found = []
        for column in self.describer.columns(module, wanted):
            if plain == f"{{{{ {column.key} }}}}" or is_empty(pick(record, column.key)):
                continue
            value = show(column, record, self.here.reader, full=False)
            if Markup(value).striptags().strip() in str(record.get("title", "")):
                continue
            found.append(Markup('<span class="k">{}</span> {}').format(column.label, value))
        return Markup("").join(Markup("<span>{}</span>").format(one) for one in found[:FACTS])

    def _when(self, value: Any, event: bool) -> tuple[str, str, bool]:
        """(as shown, the value itself, whether it is late)."""
        if not isinstance(value, str):
            return "", "", False
        reader = self.here.reader
        if len(value) == 10:
            days = (date.fromisoformat(value) - self.here.unit.today).days
            return self._day(days, value), value, days < 0
        found = formats.parse_instant(value)
        if found is None:
            return value, value, False
        local = found.astimezone(formats.zone_of(reader.zone))
        days = (local.date() - self.here.unit.today).days
        clock = formats.clock(local, reader.locale)
        shown = clock if days == 0 else f"{self._day(days, local.date().isoformat())}, {clock}"
        return shown, value, not event and found < self.here.unit.now

    def _day(self, days: int, value: str) -> str:
        t = self.here.t
        if days in (-1, 0, 1):
            return {-1: t("Yesterday"), 0: t("Today"), 1: t("Tomorrow")}[days]
        return formats.day(value, self.here.reader.locale, value[:4] != self.here.unit.today.isoformat()[:4])

    def _off(self, module: CompiledModule, record: dict[str, Any], due: str, days: int) -> dict[str, Any]:
        """The values that put a task off by some days from today; its time of day stays."""
        known = module.fields.get(due)
        if known is None or known.computed:
            return {}
        unit = self.here.unit
        day = unit.today + timedelta(days=days)
        if known.kind is Kind.DATE:
            return {due: day.isoformat()}
        before = formats.parse_instant(str(record.get(due, "")))
        zone = formats.zone_of(unit.zone)
        clock = before.astimezone(zone).time() if before is not None else MORNING
        return {due: instant(datetime.combine(day, clock, zone).astimezone(UTC))}


async def _empty(here: Visit) -> EmptyState:
    """What to do when nothing is due: go on with what one looked at last, or with the first module."""
    t, describer = here.t, Describer(here)
    title = t("Nothing is due")
    recent = await personal.recent(here.unit, 1) if here.unit.actor.user_id is not None else []
    if recent:
        one = recent[0]
        text = t("No task, no appointment and nothing that asks for attention today. You last looked at {title}.", **one)
        return EmptyState("party-popper", title, text, t("Go on there"), record_url(one["module"], one["id"]))
    modules = describer.modules()
    text = t("No task, no appointment and nothing that asks for attention today.")
    if not modules:
        return EmptyState("party-popper", title, text)
    view = describer.module(modules[0])
    return EmptyState("party-popper", title, text, t("Look at {records}", records=view.label_plural), view.url)


@get("/{path:path}")
async def nowhere(request: Req) -> Response[bytes]:
    """An address without a page: told with the navigation and the search around it."""
    async with visit(request) as here:
        raise NotFound(Problem("not_found", "", here.t("The address may be wrong, or what it showed is gone.")))


HANDLERS = [start, today_page, nowhere]
