"""`python -m tests.bench.packs`: how long installing takes, and whether an upgrade of many records lets others work."""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from uuid import UUID

from tests.bench.report import Report, Result
from tests.packs_life.family import contents, library
from xrm_core.automation.match import Matching
from xrm_core.catalog import Catalogs
from xrm_core.kernel.actor import SYSTEM
from xrm_core.kernel.clock import SystemClock
from xrm_core.kernel.errors import XrmError
from xrm_core.packs import sample
from xrm_core.packs.install import install, plan_install
from xrm_core.packs.read import read_pack
from xrm_core.packs.upgrade import plan_upgrade, upgrade
from xrm_core.publishing.background import build_indexes, run_backfill
from xrm_core.records import write
from xrm_core.records.unit import Unit, Units
from xrm_core.storage import embedded
from xrm_core.storage.database import Database
from xrm_core.storage.migrations.run import upgrade as upgrade_database
from xrm_core.storage.workspaces import Workspace, create_workspace, drop_workspace, list_workspaces

PACKS = Path(__file__).parents[2] / "module_packs"
SLUG = "bench-packs"
AT_ONCE = 2_000


async def _fresh(database: Database) -> Workspace:
    for workspace in await list_workspaces(database, archived=True):
        if workspace.slug == SLUG:
            await drop_workspace(database, workspace)
    return await create_workspace(database, slug=SLUG, name="Packs", now=SystemClock().now(), time_zone="Europe/Berlin")


async def installing(units: Units) -> list[Result]:
    """Recruiting on an empty workspace, from reading its files to the last record."""
    workspace = await _fresh(units.database)
    started = time.perf_counter()
    pack, problems = read_pack(PACKS / "recruiting")
    assert pack is not None and not problems
    plan = await plan_install(units, workspace, SYSTEM, pack)
    planned = time.perf_counter() - started
    await install(units, workspace, SYSTEM, pack, plan)
    installed = time.perf_counter() - started
    count = await sample.load(units, workspace, pack)
    loaded = time.perf_counter() - started
    return [
        Result("read, check and plan", planned, unit="s"),
        Result("installed, without sample data", installed, 3.0, unit="s"),
        Result("installed, with sample data", loaded, 10.0, unit="s", note=f"{count:,} records"),
    ]


class Meter:
    """Somebody who does one thing again and again, and how long it took at worst."""

    def __init__(self, work: Callable[[], Awaitable[object]]) -> None:
        self.work = work
        self.worst, self.total, self.count, self.refused = 0.0, 0.0, 0, 0
        self.stopped = False

    async def run(self) -> None:
        while not self.stopped:
            started = time.perf_counter()
            try:
                await self.work()
            except XrmError:
                self.refused += 1
            took = time.perf_counter() - started
            self.worst, self.total, self.count = max(self.worst, took), self.total + took, self.count + 1
            await asyncio.sleep(0.01)


async def _stock(units: Units, workspace: Workspace, rows: int) -> list[UUID]:
    states, stages = ("new", "used", "worn"), ("ordered", "arrived", "on_shelf")
    ids: list[UUID] = []
    for start in range(0, rows, AT_ONCE):
        given = [
            write.Given({
                "name": f"Book {n}", "pages": n % 1000, "state": states[n % 3], "stage": stages[n % 3],
                "shelf": str(n % 77), "topics": ["art"] if n % 2 else ["law", "craft"],
            })
            for n in range(start, min(start + AT_ONCE, rows))
        ]  # fmt: skip

        async def work(unit: Unit, given: list[write.Given] = given) -> list[UUID]:
            _, drafts, _ = await write.create_all(unit, unit.module("books"), given)
            return [draft.row.id for draft in drafts]

        ids += (await units.run(workspace, SYSTEM, work))[:3]
    return ids


async def upgrading(units: Units, rows: int, folder: Path, say: Callable[[str], None]) -> list[Result]:
    """An upgrade that renames, maps and splits values of every record, while others write and read."""
    workspace = await _fresh(units.database)
    await install(units, workspace, SYSTEM, contents(folder, library()))
    started = time.perf_counter()
    ids = await _stock(units, workspace, rows)
    await build_indexes(units.database, workspace.schema, units.clock, settle_seconds=0)
    say(f"{rows:,} records are there ({time.perf_counter() - started:,.0f} s)")
    turn = 0

    async def writing() -> None:
        nonlocal turn
        turn += 1
        await units.run(
            workspace, SYSTEM, lambda unit: write.update(unit, "books", ids[turn % len(ids)], {"name": f"Again {turn}"})
        )

    async def making() -> None:
        await units.run(workspace, SYSTEM, lambda unit: write.create(unit, "books", {"name": "New"}))

    found: list[Result] = []
    for version in ("1.1.0", "2.0.0"):
        pack = contents(folder, library(version))
        meters = [Meter(writing), Meter(making)]
        running = [asyncio.create_task(meter.run()) for meter in meters]
        await asyncio.sleep(0.5)
        began = time.perf_counter()
        plan = await plan_upgrade(units, workspace, SYSTEM, pack)
        await upgrade(units, workspace, SYSTEM, plan)
        published = time.perf_counter() - began
        # As the worker does it: work that waits for other processes to know the new version is met again later.
        idle = 0
        while idle < 3:
            idle = 0 if await run_backfill(units, workspace) else idle + 1
            await asyncio.sleep(1)
        await build_indexes(units.database, workspace.schema, units.clock)
        done = time.perf_counter() - began
        for meter in meters:
            meter.stopped = True
        await asyncio.gather(*running)
        values = sum(sum(one.counts.values()) for one in plan.conversions)
        found += [
            Result(f"to {version}: planned and published", published, unit="s", note=f"{values:,} values to convert"),
            Result(f"to {version}: every value converted, indexes built", done, unit="s"),
            Result(f"to {version}: longest change of a record", meters[0].worst, 1.0, unit="s", note=_told(meters[0])),
            Result(f"to {version}: longest new record", meters[1].worst, 1.0, unit="s", note=_told(meters[1])),
        ]
    return found


def _told(meter: Meter) -> str:
    mean = meter.total / max(1, meter.count) * 1000
    return f"{meter.count:,} in all, {mean:.0f} ms on average, {meter.refused} refused"


async def _run(rows: int, data_dir: Path, report: Report) -> None:
    dsn = await asyncio.to_thread(embedded.start, data_dir)
    async with Database(dsn) as database:
        await upgrade_database(database)
        units = Units(database, Catalogs(database), SystemClock(), Matching())
        report.add("Installing recruiting on an empty workspace", await installing(units))
        with tempfile.TemporaryDirectory() as folder:
            found = await upgrading(units, rows, Path(folder), lambda text: print(f"  {text}", flush=True))
        report.add(f"Upgrading a pack over {rows:,} records while others write", found)
        await _fresh(database)


def main() -> int:
    """Measure; 1 if a target is missed."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.packs", description=__doc__)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--data-dir", type=Path, default=Path(tempfile.gettempdir()) / "xrm-bench")
    chosen = parser.parse_args()
    report = Report()
    asyncio.run(_run(chosen.rows, chosen.data_dir, report))
    return 1 if report.missed else 0


if __name__ == "__main__":
    sys.exit(main())
