"""Writing records: create, update and batches, each in one transaction with its events and everything computed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from xrm_core.catalog import CompiledModule
from xrm_core.kernel.errors import Conflict, Invalid, NotFound, Stale
from xrm_core.kernel.ids import id_at, new_id
from xrm_core.kernel.labels import label_text
from xrm_core.kernel.problem import Problem, pointer
from xrm_core.kernel.turns import in_turns
from xrm_core.records import choosing, duplicates, linking, list_rules, notices, searching
from xrm_core.records.environment import Target, Targets, load_targets
from xrm_core.records.inputs import Input, Reader, read_input
from xrm_core.records.prepare import Draft, affected, file_ids, new_row, parse_context, prepare_changed, prepare_new
from xrm_core.records.present import as_json
from xrm_core.records.settle import Change, LinkChange, settle
from xrm_core.records.unit import Unit
from xrm_core.storage import files as file_store
from xrm_core.storage import records as store
from xrm_core.storage.database import Connection
from xrm_core.storage.errors import Taken
from xrm_core.storage.rows import Event, Row, system_json
from xrm_core.storage.tables import index_name

MOST_AT_ONCE = 10_000
_TRIES = 5


@dataclass(slots=True)
class Stored:
    """What a write answers."""

    id: UUID
    version: int
    json: bytes
    warnings: list[Problem] = field(default_factory=list)


@dataclass(slots=True)
class Given:
    """One record to be created, with what only imports may say about it."""

    values: dict[str, Any]
    created_at: datetime | None = None
    id: UUID | None = None
    stage_entered_at: datetime | None = None
    input: Input | None = None
    """What `values` says, when it has been read already by somebody who knows the rights."""
    author: dict[str, str | None] | None = None
    """Who made the record, where that is not who writes it: id, name and kind, as an event remembers an actor."""


async def create(unit: Unit, module_name: str, values: dict[str, Any]) -> Stored:
    """Create one record; raises Invalid with all problems."""
    module = unit.module(module_name)
    connection, drafts, targets = await create_all(unit, module, [Given(values)])
    draft = drafts[0]
    if draft.problems:
        raise Invalid(draft.problems)
    return await _answer(unit, connection, module, draft, targets)


async def create_all(
    unit: Unit, module: CompiledModule, given: Sequence[Given], *, partial: bool = False
) -> tuple[Connection, list[Draft], Targets]:
    """Create records. If any of the drafts has problems, nothing was written; with `partial` only those were not."""
    rights = unit.policy.require(module.id, "create")
    context = parse_context(unit)
    drafts = []
    reader = Reader(module, context, rights, by_system=unit.actor.is_engine)
    async for one in in_turns(given):
        row = new_row(unit, one.created_at, one.id)
        row.stage_entered_at = one.stage_entered_at
        read = one.input or reader.read(one.values)
        draft = Draft(module.id, read, row, author=one.author)
        if one.author is not None:
            row.created_by = row.updated_by = UUID(one.author["id"]) if one.author.get("id") else None
        drafts.append(draft)
    connection = await unit.transaction()
    targets = await prepare_new(unit, connection, module, drafts)
    await choosing.check(unit, connection, module, drafts)
    if any(draft.problems for draft in drafts):
        good = [draft for draft in drafts if not draft.problems]
        if partial and good:
            await _store_new(unit, connection, module, good)
        return connection, drafts, targets
    await _store_new(unit, connection, module, drafts)
    return connection, drafts, targets


async def _store_new(unit: Unit, connection: Connection, module: CompiledModule, drafts: Sequence[Draft]) -> None:
    await duplicates.warn(unit, connection, module, drafts)
    events, entries = [], []
    actor = unit.actor.as_dict()
    async for draft in in_turns(drafts):
        events.append(_event(unit, module, draft.row, "created", _document(draft.row), draft.author or actor))
        entries.append(searching.entry(module, draft.row))
    rows = [draft.row for draft in drafts]
    try:
        if len(rows) == 1:
            await store.insert_one(connection, module.table, rows[0], events[0], entries[0])
        else:
            await store.insert_many(connection, module.table, rows, events, entries)
    except Taken as taken:
        raise refused_as_taken(module, taken) from taken
    await _attach_files(unit, connection, module, drafts)
    links = await linking.store_many(unit, connection, drafts)
    changes = [Change(module, row.id, _keys(row), None, row) for row in rows]
    await _settle(unit, connection, module, changes, links, drafts)


async def update(
    unit: Unit, module_name: str, identifier: UUID, values: dict[str, Any], expected_version: int | None = None
) -> Stored:
    """Change some values of a record; raises Stale if it is not at `expected_version` any more."""
    module = unit.module(module_name)
    rights = unit.policy.require(module.id, "edit")
    given = read_input(module, values, parse_context(unit), rights, by_system=unit.actor.is_engine)
    return await change(unit, module, identifier, given, expected_version, "updated")


async def change(
    unit: Unit, module: CompiledModule, identifier: UUID, given: Input, expected_version: int | None, kind: str
) -> Stored:
    """Apply a parsed input to one record.

    Where nothing else can move, it is one read and one statement that only succeeds if the record is still what was
    read; otherwise a transaction that locks the record first.
    """
    simple = not given.links and not given.many and _alone(unit, module, _touched(given))
    for _ in range(_TRIES):
        if simple and not unit.in_transaction:
            connection = await unit.writer()
        else:
            connection = await unit.transaction()
        before, linked = await _read_one(unit, connection, module, identifier, lock=unit.in_transaction)
        _require_version(before, expected_version)
        row = before.copy()
        row.beside = {key: value for key, value in before.beside.items() if key in module.beside}
        draft = Draft(module.id, given, row, before)
        targets = await prepare_changed(unit, connection, module, [draft], lock=unit.in_transaction)
        await choosing.check(unit, connection, module, [draft])
        await list_rules.before(unit, connection, module, [draft])
        if draft.problems:
            raise Invalid(draft.problems)
        await duplicates.warn(unit, connection, module, [draft])
        changed = draft.changed
        if not changed and not draft.many:
            return await _answer(unit, connection, module, draft, {**linked, **targets})
        files = file_ids(module, row) - file_ids(module, before)
        if not unit.in_transaction and (files or not _alone(unit, module, changed)):
            simple = False
            continue
        if changed:
            _touch(unit, row)
            event = _event(
                unit,
                module,
                row,
                "moved" if kind == "updated" and "stage" in changed else kind,
                _pairs(before, row, changed, given),
            )
            entry = searching.entry(module, row) if _searched(module, changed) and row.archived_at is None else None
            written = {key: value for key, value in row.beside.items() if key in changed}
            row.beside, kept = written, row.beside
            try:
                done = await store.update_one(connection, module.table, row, before, event, entry)
            except Taken as taken:
                raise refused_as_taken(module, taken) from taken
            row.beside = kept
            if not done:
                simple = False  # next time with a lock: one after the other is quicker than again and again
                continue
        links = await linking.store_many(unit, connection, [draft]) if draft.many else []
        if unit.in_transaction:
            await _attach_files(unit, connection, module, [draft])
            await _settle(unit, connection, module, [Change(module, row.id, set(changed), before, row)], links, [draft])
            return await _answer(unit, connection, module, draft, targets)
        return await _answer(unit, connection, module, draft, {**linked, **targets})
    raise Conflict(Problem("busy", "", "Others changed the record at the same time, again and again.", "Try again."))


async def update_all(
    unit: Unit, module: CompiledModule, wanted: Sequence[tuple[UUID, Input, int | None]]
) -> tuple[list[Draft], Targets]:
    """Change many records. If any of the drafts has problems, nothing was written."""
    unit.policy.require(module.id, "edit")
    connection = await unit.transaction()
    found = await store.fetch(
        connection, module.table, [identifier for identifier, _, _ in wanted], lock=True, beside=bool(module.beside)
    )
    visible = await _visible(unit, connection, module, list(found), "edit")
    drafts: list[Draft] = []
    seen: set[UUID] = set()
    for identifier, given, expected in wanted:
        before = found.get(identifier)
        if before is None or identifier not in visible:
            draft = Draft(module.id, given, new_row(unit))
            draft.problems.append(Problem("not_found", "/id", "There is no such record, or you may not change it."))
        else:
            draft = Draft(module.id, given, before.copy(), before)
            if identifier in seen:
                draft.problems.append(Problem("twice", "/id", "This record is in the list twice."))
            if expected is not None and expected != before.version:
                draft.problems.append(
                    Problem("stale", "/version", f"The record is at version {before.version}.", "Read it again.")
                )
        seen.add(identifier)
        drafts.append(draft)
    good = [draft for draft in drafts if not draft.problems]
    targets = await prepare_changed(unit, connection, module, good, lock=True)
    await choosing.check(unit, connection, module, good)
    await list_rules.before(unit, connection, module, good)
    if any(draft.problems for draft in drafts):
        return drafts, targets
    await duplicates.warn(unit, connection, module, good)
    changed = [draft for draft in good if draft.changed]
    for draft in changed:
        _touch(unit, draft.row)
    events = [
        _event(
            unit,
            module,
            d.row,
            "moved" if "stage" in d.changed else "updated",
            _pairs(d.before, d.row, d.changed, d.given),
        )
        for d in changed
    ]
    entries = [
        searching.entry(module, d.row) if _searched(module, d.changed) and d.row.archived_at is None else None
        for d in changed
    ]
    was = [draft.before for draft in changed if draft.before is not None]
    for draft in changed:
        draft.row.beside = {key: value for key, value in draft.row.beside.items() if key in draft.changed}
    try:
        await store.update_many(connection, module.table, [draft.row for draft in changed], was, events, entries)
    except Taken as taken:
        raise refused_as_taken(module, taken) from taken
    await _attach_files(unit, connection, module, changed)
    links = await linking.store_many(unit, connection, good)
    changes = [Change(module, draft.row.id, set(draft.changed), draft.before, draft.row) for draft in changed]
    await _settle(unit, connection, module, changes, links, good)
    return drafts, targets


# -- parts that several writes share --------------------------------------------------------------------------------------


async def _read_one(
    unit: Unit, connection: Connection, module: CompiledModule, identifier: UUID, *, lock: bool
) -> tuple[Row, Targets]:
    """The record and, in the same statement, the titles of what it links to, which the answer shows."""
    links = _shown_links(unit, module)
    columns = tuple((column, table) for _, _, column, table in links)
    found = await store.fetch_one(
        connection, module.table, identifier, lock=lock, beside=bool(module.beside), links=columns
    )
    if found is None or identifier not in await _visible(unit, connection, module, [identifier], "edit"):
        raise NotFound(Problem("not_found", "", f"There is no such record in {module.name}, or you may not change it."))
    row, titles = found
    targets: Targets = {}
    for (link_id, target_module, _, _), (title, archived) in zip(links, titles, strict=True):
        if title is not None and link_id in row.data:
            target_id = UUID(row.data[link_id])
            targets[target_module, target_id] = Target(target_id, target_module, title, archived)
    return row, targets


def _shown_links(unit: Unit, module: CompiledModule) -> list[tuple[str, str, str, str]]:
    """Link id, target module, promoted column and target table of the links whose title one join finds."""
    found: list[tuple[str, str, str, str]] | None = module.memo.get("shown_links")
    if found is None:
        modules = unit.catalog.modules
        found = module.memo["shown_links"] = [
            (link.id, link.targets[0], link.column, modules[link.targets[0]].table.qualified)
            for link in module.links.values()
            if link.column is not None and not link.polymorphic and link.targets[0] in modules
        ]
    return found


async def _visible(
    unit: Unit, connection: Connection, module: CompiledModule, ids: list[UUID], action: str
) -> set[UUID]:
    scope = unit.scope(module, "archive" if action == "archive" else "edit")
    if scope is None:
        return set(ids)
    return await store.within_scope(connection, module.table, ids, scope)


def _require_version(row: Row, expected: int | None) -> None:
    if expected is not None and row.version != expected:
        raise Stale(
            Problem(
                "stale",
                "",
                f"The record has changed meanwhile: it is at version {row.version}, not {expected}.",
                "Read it again.",
            )
        )


def _touch(unit: Unit, row: Row) -> None:
    row.version += 1
    row.updated_at = unit.now
    row.updated_by = unit.actor.user_id


def _searched(module: CompiledModule, changed: set[str]) -> bool:
    return "title" in changed or any(known.id in changed for known in searching.searched(module))


def _touched(given: Input) -> set[str]:
    keys = set(given.values)
    if given.stage is not None:
        keys |= {"stage", "stage_entered_at"}
    if given.has_owner:
        keys.add("owner")
    return keys


def _alone(unit: Unit, module: CompiledModule, keys: set[str]) -> bool:
    """Whether a change of these keys concerns the record alone: nothing else moves, and what is computed from them needs
    no other record (which somebody might change between our reading and our writing)."""
    memo: dict[frozenset[str], bool] = module.memo.setdefault("alone", {})
    key = frozenset(keys)
    found = memo.get(key)
    if found is None:
        graph = unit.catalog.graph
        nodes = affected(graph.local, module.id, keys)
        everything = keys | {node.key for node in nodes}
        found = memo[key] = (
            not graph.touched(module.id, everything)
            and not keys & module.beside
            and not keys & ({"owner"} | module.with_users.keys())
            and all(node.local and not node.by_sql for node in nodes)
            and not list_rules.concerned(unit, module, everything)
            and not (unit.reactions is not None and unit.reactions.watches(unit, module, frozenset(everything)))
        )
    return found


async def _settle(
    unit: Unit,
    connection: Connection,
    module: CompiledModule,
    changes: list[Change],
    links: list[LinkChange],
    drafts: Sequence[Draft],
) -> None:
    moved = await settle(unit, connection, changes, links)
    for draft in drafts:
        later = moved.get(draft.row.id)
        if later is not None:
            old, new = draft.row.data, later.data
            draft.moved = {key for key in old.keys() | new.keys() if old.get(key) != new.get(key)}
            draft.row.data, draft.row.title, draft.row.revision = later.data, later.title, later.revision
            draft.row.version, draft.row.updated_at, draft.row.updated_by = (
                later.version, later.updated_at, later.updated_by,
            )
            draft.row.stage, draft.row.stage_entered_at, draft.row.owner = (
                later.stage, later.stage_entered_at, later.owner,
            )
            draft.row.archived_at = later.archived_at
    await notices.tell(unit, connection, module, drafts)
    await list_rules.after(unit, connection, module, drafts)


async def _answer(unit: Unit, connection: Connection, module: CompiledModule, draft: Draft, targets: Targets) -> Stored:
    links = {link.id for link in module.links.values() if not link.many and link.id in draft.row.data}
    if links:
        targets = await load_targets(unit, connection, module, [draft.row], [], links, known=targets)
    return Stored(draft.row.id, draft.row.version, as_json(unit, module, draft.row, targets), draft.warnings)


async def _attach_files(unit: Unit, connection: Connection, module: CompiledModule, drafts: Sequence[Draft]) -> None:
    wanted: dict[UUID, set[UUID]] = {}
    for draft in drafts:
        old = file_ids(module, draft.before) if draft.before else set()
        fresh = file_ids(module, draft.row) - old
        if fresh:
            wanted[draft.row.id] = fresh
    for record_id, files in wanted.items():
        uploader = None if unit.actor.is_system else unit.actor.user_id
        unknown = await file_store.attach(connection, unit.schema, module.id, record_id, files, uploader)
        if unknown:
            raise Invalid(
                Problem(
                    "unknown_file",
                    "",
                    "A file is named that you did not upload, or that belongs to another record.",
                    "Upload it first: POST /api/v1/files.",
                )
            )


def _keys(row: Row) -> set[str]:
    found = set(row.data) | {key for key, value in row.beside.items() if value} | {"title", "archived_at"}
    for key in ("owner", "stage", "stage_entered_at"):
        if getattr(row, key) is not None:
            found.add(key)
    return found


def _document(row: Row) -> dict[str, Any]:
    found = dict(row.data)
    if row.beside:
        found.update({key: value for key, value in row.beside.items() if value})
    found["title"] = row.title
    for key, value in (("owner", row.owner), ("stage", row.stage), ("stage_entered_at", row.stage_entered_at)):
        if value is not None:
            found[key] = system_json(value)
    return found


def _pairs(before: Row | None, after: Row, keys: set[str], given: Input) -> dict[str, Any]:
    assert before is not None
    found: dict[str, Any] = {
        key: [before.get(key) or None if key in after.beside else before.get(key), after.get(key)] for key in keys
    }
    if given.reason and "stage" in keys:
        found["stage_reason"] = [None, given.reason]
    return found


def _event(
    unit: Unit,
    module: CompiledModule,
    row: Row,
    kind: str,
    changes: dict[str, Any],
    actor: dict[str, str | None] | None = None,
) -> Event:
    at = row.created_at if kind == "created" else unit.now
    identifier = new_id() if at == unit.now else id_at(at)
    who = actor or unit.actor.as_dict()
    return Event(identifier, module.id, row.id, row.version, kind, who, at, changes, unit.change_id)


def refused_as_taken(module: CompiledModule, taken: Taken) -> Invalid:
    """The unique violation as a problem of the fields that the index is on."""
    constraint = taken.constraint
    names = {part.id: part for part in module.parts}
    for key, part in names.items():
        if constraint == index_name(module.id, (key,), "unique"):
            return Invalid(
                Problem(
                    "unique",
                    pointer(part.name),
                    f"{label_text(part.definition.label)}: another record has this value already.",
                    "Open the other record, or choose another value.",
                )
            )
    for rule in module.definition.rules:
        fields: tuple[str, ...] = getattr(rule, "fields", ())
        ids = tuple(next((part.id for part in names.values() if part.name == name), name) for name in fields)
        if rule.kind == "unique" and constraint == index_name(module.id, ids, "unique"):
            text = label_text(rule.message) if rule.message else f"Another record has the same {', '.join(fields)}."
            return Invalid(Problem(f"rule:{rule.name}", pointer(fields[0]), text))
    if constraint.endswith("pkey"):
        return Invalid(Problem("id_taken", "/id", "There is a record with this id already."))
    return Invalid(taken.problems)
