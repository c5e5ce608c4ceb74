"""What there is to do today: due tasks and events of all modules, and views that ask for attention."""

from __future__ import annotations

from typing import Any

import orjson

from xrm_core.catalog import CompiledModule
from xrm_core.kernel.actor import SYSTEM
from xrm_core.kernel.errors import Malformed
from xrm_core.kernel.kinds import Kind
from xrm_core.kernel.labels import label_text
from xrm_core.records import notices, read, views
from xrm_core.records.query import RecordQuery
from xrm_core.records.unit import Unit, Units
from xrm_core.storage.workspaces import Workspace

ROWS = 20
SOME = 5
_REMIND = 1_000
_BACK = "days(2)"
"""Reminders reach back this far: whoever switches them on is not told about years of old tasks."""


async def today(unit: Unit) -> dict[str, Any]:
    """`{"date", "tasks": [...], "events": [...], "attention": [...]}`, each entry with its count and first records."""
    tasks, events, attention = [], [], []
    for module in sorted(unit.catalog.modules.values(), key=lambda one: (one.definition.order, one.name)):
        if not unit.policy.allows(module.id, "see"):
            continue
        definition = module.definition
        if definition.task is not None and unit.me is not None:
            task = definition.task
            mine = _mine(module, task.assignee)
            entry = await _list(
                unit, module, f"{mine} and {notices.due_filter(unit, module, by='today')}", (task.due,), ROWS
            )
            if entry is not None:
                tasks.append({**entry, "due": task.due, "assignee": task.assignee, "done": task.done})
        if definition.event is not None:
            entry = await _list(unit, module, _event_filter(unit, module), (definition.event.start,), ROWS)
            if entry is not None:
                events.append({**entry, "start": definition.event.start, "end": definition.event.end})
        for view in definition.views:
            if view.attention and views.offered(unit, module, view):
                entry = await _list(unit, module, view.filter or "", view.sort, SOME)
                if entry is not None:
                    label = label_text(view.label, unit.workspace.locale)
                    columns = [name for name in view.columns if views.visible(unit, module, name)]
                    attention.append({**entry, "view": view.name, "label": label, "columns": columns})
    return {"date": unit.today.isoformat(), "tasks": tasks, "events": events, "attention": attention}


def _mine(module: CompiledModule, name: str) -> str:
    known = module.fields.get(name)
    return f"contains({name}, me)" if known is not None and known.kind is Kind.LIST else f"{name} == me"


def _day(module: CompiledModule, name: str) -> str:
    known = module.fields.get(name)
    return name if known is not None and known.kind is Kind.DATE else f"date_of({name})"


def _event_filter(unit: Unit, module: CompiledModule) -> str:
    event = module.definition.event
    assert event is not None
    start = _day(module, event.start)
    text = f"{start} == today()"
    if event.end is not None:
        text = f"({text} or ({start} < today() and {_day(module, event.end)} >= today()))"
    if event.when is not None:
        text += f" and ({event.when})"
    if event.who and unit.me is not None:
        text += " and (" + " or ".join(_mine(module, name) for name in event.who) + ")"
    return text


async def _list(
    unit: Unit, module: CompiledModule, text: str, sort: tuple[str, ...], limit: int
) -> dict[str, Any] | None:
    """The first records and how many there are; None when the condition speaks of what the actor may not see."""
    query = RecordQuery(module.name, filter=text or None, sort=sort, limit=limit, count="capped")
    try:
        page = await read.find(unit, query)
    except Malformed:
        return None
    count = page.count
    return {
        "module": module.name,
        "label": label_text(module.definition.label_plural, unit.workspace.locale),
        "filter": text,
        "count": {"value": count.value, "exact": count.exact} if count else None,
        "data": [orjson.loads(row) for row in page.rows],
    }


async def remind(units: Units, workspace: Workspace) -> int:
    """Remind people of tasks that became due; how many reminders are new."""
    async with units.begin(workspace, SYSTEM) as unit:
        names = [module.name for module in unit.catalog.modules.values() if module.definition.task is not None]
    new = 0
    for name in names:

        async def work(unit: Unit, name: str = name) -> int:
            module = unit.catalog.find(name)
            if module is None or module.definition.task is None:
                return 0
            task = module.definition.task
            since = f"{_day(module, task.due)} >= today() - {_BACK}"
            query = RecordQuery(
                name, filter=f"{notices.due_filter(unit, module)} and {since}", sort=(task.due,), limit=_REMIND,
                fields=(task.due, task.assignee),
            )  # fmt: skip
            page = await read.find(unit, query)
            return await notices.due(unit, module, page.rows)

        new += await units.run(workspace, SYSTEM, work)
    return new
