"""`python -m tests.bench`: measures the engine against its targets; ends with 1 if one is missed."""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import sys
import tempfile
import time
from pathlib import Path

import psutil

from tests.bench import http_level, importing, native, sql_level, workspace
from tests.bench.report import Report
from xrm_core.kernel.turns import spare_the_collector
from xrm_core.storage import embedded
from xrm_core.storage.database import Database

PARTS = ("sql", "update", "size", "import", "http", "batch")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000, help="candidates in the workspace (100000)")
    parser.add_argument("--only", default="", help=f"parts, with commas between them: {', '.join(PARTS)}")
    parser.add_argument(
        "--data-dir", type=Path, default=Path(tempfile.gettempdir()) / "xrm-bench", help="kept between runs"
    )
    parser.add_argument("--profile", action="store_true", help="also print where the time of requests goes")
    parser.add_argument("--seconds", type=int, default=8, help="how long each address is asked (8)")
    found = parser.parse_args()
    found.parts = [part for part in found.only.split(",") if part] or list(PARTS)
    if unknown := set(found.parts) - set(PARTS):
        parser.error(f"there is no part {', '.join(sorted(unknown))}")
    return found


def _say(text: str) -> None:
    print(f"  {text}", flush=True)


async def _run(chosen: argparse.Namespace, report: Report) -> None:
    dsn = await asyncio.to_thread(embedded.start, chosen.data_dir)
    async with Database(dsn, connection_class=sql_level.ListeningConnection) as database:
        started = time.monotonic()
        bench = await workspace.prepare(database, chosen.rows, _say)
        async with database.connect(dsn) as connection:
            name = await native.prepare(connection, bench)
            await connection.execute("checkpoint")
        _say(f"{chosen.rows:,} candidates are there ({time.monotonic() - started:,.0f} s)")
        if "sql" in chosen.parts:
            report.add("SQL, against hand-written tables", await sql_level.reading(bench, database, name))
        if "update" in chosen.parts:
            report.add("Writing one field", await sql_level.updating(bench, database, name))
        if "size" in chosen.parts:
            report.add("Size", await sql_level.sizes(bench, database, name))
        if "import" in chosen.parts:
            report.add("Import", await importing.importing(bench, database, name))
        if "http" in chosen.parts:
            report.add(
                "Over HTTP, 8 connections, against bare routes with the same SQL",
                await http_level.serving(bench, database, chosen.data_dir, chosen.seconds),
            )
        if "batch" in chosen.parts:
            report.add("Batches over HTTP", await http_level.batches(bench, database, chosen.data_dir))
        if chosen.profile:
            await http_level.profiled(bench, database, chosen.data_dir, chosen.seconds)


def main() -> int:
    """Run what was asked for; the number of missed targets decides the result."""
    chosen = _arguments()
    report = Report()
    memory = psutil.virtual_memory().total / 2**30
    print(
        f"{os.cpu_count()} cores, {memory:.0f} GiB, {platform.system()}, Python {platform.python_version()}, {chosen.rows:,} candidates"
    )
    spare_the_collector()  # as the processes of the product do
    asyncio.run(_run(chosen, report))
    missed = report.missed
    judged = sum(result.target is not None for result in report.results)
    print(
        f"\n{judged - len(missed)} of {judged} targets reached"
        + (f"; missed: {', '.join(r.name for r in missed)}" if missed else "")
    )
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
