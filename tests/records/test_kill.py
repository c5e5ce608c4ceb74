"""A process that is killed while it writes loses nothing that it acknowledged, and leaves nothing half done."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys

from psycopg.conninfo import make_conninfo

from tests.records.conftest import Shop
from tests.records.oracle import differences, read_tables
from xrm_core.kernel.clock import today

WRITES, KILLS, CLIENTS = 1_000, 3, 8
NAME = "xrm-to-be-killed"


async def killed(shop: Shop, dsn: str, ends: list[str], after: int) -> list[tuple[str, str, int]]:
    """What a writing process acknowledged before it was killed, some time after so many lines."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.records.writer", make_conninfo(dsn, application_name=NAME),
        shop.workspace.slug, shop.clock.now().isoformat(), *ends,
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    lines = []
    while len(lines) < after:
        line = await asyncio.wait_for(process.stdout.readline(), 60)
        assert line, "the writer ended by itself"
        lines.append(line)
    await asyncio.sleep(random.uniform(0, 0.01))
    os.kill(process.pid, signal.SIGKILL)
    lines += (await process.stdout.read()).splitlines()
    await process.wait()
    whole = [line.decode().split() for line in lines if line.strip()]
    return [(kind, identifier, int(version)) for kind, identifier, version in (parts for parts in whole if len(parts) == 3 and len(parts[1]) == 36)]


async def gone(shop: Shop) -> None:
    """Until the server has noticed that the process is dead."""
    async with shop.units.database.connection() as connection:
        for _ in range(200):
            cursor = await connection.execute("select count(*) from pg_catalog.pg_stat_activity a where a.application_name = %s", [NAME])
            if (await cursor.fetchone()) == (0,):
                return
            await asyncio.sleep(0.05)
    raise AssertionError("the server still works for a process that is dead")


async def test_no_acknowledged_write_is_lost_and_none_is_half(shop: Shop, database_dsn: str) -> None:
    # Each client has a customer of its own (whose totals it moves) and shares its person with another client.
    customers = [str(await shop.new("customers", name=f"Ada {number}")) for number in range(CLIENTS)]
    people = [str(await shop.new("people", name=f"Bo {number}")) for number in range(CLIENTS // 2)]
    ends = [f"{customer}:{people[number % len(people)]}" for number, customer in enumerate(customers)]
    acknowledged: list[tuple[str, str, int]] = []
    while len(acknowledged) < WRITES:
        acknowledged += await killed(shop, database_dsn, ends, -(-WRITES // KILLS))
        await gone(shop)
    tables = await read_tables(shop.units.database, shop.workspace.schema)
    assert differences(tables, today(shop.clock.now(), shop.workspace.time_zone)) == []
    helping = {link[:2] for link in tables.links}
    for kind, identifier, version in acknowledged:
        if kind == "unlinked":
            assert ("orders.helpers", identifier) not in helping
        else:
            assert tables.rows[kind][identifier].columns["version"] >= version
    written = {("orders", one) for one in tables.rows["orders"]} | {("lines", one) for one in tables.rows["lines"]}
    async with shop.units.database.writing() as connection:
        cursor = await connection.execute(
            f"select e.module_id, e.record_id::text, count(*) filter (where e.kind = 'created'), max(e.version), "
            f"count(*) filter (where e.kind in ('created', 'updated', 'moved')) from {shop.workspace.schema}.event e "
            "where e.module_id in ('orders', 'lines') group by 1, 2"
        )
        events = {(module, record): told for module, record, *told in await cursor.fetchall()}
    assert set(events) == written, "every record has its history, and no history is of nothing"
    for (module, identifier), (created, latest, changes) in events.items():
        assert created == 1
        assert latest == changes == tables.rows[module][identifier].columns["version"]
    numbers = sorted(row.data["number"] for row in tables.rows["orders"].values())
    assert len(numbers) == len(set(numbers))
