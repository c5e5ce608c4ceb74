"""A workspace with the definitions of the shop, and short ways to act in it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

import orjson
import pytest

from tests.records.shop import SHOP
from xrm_core.catalog import Catalogs
from xrm_core.definitions import DefinitionSet
from xrm_core.kernel.actor import SYSTEM, Actor
from xrm_core.kernel.clock import FixedClock
from xrm_core.publishing import plan, publish
from xrm_core.records import lifecycle, read, write
from xrm_core.records.query import RecordQuery
from xrm_core.records.unit import Unit, Units
from xrm_core.storage.database import Database
from xrm_core.storage.workspaces import Workspace

T = TypeVar("T")


@dataclass
class Shop:
    """The shop's workspace; every call is a unit of work of its own."""

    units: Units
    workspace: Workspace
    clock: FixedClock

    async def run(self, work: Callable[[Unit], Awaitable[T]], actor: Actor = SYSTEM) -> T:
        return await self.units.run(self.workspace, actor, work)

    async def new(self, module: str, actor: Actor = SYSTEM, **values: Any) -> UUID:
        return (await self.run(lambda unit: write.create(unit, module, values), actor)).id

    async def change(self, module: str, identifier: UUID, actor: Actor = SYSTEM, **values: Any) -> dict[str, Any]:
        stored = await self.run(lambda unit: write.update(unit, module, identifier, values), actor)
        return orjson.loads(stored.json)

    async def get(self, module: str, identifier: UUID, actor: Actor = SYSTEM) -> dict[str, Any]:
        found = await self.run(lambda unit: read.get(unit, module, identifier), actor)
        return orjson.loads(found.json)

    async def find(self, module: str, filter: Any = None, actor: Actor = SYSTEM, **more: Any) -> list[dict[str, Any]]:
        listed = await self.run(lambda unit: read.find(unit, RecordQuery(module, filter=filter, **more)), actor)
        return [orjson.loads(row) for row in listed.rows]

    async def archive(self, module: str, identifier: UUID) -> None:
        await self.run(lambda unit: lifecycle.archive(unit, module, identifier))

    async def restore(self, module: str, identifier: UUID) -> None:
        await self.run(lambda unit: lifecycle.restore(unit, module, identifier))

    async def erase(self, module: str, identifier: UUID) -> None:
        await self.run(lambda unit: lifecycle.erase(unit, module, identifier))

    async def members(self, *ids: UUID) -> None:
        """Make users known in the workspace."""
        async with self.units.database.writing() as connection:
            for one in ids:
                await connection.execute(
                    f"insert into {self.workspace.schema}.member (id, email, name, roles, created_at) values (%s, %s, %s, %s::text[], %s)",
                    [one, f"{one}@shop.example", "Somebody", ["clerk"], self.clock.now()],
                )


async def install(database: Database, workspace: Workspace, clock: FixedClock, definitions: DefinitionSet) -> Units:
    """Publish a whole set of definitions in a fresh workspace."""
    async with database.writing() as connection:
        planned = await plan(connection, workspace.schema, definitions)
    assert planned.ok, planned.problems
    await publish(database, workspace.schema, planned, SYSTEM, clock.now())
    return Units(database, Catalogs(database), clock)


@pytest.fixture
async def shop(database: Database, workspace: Workspace, clock: FixedClock) -> Shop:
    return Shop(await install(database, workspace, clock, SHOP), workspace, clock)
