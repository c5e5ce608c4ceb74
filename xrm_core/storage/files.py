"""Uploaded files: their description and their bytes, in tables of the workspace."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from xrm_core.storage.database import Connection


@dataclass(frozen=True, slots=True)
class StoredFile:
    """What is known of a file; `module_id` and `record_id` are set once a record holds it."""

    id: UUID
    name: str
    size: int
    type: str
    sha256: bytes
    module_id: str | None
    record_id: UUID | None
    created_at: datetime
    created_by: UUID | None
    deleted_at: datetime | None


_COLUMNS = "id, name, size, type, sha256, module_id, record_id, created_at, created_by, deleted_at"


async def add_file(connection: Connection, schema: str, file: StoredFile, content: bytes) -> None:
    """Store a file in one statement, so that there is never one without content."""
    await connection.execute(
        f"with f as (insert into {schema}.file (id, name, size, type, sha256, created_at, created_by)"
        f" values (%s, %s, %s, %s, %s, %s, %s)) insert into {schema}.file_content (id, content) values (%s, %s)",
        [
            file.id, file.name, file.size, file.type, file.sha256, file.created_at, file.created_by, file.id, content,
        ],
    )  # fmt: skip


async def get_file(connection: Connection, schema: str, file_id: UUID) -> StoredFile | None:
    """What is known of a file."""
    cursor = await connection.execute(
        f"select {_COLUMNS} from {schema}.file where id = %s and deleted_at is null", [file_id]
    )
    row = await cursor.fetchone()
    return StoredFile(*row) if row else None


async def get_content(connection: Connection, schema: str, file_id: UUID) -> bytes | None:
    """The bytes of a file."""
    cursor = await connection.execute(f"select content from {schema}.file_content where id = %s", [file_id])
    row = await cursor.fetchone()
    return bytes(row[0]) if row else None


async def forget_files(connection: Connection, schema: str, before: datetime) -> int:
    """Remove uploads that no record has taken since before a time; how many there were."""
    cursor = await connection.execute(
        f"delete from {schema}.file where record_id is null and module_id is null and created_at < %s", [before]
    )
    return cursor.rowcount


async def attach(
    connection: Connection,
    schema: str,
    module_id: str,
    record_id: UUID,
    files: Collection[UUID],
    uploader: UUID | None,
) -> set[UUID]:
    """Give uploaded files to a record; returns those that do not exist, belong to another record, or are somebody else's.

    `uploader` is whose uploads may be taken; None: anybody's, for the system itself.
    """
    cursor = await connection.execute(
        f"update {schema}.file f set module_id = %s::text, record_id = %s::uuid where f.id = any(%s::uuid[])"
        " and f.deleted_at is null and (f.record_id = %s::uuid or (f.record_id is null"
        " and (%s::uuid is null or f.created_by = %s::uuid))) returning f.id",
        [module_id, record_id, list(files), record_id, uploader, uploader],
    )
    return set(files) - {row[0] for row in await cursor.fetchall()}


async def forget_of_records(connection: Connection, schema: str, records: Collection[UUID]) -> None:
    """Remove the files of erased records, with their bytes."""
    await connection.execute(f"delete from {schema}.file where record_id = any(%s::uuid[])", [list(records)])
