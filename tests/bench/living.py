"""Definitions change while people work: a field is added, filled for half of all candidates, indexed, filtered, retired.

Run it alone: `python -m tests.bench.living --rows 1000000`. All the while a client changes and creates records, so many
a second whatever the answers take; it ends with 1 if a write failed or waited longer than a second.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

from tests.bench import workspace
from tests.bench.workspace import MODULE, Bench
from xrm_core.publishing import build_indexes, run_backfill
from xrm_core.publishing.drafts import Drafts
from xrm_core.records import read, write
from xrm_core.records.inputs import read_input
from xrm_core.records.prepare import parse_context
from xrm_core.records.query import RecordQuery
from xrm_core.records.unit import Unit
from xrm_core.storage import embedded
from xrm_core.storage.database import Database

NAME = "bench_score"
PATH = f"module/{MODULE}/fields/{NAME}"
CHUNK = 50
"""Records that are filled in one transaction: nobody waits for more of them."""


@dataclass
class Client:
    """Writes at fixed moments: what waits does not make the next one later."""

    bench: Bench
    rate: float
    ids: list[UUID]
    waits: dict[str, list[float]] = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)
    phase: str = "before"
    stopped: bool = False

    async def run(self) -> None:
        """Until it is stopped."""
        chance, started, number = random.Random(1), time.perf_counter(), 0
        running: set[asyncio.Task[None]] = set()
        while not self.stopped:
            number += 1
            await asyncio.sleep(max(0.0, started + number / self.rate - time.perf_counter()))
            task = asyncio.create_task(self._one(number, chance, started + number / self.rate))
            running.add(task)
            task.add_done_callback(running.discard)
        await asyncio.gather(*running)

    async def _one(self, number: int, chance: random.Random, due: float) -> None:
        phase = self.phase

        async def work(unit: Unit) -> None:
            if number % 5 == 0:
                made = self.bench.raw(10_000_000 + number, 1)[0]
                await write.create(unit, MODULE, made)
            else:
                await write.update(unit, MODULE, chance.choice(self.ids), {"headline": f"Changed {number}"})

        try:
            await self.bench.run(work)
        except Exception as error:
            self.failed.append(f"{phase}: {type(error).__name__} {error}"[:300])
        self.waits.setdefault(phase, []).append(time.perf_counter() - due)


@dataclass
class Living:
    """The life of the field, one step after the other."""

    bench: Bench
    client: Client
    drafts: Drafts
    ids: list[UUID]

    async def all(self) -> None:
        """Add, fill, index, filter, retire."""
        await asyncio.sleep(5)
        await self._step("add", self._added)
        await self._step("fill for half", self._filled)
        await self._step("make indexed", self._indexed)
        await self._step("filter", self._filtered)
        await self._step("retire", self._retired)

    async def _step(self, name: str, work: Callable[[], Awaitable[str]]) -> None:
        self.client.phase = name
        started = time.perf_counter()
        told = await work()
        print(f"  {name:14} {time.perf_counter() - started:8.1f} s  {told}", flush=True)

    async def _publish(self, *operations: dict[str, Any]) -> None:
        await self.drafts.append(operations)
        await self.drafts.publish(f"Step: {self.client.phase}")

    async def _worker(self) -> None:
        """What the worker does after a publish."""
        bench = self.bench
        await build_indexes(bench.database, bench.workspace.schema, bench.units.clock)
        await run_backfill(bench.units, bench.workspace)

    async def _added(self) -> str:
        data = {"name": NAME, "type": "integer", "label": "Score"}
        await self._publish({"op": "add", "path": f"module/{MODULE}/fields", "data": data})
        await self._worker()
        return ""

    async def _filled(self) -> str:
        half = self.ids[: self.bench.rows // 2]
        for start in range(0, len(half), CHUNK):
            some = half[start : start + CHUNK]

            async def work(unit: Unit, start: int = start, some: list[UUID] = some) -> None:
                module = unit.module(MODULE)
                rights, context = unit.policy.require(module.id, "edit"), parse_context(unit)
                wanted = [
                    (one, read_input(module, {NAME: (start + n) % 1000}, context, rights), None)
                    for n, one in enumerate(some)
                ]
                drafts, _ = await write.update_all(unit, module, wanted)
                wrong = [draft.problems for draft in drafts if draft.problems]
                if wrong:
                    raise AssertionError(wrong[0])

            await self.bench.run(work)
        return f"{len(half):,} records, {CHUNK} in a transaction"

    async def _indexed(self) -> str:
        await self._publish({"op": "patch", "path": PATH, "changes": {"indexed": True}})
        await self._worker()
        return ""

    async def _filtered(self) -> str:
        times, found = [], None
        for _ in range(20):
            started = time.perf_counter()
            async with self.bench.units.begin(self.bench.workspace, self.bench.actor) as unit:
                query = RecordQuery(MODULE, f"{NAME} == 500", limit=50, count="exact", fields=("name", NAME))
                found = await read.find(unit, query)
            times.append(time.perf_counter() - started)
        assert found is not None and found.count is not None
        wanted = sum((start % 1000) == 500 for start in range(self.bench.rows // 2))
        assert found.count.value == wanted, (found.count, wanted)
        return f"{wanted:,} found and counted, {sorted(times)[10] * 1000:.1f} ms in the middle of 20"

    async def _retired(self) -> str:
        await self._publish({"op": "archive", "path": PATH})
        await self._worker()
        return ""


async def measure(data_dir: Path, rows: int, rate: float) -> bool:
    """Whether no write failed and none waited over a second."""
    dsn = await asyncio.to_thread(embedded.start, data_dir)
    async with Database(dsn) as database:
        bench = await workspace.prepare(database, rows, lambda text: print(f"  {text}", flush=True))
        async with database.writing() as connection:
            cursor = await connection.execute(f"select id from {bench.workspace.schema}.m_{MODULE} order by id")
            ids = [one for (one,) in await cursor.fetchall()]
        client = Client(bench, rate, ids)
        drafts = Drafts(bench.units, bench.workspace, bench.actor)
        with suppress(Exception):
            await drafts.discard()
        print(f"{len(ids):,} candidates, {rate:g} writes a second", flush=True)
        writing = asyncio.create_task(client.run())
        try:
            await Living(bench, client, drafts, ids).all()
        finally:
            client.stopped = True
            await writing
    print(f"  {'while':14} {'writes':>8} {'median':>9} {'p99':>9} {'longest':>9}")
    for phase, waits in client.waits.items():
        found = sorted(waits)
        at = [found[len(found) // 2], found[int(len(found) * 0.99)], found[-1]]
        print(f"  {phase:14} {len(found):8,} " + " ".join(f"{one * 1000:6.0f} ms" for one in at))
    for text in client.failed[:5]:
        print(f"  failed: {text}")
    late = sum(one > 1 for waits in client.waits.values() for one in waits)
    print(f"  {len(client.failed)} failed, {late} waited over a second")
    return not client.failed and not late


def main() -> None:
    """Measure on an embedded server of its own, which is kept."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.living", description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rate", type=float, default=50, help="writes a second (50)")
    parser.add_argument("--data-dir", type=Path, default=Path(tempfile.gettempdir()) / "xrm-bench")
    chosen = parser.parse_args()
    sys.exit(0 if asyncio.run(measure(chosen.data_dir, chosen.rows, chosen.rate)) else 1)


if __name__ == "__main__":
    main()
