"""Planning and publishing against a real database."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from tests.conftest import NOW
from tests.definitions.sample import build, modules
from xrm_core.definitions import edit
from xrm_core.definitions.collection import DefinitionSet
from xrm_core.kernel.actor import SYSTEM, Actor
from xrm_core.kernel.errors import Conflict, Invalid, NotFound
from xrm_core.kernel.ids import new_id
from xrm_core.publishing import ChangePlan, Published, get_version, history, plan, plan_rollback, publish
from xrm_core.publishing.plan import current
from xrm_core.publishing.tables import expected_indexes
from xrm_core.storage import catalog as catalog_store
from xrm_core.storage import definitions as store
from xrm_core.storage.database import Database
from xrm_core.storage.workspaces import Workspace

ANN = Actor(user_id=None, name="Ann", roles=("admin",))


async def planned(database: Database, workspace: Workspace, wanted: DefinitionSet) -> ChangePlan:
    async with database.connection() as connection:
        return await plan(connection, workspace.schema, wanted)


async def change(database: Database, workspace: Workspace, wanted: DefinitionSet, summary: str = "") -> Published:
    return await publish(database, workspace.schema, await planned(database, workspace, wanted), SYSTEM, NOW, summary)


async def live(database: Database, workspace: Workspace) -> tuple[int, DefinitionSet]:
    async with database.connection() as connection:
        return await current(connection, workspace.schema)


async def test_the_first_version_makes_everything(database: Database, workspace: Workspace) -> None:
    wanted = build()
    found = await planned(database, workspace, wanted)
    assert found.ok and found.effect == "safe" and found.base_version == 0
    assert {w.module_id for w in found.work if w.kind == "create_table"} == set(modules())
    published = await publish(database, workspace.schema, found, SYSTEM, NOW)
    assert published.changed and published.number == 1
    number, read = await live(database, workspace)
    assert number == 1 and read == wanted and read.hash == wanted.hash
    async with database.connection() as connection:
        assert len(await store.module_tables(connection, workspace.schema)) == 5
        assert set(await store.index_names(connection, workspace.schema)) == expected_indexes(wanted)
        columns = await catalog_store.columns(connection, workspace.schema)
        rows = {(d.kind, d.id): d for d in await store.stored(connection, workspace.schema)}
        schema = await store.record_schema(connection, workspace.schema, "projects")
    assert columns["projects", "start_date"] == columns["projects", "company"] == columns["people", "email"] == "ready"
    assert rows["module", "projects"].name == "projects" and rows["role", "member"].retired is False
    assert schema is not None and schema["properties"]["stage"]["anyOf"][0]["enum"][0] == "planned"


async def test_what_is_stored_is_what_runs(database: Database, workspace: Workspace) -> None:
    await change(database, workspace, build())
    async with database.connection() as connection:
        number, snapshot = await catalog_store.current(connection, workspace.schema)
    assert number == 1 and DefinitionSet.model_validate(snapshot) == build()


async def test_nothing_to_do_makes_no_version(database: Database, workspace: Workspace) -> None:
    await change(database, workspace, build())
    assert not (await change(database, workspace, build())).changed
    assert (await live(database, workspace))[0] == 1


async def test_problems_are_not_published(database: Database, workspace: Workspace) -> None:
    data = modules()
    data["projects"]["title"] = "{{ nome }}"
    found = await planned(database, workspace, build(data))
    assert not found.ok
    with pytest.raises(Invalid):
        await publish(database, workspace.schema, found, SYSTEM, NOW)
    assert (await live(database, workspace))[0] == 0


async def test_one_of_two_publishes_wins(database: Database, workspace: Workspace) -> None:
    await change(database, workspace, build())
    base = (await live(database, workspace))[1]
    first = await planned(database, workspace, edit.patch_part(base, "people", "fields", "birthday", {"label": "Born"}))
    second = await planned(
        database, workspace, edit.patch_part(base, "people", "fields", "birthday", {"label": "Birth"})
    )
    await publish(database, workspace.schema, first, ANN, NOW, "Clearer")
    with pytest.raises(Conflict) as caught:
        await publish(database, workspace.schema, second, SYSTEM, NOW)
    problem = caught.value.problems[0]
    assert problem.code == "changed_meanwhile" and "Ann" in problem.message and "Clearer" in problem.message
    assert problem.path == "/module/people/fields/birthday/label"


@pytest.mark.parametrize("first", [True, False])
async def test_many_at_once(database: Database, workspace: Workspace, first: bool) -> None:
    if not first:
        await change(database, workspace, build())
    base = (await live(database, workspace))[1] if not first else build()
    wanted = [
        edit.add_part(base, "people", "fields", {"name": f"extra_{i}", "type": "text", "label": f"Extra {i}"})
        for i in range(4)
    ]
    plans = [await planned(database, workspace, one) for one in wanted]
    results = await asyncio.gather(
        *(publish(database, workspace.schema, one, SYSTEM, NOW) for one in plans), return_exceptions=True
    )
    won = [result for result in results if isinstance(result, Published)]
    lost = [result for result in results if isinstance(result, Conflict)]
    assert len(won) == 1 and len(lost) == 3, results
    number, definitions = await live(database, workspace)
    assert number == won[0].number and definitions.hash == won[0].hash


async def test_live_modules_queue_their_indexes(database: Database, workspace: Workspace) -> None:
    await change(database, workspace, build())
    base = (await live(database, workspace))[1]
    wanted = edit.patch_part(base, "projects", "fields", "share", {"indexed": True})
    wanted = edit.patch_part(wanted, "projects", "fields", "start_date", {"indexed": False})
    found = await planned(database, workspace, wanted)
    assert [(w.kind, w.keys) for w in found.work] == [("build_index", ("share",)), ("drop_index", ("start_date",))]
    await publish(database, workspace.schema, found, SYSTEM, NOW)
    async with database.connection() as connection:
        columns = await catalog_store.columns(connection, workspace.schema)
    assert ("projects", "start_date") not in columns and ("projects", "share") not in columns


async def test_computed_fields_queue_their_values(database: Database, workspace: Workspace) -> None:
    await change(database, workspace, build())
    base = (await live(database, workspace))[1]
    wanted = edit.add_part(
        base, "projects", "fields", {"name": "double", "type": "formula", "label": "D", "formula": "budget*2"}
    )
    wanted = edit.patch_module(wanted, "people", {"title": "{{ name.last }}"})
    published = await change(database, workspace, wanted)
    assert [(w.kind, w.module_id, w.keys) for w in published.work] == [
        ("compute", "projects", ("double",)),
        ("titles", "people", ("title",)),
    ]


async def insert(database: Database, workspace: Workspace, module: str, data: str, stage: str | None = None) -> None:
    async with database.writing() as connection:
        await connection.execute(
            f"insert into {workspace.schema}.m_{module} (id, version, title, stage, created_at, updated_at, data)"
            " values (%s, 1, '', %s, %s, %s, %s)",
            [new_id(), stage, NOW, NOW, data],
        )


async def test_counts_of_concerned_records(database: Database, workspace: Workspace) -> None:
    await change(database, workspace, build())
    await insert(database, workspace, "companies", '{"name": "A", "tier": "a"}')
    await insert(database, workspace, "companies", '{"name": "B", "tier": "b"}')
    await insert(database, workspace, "projects", '{"name": "P"}', "lost")
    base = (await live(database, workspace))[1]
    wanted = edit.patch_part(
        base, "companies", "fields", "tier", {"options": [{"name": "a", "label": "A"}], "required": True}
    )
    wanted = edit.remove_part(wanted, "companies", "fields", "budget")
    found = await planned(database, workspace, wanted)
    counts = {c["path"]: c.get("records") for c in found.as_dict()["changes"]}
    assert counts["module/companies/fields/tier/options/b"] == 1
    assert counts["module/companies/fields/tier/required"] is None
    assert found.effect == "destructive"
    renamed = edit.patch_part(
        base,
        "companies",
        "fields",
        "tier",
        {"options": [{"id": "a", "name": "gold", "label": "A"}, {"name": "b", "label": "B"}]},
    )
    assert "in_use" in [p.code for p in (await planned(database, workspace, renamed)).problems]
    stages = [s for s in modules()["projects"]["pipelines"][0]["stages"] if s["name"] != "lost"]
    fewer = edit.patch_part(base, "projects", "pipelines", "work", {"stages": stages})
    problems = (await planned(database, workspace, fewer)).problems
    assert "/module/projects/pipelines/work/stages/lost" in [p.path for p in problems if p.code == "in_use"]


async def test_removed_definitions_are_retired_and_come_back(database: Database, workspace: Workspace) -> None:
    await change(database, workspace, build())
    await insert(database, workspace, "notes", '{"subject": "kept"}')
    base = (await live(database, workspace))[1]
    gone = edit.remove_module(base, "notes", used=False)
    found = await planned(database, workspace, gone)
    assert found.effect == "destructive" and found.impact == {"module/notes": 1}
    await publish(database, workspace.schema, found, SYSTEM, NOW + timedelta(minutes=1))
    async with database.connection() as connection:
        rows = {(d.kind, d.id): d for d in await store.stored(connection, workspace.schema)}
    assert rows["module", "notes"].retired
    back = await change(database, workspace, base)
    assert back.hash == base.hash
    async with database.connection() as connection:
        assert await store.count(connection, workspace.schema, "notes", "records") == 1
        rows = {(d.kind, d.id): d for d in await store.stored(connection, workspace.schema)}
    assert not rows["module", "notes"].retired


async def test_history_and_rollback(database: Database, workspace: Workspace) -> None:
    await change(database, workspace, build(), "Start")
    first = (await live(database, workspace))[1]
    wanted = edit.patch_part(first, "people", "fields", "birthday", {"name": "born_on"})
    await change(database, workspace, wanted)
    async with database.connection() as connection:
        page = await history(connection, workspace.schema, limit=1)
        assert [v.number for v in page.versions] == [2] and page.next == 2
        assert page.versions[0].summary == "people.birthday changed, people.age changed, member changed"
        rest = await history(connection, workspace.schema, limit=1, before=page.next)
        assert [v.summary for v in rest.versions] == ["Start"] and rest.next is None
        back = await plan_rollback(connection, workspace.schema, 1)
        with pytest.raises(NotFound):
            await get_version(connection, workspace.schema, 9)
    published = await publish(database, workspace.schema, back, SYSTEM, NOW, "Back")
    assert published.number == 3 and published.hash == first.hash
