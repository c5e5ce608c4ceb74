"""Installing packs into a real workspace."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.definitions.sample import modules
from tests.packs_engine.test_read import MANIFEST, write
from xrm_core.catalog import Catalogs
from xrm_core.kernel.actor import SYSTEM
from xrm_core.kernel.clock import FixedClock
from xrm_core.kernel.errors import Conflict, Invalid
from xrm_core.packs.install import install, plan_install
from xrm_core.packs.layout import PackContents
from xrm_core.packs.validate import check_folder
from xrm_core.publishing import plan_rollback, publish
from xrm_core.records.unit import Units
from xrm_core.storage.database import Database
from xrm_core.storage.workspaces import Workspace

ROOT = Path(__file__).parents[2]


@pytest.fixture
def units(database: Database, clock: FixedClock) -> Units:
    return Units(database, Catalogs(database), clock)


def contents(folder: Path) -> PackContents:
    found, problems = check_folder(folder)
    assert found is not None and problems == [], problems
    return found


async def test_a_pack_is_planned_installed_and_has_its_origins(
    units: Units, workspace: Workspace, tmp_path: Path
) -> None:
    pack = contents(write(tmp_path, modules()))
    plan = await plan_install(units, workspace, SYSTEM, pack)
    assert plan.ok and {c.path for c in plan.changes} >= {"module/people", "role/member", "pack/work"}
    assert (await units.catalogs.get(workspace)).definitions.modules == ()
    published = await install(units, workspace, SYSTEM, pack)
    assert published.number == 1
    definitions = (await units.catalogs.get(workspace)).definitions
    assert definitions.packs == {"work": "1.0.0"} and definitions.origins["module/people"] == "work"
    with pytest.raises(Conflict):
        await install(units, workspace, SYSTEM, pack)


async def test_a_wrong_pack_installs_nothing(units: Units, workspace: Workspace, tmp_path: Path) -> None:
    root = write(tmp_path, modules(), {**MANIFEST, "requires": {"base": ">=1"}})
    found, _ = check_folder(root)
    assert found is not None
    with pytest.raises(Invalid) as caught:
        await install(units, workspace, SYSTEM, found)
    assert [p.code for p in caught.value.problems] == ["missing_pack"]
    assert (await units.catalogs.get(workspace)).version == 0


async def test_going_back_takes_the_pack_away(units: Units, workspace: Workspace, tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    second.mkdir()
    await install(units, workspace, SYSTEM, contents(write(first, modules())))
    before = (await units.catalogs.get(workspace)).definitions.hash
    things = {"name": "things", "label": "Thing", "label_plural": "Things", "title": "{{ id }}"}
    root = write(second, {"things": things}, {**MANIFEST, "name": "more"})
    (root / "roles" / "member.json").unlink()
    await install(units, workspace, SYSTEM, contents(root))
    async with units.database.connection() as connection:
        plan = await plan_rollback(connection, workspace.schema, 1)
    await publish(units.database, workspace.schema, plan, SYSTEM, units.clock.now())
    units.catalogs.forget(workspace)
    assert (await units.catalogs.get(workspace)).definitions.hash == before


BASES = sorted(
    path.parent.name
    for path in (ROOT / "module_packs").glob("*/pack.json")
    if not json.loads(path.read_text()).get("requires")
)


@pytest.mark.parametrize("name", BASES)
async def test_the_packs_of_the_repository_install(units: Units, workspace: Workspace, name: str) -> None:
    pack = contents(ROOT / "module_packs" / name)
    await install(units, workspace, SYSTEM, pack)
    catalog = await units.catalogs.get(workspace)
    assert {module.name for module in pack.modules} == set(catalog.by_name)


def test_manifest_names(tmp_path: Path) -> None:
    root = write(tmp_path, modules())
    (root / "pack.json").write_text(json.dumps({**MANIFEST, "version": "1"}))
    found, problems = check_folder(root)
    assert found is None and problems[0].path == "pack.json#/version"
