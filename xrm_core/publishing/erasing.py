"""Erasing what is archived: a field, a link or a module, with all that records hold of it, for good."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from xrm_core.definitions.collection import DefinitionSet
from xrm_core.definitions.link import Link
from xrm_core.definitions.module import Module
from xrm_core.kernel.errors import Conflict, Forbidden, Invalid, NotFound
from xrm_core.kernel.problem import Problem
from xrm_core.records.unit import Unit
from xrm_core.storage import conversions
from xrm_core.storage import definitions as store
from xrm_core.storage.database import Connection
from xrm_core.storage.tables import table_name

ERASE = "erase"


@dataclass(frozen=True)
class Erasure:
    """What would be erased, and how many records have something of it."""

    module: Module
    part: str
    node: Any
    records: int
    wanted: DefinitionSet
    """The definitions without it."""

    @property
    def path(self) -> str:
        return f"module/{self.module.id}" + (f"/{self.part}/{self.node.id}" if self.part else "")

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON data."""
        node = self.node if self.part else self.module
        return {"path": self.path, "name": node.name, "label": node.label, "records": self.records}

    def payload(self) -> dict[str, Any]:
        """The work that does it."""
        found: dict[str, Any] = {"kind": ERASE, "module": self.module.id}
        return {**found, "keys": [self.node.id]} if self.part else found


async def look(unit: Unit, connection: Connection, definitions: DefinitionSet, path: str) -> Erasure:
    """What erasing the node at a path would mean; raises unless the actor may, and it is archived."""
    parts = path.strip("/").split("/")
    if parts[0] != "module" or len(parts) not in (2, 4) or (len(parts) == 4 and parts[2] not in ("fields", "links")):
        raise Invalid(
            Problem(
                "path", "/path", "Fields, links and modules can be erased.", "For example module/customers/fields/fax."
            )
        )
    module = definitions.by_id.get(parts[1])
    if module is None:
        raise NotFound(Problem("missing", "/path", f"There is no module '{parts[1]}'."))
    unit.policy.require_design()
    if not unit.policy.module(module.id).erase:
        message = f"You may not erase anything of {module.plural()}."
        raise Forbidden(Problem("forbidden", "", message, "Ask an administrator for a role that allows it."))
    there = table_name(module.id) in await store.module_tables(connection, unit.schema)
    if len(parts) == 2:
        if not module.archived:
            raise Conflict(Problem("not_archived", "/path", f"{module.plural()} is in use.", "Archive it first."))
        count = await conversions.records_of(connection, unit.schema, module.id) if there else 0
        rest = definitions.having(modules=tuple(m for m in definitions.modules if m.id != module.id))
        return Erasure(module, "", None, count, rest)
    nodes = getattr(module, parts[2])
    node = next((one for one in nodes if one.id == parts[3]), None)
    if node is None:
        raise NotFound(Problem("missing", "/path", f"{module.name} has no '{parts[3]}'."))
    if not node.archived:
        raise Conflict(Problem("not_archived", "/path", f"'{node.name}' is in use.", "Archive it first."))
    rest = definitions.with_module(
        module.model_copy(update={parts[2]: tuple(one for one in nodes if one.id != node.id)})
    )
    count = await _holding(connection, unit.schema, module, node) if there else 0
    return Erasure(module, parts[2], node, count, rest)


async def _holding(connection: Connection, schema: str, module: Module, node: Any) -> int:
    if isinstance(node, Link) and node.many:
        return await conversions.linked_records(connection, schema, f"{module.id}.{node.id}")
    beside = bool(getattr(node, "beside", False))
    return await conversions.records_with(connection, schema, module.id, node.id, beside=beside)


def confirm(erasure: Erasure, count: Any) -> None:
    """Raises Conflict unless the number of records was typed in as it is."""
    if isinstance(count, bool) or not isinstance(count, int):
        raise Invalid(Problem("type", "/count", "The number of records that lose something is needed."))
    if count != erasure.records:
        raise Conflict(
            Problem(
                "count",
                "/count",
                f"{erasure.records} records would lose something, not {count}.",
                "Look again before you erase.",
            )
        )


async def batch(unit: Unit, payload: dict[str, Any], after: UUID | None, size: int) -> UUID | None:
    """Erase from the next records; the last of them, or None at the end."""
    connection = await unit.transaction()
    module_id = str(payload["module"])
    if table_name(module_id) not in await store.module_tables(connection, unit.schema):
        return None
    ids = await store.record_ids(connection, unit.schema, module_id, after, size)
    if not ids:
        return None
    if "keys" in payload:
        await conversions.strip_values(connection, unit.schema, module_id, ids, payload["keys"])
    else:
        await conversions.strip_records(connection, unit.schema, module_id, ids)
    return ids[-1] if len(ids) == size else None
