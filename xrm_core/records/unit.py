"""The unit of work: everything one request needs, in one argument; one workspace, at most one transaction."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from copy import copy
from datetime import date, datetime
from functools import cached_property
from typing import TypeVar
from uuid import UUID

from xrm_core.access.policy import Policy, ScopedAction, policy_of
from xrm_core.catalog import Catalog, Catalogs, CompiledModule
from xrm_core.kernel.actor import Actor
from xrm_core.kernel.clock import Clock, today
from xrm_core.kernel.errors import NotFound
from xrm_core.kernel.ids import new_id
from xrm_core.kernel.problem import Problem
from xrm_core.records.reactions import Cause, Reactions
from xrm_core.storage.database import Connection, Database, repeat
from xrm_core.storage.scopes import Condition, owned
from xrm_core.storage.workspaces import Workspace

T = TypeVar("T")


class Unit:
    """Connection, catalog, actor with policy, and one "now"; made by `Units`."""

    def __init__(
        self,
        database: Database,
        workspace: Workspace,
        catalog: Catalog,
        actor: Actor,
        now: datetime,
        stack: AsyncExitStack,
    ) -> None:
        self.database = database
        self.workspace = workspace
        self.schema = workspace.schema
        self.catalog = catalog
        self.actor = actor
        self.now = now
        self.policy: Policy = policy_of(catalog, actor)
        self._stack = stack
        self._reader: Connection | None = None
        self._writer: Connection | None = None
        self._in_transaction = False
        self.changed: UUID | None = None
        """The group of everything that this unit wrote; None while it wrote nothing."""
        self.reactions: Reactions | None = None
        self.cause = Cause()
        """What led to this unit, when that was not somebody's own wish."""

    @property
    def change_id(self) -> UUID:
        """The group that what is being written belongs to."""
        if self.changed is None:
            self.changed = new_id()
        return self.changed

    @cached_property
    def today(self) -> date:
        """The calendar day in the workspace's time zone."""
        return today(self.now, self.workspace.time_zone)

    @property
    def zone(self) -> str:
        """The workspace's time zone."""
        return self.workspace.time_zone

    @cached_property
    def me(self) -> str | None:
        """The id of the acting user, as expressions see it."""
        return str(self.actor.user_id) if self.actor.user_id else None

    def acting(self, actor: Actor, cause: Cause) -> Unit:
        """The same unit, in the same transaction, as somebody else and with a cause."""
        other = copy(self)
        other.changed = self.change_id
        other.__dict__.pop("me", None)
        other.actor, other.policy, other.cause = actor, policy_of(self.catalog, actor), cause
        return other

    def module(self, name: str) -> CompiledModule:
        """The module of that name, if it exists and the actor may know of it; raises NotFound."""
        found = self.catalog.find(name)
        if found is None or not (self.policy.allows(found.id, "see") or self.policy.allows(found.id, "create")):
            modules = self.catalog.modules.values()
            known = [one.name for one in modules if self.policy.allows(one.id, "see")]
            hint = self.catalog.suggestion(name, known)
            raise NotFound(Problem("unknown_module", "", f"There is no module {name!r}.", hint))
        return found

    def scope(self, module: CompiledModule, action: ScopedAction, alias: str = "t") -> Condition | None:
        """The SQL condition for the records on which the actor may do this; None when it is all of them."""
        width = getattr(self.policy.module(module.id), action)
        return owned(self.schema, width, self.actor.user_id, self.actor.teams, alias)

    async def reader(self) -> Connection:
        """A connection for reading, JSON as raw bytes; the transaction's own connection is `writer`."""
        if self._reader is None:
            self._reader = await self._stack.enter_async_context(self.database.connection())
        return self._reader

    async def writer(self) -> Connection:
        """The connection that writes; in autocommit until `transaction` is called."""
        if self._writer is None:
            self._writer = await self._stack.enter_async_context(self.database.writing())
        return self._writer

    async def transaction(self) -> Connection:
        """The writing connection inside the unit's one transaction: committed when the unit ends well."""
        connection = await self.writer()
        if not self._in_transaction:
            await self._stack.enter_async_context(connection.transaction())
            self._in_transaction = True
        return connection

    @property
    def current(self) -> Connection | None:
        """The connection of the open transaction, which reads must use to see what was just written; else None."""
        return self._writer if self._in_transaction else None

    @property
    def in_transaction(self) -> bool:
        return self._in_transaction


class Units:
    """Makes units for a process."""

    def __init__(self, database: Database, catalogs: Catalogs, clock: Clock, reactions: Reactions | None = None) -> None:
        self.database = database
        self.catalogs = catalogs
        self.clock = clock
        self.reactions = reactions

    @asynccontextmanager
    async def begin(self, workspace: Workspace, actor: Actor) -> AsyncIterator[Unit]:
        """A unit; what it wrote is committed if the block ends without an exception."""
        catalog = await self.catalogs.get(workspace)
        async with AsyncExitStack() as stack:
            unit = Unit(self.database, workspace, catalog, actor, self.clock.now(), stack)
            unit.reactions = self.reactions
            yield unit

    async def run(self, workspace: Workspace, actor: Actor, work: Callable[[Unit], Awaitable[T]]) -> T:
        """`work` in a unit of its own, done again from the start when the server undid it because of others."""

        async def once() -> T:
            async with self.begin(workspace, actor) as unit:
                return await work(unit)

        return await repeat(once)
