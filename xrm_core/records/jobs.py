"""Working through jobs: part by part, each part with its progress in one transaction, so that nothing is done twice."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

from xrm_core.kernel.actor import SYSTEM, Actor
from xrm_core.kernel.errors import Conflict, Forbidden, NotFound, XrmError
from xrm_core.kernel.ids import new_id
from xrm_core.kernel.problem import Problem
from xrm_core.records import bulk
from xrm_core.records.unit import Unit, Units
from xrm_core.storage import jobs as store
from xrm_core.storage import members, notifications
from xrm_core.storage.database import Connection
from xrm_core.storage.jobs import Job
from xrm_core.storage.notifications import Notification
from xrm_core.storage.rows import instant
from xrm_core.storage.workspaces import Workspace

CLAIM = timedelta(minutes=2)
log = logging.getLogger("xrm.jobs")
Part = Callable[[Unit, Job], Awaitable[tuple[int, dict[str, Any]]]]
"""Does the next part of a job; how far it is then, and what came of it so far."""


async def _bulk_part(unit: Unit, job: Job) -> tuple[int, dict[str, Any]]:
    module = unit.catalog.modules.get(job.request["module"])
    if module is None:
        raise Conflict(Problem("module_gone", "", "The module is not in use any more."))
    ids = [UUID(one) for one in job.request["ids"][job.done : job.done + bulk.PART]]
    found = bulk.Outcome.from_dict(job.outcome)
    found.merge(await bulk.apply(unit, module, job.request["action"], ids))
    return job.done + len(ids), found.as_dict()


PARTS: dict[str, Part] = {"bulk": _bulk_part}


async def run_due(units: Units, workspace: Workspace) -> int:
    """Work through all jobs of a workspace that wait; how many were finished."""
    me, finished = f"{new_id()}", 0
    while True:
        async with units.begin(workspace, SYSTEM) as unit:
            job = await store.claim(await unit.writer(), unit.schema, me, unit.now, unit.now + CLAIM)
        if job is None:
            return finished
        await _work(units, workspace, job)
        finished += 1


async def _work(units: Units, workspace: Workspace, job: Job) -> None:
    identity = job.id
    try:
        actor = await _actor(units, workspace, job)

        async def part(unit: Unit) -> bool:
            unit.changed = job.change_id
            connection = await unit.transaction()
            now = await store.get(connection, unit.schema, identity, lock=True)
            if now is None or now.finished_at is not None:
                return False
            if now.done >= now.total:
                await store.finish(connection, unit.schema, identity, "done", now.outcome, unit.now)
                await _tell(unit, connection, now, "done")
                return False
            done, outcome = await PARTS[now.kind](unit, now)
            await store.progress(connection, unit.schema, identity, done, outcome, unit.now + CLAIM)
            return True

        while await units.run(workspace, actor, part):
            pass
    except Exception as error:
        known = isinstance(error, XrmError)
        if not known:
            log.exception("job failed", extra={"workspace": workspace.slug, "job": str(identity)})
        problems = (
            [problem.as_dict() for problem in error.problems]
            if isinstance(error, XrmError)
            else [{"code": "internal", "path": "", "message": "The job stopped by a fault of the program."}]
        )
        async with units.begin(workspace, SYSTEM) as unit:
            connection = await unit.transaction()
            now = await store.get(connection, unit.schema, identity, lock=True)
            outcome = {**(now.outcome if now else {}), "problems": problems}
            await store.finish(connection, unit.schema, identity, "failed", outcome, unit.now)
            if now is not None:
                await _tell(unit, connection, now, "failed")


async def _tell(unit: Unit, connection: Connection, job: Job, state: str) -> None:
    """Tell whoever started a job that it ended."""
    if job.member is None:
        return
    changed = int(job.outcome.get("changed", 0))
    left = sum(int(entry["count"]) for entry in job.outcome.get("skipped", ()))
    title = f"{changed} of {job.total} records changed"
    body = (
        "The job failed; what was done so far stays." if state == "failed" else f"{left} were left out." if left else ""
    )
    module = str(job.request.get("module") or "") or None
    news = Notification(
        new_id(), job.member, "job", unit.now, module, None, title, body, unit.actor.as_dict(), f"job:{job.id}"
    )
    await notifications.put(connection, unit.schema, [news])


async def _actor(units: Units, workspace: Workspace, job: Job) -> Actor:
    """Whoever started the job, with the rights that they have now."""
    if job.member is None:
        return SYSTEM
    async with units.begin(workspace, SYSTEM) as unit:
        member = await members.member(await unit.writer(), unit.schema, job.member)
    if member is None or member.disabled_at is not None:
        raise Forbidden(Problem("member", "", "Whoever started the job has no access to the workspace any more."))
    return Actor(member.id, member.name, member.roles, job.actor.get("kind", "human"), member.teams)


async def get(unit: Unit, job_id: UUID) -> Job:
    """A job of the actor's own, or any for administrators."""
    found = await store.get(await unit.writer(), unit.schema, job_id)
    if found is None or not (found.member == unit.actor.user_id or unit.policy.design):
        raise NotFound(Problem("not_found", "", "There is no such job."))
    return found


async def cancel(unit: Unit, job_id: UUID) -> Job:
    """Stop a job; what it has done stays, and can be undone."""
    job = await get(unit, job_id)
    connection = await unit.transaction()
    now = await store.get(connection, unit.schema, job.id, lock=True)
    assert now is not None
    if not await store.finish(connection, unit.schema, job.id, "cancelled", now.outcome, unit.now):
        raise Conflict(Problem("finished", "", "The job has ended already."))
    return await get(unit, job_id)


def shown(job: Job) -> dict[str, Any]:
    """A job as the API shows it."""
    return {
        "id": str(job.id),
        "kind": job.kind,
        "state": job.state,
        "total": job.total,
        "done": job.done,
        "outcome": job.outcome,
        "change_id": str(job.change_id),
        "created_at": instant(job.created_at),
        "started_at": instant(job.started_at) if job.started_at else None,
        "finished_at": instant(job.finished_at) if job.finished_at else None,
    }
