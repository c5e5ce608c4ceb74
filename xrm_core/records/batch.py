"""Many writes at once: all or nothing, or each row for itself, with an outcome per row."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from xrm_core.catalog import CompiledModule
from xrm_core.kernel.errors import Invalid, XrmError
from xrm_core.kernel.problem import Problem, pointer, under
from xrm_core.records import lifecycle, write
from xrm_core.records.inputs import Input, Reference, read_input, read_uuid
from xrm_core.records.prepare import Draft, parse_context
from xrm_core.records.references import SEVERAL, resolve
from xrm_core.records.unit import Unit

MOST_ROWS = 10_000
_KEYS = ("create", "update", "upsert", "archive", "atomic")
Outcome = dict[str, Any]


@dataclass(slots=True)
class _Change:
    index: int
    id: UUID
    given: Input
    expected: int | None


async def batch(unit: Unit, module_name: str, body: Any) -> dict[str, Any]:
    """Create, update, upsert and archive; the answer has one outcome per row in the order of the request.

    With `atomic` (the default) any problem refuses everything: Invalid, with the place of every problem.
    """
    module = unit.module(module_name)
    atomic = _check(body)
    await unit.transaction()
    outcomes: dict[str, list[Outcome]] = {}
    problems: list[Problem] = []
    if body.get("create"):
        outcomes["create"] = await _create(unit, module, body["create"], atomic, "/create", problems)
    if body.get("update"):
        outcomes["update"] = await _update(unit, module, body["update"], atomic, problems)
    if body.get("upsert"):
        outcomes["upsert"] = await _upsert(unit, module, body["upsert"], atomic, problems)
    if body.get("archive"):
        outcomes["archive"] = await _archive(unit, module, body["archive"], atomic, problems)
    if problems:
        raise Invalid(problems)
    return {"results": outcomes}


def _check(body: Any) -> bool:
    if not isinstance(body, dict):
        raise Invalid(
            Problem(
                "type",
                "",
                "A batch is a JSON object.",
                'Send {"create": [], "update": [], "upsert": {}, "archive": []}.',
            )
        )
    unknown = [key for key in body if key not in _KEYS]
    if unknown:
        raise Invalid(
            Problem(
                "unknown_key",
                pointer(unknown[0]),
                f"{unknown[0][:60]!r} is not known here.",
                f"Known: {', '.join(_KEYS)}.",
            )
        )
    atomic = body.get("atomic", True)
    if not isinstance(atomic, bool):
        raise Invalid(Problem("type", "/atomic", "true or false is needed."))
    for key in ("create", "update", "archive"):
        if body.get(key) is not None and not isinstance(body[key], list):
            raise Invalid(Problem("type", f"/{key}", "A list is needed."))
    upsert = body.get("upsert")
    if upsert is not None:
        by = upsert.get("by") if isinstance(upsert, dict) else None
        records = upsert.get("records") if isinstance(upsert, dict) else None
        fine = (
            isinstance(by, list)
            and 1 <= len(by) <= 4
            and all(isinstance(name, str) for name in by)
            and isinstance(records, list)
        )
        if not fine:
            raise Invalid(
                Problem("type", "/upsert", "An upsert names fields and records.", '{"by": ["email"], "records": [{…}]}')
            )
    rows = sum(len(body.get(key) or []) for key in ("create", "update", "archive")) + len(
        (upsert or {}).get("records") or []
    )
    if rows > MOST_ROWS:
        raise Invalid(
            Problem("too_many", "", f"At most {MOST_ROWS} rows at once; these are {rows}.", "Send several batches.")
        )
    return atomic


def _failed(problems: Sequence[Problem]) -> Outcome:
    return {"status": "invalid", "problems": [problem.as_dict() for problem in problems]}


def _done(status: str, draft: Draft) -> Outcome:
    found: Outcome = {"status": status, "id": str(draft.row.id), "version": draft.row.version}
    if draft.warnings:
        found["warnings"] = [problem.as_dict() for problem in draft.warnings]
    return found


async def _create(
    unit: Unit, module: CompiledModule, rows: list[Any], atomic: bool, place: str, problems: list[Problem]
) -> list[Outcome]:
    outcomes: list[Outcome | None] = [None] * len(rows)

    async def attempt(indexes: list[int]) -> None:
        _, drafts, _ = await write.create_all(unit, module, [write.Given(rows[index]) for index in indexes])
        wrong = [(index, draft) for index, draft in zip(indexes, drafts, strict=True) if draft.problems]
        if wrong:
            raise _Rows({index: draft.problems for index, draft in wrong})
        for index, draft in zip(indexes, drafts, strict=True):
            outcomes[index] = _done("created", draft)

    await _rows(unit, list(range(len(rows))), attempt, atomic, outcomes, place, problems)
    return [outcome or {} for outcome in outcomes]


async def _update(
    unit: Unit, module: CompiledModule, rows: list[Any], atomic: bool, problems: list[Problem]
) -> list[Outcome]:
    rights = unit.policy.require(module.id, "edit")
    context = parse_context(unit)
    outcomes: list[Outcome | None] = [None] * len(rows)
    wanted: list[_Change] = []
    for index, row in enumerate(rows):
        found = _target(row)
        if isinstance(found, Problem):
            _note([found], index, atomic, outcomes, "/update", problems)
            continue
        identifier, expected, values = found
        wanted.append(_Change(index, identifier, read_input(module, values, context, rights), expected))
    await _apply(unit, module, wanted, atomic, outcomes, "/update", problems, "updated")
    return [outcome or {} for outcome in outcomes]


def _target(row: Any) -> tuple[UUID, int | None, dict[str, Any]] | Problem:
    if not isinstance(row, dict):
        return Problem("type", "", "A record is a JSON object with its id.")
    identifier = read_uuid(row.get("id"))
    if identifier is None:
        return Problem("id", "/id", "The id of a record is needed.")
    expected = row.get("version")
    if expected is not None and (not isinstance(expected, int) or isinstance(expected, bool)):
        return Problem("type", "/version", "A version is a whole number.")
    return identifier, expected, {key: value for key, value in row.items() if key not in ("id", "version")}


async def _apply(
    unit: Unit,
    module: CompiledModule,
    wanted: list[_Change],
    atomic: bool,
    outcomes: list[Outcome | None],
    place: str,
    problems: list[Problem],
    status: str,
) -> None:
    by_index = {change.index: change for change in wanted}

    async def attempt(indexes: list[int]) -> None:
        changes = [by_index[index] for index in indexes]
        drafts, _ = await write.update_all(unit, module, [(one.id, one.given, one.expected) for one in changes])
        wrong = {one.index: draft.problems for one, draft in zip(changes, drafts, strict=True) if draft.problems}
        if wrong:
            raise _Rows(wrong)
        for one, draft in zip(changes, drafts, strict=True):
            outcomes[one.index] = _done(status if draft.changed or draft.many else "unchanged", draft)

    await _rows(unit, [change.index for change in wanted], attempt, atomic, outcomes, place, problems)


async def _upsert(
    unit: Unit, module: CompiledModule, body: dict[str, Any], atomic: bool, problems: list[Problem]
) -> list[Outcome]:
    """Records that are found by the named fields are changed, the others created."""
    by, rows = body["by"], body["records"]
    connection = await unit.transaction()
    outcomes: list[Outcome | None] = [None] * len(rows)
    references: dict[int, Reference] = {}
    for index, row in enumerate(rows):
        values = {name: row.get(name) for name in by} if isinstance(row, dict) else {}
        missing = [name for name in by if values.get(name) in (None, "")]
        if missing:
            problem = Problem(
                "required", pointer(missing[0]), f"{missing[0]} is needed: it tells which record is meant."
            )
            _note([problem], index, atomic, outcomes, "/upsert/records", problems)
        else:
            references[index] = Reference(module.name, None, by=values)
    await resolve(unit, connection, list(references.values()))
    rights = unit.policy.require(module.id, "edit")
    context = parse_context(unit)
    fresh: list[int] = []
    wanted: list[_Change] = []
    for index, reference in references.items():
        if reference.attributes == SEVERAL:
            problem = Problem(
                "ambiguous", pointer(by[0]), "Several records have these values.", "Name more fields, or update by id."
            )
            _note([problem], index, atomic, outcomes, "/upsert/records", problems)
        elif reference.id is None:
            fresh.append(index)
        else:
            wanted.append(_Change(index, reference.id, read_input(module, rows[index], context, rights), None))
    await _apply(unit, module, wanted, atomic, outcomes, "/upsert/records", problems, "updated")

    async def attempt(indexes: list[int]) -> None:
        _, drafts, _ = await write.create_all(unit, module, [write.Given(rows[index]) for index in indexes])
        wrong = {index: draft.problems for index, draft in zip(indexes, drafts, strict=True) if draft.problems}
        if wrong:
            raise _Rows(wrong)
        for index, draft in zip(indexes, drafts, strict=True):
            outcomes[index] = _done("created", draft)

    if fresh:
        await _rows(unit, fresh, attempt, atomic, outcomes, "/upsert/records", problems)
    return [outcome or {} for outcome in outcomes]


async def _archive(
    unit: Unit, module: CompiledModule, rows: list[Any], atomic: bool, problems: list[Problem]
) -> list[Outcome]:
    outcomes: list[Outcome | None] = [None] * len(rows)
    ids: dict[int, UUID] = {}
    for index, raw in enumerate(rows):
        identifier = read_uuid(raw)
        if identifier is None:
            _note([Problem("id", "", "The id of a record is needed.")], index, atomic, outcomes, "/archive", problems)
        else:
            ids[index] = identifier

    async def attempt(indexes: list[int]) -> None:
        await lifecycle.archive_all(unit, module, [ids[index] for index in indexes])
        for index in indexes:
            outcomes[index] = {"status": "archived", "id": str(ids[index])}

    await _rows(unit, list(ids), attempt, atomic, outcomes, "/archive", problems)
    return [outcome or {} for outcome in outcomes]


# -- all or nothing, or each for itself -----------------------------------------------------------------------------------


class _Rows(Exception):
    """Some of the rows cannot be written: their problems by index."""

    def __init__(self, problems: dict[int, list[Problem]]) -> None:
        self.problems = problems


def _note(
    found: Sequence[Problem],
    index: int,
    atomic: bool,
    outcomes: list[Outcome | None],
    place: str,
    problems: list[Problem],
) -> None:
    if atomic:
        problems.extend(under(f"{place}/{index}", found))
    else:
        outcomes[index] = _failed(found)


async def _rows(
    unit: Unit,
    indexes: list[int],
    attempt: Callable[[list[int]], Any],
    atomic: bool,
    outcomes: list[Outcome | None],
    place: str,
    problems: list[Problem],
) -> None:
    """Write the rows together; those with problems are left out (not atomic) or collected (atomic).

    What only the database can refuse (a value that is taken) does not tell the row, so the rows are halved until it is found.
    """
    if not indexes:
        return
    connection = await unit.transaction()
    try:
        async with connection.transaction():
            await attempt(indexes)
        return
    except _Rows as wrong:
        for index, found in wrong.problems.items():
            _note(found, index, atomic, outcomes, place, problems)
        if atomic:
            return
        rest = [index for index in indexes if index not in wrong.problems]
        await _rows(unit, rest, attempt, atomic, outcomes, place, problems)
    except XrmError as error:
        if len(indexes) == 1:
            _note(error.problems, indexes[0], atomic, outcomes, place, problems)
            return
        half = len(indexes) // 2
        await _rows(unit, indexes[:half], attempt, atomic, outcomes, place, problems)
        if not (atomic and problems):
            await _rows(unit, indexes[half:], attempt, atomic, outcomes, place, problems)
