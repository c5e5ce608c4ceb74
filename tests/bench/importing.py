"""How fast many records go in: through the whole engine, and what COPY into a hand-written table with the same indexes does."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.bench import native
from tests.bench.report import Result
from tests.bench.workspace import MODULE, Bench
from xrm_core.kernel.errors import XrmError
from xrm_core.records import write
from xrm_core.records.unit import Unit
from xrm_core.storage.database import Connection, Database

ROWS = 10_000
AT_ONCE = 2_000
GOAL = 20_000.0


class _Undo(XrmError):
    """Nothing that the measurement writes is kept."""


async def _engine(bench: Bench, start: int, count: int) -> float:
    """Records per second of the engine's way of creating many, from plain values to the commit's door."""
    batches = [bench.raw(first, AT_ONCE) for first in range(start, start + count, AT_ONCE)]
    seconds = 0.0

    async def work(unit: Unit) -> None:
        nonlocal seconds
        module = unit.module(MODULE)
        started = time.perf_counter()
        for rows in batches:
            _, drafts, _ = await write.create_all(unit, module, [write.Given(row) for row in rows])
            assert not any(draft.problems for draft in drafts)
        seconds = time.perf_counter() - started
        raise _Undo([])

    with _undone():
        await bench.run(work)
    return count / seconds


@contextmanager
def _undone() -> Iterator[None]:
    try:
        yield
    except _Undo:
        pass


async def _native(connection: Connection, name: str, count: int) -> float:
    """Records per second of COPY into the hand-written table, undone afterwards."""
    columns = ", ".join(native.COLUMNS)
    cursor = connection.cursor()
    await cursor.execute(f"select {columns} from {name} order by id limit {count}")
    rows = await cursor.fetchall()
    at = {column: index for index, column in enumerate(native.COLUMNS)}
    fresh = []
    for number, row in enumerate(rows):
        values = list(row)
        values[at["id"]] = f"ffffffff-ffff-7fff-8fff-{number:012x}"
        values[at["linkedin_url"]] = f"{values[at['linkedin_url']]}-again"
        fresh.append(values)
    started = time.perf_counter()
    seconds = 0.0
    try:
        async with connection.transaction():
            async with connection.cursor().copy(f"copy {name} ({columns}) from stdin") as copy:
                for values in fresh:
                    await copy.write_row(values)
            seconds = time.perf_counter() - started
            raise _Undo([])
    except _Undo:
        pass
    return count / seconds


async def importing(bench: Bench, database: Database, name: str) -> list[Result]:
    """The import target, and the parts it is made of."""
    base = 100_000_000
    engine: list[float] = []
    plain: list[float] = []
    async with database.writing() as connection:
        for index in range(3):
            engine.append(await _engine(bench, base + index * ROWS, ROWS))
            plain.append(await _native(connection, name, ROWS))
    ours, theirs = sorted(engine)[1], sorted(plain)[1]
    goal = min(GOAL, 0.4 * theirs)
    note = f"parsed, checked, computed, stored with event and search entry; native COPY {theirs:,.0f} records/s, {ours / theirs:.2f} of it"
    return [Result("import, whole engine, one process", ours, goal, at_most=False, unit="rec/s", note=note)]
