"""A process that does what automations have to do and says so step by step, until it is killed or nothing is left."""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime

from xrm_core.automation import runner
from xrm_core.automation.match import Matching
from xrm_core.catalog import Catalogs
from xrm_core.kernel.clock import FixedClock
from xrm_core.records.unit import Units
from xrm_core.storage.database import Database, Limits
from xrm_core.storage.workspaces import list_workspaces


async def main(dsn: str, slug: str, now: str) -> None:
    async with Database(dsn, Limits(readers=2, writers=4)) as database:
        workspace = next(one for one in await list_workspaces(database) if one.slug == slug)
        clock = FixedClock(datetime.fromisoformat(now).astimezone(UTC))
        units = Units(database, Catalogs(database), clock, Matching())

        async def work() -> None:
            while await runner.run_due(units, workspace, most=1):
                print("moved", flush=True)

        await asyncio.gather(work(), work())
        print("done", flush=True)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
