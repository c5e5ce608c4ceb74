"""A workspace in one file, and back: a zip archive with a manifest and the rows of every table as COPY text."""

from __future__ import annotations

import asyncio
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

from xrm_core.kernel.errors import Conflict, Invalid, Unavailable
from xrm_core.kernel.problem import Problem
from xrm_core.storage import accounts
from xrm_core.storage.database import Connection, Database
from xrm_core.storage.workspaces import Workspace, create_workspace, drop_workspace

FORMAT = 1
MANIFEST = "manifest.json"
VERSION_TABLE = "schema_version"
Report = Callable[[str, int, int], None]
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Restored:
    """The workspace, and people who could not be let in because their address has another account here."""

    workspace: Workspace
    strangers: list[str]


async def dump(database: Database, workspace: Workspace, target: Path, report: Report | None = None) -> int:
    """Write all of a workspace as it is at one moment; how many tables."""
    place = target.with_name(target.name + ".part")
    async with database.connect(workspace.dsn or database.dsns.data) as connection, connection.transaction():
        await connection.execute("set transaction isolation level repeatable read, read only")
        tables = await _tables(connection, workspace.schema)
        manifest = {
            "format": FORMAT,
            "revision": await _revision(connection, workspace.schema),
            "workspace": {
                key: getattr(workspace, key)
                for key in ("slug", "name", "schema", "time_zone", "currency", "locale", "settings")
            },
            "tables": tables,
            "accounts": await _accounts(database, connection, workspace),
        }
        try:
            with zipfile.ZipFile(place, "w", zipfile.ZIP_DEFLATED, compresslevel=3) as archive:
                archive.writestr(MANIFEST, orjson.dumps(manifest))
                for index, table in enumerate(tables):
                    if report is not None:
                        report(table["name"], index, len(tables))
                    columns = ", ".join(column["name"] for column in table["columns"])
                    statement = f"copy (select {columns} from {workspace.schema}.{table['name']}) to stdout"
                    with archive.open(f"data/{table['name']}", "w", force_zip64=True) as file:
                        async with connection.cursor().copy(statement) as rows:
                            async for part in rows:
                                file.write(part)
            place.replace(target)
        finally:
            place.unlink(missing_ok=True)
    return len(tables)


async def restore(
    database: Database, source: Path, *, slug: str | None, name: str | None, now: datetime, report: Report | None = None
) -> Restored:
    """Make a new workspace out of a dump."""
    with _open(source) as archive:
        manifest = _manifest(archive)
        given = manifest["workspace"]
        workspace = await create_workspace(
            database,
            slug=slug or given["slug"],
            name=name or given["name"],
            now=now,
            time_zone=given["time_zone"],
            currency=given["currency"],
            locale=given["locale"],
        )
        try:
            async with database.connect(database.dsns.ddl) as connection:
                await _fill(connection, workspace.schema, archive, manifest, report)
            strangers = await _let_in(database, workspace, manifest["accounts"], now)
        except BaseException:
            await drop_workspace(database, workspace)
            raise
    return Restored(workspace, strangers)


async def _fill(
    connection: Connection, schema: str, archive: zipfile.ZipFile, manifest: dict[str, Any], report: Report | None
) -> None:
    revision = await _revision(connection, schema)
    if revision != manifest["revision"]:
        message = f"The dump was made at schema revision {manifest['revision']}, this release is at {revision}."
        raise Conflict(Problem("revision", "", message, "Restore it with the release that made it, then upgrade."))
    there = {table["name"] for table in await _tables(connection, schema)}
    old = manifest["workspace"]["schema"]
    for index, table in enumerate(manifest["tables"]):
        if report is not None:
            report(table["name"], index, len(manifest["tables"]))
        qualified = f"{schema}.{_name(table['name'])}"
        columns = [_name(column["name"]) for column in table["columns"]]
        if table["name"] not in there:
            body = ", ".join(f"{_name(column['name'])} {column['type']}" for column in table["columns"])
            await connection.execute(f"create table {qualified} ({body}, primary key (id)) with ({table['options']})")
        async with connection.cursor().copy(f"copy {qualified} ({', '.join(columns)}) from stdin") as rows:
            with archive.open(f"data/{table['name']}") as file:
                while part := await asyncio.to_thread(file.read, _CHUNK):
                    await rows.write(part)
        if table["name"] not in there:
            # After the rows: building an index once is quicker than growing it.
            for definition in table["indexes"]:
                await connection.execute(definition.replace(f" {old}.", f" {schema}."))
        await connection.execute(f"analyze {qualified}")


async def _let_in(database: Database, workspace: Workspace, people: list[dict[str, Any]], now: datetime) -> list[str]:
    strangers = []
    for person in people:
        async with database.control_transaction() as connection:
            known = await accounts.account_by_email(connection, person["email"])
            if known is not None and str(known.id) != person["id"]:
                strangers.append(person["email"])
                continue
            if known is None:
                await accounts.add_account(
                    connection,
                    person["id"],
                    person["email"],
                    person["name"],
                    person["password_hash"],
                    now,
                    person["locale"],
                )
            await accounts.join(connection, person["id"], workspace.id, now)
    return strangers


async def _accounts(database: Database, connection: Connection, workspace: Workspace) -> list[dict[str, Any]]:
    cursor = await connection.execute(f"select m.id from {workspace.schema}.member m order by m.id")
    ids = [row[0] for row in await cursor.fetchall()]
    found = []
    async with database.control() as control:
        for account_id in ids:
            account = await accounts.account_by_id(control, account_id)
            if account is not None:
                found.append({key: getattr(account, key) for key in ("id", "email", "name", "password_hash", "locale")})
    return found


async def _tables(connection: Connection, schema: str) -> list[dict[str, Any]]:
    """Every table with columns and indexes, those that others refer to first."""
    cursor = await connection.execute(
        "select c.relname::text, array_to_string(c.reloptions, ', ') from pg_catalog.pg_class c"
        " join pg_catalog.pg_namespace n on n.oid = c.relnamespace"
        " where n.nspname = %s::text and c.relkind = 'r' and c.relname <> %s::text"
        " order by exists (select 1 from pg_catalog.pg_constraint k where k.conrelid = c.oid and k.contype = 'f'), c.relname",
        [schema, VERSION_TABLE],
    )
    found = [
        {"name": name, "options": options or "fillfactor = 100", "columns": [], "indexes": []}
        for name, options in await cursor.fetchall()
    ]
    by_name = {table["name"]: table for table in found}
    cursor = await connection.execute(
        "select c.relname::text, a.attname::text, pg_catalog.format_type(a.atttypid, a.atttypmod)"
        " || case when l.collname = 'C' then ' collate \"C\"' else '' end"
        " || case when a.attnotnull then ' not null' else '' end"
        " || coalesce(' default ' || pg_catalog.pg_get_expr(d.adbin, d.adrelid), '')"
        " from pg_catalog.pg_attribute a join pg_catalog.pg_class c on c.oid = a.attrelid"
        " join pg_catalog.pg_namespace n on n.oid = c.relnamespace"
        " left join pg_catalog.pg_collation l on l.oid = a.attcollation"
        " left join pg_catalog.pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum"
        " where n.nspname = %s::text and c.relkind = 'r' and a.attnum > 0 and not a.attisdropped order by c.relname, a.attnum",
        [schema],
    )
    for table, column, kind in await cursor.fetchall():
        if table in by_name:
            by_name[table]["columns"].append({"name": column, "type": kind})
    cursor = await connection.execute(
        "select t.relname::text, pg_catalog.pg_get_indexdef(i.indexrelid) from pg_catalog.pg_index i"
        " join pg_catalog.pg_class t on t.oid = i.indrelid join pg_catalog.pg_namespace n on n.oid = t.relnamespace"
        " where n.nspname = %s::text and not i.indisprimary and i.indisvalid order by 2",
        [schema],
    )
    for table, definition in await cursor.fetchall():
        if table in by_name:
            by_name[table]["indexes"].append(definition)
    return found


async def _revision(connection: Connection, schema: str) -> str:
    cursor = await connection.execute(f"select v.version_num::text from {schema}.{VERSION_TABLE} v")
    row = await cursor.fetchone()
    return str(row[0]) if row else ""


def _open(source: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(source)
    except FileNotFoundError:
        raise Unavailable(Problem("file", "", f"There is no file {source}.")) from None
    except (zipfile.BadZipFile, OSError) as error:
        raise Invalid(Problem("file", "", f"{source} is not a dump: {error}.")) from None


def _manifest(archive: zipfile.ZipFile) -> dict[str, Any]:
    try:
        found = orjson.loads(archive.read(MANIFEST))
    except (KeyError, ValueError, zipfile.BadZipFile):
        raise Invalid(Problem("file", "", "The file is not a dump of a workspace.")) from None
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise Invalid(Problem("format", "", "The dump has a format that this release does not know."))
    return found


def _name(name: str) -> str:
    """A name out of a manifest, if it is one of ours: it becomes part of statements."""
    if not name.replace("_", "").replace("$", "").isalnum() or not name.isascii() or not name[0].isalpha():
        raise Invalid(Problem("file", "", f"The dump names something odd: {name[:60]!r}."))
    return name


def read_manifest(source: Path) -> dict[str, Any]:
    """What a dump says of itself."""
    with _open(source) as archive:
        return _manifest(archive)
