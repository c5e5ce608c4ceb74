"""Actions that write records; all of them go the way that everybody's writes go."""

from __future__ import annotations

from collections import Counter
from datetime import time
from typing import Any
from uuid import UUID

import orjson

from xrm_core.automation.actions.base import Outcome, Run
from xrm_core.catalog import CompiledModule
from xrm_core.definitions.steps import (
    ArchiveRecords,
    AssignRecord,
    CreateRecord,
    CreateTask,
    LinkRecords,
    MoveRecords,
    UpdateRecords,
)
from xrm_core.fields.capabilities import HoldsUsers
from xrm_core.kernel.errors import Invalid
from xrm_core.kernel.kinds import Kind
from xrm_core.kernel.labels import label_text
from xrm_core.kernel.problem import Problem
from xrm_core.records import aggregate, lifecycle, relating, stages, write
from xrm_core.storage import events as event_store
from xrm_core.storage import members as member_store
from xrm_core.storage import occurrences as store


async def create(run: Run, step: CreateRecord) -> Outcome:
    """Make a record."""
    module = run.unit.module(step.module)
    return await _create(run, module, await run.values(step.values))


async def _create(run: Run, module: CompiledModule, values: dict[str, Any]) -> Outcome:
    given = {name: _linked(run, module, name, value) for name, value in values.items() if value is not None}
    stored = await write.create(run.unit, module.name, given)
    return Outcome({"created": [{"module": module.name, "id": str(stored.id)}]})


def _linked(run: Run, module: CompiledModule, name: str, value: Any) -> Any:
    """A link to one of several modules is told which: the record's own, or that of the link the value came over."""
    link = module.links.get(name)
    if link is None or not isinstance(value, str):
        return [value] if link is not None and link.many and isinstance(value, str) else value
    if link.many:
        value = {"id": value, "module": _module_of(run, link.targets, value)} if link.polymorphic else value
        return [value]
    return {"id": value, "module": _module_of(run, link.targets, value)} if link.polymorphic else value


def _module_of(run: Run, targets: tuple[str, ...], value: str) -> str:
    own, row = run.ready.module, run.subject.row
    modules = run.unit.catalog.modules
    if own is not None and row is not None:
        if str(row.id) == value and own.id in targets:
            return own.name
        for link in own.links.values():
            stored = row.data.get(link.id)
            if isinstance(stored, dict) and stored.get("id") == value:
                return modules[stored["module"]].name
            if stored == value and link.targets[0] in targets:
                return modules[link.targets[0]].name
    return modules[targets[0]].name


async def update(run: Run, step: UpdateRecords) -> Outcome:
    """Change values of records."""
    module, ids = await run.records(step)
    values = await run.values(step.values)
    given = {name: _linked(run, module, name, value) for name, value in values.items()}
    for identifier in ids:
        await write.update(run.unit, module.name, identifier, given)
    return Outcome({"updated": [str(one) for one in ids], "module": module.name})


async def archive(run: Run, step: ArchiveRecords) -> Outcome:
    """Archive records."""
    module, ids = await run.records(step)
    if ids:
        await lifecycle.archive_all(run.unit, module, ids)
    return Outcome({"archived": [str(one) for one in ids], "module": module.name})


async def link(run: Run, step: LinkRecords) -> Outcome:
    """Link the record to another, or take the link away."""
    row = run.subject.row
    assert row is not None and run.ready.module is not None
    other = await run.subject.stored(step.to)
    if other is None:
        return Outcome({"reason": "nothing to link"}, "skipped")
    act = relating.unlink if step.remove else relating.link
    await act(run.unit, run.ready.module.name, row.id, step.link, UUID(str(other)))
    return Outcome({"unlinked" if step.remove else "linked": [str(other)], "link": step.link})


async def move(run: Run, step: MoveRecords) -> Outcome:
    """Move records to another stage, or back to the one before."""
    module, ids = await run.records(step)
    values = await run.values(step.values)
    moved = []
    for identifier in ids:
        stage = step.stage or await _stage_before(run, module, identifier)
        if stage is not None:
            await stages.move(run.unit, module.name, identifier, stage, reason=step.reason, values=values or None)
            moved.append({"id": str(identifier), "stage": stage})
    return Outcome({"moved": moved, "module": module.name}, "done" if moved else "skipped")


async def _stage_before(run: Run, module: CompiledModule, identifier: UUID) -> str | None:
    """The open stage that a record was in last, else the first open one."""
    for event in await event_store.of_record(run.connection, run.unit.schema, identifier, limit=500):
        change = event.changes.get("stage")
        old = change[0] if isinstance(change, list) and change else None
        stage = module.stages.get(old) if old else None
        if stage is not None and not stage.archived and stage.category == "open":
            return stage.name
    return next((one.name for one in module.stages.values() if not one.archived and one.category == "open"), None)


async def assign(run: Run, step: AssignRecord) -> Outcome:
    """Give the record to the next person, or to whoever has least to do."""
    row, module = run.subject.row, run.ready.module
    assert row is not None and module is not None
    everybody = await member_store.members(run.connection, run.unit.schema)
    people = sorted(
        (one for one in everybody if one.disabled_at is None and (step.role is None or step.role in one.roles)),
        key=lambda one: one.id,
    )
    if not people:
        return Outcome({"reason": f"nobody has the role {step.role}" if step.role else "there is nobody"}, "skipped")
    if step.by == "round_robin":
        chosen = people[(await store.next_turn(run.connection, run.unit.schema, run.ready.id) - 1) % len(people)]
    else:
        loads = await _loads(run, step)
        chosen = min(people, key=lambda one: (loads[str(one.id)], one.id))
    await write.update(run.unit, module.name, row.id, {step.field: str(chosen.id)})
    return Outcome({"assigned": str(chosen.id), "name": chosen.name, "field": step.field})


async def _loads(run: Run, step: AssignRecord) -> Counter[str]:
    counted = run.unit.module(step.count) if step.count else run.ready.module
    assert counted is not None
    task, open_stages = counted.definition.task, [s.name for s in counted.stages.values() if s.category == "open"]
    if task is not None:
        condition, field = f"not ({task.done_when})", task.assignee
    else:
        field = step.field if step.field == "owner" or step.field in counted.fields else "owner"
        names = ", ".join(f"'{name}'" for name in open_stages)
        condition = f"stage in [{names}]" if names else ""
    body: dict[str, Any] = {"group_by": [field], "filter": condition or None}
    found = orjson.loads(await aggregate.aggregate(run.unit, counted.name, body))
    loads: Counter[str] = Counter()
    for entry in found["data"]:
        who = entry["group"][field]
        loads[str(who["id"] if isinstance(who, dict) else who)] = int(entry["count"])
    return loads


async def task(run: Run, step: CreateTask) -> Outcome:
    """Make a task for somebody."""
    module = _task_module(run, step)
    settings = module.definition.task
    assert settings is not None
    people = await run.subject.members([step.assignee])
    values = await run.values(step.values)
    values.update(await _title(run, module, step))
    if people:
        values.setdefault(settings.assignee, str(people[0].id))
    elif run.subject.row is not None and run.subject.row.owner is not None:
        values.setdefault(settings.assignee, str(run.subject.row.owner))
    due = module.fields.get(settings.due)
    if due is not None and due.kind is Kind.INSTANT:
        at = await run.subject.moment(step.due, time(17))
        values.setdefault(settings.due, at.isoformat().replace("+00:00", "Z") if at else None)
    else:
        typed, value = await run.subject.value(step.due)
        values.setdefault(settings.due, str(value)[:10] if value is not None and typed else None)
    own, row = run.ready.module, run.subject.row
    if own is not None and row is not None:
        for found in module.links.values():
            if own.id in found.targets and found.name not in values:
                values[found.name] = str(row.id)
                break
    return await _create(run, module, values)


def _task_module(run: Run, step: CreateTask) -> CompiledModule:
    if step.module is not None:
        return run.unit.module(step.module)
    for module in run.unit.catalog.modules.values():
        if module.definition.task is not None:
            return module
    raise Invalid(Problem("no_tasks", "/module", "No module holds tasks."))


async def _title(run: Run, module: CompiledModule, step: CreateTask) -> dict[str, Any]:
    """The words of a task go into the first text that its title shows, or that it needs."""
    text = await run.subject.text(step.title)
    names = [name for name, known in module.fields.items() if known.kind is Kind.TEXT and known.writable]
    shown = [name for name in names if name in module.definition.title]
    needed = [name for name in names if module.fields[name].definition.required]
    for name in (*shown, *needed, *names):
        if name not in step.values and not isinstance(module.fields[name].definition, HoldsUsers):
            return {name: text[:500]}
    raise Invalid(Problem("no_title", "/title", f"{label_text(module.definition.label)} has no text for a title."))
