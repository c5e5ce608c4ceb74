"""The history of definitions: every version with author and changes, and the way back to any of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from xrm_core.definitions.collection import DefinitionSet
from xrm_core.kernel.errors import NotFound
from xrm_core.kernel.problem import Problem
from xrm_core.publishing.impact import Counter
from xrm_core.publishing.plan import ChangePlan, current, plan
from xrm_core.storage import definitions as store
from xrm_core.storage.database import Connection


@dataclass(frozen=True, slots=True)
class History:
    """Versions, the newest first; `next` is the number to go on before, None at the end."""

    versions: list[store.Version]
    next: int | None

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON data."""
        return {"data": [version_dict(version) for version in self.versions], "next": self.next}


def version_dict(version: store.Version) -> dict[str, Any]:
    """A version as plain JSON data, without its snapshot."""
    return {
        "number": version.number,
        "hash": version.hash,
        "author": version.author,
        "at": version.at.isoformat().replace("+00:00", "Z"),
        "summary": version.summary,
        "changes": version.changes or [],
    }


async def history(connection: Connection, schema: str, *, limit: int = 50, before: int | None = None) -> History:
    """A page of the history."""
    found = await store.versions(connection, schema, limit=limit + 1, before=before)
    more = len(found) > limit
    return History(found[:limit], found[limit - 1].number if more else None)


async def get_version(connection: Connection, schema: str, number: int) -> tuple[store.Version, DefinitionSet]:
    """A version and its definitions."""
    found = await store.version(connection, schema, number)
    if found is None:
        raise NotFound(Problem("missing", "", f"There is no version {number} of the definitions."))
    return found, DefinitionSet.model_validate(found.snapshot)


async def plan_rollback(
    connection: Connection, schema: str, number: int, *, count: Counter | None = None
) -> ChangePlan:
    """The plan for going back to an earlier version. Data stays: what the old version knows is there again."""
    _, wanted = await get_version(connection, schema, number)
    return await plan(connection, schema, wanted, base=await current(connection, schema), count=count)
