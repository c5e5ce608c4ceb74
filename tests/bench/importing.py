"""How fast many records go in: through the whole engine, and what COPY into a hand-written table with the same indexes does."""

from __future__ import annotations

import csv
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.bench import http_level, native
from tests.bench.report import Result
from tests.bench.workspace import MODULE, Bench
from xrm_core.importing.mapping import Mapping
from xrm_core.importing.reader import open_table
from xrm_core.importing.run import Importer
from xrm_core.kernel.errors import XrmError
from xrm_core.storage.database import Connection, Database

ROWS = 10_000
LINKS = ("source", "current_employer_client")
"""Left out: the hand-written table is not asked to find their targets either."""
GOAL = 20_000.0


class _Undo(XrmError):
    """Nothing that the measurement writes is kept."""


def _cell(value: Any) -> str:
    """A value as a spreadsheet shows it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return "|".join(value)
    if isinstance(value, dict):
        if "per" in value:
            return f"{value['amount']} {value['currency']}/{value['per']}"
        if "unit" in value:
            return f"{value['value']} {value['unit']}"
        if "first" in value:
            return f"{value['first']} {value['last']}"
        return f"{value['street']}, {value['postcode']} {value['city']}, {value['country']}"
    return str(value)


def _file(bench: Bench, start: int, path: Path) -> tuple[str, ...]:
    """A CSV file of candidates; returns its columns."""
    rows = [{key: value for key, value in row.items() if key not in LINKS} for row in bench.raw(start, ROWS)]
    columns = tuple(dict.fromkeys(key for row in rows for key in row))
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows([_cell(row[key]) if key in row else "" for key in columns] for row in rows)
    return columns


async def _engine(bench: Bench, start: int) -> tuple[float, float]:
    """Records per second of an import, from the file to the last commit, and this process's processor time for one."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "candidates.csv"
        columns = _file(bench, start, path)
        mapping = Mapping(columns={name: name for name in columns})
        importer = Importer(bench.units, bench.workspace, bench.actor, MODULE, open_table(path), mapping)
        started, busy = time.perf_counter(), time.process_time()
        outcome = await importer.run()
        seconds, busy = time.perf_counter() - started, time.process_time() - busy
    if outcome.counts["created"] != ROWS:
        raise SystemExit(f"The import left rows out: {outcome.counts}, {outcome.rows[:1]}")
    return ROWS / seconds, busy / ROWS


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
    base = 1_000_000_000 + int(time.time()) % 10_000_000 * 100_000
    engine: list[tuple[float, float]] = []
    plain: list[float] = []
    async with database.writing() as connection:
        cursor = await connection.execute("select clock_timestamp()")
        row = await cursor.fetchone()
        assert row is not None
        try:
            for index in range(3):
                engine.append(await _engine(bench, base + index * ROWS))
                plain.append(await _native(connection, name, ROWS))
        finally:
            await http_level.forget(bench, database, row[0], (MODULE,))
    (ours, busy), theirs = sorted(engine)[1], sorted(plain)[1]
    goal = min(GOAL, 0.4 * theirs)
    note = f"CSV read, parsed, checked, computed, stored with event and search entry; native COPY {theirs:,.0f} records/s, {ours / theirs:.2f} of it; {busy * 1e6:.0f} µs of processor time a record besides the server's"
    return [Result("import of a file, one process", ours, goal, at_most=False, unit="rec/s", note=note)]
