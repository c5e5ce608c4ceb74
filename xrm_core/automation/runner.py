"""Running: occurrences that are due are claimed, each step is one transaction with its log row, crashes lose nothing."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from xrm_core.automation import arming
from xrm_core.automation.actions import ACTIONS, Outcome, Run
from xrm_core.automation.actions.flow import LOOK_AGAIN, chain_of
from xrm_core.automation.compiled import Ready, listeners, ready
from xrm_core.automation.evaluating import Subject
from xrm_core.definitions import DefinitionSet
from xrm_core.definitions.triggers import Cron, TimeTrigger
from xrm_core.kernel.actor import SYSTEM, Actor
from xrm_core.kernel.errors import Conflict, Invalid, Unavailable, XrmError
from xrm_core.kernel.ids import new_id
from xrm_core.kernel.labels import label_text
from xrm_core.kernel.problem import Problem
from xrm_core.records.reactions import Cause
from xrm_core.records.unit import Unit, Units
from xrm_core.storage import definitions as definition_store
from xrm_core.storage import occurrences as store
from xrm_core.storage.database import Connection
from xrm_core.storage.occurrences import Occurrence, StepRow
from xrm_core.storage.rows import Row
from xrm_core.storage.sql import asking
from xrm_core.storage.workspaces import Workspace

CLAIM = timedelta(minutes=2)
BATCH = 20
TRIES = 6
PAUSED_LOOK = timedelta(minutes=15)
CATCH_UP = 500
"""How many missed times of one trigger are noted one by one."""
ASKED_LATER = frozenset({"enrolled", "mail_received", "called"})
"""How a run can begin without its condition having been asked."""
_NOT_LATE = timedelta(minutes=1)
log = logging.getLogger("xrm.automation")


def actor_of(one: Ready, language: str = "en") -> Actor:
    """Who acts when an automation runs."""
    return Actor(None, label_text(one.automation.label, language), kind="automation")


async def run_due(units: Units, workspace: Workspace, *, most: int | None = None) -> int:
    """Do everything that is due in a workspace; how many occurrences moved on."""
    me, moved = f"{new_id()}", 0
    while most is None or moved < most:
        room = BATCH if most is None else min(BATCH, most - moved)
        async with units.begin(workspace, SYSTEM) as unit:
            connection = await unit.writer()
            found = await store.claim(connection, unit.schema, me, unit.now, unit.now + CLAIM, room)
        if not found:
            break
        for one in found:
            await advance(units, workspace, me, one)
            moved += 1
    return moved


async def advance(units: Units, workspace: Workspace, me: str, claimed: Occurrence) -> None:
    """Take a claimed occurrence as far as it goes now: each step in a transaction of its own."""
    while True:
        try:
            again = await units.run(workspace, SYSTEM, lambda unit: _once(unit, me, claimed))
        except Unavailable:
            raise
        except Exception as error:
            log.exception("automation failed", extra={"occurrence": str(claimed.id)})
            await units.run(workspace, SYSTEM, lambda unit, error=error: _give_up(unit, me, claimed.id, error))  # type: ignore[misc]
            return
        if not again:
            return


async def _give_up(unit: Unit, me: str, identifier: UUID, error: Exception) -> None:
    connection = await unit.transaction()
    one = await store.lock(connection, unit.schema, identifier, me)
    if one is None:
        return
    if one.attempts < TRIES:
        one.next_at = unit.now + timedelta(seconds=30 * 2**one.attempts)
    else:
        _end(one, "failed", f"{type(error).__name__}: a fault of the program", unit.now)
    await store.save(connection, unit.schema, one)


def _end(one: Occurrence, state: store.State, reason: str | None, now: datetime) -> None:
    one.state, one.reason, one.next_at, one.done_at = state, reason, None, now


async def _once(unit: Unit, me: str, claimed: Occurrence) -> bool:
    """One transaction; whether there is more to do at once."""
    connection = await unit.transaction()
    known = listeners(unit.catalog).by_id.get(claimed.automation_id)
    row = None
    if known is not None and known.module is not None and claimed.record_id is not None:
        # The record first, then the occurrence: those who write records take them in this order.
        row = await arming.row_of(connection, known.module, claimed.record_id, lock=True)
    one = await store.lock(connection, unit.schema, claimed.id, me)
    if one is None or one.next_at is None or one.next_at > unit.now:
        return False
    if known is None:
        _end(one, "cancelled", "removed", unit.now)
        await store.save(connection, unit.schema, one)
        return False
    working = await pinned(unit, connection, known, one) if one.started_at is not None else known
    acting = unit.acting(actor_of(known, unit.workspace.locale), _cause(one))
    if one.started_at is None and not await _begin(acting, connection, known, one, row):
        await store.save(connection, unit.schema, one)
        return False
    more = await _step(acting, connection, working, one, row)
    await store.save(connection, unit.schema, one, hold_until=unit.now + CLAIM if more else None)
    return more


def _cause(one: Occurrence) -> Cause:
    return Cause((*chain_of(one).chain, (one.automation_id, one.record_id)))


# -- beginning ------------------------------------------------------------------------------------------------------------


async def _begin(unit: Unit, connection: Connection, known: Ready, one: Occurrence, row: Row | None) -> bool:
    """Whether the run may begin; if not, it says why."""
    automation, now = known.automation, unit.now
    allowed = one.position.get("allowed", False)
    if one.record_id is not None and (row is None or row.archived_at is not None):
        _end(one, "cancelled", "erased" if row is None else "archived", now)
        return False
    trigger = _trigger(known, one)
    if one.timed and not allowed:
        if trigger is None or (row is not None and not _still(unit, known, trigger, one, row)):
            _end(one, "moved", "moved", now)
            return False
        if not await _follow_up(unit, connection, known, trigger, one):
            return False
    if not automation.live:
        _end(one, "suppressed", "paused" if automation.state == "paused" else "switched_off", now)
        return False
    one.late = now - one.due_at > _NOT_LATE
    if one.timed and not allowed and not _in_time(known, one, now):
        return False
    subject = Subject(unit, connection, known, row, one.context.get("before", {}))
    if isinstance(trigger, Cron) and known.module is not None and one.record_id is None:
        await _spread(unit, connection, known, one)
        return False
    if (one.timed or one.mark in ASKED_LATER) and not await subject.holds(automation.when):
        _end(one, "suppressed", "condition", now)
        return False
    if automation.one_at_a_time and one.record_id is not None:
        if await store.running(connection, unit.schema, known.id, one.record_id, one.id):
            _end(one, "suppressed", "already_running", now)
            return False
    hour = now.replace(minute=0, second=0, microsecond=0)
    if (
        not allowed
        and await store.count_start(connection, unit.schema, known.id, hour) > automation.limits.runs_per_hour
    ):
        one.state, one.reason, one.next_at = "asked", "rate", None
        return False
    one.state, one.started_at, one.version = "running", now, unit.catalog.version
    return True


def _trigger(known: Ready, one: Occurrence) -> TimeTrigger | None:
    number = one.mark.split(":", 1)[0]
    if not one.timed or not number.isdigit() or int(number) >= len(known.automation.triggers):
        return None
    found = known.automation.triggers[int(number)]
    return found if isinstance(found, TimeTrigger) else None


def _still(unit: Unit, known: Ready, trigger: TimeTrigger, one: Occurrence, row: Row) -> bool:
    """Whether the record still has the date from which this was reckoned."""
    assert known.module is not None
    mark = one.mark.split(":", 1)[1]
    due_now = trigger.due(arming.values_of(known.module, row), ZoneInfo(unit.zone))
    return any(found.mark == mark and found.basis == one.basis for found in due_now)


async def _follow_up(unit: Unit, connection: Connection, known: Ready, trigger: TimeTrigger, one: Occurrence) -> bool:
    """Store the next time of a trigger that comes again; False if that one is due already and takes the place of this."""
    zone, now = ZoneInfo(unit.zone), unit.now
    following = trigger.following(one.due_at, zone)
    if following is None:
        return True
    missed: list[Occurrence] = []
    while following is not None and following <= now:
        made = _next(unit, one, following)
        _end(made, "suppressed", "superseded", now)
        missed.append(made)
        following = trigger.following(following, zone)
    if not missed:
        if following is not None:
            await arming.put(unit, connection, [_next(unit, one, following)])
        return True
    last = missed.pop()
    last.state, last.reason, last.next_at, last.done_at = "due", None, last.due_at, None
    await store.put(connection, unit.schema, missed[-CATCH_UP:])
    await arming.put(unit, connection, [last])
    _end(one, "suppressed", "superseded", now)
    return False


def _next(unit: Unit, one: Occurrence, at: datetime) -> Occurrence:
    if one.record_id is None:
        key = f"{one.automation_id}:{one.mark}{at.isoformat()}"
    else:
        key = f"{one.automation_id}:{one.record_id}:{one.mark}:{one.basis}:{at.isoformat()}"
    return Occurrence(
        new_id(), one.automation_id, one.module_id, one.record_id, at, key, "due", unit.now, timed=True, mark=one.mark,
        basis=one.basis, next_at=at,
    )  # fmt: skip


def _in_time(known: Ready, one: Occurrence, now: datetime) -> bool:
    late = known.automation.late
    limit = late.after.after(one.due_at, ZoneInfo("UTC"))
    if late.policy == "run" or limit is None or now <= limit:
        return True
    if late.policy == "skip":
        _end(one, "suppressed", "too_late", now)
    else:
        one.state, one.reason, one.next_at = "asked", "late", None
    return False


async def _spread(unit: Unit, connection: Connection, known: Ready, one: Occurrence) -> None:
    """A time of the calendar comes for every record that meets the condition: a run for each of them."""
    assert known.module is not None
    condition = known.condition(known.automation.when or "true")
    found = await asking.holding(
        connection, unit.catalog.modules, known.module, condition, None, unit, limit=known.automation.limits.records
    )
    rows = [
        Occurrence(
            new_id(), known.id, known.module.id, record, one.due_at, f"{one.key}:{record}", "due", unit.now,
            mark="spread", next_at=unit.now,
        )
        for record in found
    ]  # fmt: skip
    await store.put(connection, unit.schema, rows)
    _end(one, "done", None, unit.now)
    one.position = {"records": len(rows)}


# -- stepping -------------------------------------------------------------------------------------------------------------


async def _step(unit: Unit, connection: Connection, working: Ready, one: Occurrence, row: Row | None) -> bool:
    """Do the next step and note it; whether another follows at once."""
    now, position = unit.now, dict(one.position)
    at, number = int(position.get("at", 0)), int(position.get("number", 0))
    subject = Subject(unit, connection, working, row, one.context.get("before", {}), one.context.get("facts", {}))
    automation = working.automation
    if not automation.live and one.state == "waiting":
        one.next_at = now + PAUSED_LOOK
        return False
    if position.get("exit"):
        _end(one, "done", str(position["exit"]), now)
        return False
    if one.state == "waiting" and position.get("until"):
        until = datetime.fromisoformat(position["until"])
        if now < until and not await subject.holds(position.get("until_true")):
            one.next_at = min(until, now + LOOK_AGAIN)
            return False
    if number and automation.exit_when is not None and row is not None and await subject.holds(automation.exit_when):
        _end(one, "done", "exit", now)
        return False
    for key in ("until", "until_true"):
        position.pop(key, None)
    if number >= automation.limits.steps:
        _end(one, "failed", "too_many_steps", now)
        return False
    instruction = working.program[at] if at < len(working.program) else None
    while instruction is not None and (instruction.step is None or instruction.unless is not None):
        if instruction.unless is None:
            at = instruction.jump or at + 1
        else:
            holds = await subject.holds(instruction.unless)
            at = at + 1 if holds else instruction.jump or at + 1
        instruction = working.program[at] if at < len(working.program) else None
    if instruction is None or instruction.step is None:
        _end(one, "done", None, now)
        return False
    one.position = {**position, "at": at, "number": number}
    run = Run(unit, connection, working, one, subject, instruction.place)
    outcome = await _do(run, instruction.step)
    await store.log_step(
        connection, unit.schema, one.id,
        StepRow(number, now, instruction.step.do, instruction.place, outcome.state, outcome.result),
    )  # fmt: skip
    put_off = outcome.state == "put_off"
    one.position = {**position, "at": at if put_off else at + 1, "number": number + 1}
    if outcome.state == "failed":
        _end(one, "failed", str(outcome.result.get("reason") or outcome.result.get("problems", ""))[:500], now)
        return False
    if outcome.state == "asked":
        one.position["at"] = at
        one.state, one.reason, one.next_at = "asked", "approval", None
        return False
    if outcome.stop:
        _end(one, "done", "stopped", now)
        return False
    if outcome.wait_until is not None:
        one.state = "waiting"
        one.next_at = min(outcome.wait_until, now + LOOK_AGAIN) if outcome.wait_for else outcome.wait_until
        one.position["until"] = outcome.wait_until.isoformat()
        if outcome.wait_for is not None:
            one.position["until_true"] = outcome.wait_for
        return False
    one.state = "running"
    if one.position["at"] >= len(working.program):
        _end(one, "done", None, now)
        return False
    one.next_at = now
    return True


async def _do(run: Run, step: Any) -> Outcome:
    """A step in a savepoint: what is refused leaves nothing behind but its reason."""
    try:
        async with run.connection.transaction():
            return await ACTIONS[type(step)](run, step)
    except (Conflict, Unavailable):
        if run.ready.automation.at_once or run.occurrence.attempts >= TRIES:
            return Outcome({"reason": "busy"}, "failed")
        raise
    except XrmError as error:
        problems = [problem.as_dict() for problem in error.problems]
        return Outcome({"reason": "; ".join(p.message for p in error.problems)[:500], "problems": problems}, "failed")


async def pinned(unit: Unit, connection: Connection, known: Ready, one: Occurrence) -> Ready:
    """The automation as it was when the run began, as long as that can still be done here."""
    if one.version is None or one.version == unit.catalog.version:
        return known
    memo = unit.catalog.memo.setdefault("pinned automations", {})
    key = (one.version, known.id)
    if key not in memo:
        memo[key] = await _as_it_was(unit, connection, known, one.version)
    found: Ready = memo[key]
    return found


async def _as_it_was(unit: Unit, connection: Connection, known: Ready, version: int) -> Ready:
    stored = await definition_store.version(connection, unit.schema, version)
    if stored is None or stored.snapshot is None:
        return known
    old = DefinitionSet.model_validate(stored.snapshot)
    automation = next((one for one in old.automations if one.id == known.id), None)
    if automation is None or automation.steps == known.automation.steps:
        return known
    was = ready(
        unit.catalog, automation.model_copy(update={"state": known.automation.state, "module": known.automation.module})
    )
    try:
        _readable(was)
    except Invalid:
        return known  # it names what is not there any more
    return was


def _readable(one: Ready) -> None:
    for instruction in one.program:
        for text in instruction.step.texts() if instruction.step is not None else ():
            over = one.texts.behind(one.module.definition if one.module else None, text.over)
            _, problems = getattr(one.texts, text.role if text.role in ("condition", "template") else "value")(
                over, text.text
            )
            if problems:
                raise Invalid(problems)


# -- at once --------------------------------------------------------------------------------------------------------------


async def run_at_once(unit: Unit, connection: Connection, one: Ready, occurrence: Occurrence) -> Mapping[UUID, Row]:
    """Do all steps in the transaction of the change; a step that fails leaves the change as it is, with the reason."""
    acting = unit.acting(actor_of(one, unit.workspace.locale), _cause(occurrence))
    occurrence.state, occurrence.started_at, occurrence.version = "running", unit.now, unit.catalog.version
    assert one.module is not None and occurrence.record_id is not None
    for _ in range(one.automation.limits.steps):
        row = await arming.row_of(connection, one.module, occurrence.record_id)
        if not await _step(acting, connection, one, occurrence, row):
            break
    if occurrence.done_at is None:
        _end(occurrence, "failed", "too_many_steps", unit.now)
    await store.save(connection, unit.schema, occurrence)
    row = await arming.row_of(connection, one.module, occurrence.record_id)
    return {row.id: row} if row is not None else {}


async def decide(unit: Unit, occurrence_id: UUID, *, run: bool) -> Occurrence:
    """What somebody decided about an occurrence that waits for them; raises Conflict if it does not (any more)."""
    connection = await unit.transaction()
    one = await store.lock(connection, unit.schema, occurrence_id)
    if one is None or one.state not in ("asked", "failed"):
        raise Conflict(Problem("not_asked", "", "Nobody needs to decide about this run."))
    if run:
        failed = one.state == "failed"
        if one.reason == "approval":
            failed, one.position = True, {**one.position, "approved": one.position.get("at")}
        one.state, one.next_at, one.reason, one.done_at, one.attempts = (
            "running" if failed and one.started_at else "due",
            unit.now,
            None,
            None,
            0,
        )
        if not failed:
            one.position = {**one.position, "allowed": True}
    else:
        _end(one, "suppressed", "declined", unit.now)
    await store.save(connection, unit.schema, one)
    return one
