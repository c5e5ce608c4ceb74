"""An office with automations at work, and short ways to act in it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.automation.office import office
from tests.records.conftest import Shop
from xrm_core.automation import arming, runner
from xrm_core.automation.match import Matching
from xrm_core.catalog import Catalogs
from xrm_core.definitions.automation import Automation
from xrm_core.kernel.actor import SYSTEM, Actor
from xrm_core.kernel.clock import FixedClock
from xrm_core.kernel.ids import new_id
from xrm_core.publishing import change
from xrm_core.records.unit import Units
from xrm_core.storage import occurrences as store
from xrm_core.storage.database import Database
from xrm_core.storage.members import put_member
from xrm_core.storage.occurrences import Occurrence, StepRow
from xrm_core.storage.workspaces import Workspace


@dataclass
class Office(Shop):
    """The office's workspace; somebody acts in it."""

    somebody: Actor = SYSTEM

    async def publish(self, *automations: Automation) -> None:
        """Make these the automations."""
        await change(self.units, self.workspace, SYSTEM, office(*automations))
        await arming.bring_up_to_date(self.units, self.workspace)

    async def work(self) -> int:
        """Let the worker look once."""
        return await runner.run_due(self.units, self.workspace)

    async def pass_time(self, **length: float) -> None:
        """Let time pass and the worker look."""
        self.clock.move(timedelta(**length))
        await self.work()

    async def until(self, at: datetime) -> None:
        """Let time pass until a moment and the worker look."""
        self.clock.set(at)
        await self.work()

    async def runs(self, automation: str | None = None) -> list[Occurrence]:
        """All occurrences, the oldest first."""
        async with self.units.database.connection() as connection:
            found = await store.find(connection, self.workspace.schema, automation_id=automation, limit=5000)
        return sorted(found, key=lambda one: (one.due_at, one.id))

    async def steps(self, run: Occurrence) -> list[StepRow]:
        async with self.units.database.connection() as connection:
            return (await store.steps_of(connection, self.workspace.schema, [run.id])).get(run.id, [])

    async def outbox(self) -> list[dict[str, Any]]:
        """What is to leave the product."""
        async with self.units.database.writing() as connection:
            cursor = await connection.execute(
                f"select o.kind, o.key, o.payload from {self.workspace.schema}.outbox o "
                "where o.kind in ('mail', 'webhook') order by o.id"
            )
            return [{"kind": kind, "key": key, **payload} for kind, key, payload in await cursor.fetchall()]


Make = Callable[..., Awaitable[Office]]


@pytest.fixture
async def bureau(database: Database, workspace: Workspace, clock: FixedClock) -> Make:
    """Makes the office with some automations."""

    async def make(*automations: Automation) -> Office:
        units = Units(database, Catalogs(database), clock, Matching())
        somebody = new_id()
        async with database.writing() as connection:
            await put_member(connection, workspace.schema, somebody, name="Kim", email="kim@office.example",
                             roles=["admin"], teams=(), now=clock.now())  # fmt: skip
        made = Office(units, workspace, clock, Actor(somebody, "Kim", ("admin",)))
        await made.publish(*automations)
        return made

    return make
