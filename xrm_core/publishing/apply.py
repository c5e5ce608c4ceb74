"""Publishing as people see it: the plan is published, and in small modules everything that follows is done at once."""

from __future__ import annotations

from xrm_core.access.policy import policy_of
from xrm_core.definitions.collection import DefinitionSet
from xrm_core.kernel.actor import Actor
from xrm_core.publishing.background import build_indexes, mend_later, run_backfill
from xrm_core.publishing.erasing import ERASE, Erasure, confirm, look
from xrm_core.publishing.plan import ChangePlan, current, plan
from xrm_core.publishing.planning import plan_set
from xrm_core.publishing.publish import BACKFILL, Also, Published, publish
from xrm_core.publishing.tables import table_of
from xrm_core.records.unit import Units
from xrm_core.storage import definitions as store
from xrm_core.storage.database import Connection
from xrm_core.storage.indexes import drop_columns
from xrm_core.storage.tables import column_name
from xrm_core.storage.workspaces import Workspace

AT_ONCE = 5_000
"""Modules with at most so many records get their indexes and values before the answer; larger ones by the worker."""


async def plan_change(units: Units, workspace: Workspace, actor: Actor, wanted: DefinitionSet) -> ChangePlan:
    """What going over to these definitions would mean, for an actor who may design."""
    return await plan_set(units, workspace, actor, lambda _: wanted)


async def apply(
    units: Units,
    workspace: Workspace,
    actor: Actor,
    made: ChangePlan,
    summary: str = "",
    also: Also | None = None,
) -> Published:
    """Publish a plan and let everybody know; must not be called inside an open transaction of the same request.

    `also` is done in the transaction that publishes; work that it leaves is done like any other.
    """
    policy_of(await units.catalogs.get(workspace), actor).require_design()
    published = await publish(units.database, workspace.schema, made, actor, units.clock.now(), summary, also)
    if not published.changed:
        return published

    async def announce() -> None:
        units.catalogs.forget(workspace)

    await announce()
    if published.values:
        # Values first: an index over them is built once, and says itself what stands in its way.
        await run_backfill(units, workspace, largest=AT_ONCE)
    kinds = {work.kind for work in published.work}
    if kinds & {"build_index", "drop_index"}:
        # Nobody waits here until all processes know: what one of them still writes the old way is mended afterwards.
        database, clock = units.database, units.clock
        done = await build_indexes(
            database, workspace.schema, clock, settle_seconds=0, largest=AT_ONCE, announce=announce
        )
        await mend_later(database, workspace.schema, done, clock.now())
        await announce()
    if also is not None or kinds & {"compute", "titles", "search", "first_stage"}:
        await run_backfill(units, workspace, largest=AT_ONCE)
    return published


async def change(
    units: Units, workspace: Workspace, actor: Actor, wanted: DefinitionSet, summary: str = ""
) -> Published:
    """Plan and publish in one go."""
    return await apply(units, workspace, actor, await plan_change(units, workspace, actor, wanted), summary)


async def plan_erase(units: Units, workspace: Workspace, actor: Actor, path: str) -> Erasure:
    """What erasing an archived field, link or module would mean."""
    async with units.begin(workspace, actor) as unit, units.database.writing() as connection:
        return await look(unit, connection, (await current(connection, workspace.schema))[1], path)


async def erase(
    units: Units, workspace: Workspace, actor: Actor, path: str, count: object
) -> tuple[Erasure, Published]:
    """Erase what is archived, if the number of records that lose something was given as it is."""
    async with units.begin(workspace, actor) as unit, units.database.writing() as connection:
        base = await current(connection, workspace.schema)
        found = await look(unit, connection, base[1], path)
        confirm(found, count)
        made = await plan(connection, workspace.schema, found.wanted, base=base)

    async def also(connection: Connection, number: int) -> None:
        key = f"{BACKFILL}:{ERASE}:{found.path}:{number}"
        await store.queue(connection, workspace.schema, BACKFILL, key, found.payload(), units.clock.now())

    words = f"{found.path} erased: {found.records} records"
    done = await apply(units, workspace, actor, made, words, also)
    if found.part:
        await drop_columns(units.database, table_of(workspace.schema, found.module.id), [column_name(found.node.id)])
    return found, done
