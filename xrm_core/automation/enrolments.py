"""Enrolments: the runs that are under way, seen and changed by hand: paused, resumed, ended, moved to another step."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from xrm_core.automation import telling
from xrm_core.automation.compiled import Ready, listeners
from xrm_core.automation.runner import pinned
from xrm_core.definitions.automation import Automation
from xrm_core.kernel.errors import Conflict, Invalid, NotFound
from xrm_core.kernel.problem import Problem
from xrm_core.records.unit import Unit
from xrm_core.storage import occurrences as store
from xrm_core.storage.database import Connection
from xrm_core.storage.occurrences import Occurrence

UNDER_WAY = ("running", "waiting")
Action = Literal["pause", "resume", "end", "move"]
ACTIONS: tuple[Action, ...] = ("pause", "resume", "end", "move")


def steps_of(unit: Unit, ready: Ready, language: str) -> list[dict[str, Any]]:
    """The steps that a run can be moved to: number, place, and what they do."""
    tell = telling.tell_of(unit.catalog, ready.automation.module, language)
    return [
        {"number": number, "place": one.place, "text": one.step.sentence(tell)}
        for number, one in enumerate(ready.program)
        if one.step is not None and one.unless is None
    ]


async def listed(
    unit: Unit,
    connection: Connection,
    automation: Automation,
    language: str,
    *,
    before: UUID | None = None,
    limit: int = 50,
) -> list[dict[str, Any]]:
    """Runs under way, the newest first, each with the step that comes next and when, and whether it is paused."""
    known = listeners(unit.catalog).by_id.get(automation.id)
    rows = await store.find(
        connection, unit.schema, automation_id=automation.id, states=UNDER_WAY, before=before, limit=limit
    )
    found = await telling.runs(unit, connection, rows)
    for entry, one in zip(found, rows, strict=True):
        steps = steps_of(unit, await pinned(unit, connection, known, one), language) if known is not None else []
        at = int(one.position.get("at", 0))
        entry["next_step"] = next((step for step in steps if step["number"] >= at), None)
        entry["steps_there"] = steps
        entry["paused"] = bool(one.position.get("paused"))
    return found


async def change(
    unit: Unit, automation: Automation, identity: UUID, action: Action, step: int | None = None
) -> Occurrence:
    """Change a run that waits. Raises NotFound, Conflict when it is at work or over, Invalid for a step that is none."""
    connection = await unit.transaction()
    known = listeners(unit.catalog).by_id.get(automation.id)
    one = await store.lock(connection, unit.schema, identity)
    if one is None or one.automation_id != automation.id or known is None:
        raise NotFound(Problem("not_found", "", "There is no such run."))
    if one.state != "waiting":
        raise Conflict(Problem("not_waiting", "", "This run does not wait: it is at work, or over."))
    position = dict(one.position)
    match action:
        case "pause":
            position["paused"], one.next_at = True, None
        case "resume":
            if not position.pop("paused", None):
                raise Conflict(Problem("not_paused", "", "This run is not paused."))
            until = datetime.fromisoformat(position["until"]) if position.get("until") else unit.now
            one.next_at = max(until, unit.now)
        case "end":
            one.state, one.reason, one.next_at, one.done_at = "done", "ended", None, unit.now
        case "move":
            ready = await pinned(unit, connection, known, one)
            if step not in {entry["number"] for entry in steps_of(unit, ready, "en")}:
                raise Invalid(Problem("step", "/step", "There is no such step to move to."))
            for key in ("until", "until_true", "paused"):
                position.pop(key, None)
            position["at"], one.next_at = step, unit.now
    one.position = position
    await store.save(connection, unit.schema, one)
    return one
