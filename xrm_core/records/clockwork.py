"""What time itself changes: values that depend on today or now turn over without anybody writing."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from xrm_core.catalog.computations import Computation
from xrm_core.kernel.actor import SYSTEM
from xrm_core.kernel.kinds import Kind
from xrm_core.records.settle import recompute
from xrm_core.records.unit import Unit, Units
from xrm_core.storage import turnover as store
from xrm_core.storage.workspaces import Workspace

BATCH = 500
_DAY, _HOUR = "turned_over.day", "turned_over.hour"
_SETTLED = timedelta(minutes=2)
"""Work that began before the turn may end after it, with values of the day before; no transaction lasts as long as this."""


async def run_due(units: Units, workspace: Workspace) -> int:
    """Bring time-dependent values of a workspace up to date if its day (or the hour) has changed; how many records moved.

    Interrupted, it begins again and finds only what is left: it looks at values, not at what was done before.
    """
    async with units.begin(workspace, SYSTEM) as unit:
        day, hour = _mark(unit, "%Y-%m-%d"), _mark(unit, "%Y-%m-%dT%H")
        connection = await unit.writer()
        last_day = await store.done_until(connection, unit.schema, _DAY)
        last_hour = await store.done_until(connection, unit.schema, _HOUR)
        nodes = [
            node
            for node in unit.catalog.graph.computations
            if (node.uses_today and last_day != day) or (node.uses_now and last_hour != hour)
        ]
    moved = 0
    for node in nodes:
        moved += await _turn(units, workspace, node.module_id, node.key)
    if last_day != day or last_hour != hour:
        async with units.begin(workspace, SYSTEM) as unit:
            connection = await unit.writer()
            await store.note_done(connection, unit.schema, _DAY, day)
            await store.note_done(connection, unit.schema, _HOUR, hour)
    return moved


def _mark(unit: Unit, pattern: str) -> str:
    """The day or hour, and whether it has begun just now: then it is looked at a second time a little later."""
    here = unit.now.astimezone(ZoneInfo(unit.zone))
    mark = here.strftime(pattern)
    return mark if (here - _SETTLED).strftime(pattern) == mark else f"{mark} begun"


async def _turn(units: Units, workspace: Workspace, module_id: str, key: str) -> int:
    moved = 0
    after: UUID | None = None
    while True:

        async def batch(unit: Unit, after: UUID | None = after) -> tuple[int, UUID | None]:
            node = _node(unit, module_id, key)
            if node is None:
                return 0, None
            module = unit.catalog.modules[module_id]
            connection = await unit.transaction()
            value = None if node.is_rollup or node.value is None else node.value
            ids = await store.stale(
                connection,
                unit.catalog.modules,
                module,
                node.key,
                node.type.kind or Kind.TEXT,
                value,
                after,
                BATCH,
                unit,
            )
            if not ids:
                return 0, None
            return await recompute(unit, connection, {node: set(ids)}), ids[-1]

        changed, after = await units.run(workspace, SYSTEM, batch)
        moved += changed
        if after is None:
            return moved


def _node(unit: Unit, module_id: str, key: str) -> Computation | None:
    return next((node for node in unit.catalog.graph.of_module.get(module_id, ()) if node.key == key), None)
