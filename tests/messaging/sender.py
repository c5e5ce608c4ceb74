"""A process that sends what is due, until it is killed."""

from __future__ import annotations

import asyncio
import sys

from xrm_core.catalog import Catalogs
from xrm_core.kernel.clock import SystemClock
from xrm_core.messaging.delivery import Delivery
from xrm_core.messaging.office import Office, Server
from xrm_core.records.unit import Units
from xrm_core.storage.database import Database, Limits
from xrm_core.storage.workspaces import list_workspaces


async def main(dsn: str, slug: str, port: str) -> None:
    async with Database(dsn, Limits(readers=2, writers=6)) as database:
        workspace = next(one for one in await list_workspaces(database) if one.slug == slug)
        office = Office(lambda: b"k" * 32, smtp=Server("127.0.0.1", int(port), "none"), smtp_from="office@xrm.test")
        delivery = Delivery(Units(database, Catalogs(database), SystemClock()), office)
        print("ready", flush=True)
        while True:
            await delivery.pump(workspace)
            await asyncio.sleep(0.01)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
