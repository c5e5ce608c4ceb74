"""Workers that are killed in the midst of their work: another goes on, and every effect is there once."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
from collections import Counter
from datetime import timedelta

from psycopg.conninfo import make_conninfo

from tests.automation.conftest import Make, Office
from tests.automation.office import automation
from tests.records.test_kill import NAME, gone

RECORDS = 400 if os.environ.get("XRM_TEST_ALL") else 60


async def killed(office: Office, dsn: str, after: int | None) -> bool:
    """Run a worker until it is killed after so many moves (without a number: until it ends); whether it came to its end."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.automation.worker", make_conninfo(dsn, application_name=NAME),
        office.workspace.slug, office.clock.now().isoformat(), stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    seen = 0
    while True:
        line = await asyncio.wait_for(process.stdout.readline(), 120)
        assert line, "the worker ended by itself"
        if line == b"done\n":
            await process.wait()
            return True
        seen += 1
        if after is not None and seen >= after:
            await asyncio.sleep(random.uniform(0, 0.02))
            os.kill(process.pid, signal.SIGKILL)
            await process.wait()
            await gone(office)
            return False


async def test_workers_that_are_killed_do_nothing_twice_and_leave_nothing(bureau: Make, database_dsn: str) -> None:
    office = await bureau(automation("x", triggers=[{"kind": "created"}], steps=[
        {"do": "update", "values": {"count": "count + 1"}},
        {"do": "mail", "to": ["mail"], "subject": "Hello {{ name }}", "text": "Once."},
        {"do": "create", "module": "bookings", "values": {"who": "name", "project": "id"}},
        {"do": "webhook", "url": "https://example.org/hook"},
        {"do": "update", "values": {"count": "count + 1"}},
    ]))  # fmt: skip
    made = [str(await office.new("projects", office.somebody, name=f"P{n}", mail=f"p{n}@example.org")) for n in range(RECORDS)]
    kills = 0
    while not await killed(office, database_dsn, random.randint(2, RECORDS // 3) if kills < 4 else None):
        kills += 1
        office.clock.move(timedelta(minutes=3))  # what the dead had claimed is free again
    assert kills >= 2
    office.clock.move(timedelta(minutes=3))
    await office.work()
    assert {one["id"]: one["count"] for one in await office.find("projects", limit=1000)} == dict.fromkeys(made, 2)
    assert Counter(one["project"]["id"] for one in await office.find("bookings", limit=1000)) == Counter(made)
    outbox = await office.outbox()
    assert Counter(row["kind"] for row in outbox) == {"mail": RECORDS, "webhook": RECORDS}
    assert len({row["to"][0]["address"] for row in outbox if row["kind"] == "mail"}) == RECORDS
    runs = await office.runs()
    assert {run.state for run in runs} == {"done"}
    for run in runs[:20]:
        assert [step.number for step in await office.steps(run)] == list(range(5))
