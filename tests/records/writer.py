"""A process with several clients that write in the shop and say what was acknowledged, line by line, until it is killed."""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime
from uuid import UUID

from xrm_core.catalog import Catalogs
from xrm_core.kernel.actor import SYSTEM
from xrm_core.kernel.clock import FixedClock
from xrm_core.records import relating, stages, write
from xrm_core.records.unit import Units
from xrm_core.storage.database import Database, Limits
from xrm_core.storage.workspaces import list_workspaces


async def main(dsn: str, slug: str, now: str, *ends: str) -> None:
    async with Database(dsn, Limits(readers=2, writers=len(ends))) as database:
        workspace = next(one for one in await list_workspaces(database) if one.slug == slug)
        units = Units(database, Catalogs(database), FixedClock(datetime.fromisoformat(now).astimezone(UTC)))

        async def run(number: int, customer: str, person: str) -> None:
            person_id = UUID(person)
            while True:
                values = {"customer": customer, "shipping": str(number), "helpers": [{"id": person, "attributes": {"share": "5"}}]}
                order = await units.run(workspace, SYSTEM, lambda unit, v=values: write.create(unit, "orders", v))
                print("orders", order.id, 1, flush=True)
                line = {"order": str(order.id), "quantity": 2, "unit_price": "1.50"}
                made = await units.run(workspace, SYSTEM, lambda unit, v=line: write.create(unit, "lines", v))
                print("lines", made.id, 1, flush=True)
                await units.run(workspace, SYSTEM, lambda unit, o=order.id: stages.move(unit, "orders", o, "sent"))
                print("orders", order.id, 2, flush=True)
                await units.run(workspace, SYSTEM, lambda unit, o=order.id: write.update(unit, "orders", o, {"reason": "none"}))
                print("orders", order.id, 3, flush=True)
                await units.run(workspace, SYSTEM, lambda unit, o=order.id: relating.unlink(unit, "orders", o, "helpers", person_id))
                print("unlinked", order.id, 0, flush=True)

        await asyncio.gather(*(run(number, *end.split(":")) for number, end in enumerate(ends)))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
