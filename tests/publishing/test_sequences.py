"""Random sequences of changes, publishes and rollbacks by two admins leave a set that is right and versions that stay."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from tests.conftest import NOW
from tests.definitions.sample import build
from xrm_core.definitions import edit
from xrm_core.definitions.checks import check
from xrm_core.definitions.collection import DefinitionSet
from xrm_core.kernel.actor import Actor
from xrm_core.kernel.errors import Conflict, XrmError
from xrm_core.publishing import ChangePlan, get_version, plan, plan_rollback, publish
from xrm_core.publishing.plan import current
from xrm_core.storage.database import Database
from xrm_core.storage.workspaces import Workspace

ADMINS = (Actor(user_id=None, name="Ann", roles=("admin",)), Actor(user_id=None, name="Ben", roles=("admin",)))
Edit = Callable[[DefinitionSet, random.Random, int], DefinitionSet]


def _module(definitions: DefinitionSet, chance: random.Random) -> str:
    return chance.choice([module.name for module in definitions.modules if not module.archived])


def _field(definitions: DefinitionSet, module: str, chance: random.Random) -> str:
    return chance.choice([field.name for field in definitions.by_name[module].fields if not field.archived] or ["none"])


def add_field(definitions: DefinitionSet, chance: random.Random, step: int) -> DefinitionSet:
    type_ = chance.choice(["text", "integer", "date", "boolean", "money"])
    data = {"name": f"f{step}", "type": type_, "label": f"F {step}", "indexed": chance.random() < 0.5}
    return edit.add_part(definitions, _module(definitions, chance), "fields", data)


def rename_field(definitions: DefinitionSet, chance: random.Random, step: int) -> DefinitionSet:
    module = _module(definitions, chance)
    return edit.patch_part(definitions, module, "fields", _field(definitions, module, chance), {"name": f"r{step}"})


def label_field(definitions: DefinitionSet, chance: random.Random, step: int) -> DefinitionSet:
    module = _module(definitions, chance)
    return edit.patch_part(definitions, module, "fields", _field(definitions, module, chance), {"label": f"L {step}"})


def archive_field(definitions: DefinitionSet, chance: random.Random, step: int) -> DefinitionSet:
    module = _module(definitions, chance)
    return edit.remove_part(definitions, module, "fields", _field(definitions, module, chance))


def add_module(definitions: DefinitionSet, chance: random.Random, step: int) -> DefinitionSet:
    link = {
        "name": "to",
        "label": "To",
        "to": [_module(definitions, chance)],
        "inverse": {"name": f"from_{step}", "label": "From"},
        "many": chance.random() < 0.3,
    }
    data = {"name": f"m{step}", "label": "M", "label_plural": "Ms", "title": "{{ id }}", "links": [link]}
    return edit.add_module(definitions, data)


def rename_module(definitions: DefinitionSet, chance: random.Random, step: int) -> DefinitionSet:
    return edit.patch_module(definitions, _module(definitions, chance), {"name": f"n{step}"})


def archive_module(definitions: DefinitionSet, chance: random.Random, step: int) -> DefinitionSet:
    return edit.remove_module(definitions, _module(definitions, chance))


EDITS: tuple[Edit, ...] = (
    add_field,
    rename_field,
    label_field,
    archive_field,
    add_module,
    rename_module,
    archive_module,
)


@pytest.mark.parametrize("seed", [1, 2])
async def test_versions_stay_what_they_were(database: Database, workspace: Workspace, seed: int) -> None:
    chance = random.Random(seed)
    schema = workspace.schema
    hashes: dict[int, str] = {}
    waiting: dict[str, ChangePlan] = {}
    async with database.connection() as connection:
        first = await plan(connection, schema, build())
    hashes[(await publish(database, schema, first, ADMINS[0], NOW)).number] = first.wanted.hash
    conflicts = 0
    for step in range(60):
        admin = chance.choice(ADMINS)
        if admin.name in waiting and chance.random() < 0.8:
            found = waiting.pop(admin.name)
            try:
                published = await publish(database, schema, found, admin, NOW)
            except Conflict:
                conflicts += 1
                continue
            hashes[published.number] = published.hash
            continue
        async with database.connection() as connection:
            if chance.random() < 0.15:
                found = await plan_rollback(connection, schema, chance.choice(list(hashes)))
            else:
                try:
                    wanted = chance.choice(EDITS)((await current(connection, schema))[1], chance, step)
                except XrmError:
                    continue
                found = await plan(connection, schema, wanted)
        if found.ok and not found.empty:
            waiting[admin.name] = found
    assert conflicts > 0 and len(hashes) > 10
    async with database.connection() as connection:
        assert check((await current(connection, schema))[1]) == []
        for number, known in hashes.items():
            assert (await get_version(connection, schema, number))[1].hash == known
        back = await plan_rollback(connection, schema, 1)
    published = await publish(database, schema, back, ADMINS[1], NOW)
    assert published.hash == hashes[1]
