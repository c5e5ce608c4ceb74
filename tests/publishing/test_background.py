"""What publishing leaves to do: indexes and values of existing records."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import orjson
import pytest

from tests.conftest import NOW
from tests.definitions.sample import build
from xrm_core.catalog import Catalogs
from xrm_core.definitions import edit
from xrm_core.definitions.collection import DefinitionSet
from xrm_core.kernel.actor import SYSTEM, Actor
from xrm_core.kernel.clock import FixedClock
from xrm_core.kernel.errors import Forbidden
from xrm_core.kernel.ids import new_id
from xrm_core.publishing import build_indexes, change, plan_change, publish, run_backfill
from xrm_core.publishing.indexing import run_jobs
from xrm_core.records.unit import Units
from xrm_core.storage import catalog as catalog_store
from xrm_core.storage import definitions as store
from xrm_core.storage import indexes
from xrm_core.storage.database import Database
from xrm_core.storage.workspaces import Workspace


@pytest.fixture
def units(database: Database, clock: FixedClock) -> Units:
    return Units(database, Catalogs(database), clock)


async def insert(
    units: Units, workspace: Workspace, module: str, data: dict[str, Any], columns: dict[str, Any] | None = None
) -> UUID:
    """A record as an older version of the engine left it: without what was asked for later."""
    values = {"id": new_id(), "version": 1, "title": "", "created_at": NOW, "updated_at": NOW, **(columns or {})}
    values["data"] = orjson.dumps(data).decode()
    async with units.database.writing() as connection:
        await connection.execute(
            f"insert into {workspace.schema}.m_{module} ({', '.join(values)})"
            f" values ({', '.join(['%s'] * len(values))})",
            list(values.values()),
        )
    return values["id"]  # type: ignore[no-any-return]


async def read(units: Units, workspace: Workspace, module: str, columns: str, row: UUID) -> tuple[Any, ...]:
    async with units.database.writing() as connection:
        cursor = await connection.execute(f"select {columns} from {workspace.schema}.m_{module} where id = %s", [row])
        found = await cursor.fetchone()
    assert found is not None
    return found


async def current(units: Units, workspace: Workspace) -> DefinitionSet:
    return (await units.catalogs.get(workspace)).definitions


async def test_an_index_on_a_live_module_is_there_at_once(units: Units, workspace: Workspace) -> None:
    await change(units, workspace, SYSTEM, build())
    row = await insert(
        units, workspace, "projects", {"name": "P", "share": "12.50", "budget": {"amount": "3.00", "currency": "EUR"}}
    )
    base = await current(units, workspace)
    wanted = edit.patch_part(base, "projects", "fields", "share", {"indexed": True})
    wanted = edit.patch_part(wanted, "projects", "fields", "budget", {"indexed": True})
    wanted = edit.patch_part(wanted, "projects", "fields", "start_date", {"indexed": False})
    await change(units, workspace, SYSTEM, wanted)
    assert [str(v) for v in await read(units, workspace, "projects", "p_share, p_budget", row)] == ["12.50", "3.00"]
    async with units.database.connection() as connection:
        columns = await catalog_store.columns(connection, workspace.schema)
        names = set(await store.index_names(connection, workspace.schema))
    assert columns["projects", "share"] == "ready" and ("projects", "start_date") not in columns
    assert any("share" in name for name in names) and not any("start_date" in name for name in names)
    catalog = await units.catalogs.get(workspace)
    assert catalog.module("projects").fields["share"].column == "p_share"


async def test_what_is_written_the_old_way_meanwhile_is_mended(
    units: Units, workspace: Workspace, clock: FixedClock
) -> None:
    await change(units, workspace, SYSTEM, build())
    wanted = edit.patch_part(await current(units, workspace), "projects", "fields", "share", {"indexed": True})
    await change(units, workspace, SYSTEM, wanted)
    row = await insert(units, workspace, "projects", {"name": "late", "share": "7.00"})
    assert await read(units, workspace, "projects", "p_share", row) == (None,)
    assert await run_backfill(units, workspace) == 0
    clock.move(timedelta(seconds=5))
    assert await run_backfill(units, workspace) == 1
    assert str((await read(units, workspace, "projects", "p_share", row))[0]) == "7.00"


async def test_an_unindexed_field_that_is_indexed_again_is_filled_anew(units: Units, workspace: Workspace) -> None:
    await change(units, workspace, SYSTEM, build())
    base = await current(units, workspace)
    await change(
        units, workspace, SYSTEM, edit.patch_part(base, "projects", "fields", "start_date", {"indexed": False})
    )
    row = await insert(units, workspace, "projects", {"name": "P", "start_date": "2026-03-01"})
    await change(units, workspace, SYSTEM, base)
    assert str((await read(units, workspace, "projects", "p_start_date", row))[0]) == "2026-03-01"


async def test_large_modules_are_left_to_the_worker(units: Units, workspace: Workspace) -> None:
    await change(units, workspace, SYSTEM, build())
    row = await insert(units, workspace, "tasks", {"what": "T", "hours": "2.00"})
    wanted = edit.patch_part(await current(units, workspace), "tasks", "fields", "hours", {"indexed": True})
    plan = await plan_change(units, workspace, SYSTEM, wanted)
    await publish(units.database, workspace.schema, plan, SYSTEM, NOW)
    assert await build_indexes(units.database, workspace.schema, units.clock, settle_seconds=0, largest=0) == []
    jobs = await build_indexes(units.database, workspace.schema, units.clock, settle_seconds=0)
    assert [(job.module_id, job.fields, job.state) for job in jobs] == [("tasks", ("hours",), "ready")]
    assert str((await read(units, workspace, "tasks", "p_hours", row))[0]) == "2.00"


async def test_the_worker_does_what_publishing_left(units: Units, workspace: Workspace) -> None:
    await change(units, workspace, SYSTEM, build())
    row = await insert(units, workspace, "tasks", {"what": "T", "hours": "2.00"})
    wanted = edit.patch_part(await current(units, workspace), "tasks", "fields", "hours", {"indexed": True})
    data = {"name": "more", "type": "formula", "label": "M", "formula": "hours + 1"}
    wanted = edit.add_part(wanted, "tasks", "fields", data)
    plan = await plan_change(units, workspace, SYSTEM, wanted)
    await publish(units.database, workspace.schema, plan, SYSTEM, NOW)
    units.catalogs.forget(workspace)
    assert await run_jobs(units, workspace, settle_seconds=0) == 2
    found, column = await read(units, workspace, "tasks", "data, p_hours", row)
    assert found["more"] == "3.00" and str(column) == "2.00"
    assert await run_jobs(units, workspace, settle_seconds=0) == 0


async def test_a_unique_rule_over_duplicates_fails_and_says_which(units: Units, workspace: Workspace) -> None:
    await change(units, workspace, SYSTEM, build())
    for _ in range(2):
        await insert(units, workspace, "people", {"name": {"full": "A B"}, "birthday": "2000-01-01"})
    wanted = edit.patch_part(await current(units, workspace), "people", "fields", "birthday", {"unique": True})
    await change(units, workspace, SYSTEM, wanted)
    async with units.database.connection() as connection:
        jobs = {(job.fields, job.use): job for job in await indexes.jobs(connection, workspace.schema)}
    assert jobs[("birthday",), "unique"].state == "failed" and jobs[("birthday",), "unique"].problems
    assert jobs[("birthday",), "order"].state == "ready"


async def test_values_of_existing_records_are_computed(units: Units, workspace: Workspace) -> None:
    await change(units, workspace, SYSTEM, build())
    firm = await insert(units, workspace, "companies", {"name": "Acme"})
    row = await insert(
        units,
        workspace,
        "projects",
        {"name": "P", "company": str(firm), "budget": {"amount": "10.00", "currency": "EUR"}},
        {"p_company": firm, "stage": "running"},
    )
    wanted = edit.add_part(
        await current(units, workspace),
        "projects",
        "fields",
        {"name": "double", "type": "formula", "label": "D", "formula": "budget * 2", "indexed": True},
    )
    wanted = edit.add_part(
        wanted,
        "companies",
        "fields",
        {"name": "doubles", "type": "rollup", "label": "D", "link": "projects", "function": "sum", "field": "double"},
    )
    wanted = edit.patch_module(wanted, "projects", {"title": "{{ name }} ({{ double }})"})
    await change(units, workspace, SYSTEM, wanted)
    data, title, column = await read(units, workspace, "projects", "data, title, p_double", row)
    assert data["double"] == {"amount": "20.00", "currency": "EUR"} and str(column) == "20.00"
    assert title.startswith("P (20.00")
    assert (await read(units, workspace, "companies", "data", firm))[0]["doubles"]["amount"] == "20.00"


async def test_a_pipeline_on_a_module_with_records(units: Units, workspace: Workspace) -> None:
    await change(units, workspace, SYSTEM, build())
    row = await insert(units, workspace, "notes", {"subject": "S"})
    stages = {
        "name": "state",
        "label": "State",
        "stages": [{"name": "fresh", "label": "Fresh"}, {"name": "read", "label": "Read"}],
    }
    await change(units, workspace, SYSTEM, edit.add_part(await current(units, workspace), "notes", "pipelines", stages))
    assert (await read(units, workspace, "notes", "stage", row))[0] == "fresh"


async def test_only_designers_may(units: Units, workspace: Workspace) -> None:
    with pytest.raises(Forbidden):
        await change(units, workspace, Actor(user_id=new_id(), name="V", roles=("viewer",)), build())
    await change(units, workspace, Actor(user_id=new_id(), name="A", roles=("admin",)), build())
