"""Bundles: several files of one export, described by one JSON file, imported in their order with the links between them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson

from xrm_core.access.users import Users
from xrm_core.definitions.names import did_you_mean
from xrm_core.importing.jobs import Imports
from xrm_core.importing.joining import Side, join, table_of_rows
from xrm_core.importing.lookups import Lookups
from xrm_core.importing.mapping import Mapping, read_mapping
from xrm_core.importing.outcome import ErrorFile, Outcome
from xrm_core.importing.people import import_users
from xrm_core.importing.reader import Table, open_table
from xrm_core.importing.run import Importer, prepare
from xrm_core.importing.undo import Undone, undo
from xrm_core.kernel.actor import Actor
from xrm_core.kernel.errors import Invalid, XrmError
from xrm_core.kernel.ids import new_id
from xrm_core.kernel.problem import Problem, pointer
from xrm_core.records.unit import Unit, Units
from xrm_core.storage import imports as store
from xrm_core.storage.workspaces import Workspace

USERS = "users"
MOST_FILES = 100
_OWN_KEYS = ("file", "rows", "module", "name", "join", "copy", "encoding", "delimiter", "header")
_JOIN_KEYS = ("file", "as", "on", "take", "where", "encoding", "delimiter")
Report = Callable[[str, int, int], None]


@dataclass
class Entry:
    """One file of a bundle."""

    name: str
    module: str
    table: Table
    mapping: Mapping
    sides: list[Side] = field(default_factory=list)


@dataclass
class Bundle:
    """What a bundle file says, its files opened."""

    name: str
    source: str
    entries: list[Entry]


@dataclass
class Done:
    """What one file of a bundle did."""

    name: str
    module: str
    outcome: Outcome
    import_id: UUID | None = None


@dataclass
class BundleDone:
    """What a bundle did; `id` undoes all of it."""

    id: UUID
    files: list[Done] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """For machines."""
        files = [
            {"file": one.name, "module": one.module, "import": one.import_id and str(one.import_id), **one.outcome.as_json()}
            for one in self.files
        ]
        return {"bundle": str(self.id), "files": files}


def read_json(path: Path) -> dict[str, Any]:
    """The JSON object in a file; raises Invalid with the place of what is wrong."""
    try:
        found = orjson.loads(path.read_bytes())
    except orjson.JSONDecodeError as error:
        place = f"{path.name}, line {error.lineno}, column {error.colno}"
        raise Invalid(Problem("json", "", f"{place}: this is not JSON: {error.msg}.")) from None
    if not isinstance(found, dict):
        raise Invalid(Problem("type", "", f"{path.name} holds no JSON object.", 'It is written {"files": [...]}.'))
    return found


def read_bundle(path: Path, folder: Path | None = None) -> Bundle:
    """The bundle in a file; its files are looked for in `folder`, else beside it. Raises Invalid with every problem."""
    given = read_json(path)
    base = folder or path.parent
    problems = _unknown(given, ("$schema", "name", "source", "files", "description"), "")
    source = given.get("source", path.stem)
    files = given.get("files")
    if not isinstance(source, str) or not source:
        problems.append(Problem("type", "/source", "'source' is the short name of the system that the files come from."))
    if not isinstance(files, list) or not 1 <= len(files) <= MOST_FILES or not all(isinstance(one, dict) for one in files):
        problems.append(Problem("type", "/files", f"'files' is a list of 1 to {MOST_FILES} objects."))
    if problems:
        raise Invalid(problems)
    entries: list[Entry] = []
    for index, one in enumerate(files or []):
        try:
            entries.append(_entry(base, one, str(source)))
        except Invalid as error:
            problems += [problem.under(f"/files/{index}") for problem in error.problems]
    if problems:
        raise Invalid(problems)
    return Bundle(path.name, str(source), entries)


def _entry(base: Path, given: dict[str, Any], source: str) -> Entry:
    module = given.get("module")
    if not isinstance(module, str):
        raise Invalid(Problem("required", "/module", "'module' names the module to import into.", f"Or {USERS!r}."))
    rows = given.get("rows")
    if rows is not None:
        if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) for row in rows):
            raise Invalid(Problem("type", "/rows", "'rows' is a list of objects, such as {\"name\": \"Acme\"}."))
        table, name = table_of_rows(rows), str(given.get("name") or f"rows of {module}")
    else:
        table = _open(base, given)
        name = str(given.get("name") or given["file"])
    sides = []
    joins = given.get("join") or []
    for index, one in enumerate(joins if isinstance(joins, list) else [joins]):
        try:
            sides.append(_side(base, one, table))
        except Invalid as error:
            raise Invalid([problem.under(f"/join/{index}") for problem in error.problems]) from None
    plain = {key: value for key, value in given.items() if key not in _OWN_KEYS}
    mapping, problems = read_mapping({"rest": "ignore", "source": source, **plain})
    if problems:
        raise Invalid(problems)
    return Entry(name, module, join(table, sides, _copies(given, table)), mapping, sides)


def _copies(given: dict[str, Any], table: Table) -> dict[str, str]:
    copies = given.get("copy") or {}
    if not isinstance(copies, dict) or not all(isinstance(one, str) for one in copies.values()):
        raise Invalid(Problem("type", "/copy", "'copy' is an object of new columns and the ones they copy."))
    problems = [
        Problem("unknown_column", "/copy", f"There is no column {one!r}.", did_you_mean(one, table.columns))
        for one in copies.values()
        if one not in table.columns
    ]
    problems += [Problem("taken", "/copy", f"There is a column {new!r} already.") for new in copies if new in table.columns]
    if problems:
        raise Invalid(problems)
    return copies


def _open(base: Path, given: dict[str, Any]) -> Table:
    name = given.get("file")
    if not isinstance(name, str) or not name:
        raise Invalid(Problem("required", "/file", "'file' names a file, or 'rows' holds the rows."))
    path = base / name
    if not path.is_file():
        raise Invalid(Problem("missing", "/file", f"There is no file {name}.", f"It is looked for in {base}."))
    return open_table(path, encoding=given.get("encoding"), delimiter=given.get("delimiter"), header=given.get("header"))


def _side(base: Path, given: Any, main: Table) -> Side:
    if not isinstance(given, dict):
        raise Invalid(Problem("type", "", 'A join is an object such as {"file": "mails.csv", "on": {"person_id": "id"}}.'))
    problems = _unknown(given, _JOIN_KEYS, "")
    on, where, take = given.get("on"), given.get("where") or {}, given.get("take", "first")
    if not isinstance(on, dict) or len(on) != 1:
        problems.append(Problem("type", "/on", "'on' is one pair of columns: the file's own and the main file's."))
    if take not in ("first", "last", "all"):
        problems.append(Problem("type", "/take", "'take' is first, last or all."))
    if problems:
        raise Invalid(problems)
    table = _open(base, given)
    assert isinstance(on, dict)
    ((own, other),) = on.items()
    for column, known, place in ((own, table.columns, "/on"), (other, main.columns, "/on"), *((c, table.columns, "/where") for c in where)):
        if column not in known:
            problems.append(Problem("unknown_column", place, f"There is no column {column!r}.", did_you_mean(column, known)))
    if problems:
        raise Invalid(problems)
    side = Side(str(given.get("as") or Path(given["file"]).stem), table, own, other, take)
    side.load({str(key): str(value) for key, value in where.items()})
    return side


def _unknown(given: dict[str, Any], known: tuple[str, ...], place: str) -> list[Problem]:
    return [
        Problem("unknown_key", place + pointer(key), f"There is no {key[:60]!r} here.", did_you_mean(key, known))
        for key in given
        if key not in known
    ]


async def run_bundle(
    units: Units,
    workspace: Workspace,
    actor: Actor,
    bundle: Bundle,
    *,
    users: Users,
    dry: bool = False,
    progress: Report | None = None,
    errors: Path | None = None,
) -> BundleDone:
    """Import the files of a bundle in their order; links between them are found by the keys of their system.

    All mappings are checked before the first row is imported. Each file is an import of its own under the bundle's id.
    """
    imports = Imports(units, workspace, actor)
    await _check(units, workspace, imports.actor, bundle)
    done = BundleDone(new_id())
    lookups = Lookups(bundle.source)
    for entry in bundle.entries:
        step = partial(progress, entry.name) if progress is not None else None
        lookups.forget()
        if entry.module == USERS:
            outcome = await import_users(
                units, workspace, imports.actor, users, entry.table, entry.mapping, lookups, dry=dry, progress=step
            )
            done.files.append(Done(entry.name, USERS, outcome))
        else:
            done.files.append(await _file(imports, entry, lookups, done.id, dry, step))
        done.files += [Done(side.name, "", found) for side in entry.sides if (found := side.unused(entry.name)).rows]
        if errors is not None:
            await asyncio.to_thread(_write_errors, errors, entry, done.files[-1 - len(entry.sides) :])
    return done


async def _check(units: Units, workspace: Workspace, actor: Actor, bundle: Bundle) -> None:
    problems: list[Problem] = []
    async with units.begin(workspace, actor) as unit:
        unit.policy.require_import()
        for index, entry in enumerate(bundle.entries):
            if entry.module == USERS:
                unit.policy.require_manage_users()
                continue
            try:
                prepare(unit, entry.module, entry.table.columns, entry.mapping)
            except XrmError as error:
                problems += [problem.under(f"/files/{index}") for problem in error.problems]
    if problems:
        raise Invalid(problems)


async def _file(
    imports: Imports, entry: Entry, lookups: Lookups, bundle: UUID, dry: bool, step: Callable[[int, int], None] | None
) -> Done:
    claimed = None
    if not dry:
        known = await imports.add(entry.module, entry.name, entry.table, entry.mapping, bundle=bundle)
        claimed = await imports.claim(known.id, "running")
    importer = Importer(
        imports.units, imports.workspace, imports.actor, entry.module, entry.table, entry.mapping,
        import_id=claimed.id if claimed else None, lookups=lookups, promises=dry,
    )  # fmt: skip
    if claimed is None:
        return Done(entry.name, entry.module, await importer.run(dry=True, progress=step))
    outcome = await imports.ending([claimed], partial(importer.run, progress=step), "done")
    return Done(entry.name, entry.module, outcome, claimed.id)


def _write_errors(folder: Path, entry: Entry, done: list[Done]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    columns = {side.name: side.table.columns for side in entry.sides} | {entry.name: entry.table.columns}
    for one in done:
        if one.name in columns and any(row.left_out for row in one.outcome.rows):
            path = folder / f"{Path(one.name).stem}-left-out.csv"
            with path.open("w", encoding="utf-8-sig", newline="", errors="replace") as stream:
                ErrorFile(stream, columns[one.name]).add(one.outcome.rows)


async def undo_any(
    units: Units, workspace: Workspace, actor: Actor, identifier: UUID, progress: Callable[[int, int], None] | None = None
) -> Undone:
    """Undo one import, or all imports of a bundle."""
    imports = Imports(units, workspace, actor)

    async def members(unit: Unit) -> list[UUID]:
        unit.policy.require_import()
        found = await store.of_bundle(await unit.writer(), unit.schema, identifier)
        return [one.id for one in found]

    ids = await units.run(workspace, imports.actor, members)
    if not ids:
        known = await imports.get(identifier)
        return await imports.undo(await imports.claim(known.id, "undoing"), progress)
    claimed = [await imports.claim(one, "undoing") for one in ids]

    async def work() -> Undone:
        return await undo(units, workspace, imports.actor, [one.id for one in claimed], progress)

    return await imports.ending(claimed, work, "undone")
