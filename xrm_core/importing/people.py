"""Users out of a file: people who own records of another system; those who are members are found, the others let in."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from xrm_core.access.users import Users, normal_email, role_names
from xrm_core.definitions.names import did_you_mean
from xrm_core.importing.convert import replaced
from xrm_core.importing.lookups import Lookups
from xrm_core.importing.mapping import IGNORED, Mapping
from xrm_core.importing.outcome import Outcome
from xrm_core.importing.reader import Table
from xrm_core.kernel.actor import Actor
from xrm_core.kernel.errors import Conflict, Invalid
from xrm_core.kernel.problem import Problem, pointer
from xrm_core.records.unit import Units
from xrm_core.storage import imports as store
from xrm_core.storage.workspaces import Workspace

TARGETS = ("email", "name", "first", "last", "roles", "external_id")


async def import_users(
    units: Units,
    workspace: Workspace,
    actor: Actor,
    users: Users,
    table: Table,
    mapping: Mapping,
    lookups: Lookups,
    *,
    dry: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Outcome:
    """Find or make a member for each row, by e-mail address; new ones get a password that nobody knows."""
    places = _places(table, mapping)
    async with units.begin(workspace, actor) as unit:
        unit.policy.require_manage_users()
        known_roles = role_names(unit.catalog.definitions)
    members = {member.email: member.id for member in await users.list(workspace)}
    outcome = Outcome()
    keys: list[tuple[str, UUID]] = []
    for line in table.lines():
        outcome.counts["rows"] += 1
        given = dict(mapping.constants)
        for column, (index, target) in places.items():
            text = line.cells[index].strip()
            given[target] = replaced(mapping.values[column], text) if column in mapping.values and text else text
        name = given.get("name") or " ".join(part for part in (given.get("first"), given.get("last")) if part)
        key = given.get("external_id", "")
        if line.problem is not None or not given.get("email"):
            problem = line.problem or Problem("required", "", f"{name or 'This user'} has no e-mail address.", "Users are known by it.")
            outcome.note(line, [problem], left_out=True)
            continue
        roles = [role.strip() for role in given.get("roles", "").split("|") if role.strip() in known_roles] or ["member"]
        try:
            email = normal_email(given["email"])
            found = members.get(email)
            if found is None and not dry:
                made = await users.create(workspace, email=email, name=name or None, roles=roles, known_roles=known_roles)
                found = members[email] = made.member.id
                outcome.counts["created"] += 1
            else:
                outcome.counts["unchanged" if found else "created"] += 1
        except (Invalid, Conflict) as error:
            outcome.note(line, error.problems, left_out=True)
            continue
        if dry:
            lookups.promise_user(key, email, name)
        elif key and found is not None:
            keys.append((key, found))
        if progress is not None:
            progress(outcome.counts["rows"], table.estimate)
    async with units.database.writing() as connection:
        await store.add_keys(connection, workspace.schema, store.USERS, lookups.source, keys)
    return outcome


def _places(table: Table, mapping: Mapping) -> dict[str, tuple[int, str]]:
    problems = []
    places: dict[str, tuple[int, str]] = {}
    for column, target in mapping.columns.items():
        if target is None or target in IGNORED:
            continue
        if column not in table.columns:
            hint = did_you_mean(column, table.columns)
            problems.append(Problem("unknown_column", pointer("columns", column), f"There is no column {column!r}.", hint))
        elif target not in TARGETS:
            hint = did_you_mean(target, TARGETS)
            problems.append(Problem("unknown_target", pointer("columns", column), f"Users have no {target!r}.", hint))
        else:
            places[column] = (table.columns.index(column), target)
    if problems:
        raise Invalid(problems)
    return places
