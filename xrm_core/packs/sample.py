"""Sample data of a pack: CSV files with dates relative to today, loaded through the same door as every record.

Each record gets an id that follows from its key, so that an interrupted load goes on where it stopped and a removal
finds exactly what was loaded.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from functools import partial
from typing import Any
from uuid import UUID

from xrm_core.catalog import Catalog, CompiledModule
from xrm_core.fields import Field, ParseContext, Rejected
from xrm_core.fields.capabilities import HoldsUsers
from xrm_core.kernel.actor import SYSTEM
from xrm_core.kernel.errors import Invalid
from xrm_core.kernel.ids import new_id
from xrm_core.kernel.kinds import Kind
from xrm_core.kernel.problem import Problem
from xrm_core.packs.layout import DATA_FOLDER, PackContents
from xrm_core.packs.sample_files import Sample, SampleRow, instant_of, read_sample
from xrm_core.records import lifecycle, write
from xrm_core.records.inputs import read_input
from xrm_core.records.prepare import parse_context
from xrm_core.records.unit import Unit, Units
from xrm_core.storage import accounts, kept, members
from xrm_core.storage import records as store
from xrm_core.storage.workspaces import Workspace

BATCH = 500
Report = Callable[[str, int, int], None]
_NOT_FIELDS = frozenset({"key", "created_at", "stage_entered_at"})


async def unfinished(units: Units, workspace: Workspace, pack: str) -> bool:
    """Whether a load of the pack's sample data was begun and not brought to its end."""
    return (await _kept(units, workspace, pack)).get("state") == "loading"


async def state(units: Units, workspace: Workspace, pack: str) -> str:
    """What became of the pack's sample data: "none", "loading", "loaded" or "removed"."""
    return (await _kept(units, workspace, pack)).get("state", "none")


async def load(units: Units, workspace: Workspace, contents: PackContents, report: Report | None = None) -> int:
    """Load the sample data of an installed pack; how many records it has. An interrupted load goes on."""
    state = await _kept(units, workspace, contents.name)
    async with units.begin(workspace, SYSTEM) as unit:
        anchor = date.fromisoformat(state["anchor"]) if "anchor" in state else unit.today
        salt = UUID(state.get("salt") or str(workspace.id))
        catalog = unit.catalog
    await _note(units, workspace, contents.name, "loading", anchor, salt)
    sample = await asyncio.to_thread(read_sample, contents, salt, workspace.time_zone, anchor)
    _check_modules(catalog, sample)
    await _load_users(units, workspace, sample)
    total, done = sum(len(rows) for rows in sample.rows.values()), 0
    ready: set[str] = set()
    for name in load_order(catalog, sample.rows):
        module = catalog.module(name)
        for wave in _waves(module, sample.rows[name]):
            for start in range(0, len(wave), BATCH):
                if report is not None:
                    report(module.definition.plural(), done, total)
                part = wave[start : start + BATCH]
                await units.run(workspace, SYSTEM, partial(_create, sample=sample, name=name, rows=part, ready=ready))
                ready |= {row.key for row in part}
                done += len(part)
    for name in sample.rows:
        links = [row for row in sample.rows[name] if row.later]
        for start in range(0, len(links), BATCH):
            if report is not None:
                report("links between records", done, total)
            part = links[start : start + BATCH]
            await units.run(workspace, SYSTEM, partial(_link, sample=sample, name=name, rows=part))
    await _note(units, workspace, contents.name, "loaded", anchor, salt)
    return total


async def remove(units: Units, workspace: Workspace, contents: PackContents) -> int:
    """Erase what was loaded, as far as it is still there; how many records that were."""
    state = await _kept(units, workspace, contents.name)
    if "anchor" not in state:
        return 0
    anchor, salt = date.fromisoformat(state["anchor"]), UUID(state["salt"])
    sample = await asyncio.to_thread(read_sample, contents, salt, workspace.time_zone, anchor)
    async with units.begin(workspace, SYSTEM) as unit:
        order = load_order(unit.catalog, sample.rows)
    gone = 0
    for name in reversed(order):
        rows = sample.rows[name]
        for start in range(0, len(rows), BATCH):
            part = rows[start : start + BATCH]
            gone += await units.run(workspace, SYSTEM, partial(_erase, name=name, rows=part))
    addresses = {user.email.casefold() for user in sample.users}
    async with units.database.writing() as connection:
        for member in await members.members(connection, workspace.schema):
            if member.email in addresses and member.disabled_at is None:
                await members.set_disabled(connection, workspace.schema, member.id, units.clock.now())
    await _note(units, workspace, contents.name, "removed", anchor, salt)
    return gone


def load_order(catalog: Catalog, rows: Mapping[str, object]) -> list[str]:
    """The modules in an order in which what a record needs is there before it."""
    waiting, found = list(rows), list[str]()
    while waiting:

        def missing(name: str) -> tuple[int, int]:
            module = catalog.module(name)
            targets = [(link.definition.required, set(link.definition.to) - {name}) for link in module.links.values()]
            open_ = [(required, target) for required, names in targets for target in names if target in waiting]
            return sum(required for required, _ in open_), len(open_)

        # What needs least comes first; of equals the one that the files name first.
        best = min(waiting, key=missing)
        waiting.remove(best)
        found.append(best)
    return found


def _waves(module: CompiledModule, rows: list[SampleRow]) -> list[list[SampleRow]]:
    """The rows of a module so that those which others of them lead to come first; what goes round in circles is last."""
    own = [name for name, link in module.links.items() if module.name in link.definition.to]
    waiting = {row.key: row for row in rows}
    found: list[list[SampleRow]] = []
    targets = {row.key: {one for name in own for one in row.cells.get(name, "").split("|")} for row in rows}
    while waiting:
        wave = [row for key, row in waiting.items() if not targets[key] & waiting.keys()] or list(waiting.values())
        found.append(wave)
        done = {row.key for row in wave}
        waiting = {key: row for key, row in waiting.items() if key not in done}
    return found


async def _create(unit: Unit, *, sample: Sample, name: str, rows: list[SampleRow], ready: set[str]) -> None:
    module = unit.catalog.module(name)
    connection = await unit.transaction()
    there = await store.exist(connection, module.table, [row.id for row in rows])
    users = {known for known, one in module.fields.items() if isinstance(one.definition, HoldsUsers)}
    given, made = [], []
    for row in rows:
        values = _values(unit, sample, module, row, ready, users)
        if row.id not in there:
            made.append(row)
            made_at = min(sample.made_at(module, row), unit.now)
            entered = instant_of(row.cells, "stage_entered_at")
            given.append(write.Given(values, made_at, row.id, entered, author=sample.author(row)))
    if not given:
        return
    _, drafts, _ = await write.create_all(unit, module, given)
    _refuse(name, [(row, draft.problems) for row, draft in zip(made, drafts, strict=True)])


async def _link(unit: Unit, *, sample: Sample, name: str, rows: list[SampleRow]) -> None:
    module = unit.catalog.module(name)
    rights, context = unit.policy.require(module.id, "edit"), parse_context(unit)
    everywhere = set(sample.places)
    wanted = []
    for row in rows:
        values = {link: _target(sample, module, row, link, everywhere) for link in row.later}
        wanted.append((row.id, read_input(module, values, context, rights, by_system=True), None))
    drafts, _ = await write.update_all(unit, module, wanted)
    _refuse(name, [(row, draft.problems) for row, draft in zip(rows, drafts, strict=True)])


async def _erase(unit: Unit, *, name: str, rows: list[SampleRow]) -> int:
    module = unit.catalog.find(name)
    if module is None:
        return 0
    connection = await unit.transaction()
    there = await store.exist(connection, module.table, [row.id for row in rows])
    return await lifecycle.erase_all(unit, module, list(there)) if there else 0


def _values(
    unit: Unit, sample: Sample, module: CompiledModule, row: SampleRow, ready: set[str], users: set[str]
) -> dict[str, Any]:
    context = parse_context(unit)
    values: dict[str, Any] = {}
    problems: list[Problem] = []
    row.later.clear()
    for column, cell in row.cells.items():
        known = module.fields.get(column)
        if column in _NOT_FIELDS:
            continue
        if column in module.links:
            target = _target(sample, module, row, column, ready)
            if target is None:
                row.later.append(column)
            else:
                values[column] = target
        elif column == "owner":
            values[column] = str(sample.user(cell))
        elif known is not None:
            try:
                values[column] = _value(sample, known.definition, cell, context, of_users=column in users)
            except Rejected as rejected:
                problems += [Problem(one.code, column, one.message, one.hint) for one in rejected.problems]
        elif column == "stage":
            values[column] = cell
        else:
            problems.append(Problem("unknown_column", column, f"{module.name} has no field or link {column!r}."))
    _refuse(module.name, [(row, problems)])
    return values


def _value(sample: Sample, definition: Field, cell: str, context: ParseContext, *, of_users: bool) -> Any:
    if of_users:
        ids = [str(sample.user(key)) for key in cell.split("|")]
        return ids if definition.kind is Kind.LIST else ids[0]
    if definition.kind is Kind.LIST:
        return definition.parse(cell.split("|"), context)
    return definition.parse_text(cell, context)


def _target(sample: Sample, module: CompiledModule, row: SampleRow, column: str, ready: set[str]) -> Any:
    """What a link cell stands for; None when it must wait because not all of the records are there yet."""
    link = module.links[column]
    found = []
    for key in row.cells[column].split("|"):
        if key not in sample.places:
            raise Invalid(row.problem(module.name, column, f"There is no record with the key {key!r}."))
        name, identity = sample.places[key]
        if key not in ready:
            return None
        found.append({"module": name, "id": str(identity)})
    return found if link.many else found[0]


async def _load_users(units: Units, workspace: Workspace, sample: Sample) -> None:
    """Accounts without a password: they own records and are named, but nobody can sign in with them."""
    now = units.clock.now()
    async with units.begin(workspace, SYSTEM) as unit:
        known = {role.name for role in unit.catalog.definitions.roles} | {"admin", "member", "viewer"}
    for user in sample.users:
        roles = [role for role in user.roles if role in known] or ["member"]
        async with units.database.control_transaction() as connection:
            account = await accounts.account_by_email(connection, user.email.casefold())
            user.id = account.id if account is not None else new_id()
            if account is None:
                await accounts.add_account(connection, user.id, user.email.casefold(), user.name, None, now)
            await accounts.join(connection, user.id, workspace.id, now)
        async with units.database.writing() as connection:
            if await members.member(connection, workspace.schema, user.id) is None:
                await members.put_member(
                    connection,
                    workspace.schema,
                    user.id,
                    name=user.name,
                    email=user.email.casefold(),
                    roles=roles,
                    teams=(),
                    now=now,
                )


def _check_modules(catalog: Catalog, sample: Sample) -> None:
    problems = [
        Problem("unknown_module", f"{DATA_FOLDER}/{name}.csv", f"There is no module {name!r}.")
        for name in sample.rows
        if catalog.find(name) is None
    ]
    if problems:
        raise Invalid(problems)


def _refuse(module: str, found: Iterable[tuple[SampleRow, list[Problem]]]) -> None:
    problems = [
        row.problem(module, problem.path.strip("/"), problem.message, problem.hint)
        for row, several in found
        for problem in several
    ]
    if problems:
        raise Invalid(problems[:50])


async def _kept(units: Units, workspace: Workspace, pack: str) -> dict[str, str]:
    async with units.database.writing() as connection:
        found = await kept.get(connection, workspace.schema, f"sample.{pack}")
    return found if isinstance(found, dict) else {}


async def _note(units: Units, workspace: Workspace, pack: str, state: str, anchor: date, salt: UUID) -> None:
    # The salt stays with the data when a workspace is dumped and restored as another one.
    async with units.database.writing() as connection:
        await kept.put(
            connection,
            workspace.schema,
            f"sample.{pack}",
            {"state": state, "anchor": anchor.isoformat(), "salt": str(salt)},
        )
