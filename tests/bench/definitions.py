"""How long large sets of definitions take: 200 modules, one of them with 2,000 fields, changed, reviewed and published.

Run it alone: `python -m tests.bench.definitions`.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import psycopg
from psycopg.conninfo import make_conninfo

from xrm_core.catalog import Catalogs
from xrm_core.definitions.collection import DefinitionSet
from xrm_core.kernel.actor import SYSTEM
from xrm_core.kernel.clock import SystemClock
from xrm_core.publishing import apply
from xrm_core.publishing.drafts import Drafts
from xrm_core.publishing.planning import plan_back, plan_set
from xrm_core.records.unit import Units
from xrm_core.storage import embedded
from xrm_core.storage.database import Database
from xrm_core.storage.migrations.run import upgrade
from xrm_core.storage.workspaces import create_workspace

MODULES, FIELDS = 199, 1_990
_TYPES = ("text", "integer", "date", "select")


def a_module(number: int, fields: int) -> dict[str, Any]:
    """A module with fields of several types, a formula, a view, and a link to the one before."""
    options = {"options": [{"name": "a", "label": "A"}, {"name": "b", "label": "B"}]}
    found: dict[str, Any] = {
        "name": f"module_{number}", "label": f"Module {number}", "label_plural": f"Modules {number}",
        "title": "{{ f0 }}",
        "fields": [
            {"name": f"f{k}", "type": _TYPES[k % 4], "label": f"Field {k}", **(options if k % 4 == 3 else {})}
            for k in range(fields)
        ] + [{"name": "double", "type": "formula", "label": "Double", "formula": "f1 * 2"}],
        "views": [{"name": "all", "label": "All", "columns": ["f0", "f1"], "filter": "f1 > 3"}],
    }  # fmt: skip
    if number:
        link = {"name": "up", "label": "Up", "to": [f"module_{number - 1}"]}
        found["links"] = [{**link, "inverse": {"name": "down", "label": "Down"}}]
    return found


async def measure(dsn: str) -> None:
    """Make the set, then time what an administrator does with it."""
    async with Database(dsn) as database:
        await upgrade(database)
        workspace = await create_workspace(
            database, slug="bench", name="Bench", now=SystemClock().now(), time_zone="UTC"
        )
        units = Units(database, Catalogs(database), SystemClock())
        drafts = Drafts(units, workspace, SYSTEM)
        modules = [a_module(number, 20) for number in range(MODULES)] + [a_module(MODULES, FIELDS)]
        everything = DefinitionSet.model_validate({"modules": modules})

        async def publish(made: Any) -> Any:
            return await apply(units, workspace, SYSTEM, made)

        first = await _timed(
            "plan: all 200 modules at once", lambda: plan_set(units, workspace, SYSTEM, lambda _: everything)
        )
        await _timed("publish: all 200 modules at once", lambda: publish(first))
        big, small = f"module/module_{MODULES}/fields", "module/module_5/fields"
        for place, words in ((small, "a module of 20 fields"), (big, f"a module of {FIELDS:,} fields")):
            add: dict[str, Any] = {"op": "add", "path": place, "data": {"type": "text", "label": "New one"}}
            await _timed(f"draft: first edit, {words}", lambda add=add: drafts.append([add]))
            label = {"op": "set", "path": f"{place}/f5", "pointer": "/label", "value": "Other"}
            await _timed(f"draft: next edit, {words}", lambda label=label: drafts.append([label]))
            rename = {"op": "rename", "path": f"{place}/f1", "name": "renamed"}
            await _timed(f"draft: rename, {words}", lambda rename=rename: drafts.append([rename]))
            draft = await _timed(f"draft: load, {words}", drafts.get)
            await _timed_plain(f"draft: as shown, {words}", draft.as_dict)
            await _timed(f"review, {words}", drafts.plan)
            await _timed(f"publish, {words}", drafts.publish)
        back = await _timed("review of going back", lambda: plan_back(units, workspace, SYSTEM, 1))
        await _timed("going back", lambda: publish(back))


async def _timed(words: str, work: Callable[[], Awaitable[Any]]) -> Any:
    wall, cpu = time.perf_counter(), time.process_time()
    found = await work()
    _tell(words, time.perf_counter() - wall, time.process_time() - cpu)
    return found


async def _timed_plain(words: str, work: Callable[[], Any]) -> Any:
    wall, cpu = time.perf_counter(), time.process_time()
    found = work()
    _tell(words, time.perf_counter() - wall, time.process_time() - cpu)
    return found


def _tell(words: str, wall: float, cpu: float) -> None:
    print(f"{words:48} {wall * 1000:8.0f} ms   (own cpu {cpu * 1000:6.0f} ms)", flush=True)


def main() -> None:
    """Measure on an embedded server of its own."""
    with tempfile.TemporaryDirectory() as home:
        dsn = embedded.start(Path(home) / "server", {"fsync": "off", "full_page_writes": "off"})
        try:
            with psycopg.connect(dsn, autocommit=True) as connection:
                connection.execute("create database definitions template template0 encoding 'UTF8'")
            asyncio.run(measure(make_conninfo(dsn, dbname="definitions")))
        finally:
            embedded.leave(Path(home) / "server")


if __name__ == "__main__":
    main()
