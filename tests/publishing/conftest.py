"""A workspace in which definitions are changed the way people change them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson
import pytest

from tests.conftest import NOW
from xrm_core.catalog import Catalogs
from xrm_core.definitions.collection import DefinitionSet
from xrm_core.kernel.actor import SYSTEM
from xrm_core.kernel.clock import FixedClock
from xrm_core.kernel.ids import new_id
from xrm_core.publishing import ChangePlan, Published, apply, run_backfill
from xrm_core.publishing.plan import current
from xrm_core.publishing.planning import plan_back, plan_set
from xrm_core.records import write
from xrm_core.records.unit import Units
from xrm_core.storage.database import Database
from xrm_core.storage.workspaces import Workspace


@dataclass
class Place:
    """The workspace, and short ways to act in it."""

    units: Units
    workspace: Workspace
    clock: FixedClock

    async def live(self) -> tuple[int, DefinitionSet]:
        async with self.units.database.writing() as connection:
            return await current(connection, self.workspace.schema)

    async def plan(self, wanted: Callable[[DefinitionSet], DefinitionSet]) -> ChangePlan:
        return await plan_set(self.units, self.workspace, SYSTEM, wanted)

    async def publish(self, wanted: Callable[[DefinitionSet], DefinitionSet]) -> tuple[ChangePlan, Published]:
        made = await self.plan(wanted)
        assert made.ok, made.problems[:5]
        done = await apply(self.units, self.workspace, SYSTEM, made)
        await run_backfill(self.units, self.workspace)
        return made, done

    async def back(self, number: int) -> ChangePlan:
        made = await plan_back(self.units, self.workspace, SYSTEM, number)
        assert made.ok, made.problems[:5]
        await apply(self.units, self.workspace, SYSTEM, made)
        await run_backfill(self.units, self.workspace)
        return made

    async def new(self, module: str, **values: Any) -> UUID:
        return (await self.units.run(self.workspace, SYSTEM, lambda unit: write.create(unit, module, values))).id

    async def change(self, module: str, identifier: UUID, **values: Any) -> None:
        await self.units.run(self.workspace, SYSTEM, lambda unit: write.update(unit, module, identifier, values))

    async def insert(self, module: str, data: dict[str, Any], texts: dict[str, str] | None = None) -> UUID:
        """Store a record without going through the engine."""
        identifier, schema = new_id(), self.workspace.schema
        async with self.units.database.writing() as connection:
            await connection.execute(
                f"insert into {schema}.m_{module} (id, version, title, created_at, updated_at, data)"
                " values (%s, 1, '', %s, %s, %s)",
                [identifier, NOW, NOW, orjson.dumps(data).decode()],
            )
            for key, value in (texts or {}).items():
                await connection.execute(
                    f"insert into {schema}.long_text (module_id, record_id, field_id, value) values (%s, %s, %s, %s)",
                    [module, identifier, key, value],
                )
        return identifier

    async def stored(self, module: str) -> dict[UUID, tuple[dict[str, Any], dict[str, str]]]:
        """Documents and long texts of all records, as they are stored."""
        schema = self.workspace.schema
        async with self.units.database.writing() as connection:
            cursor = await connection.execute(
                f"select t.id, t.data::text, t.stage from {schema}.m_{module} t order by t.id"
            )
            rows = await cursor.fetchall()
            cursor = await connection.execute(
                f"select l.record_id, l.field_id, l.value from {schema}.long_text l where l.module_id = %s", [module]
            )
            texts: dict[UUID, dict[str, str]] = {}
            for record, key, value in await cursor.fetchall():
                texts.setdefault(record, {})[key] = value
        return {
            row[0]: ({**orjson.loads(row[1]), **({"stage": row[2]} if row[2] else {})}, texts.get(row[0], {}))
            for row in rows
        }

    async def links(self, key: str) -> set[tuple[UUID, UUID]]:
        async with self.units.database.writing() as connection:
            cursor = await connection.execute(
                f"select x.source_id, x.target_id from {self.workspace.schema}.link x where x.link_id = %s", [key]
            )
            return set(await cursor.fetchall())


@pytest.fixture
def place(database: Database, workspace: Workspace, clock: FixedClock) -> Place:
    return Place(Units(database, Catalogs(database), clock), workspace, clock)
