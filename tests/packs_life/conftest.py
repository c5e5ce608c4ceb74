"""Fixtures: units of work over a fresh workspace."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
import pytest

from tests.packs_life.family import contents
from xrm_core.catalog import Catalogs
from xrm_core.definitions.collection import DefinitionSet
from xrm_core.kernel.actor import Actor
from xrm_core.kernel.clock import FixedClock
from xrm_core.kernel.ids import new_id
from xrm_core.packs.install import install, plan_install
from xrm_core.packs.plans import PackPlan
from xrm_core.packs.uninstall import plan_uninstall, uninstall
from xrm_core.packs.upgrade import plan_rollback, plan_upgrade, rollback, upgrade
from xrm_core.publishing import change
from xrm_core.records import read, write
from xrm_core.records.unit import Units
from xrm_core.storage.database import Database
from xrm_core.storage.workspaces import Workspace

ADMIN = Actor(user_id=None, name="Ann", roles=("admin",))


class Life:
    """A workspace and everything one does with packs in it."""

    def __init__(self, units: Units, workspace: Workspace, root: Path) -> None:
        self.units, self.workspace, self.root = units, workspace, root
        self.actor = ADMIN

    async def become_member(self) -> None:
        """From now on a user of the workspace writes records: whoever must be named as owner is there."""
        identifier = new_id()
        async with self.units.database.writing() as connection:
            await connection.execute(
                f"insert into {self.workspace.schema}.member (id, email, name, roles, created_at)"
                " values (%s::uuid, 'ann@example.com', 'Ann', '{admin}', %s::timestamptz)",
                [identifier, self.units.clock.now()],
            )
        self.actor = Actor(user_id=identifier, name="Ann", roles=("admin",))

    async def live(self) -> DefinitionSet:
        self.units.catalogs.forget(self.workspace)
        return (await self.units.catalogs.get(self.workspace)).definitions

    async def edit(self, function: Callable[[DefinitionSet], DefinitionSet]) -> None:
        await change(self.units, self.workspace, ADMIN, function(await self.live()))

    async def install(self, files: dict[str, Any]) -> PackPlan:
        pack = contents(self.root, files)
        plan = await plan_install(self.units, self.workspace, ADMIN, pack)
        await install(self.units, self.workspace, ADMIN, pack, plan)
        return plan

    async def plan_upgrade(self, files: dict[str, Any], **options: Any) -> PackPlan:
        return await plan_upgrade(self.units, self.workspace, ADMIN, contents(self.root, files), **options)

    async def upgrade(self, files: dict[str, Any], **options: Any) -> PackPlan:
        plan = await self.plan_upgrade(files, **options)
        await upgrade(self.units, self.workspace, ADMIN, plan)
        return plan

    async def uninstall(self, name: str) -> PackPlan:
        plan = await plan_uninstall(self.units, self.workspace, ADMIN, name)
        await uninstall(self.units, self.workspace, ADMIN, plan)
        return plan

    async def rollback(self, name: str) -> PackPlan:
        plan = await plan_rollback(self.units, self.workspace, ADMIN, name)
        await rollback(self.units, self.workspace, ADMIN, plan)
        return plan

    async def create(self, module: str, **values: Any) -> str:
        async def work(unit: Any) -> str:
            return str((await write.create(unit, module, values)).id)

        return await self._run(work)

    async def update(self, module: str, identifier: str, **values: Any) -> None:
        async def work(unit: Any) -> None:
            await write.update(unit, module, UUID(identifier), values)

        await self._run(work)

    async def get(self, module: str, identifier: str) -> dict[str, Any]:
        async def work(unit: Any) -> dict[str, Any]:
            return dict(orjson.loads((await read.get(unit, module, UUID(identifier))).json))

        return await self._run(work)

    async def _run(self, work: Callable[[Any], Awaitable[Any]]) -> Any:
        return await self.units.run(self.workspace, self.actor, work)


@pytest.fixture
def life(database: Database, workspace: Workspace, clock: FixedClock, tmp_path: Path) -> Life:
    return Life(Units(database, Catalogs(database), clock), workspace, tmp_path)
