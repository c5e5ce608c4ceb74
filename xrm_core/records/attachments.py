"""Reading uploaded files: by whoever uploaded one, and by whoever sees the record that holds it."""

from __future__ import annotations

from uuid import UUID

from xrm_core.kernel.errors import NotFound
from xrm_core.kernel.problem import Problem
from xrm_core.records import read
from xrm_core.records.unit import Unit
from xrm_core.storage import files
from xrm_core.storage.files import StoredFile


async def readable_file(unit: Unit, identity: UUID) -> StoredFile:
    """The file, if the actor may read it; raises NotFound."""
    stored = await files.get_file(await unit.reader(), unit.schema, identity)
    if stored is None:
        raise missing()
    if stored.module_id is None or stored.record_id is None:
        if stored.created_by != unit.actor.user_id and not unit.actor.is_system:
            raise missing()
        return stored
    module = unit.catalog.modules.get(stored.module_id)
    if module is None:
        raise missing()
    found = await read.get(unit, module.name, stored.record_id)  # raises NotFound for what the actor does not see
    if str(identity).encode() not in found.json:  # its field is hidden from the actor, or no longer holds it
        raise missing()
    return stored


async def content_of(unit: Unit, stored: StoredFile) -> bytes:
    """What is in a file; raises NotFound."""
    content = await files.get_content(await unit.reader(), unit.schema, stored.id)
    if content is None:
        raise missing()
    return content


def missing() -> NotFound:
    """There is no such file, or the actor may not know of it."""
    return NotFound(Problem("not_found", "", "There is no such file."))
