"""Actions that steer: wait, stop, enrol."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from xrm_core.automation.actions.base import Outcome, Run
from xrm_core.automation.compiled import listeners
from xrm_core.definitions.steps import Enrol, Stop
from xrm_core.definitions.steps.flow import Wait
from xrm_core.definitions.triggers.base import at_local, read_clock
from xrm_core.kernel.ids import new_id
from xrm_core.records.reactions import Cause
from xrm_core.storage import occurrences as store
from xrm_core.storage.occurrences import Occurrence
from xrm_core.storage.rows import instant

LOOK_AGAIN = timedelta(minutes=5)
_LONGEST = timedelta(days=30)


async def wait(run: Run, step: Wait) -> Outcome:
    """Go on later."""
    zone, now = ZoneInfo(run.unit.zone), run.unit.now
    clock = read_clock(step.at) if step.at is not None else None
    if step.until is not None:
        until = await run.subject.moment(step.until, clock)
    elif step.length is not None:
        until = step.length.after(now, zone)
    else:
        until = now + _LONGEST
    if until is not None and clock is not None:
        at = at_local(until.astimezone(zone).date(), clock, zone)
        if at is not None and at < until:
            at = at_local(until.astimezone(zone).date() + timedelta(days=1), clock, zone)
        until = at or until
    if step.until_true is not None and await run.subject.holds(step.until_true):
        return Outcome({"reason": "it holds already"})
    if until is None or until <= now:
        return Outcome({"reason": "there is nothing to wait for"})
    return Outcome({"until": instant(until)}, "waiting", wait_until=until, wait_for=step.until_true)


async def stop(run: Run, step: Stop) -> Outcome:
    """End here."""
    return Outcome({"reason": step.reason} if step.reason else {}, "stopped", stop=True)


async def enrol(run: Run, step: Enrol) -> Outcome:
    """Start another automation for the record, or for records behind a link."""
    other = next(
        (one for one in listeners(run.unit.catalog).by_id.values() if one.automation.name == step.automation), None
    )
    if other is None or not other.automation.live or other.module is None or run.subject.row is None:
        return Outcome({"reason": "it is not switched on"}, "skipped")
    ids: list[UUID] = [run.subject.row.id] if step.of == "this" else await run.behind(step.of)
    chain = [[automation, str(record) if record else None] for automation, record in chain_of(run.occurrence).chain]
    rows = [
        Occurrence(
            new_id(), other.id, other.module.id, one, run.unit.now, f"{other.id}:{one}:{run.key}", "due", run.unit.now,
            mark="enrolled", next_at=run.unit.now,
            context={"chain": [*chain, [run.ready.id, str(run.subject.row.id)]]},
        )
        for one in ids
    ]  # fmt: skip
    started = await store.put(run.connection, run.unit.schema, rows)
    return Outcome({"automation": step.automation, "records": [str(one) for one in ids], "started": len(started)})


def chain_of(occurrence: Occurrence) -> Cause:
    """The chain of automations that led to a run."""
    return Cause(
        tuple((str(one), UUID(record) if record else None) for one, record in occurrence.context.get("chain", ()))
    )
