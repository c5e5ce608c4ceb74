"""The catalogs of one process: read when they are first needed, and again when something was published."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from dataclasses import dataclass
from uuid import UUID

from xrm_core.catalog.catalog import Catalog
from xrm_core.definitions import DefinitionSet
from xrm_core.storage import catalog as store
from xrm_core.storage.database import Database
from xrm_core.storage.workspaces import Workspace

FRESH_SECONDS = 1.0
"""How long a process may work on with a catalog before it asks whether another process has published a newer one."""
MOST = 200


@dataclass(slots=True)
class _Known:
    catalog: Catalog
    stamp: store.Stamp
    checked: float


class Catalogs:
    """Catalogs by workspace, the least recently used dropped first."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: OrderedDict[UUID, _Known] = OrderedDict()
        self._locks: dict[UUID, asyncio.Lock] = {}
        self._published: dict[UUID, int] = {}
        """How often this process was told that something was published."""

    async def get(self, workspace: Workspace) -> Catalog:
        """The catalog of a workspace, at most `FRESH_SECONDS` behind what any process published."""
        known = self._known.get(workspace.id)
        if known is not None and time.monotonic() - known.checked < FRESH_SECONDS:
            return known.catalog
        async with self._locks.setdefault(workspace.id, asyncio.Lock()):
            known = self._known.get(workspace.id)
            if known is not None and time.monotonic() - known.checked < FRESH_SECONDS:
                return known.catalog
            return await self._refresh(workspace, known)

    async def _refresh(self, workspace: Workspace, known: _Known | None) -> Catalog:
        at, told = time.monotonic(), self._published.get(workspace.id, 0)
        async with self._database.connection() as connection:
            stamp = await store.stamp(connection, workspace.schema)
            if known is not None and known.stamp == stamp:
                known.checked = at
                return known.catalog
            version, snapshot = await store.current(connection, workspace.schema)
            columns = await store.columns(connection, workspace.schema)
        if known is not None and known.catalog.version == version:
            definitions = known.catalog.definitions
        else:
            definitions = await asyncio.to_thread(DefinitionSet.model_validate, snapshot)
        catalog = await asyncio.to_thread(Catalog, workspace.schema, version, definitions, columns)
        # What was published while this was read may not be in it: then nobody works on with it.
        fresh = self._published.get(workspace.id, 0) == told
        self._known[workspace.id] = _Known(catalog, stamp, at if fresh else at - FRESH_SECONDS)
        self._known.move_to_end(workspace.id)
        while len(self._known) > MOST:
            self._known.popitem(last=False)
        return catalog

    def forget(self, workspace: Workspace) -> None:
        """Read the catalog anew at the next use: something was published just now."""
        self._published[workspace.id] = self._published.get(workspace.id, 0) + 1
        self._known.pop(workspace.id, None)
