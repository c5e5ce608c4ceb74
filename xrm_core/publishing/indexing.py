"""The worker's part of publishing: whatever definitions ask for and tables and records do not have yet."""

from __future__ import annotations

from xrm_core.publishing.background import SETTLE_SECONDS, build_indexes, run_backfill
from xrm_core.records.unit import Units
from xrm_core.storage.workspaces import Workspace


async def run_jobs(units: Units, workspace: Workspace, *, settle_seconds: float = SETTLE_SECONDS) -> int:
    """Build and drop indexes, then compute values of existing records; how many pieces of work were done."""

    async def announce() -> None:
        units.catalogs.forget(workspace)

    built = await build_indexes(
        units.database, workspace.schema, units.clock, settle_seconds=settle_seconds, announce=announce
    )
    if built:
        await announce()
    return len(built) + await run_backfill(units, workspace)
