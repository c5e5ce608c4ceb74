"""Two admins with drafts change, publish and go back at random: the set stays right, versions and values stay what they were."""

from __future__ import annotations

import os
import random
from typing import Any

import pytest

from tests.definitions.sample import build
from tests.publishing.conftest import Place
from xrm_core.definitions.checks import check
from xrm_core.definitions.collection import DefinitionSet
from xrm_core.definitions.operations import Operation
from xrm_core.kernel.actor import Actor
from xrm_core.kernel.errors import Conflict, Invalid, XrmError
from xrm_core.publishing import apply, get_version, run_backfill
from xrm_core.publishing.drafts import Drafts
from xrm_core.publishing.planning import plan_back

STEPS = 500 if os.environ.get("XRM_TEST_ALL") == "1" else 70
ADMINS = tuple(Actor(user_id=None, name=name, roles=("admin",)) for name in ("Ann", "Ben"))
TYPES = ["text", "integer", "date", "boolean", "money", "long_text", "select", "multi_select", "phone", "json"]


def operation(now: DefinitionSet, chance: random.Random, step: int) -> Operation:
    """Something an admin might do."""
    module = chance.choice([m for m in now.modules if not m.archived])
    here = f"module/{module.id}"
    fields = [f for f in module.fields if not f.archived and not f.computed] or list(module.fields)
    field = chance.choice(fields) if fields else None
    options = [{"name": name, "label": name.upper()} for name in ("a", "b", "c")]
    some: dict[str, Any] = {"type": chance.choice(TYPES)}
    if "select" in some["type"]:
        some["options"] = options
    kind = chance.choice(
        [
            "add",
            "add",
            "retype",
            "retype",
            "rename",
            "label",
            "archive",
            "restore",
            "move",
            "module",
            "gone",
            "option",
            "required",
        ]
    )
    if kind == "module":
        return {
            "op": "add",
            "path": "module",
            "data": {"name": f"m{step}", "label": "M", "label_plural": "Ms", "title": "{{ id }}"},
        }
    if kind == "gone":
        return {"op": chance.choice(["archive", "restore"]), "path": f"module/{chance.choice(now.modules).id}"}
    if kind == "add" or field is None:
        return {"op": "add", "path": f"{here}/fields", "data": {"name": f"f{step}", "label": f"F {step}", **some}}
    path = f"{here}/fields/{field.id}"
    match kind:
        case "retype":
            type_ = some.pop("type")
            return {"op": "retype", "path": path, "type": type_, "settings": some}
        case "rename":
            return {"op": "rename", "path": path, "name": f"r{step}"}
        case "label":
            return {"op": "set", "path": path, "pointer": "/label", "value": f"L {step}"}
        case "archive":
            return {"op": "archive", "path": path}
        case "restore":
            return {"op": "restore", "path": f"{here}/fields/{chance.choice(module.fields).id}"}
        case "move":
            return {"op": "move", "path": path, "index": chance.randrange(5)}
        case "option":
            known = [option.name for option in getattr(field, "options", ())]
            if len(known) < 2:
                return {"op": "patch", "path": path, "changes": {"help": f"H {step}"}}
            if chance.random() < 0.5:
                return {"op": "merge_options", "path": path, "from": [known[0]], "into": known[1]}
            return {"op": "rename", "path": f"{path}/options/{chance.choice(field.options).id}", "name": f"o{step}"}  # type: ignore[attr-defined]
        case _:
            return {"op": "set", "path": path, "pointer": "/required", "value": chance.random() < 0.3}


@pytest.mark.parametrize("seed", [1, 2, 3] if STEPS > 100 else [1])
async def test_nothing_they_do_breaks_anything(place: Place, seed: int) -> None:
    chance = random.Random(seed)
    units, workspace = place.units, place.workspace
    await place.publish(lambda _: build())
    for number in range(6):
        await place.new("companies", name=f"C{number}", tier=chance.choice(["a", "b"]))
    before = await place.stored("companies")
    hashes = {1: (await place.live())[1].hash}
    drafts = [Drafts(units, workspace, admin) for admin in ADMINS]
    published = conflicts = backs = refused = 0
    for step in range(STEPS):
        drafts_of = chance.choice(drafts)
        roll = chance.random()
        if roll < 0.6:
            draft = await drafts_of.get()
            try:
                await drafts_of.append([operation(draft.wanted, chance, step)])
            except XrmError:
                refused += 1
        elif roll < 0.72 and (await drafts_of.get()).operations:
            await drafts_of.undo()
        elif roll < 0.95:
            try:
                done, made = await drafts_of.publish()
            except Conflict:
                conflicts += 1
                try:
                    await drafts_of.rebase(
                        [
                            {"path": c.path, "choice": "mine"}
                            for c in (await drafts_of.rebase(only_plan=True))[1].conflicts
                        ]
                    )
                except Conflict:
                    await drafts_of.discard()
            except Invalid:
                await drafts_of.discard()
            else:
                hashes[done.number] = made.wanted.hash
                published += done.changed
        else:
            number = chance.choice(list(hashes))
            back = await plan_back(units, workspace, ADMINS[0], number)
            if back.ok and not back.empty:
                done = await apply(units, workspace, ADMINS[0], back, f"Back to {number}")
                assert done.hash == hashes[number]
                hashes[done.number] = done.hash
                backs += 1
    assert published > 5 and conflicts > 0 and backs > 0, (published, conflicts, backs, refused)
    await run_backfill(units, workspace)
    assert check((await place.live())[1]) == []
    async with units.database.writing() as connection:
        for number, known in hashes.items():
            assert (await get_version(connection, workspace.schema, number))[1].hash == known
    await place.back(1)
    assert (await place.live())[1].hash == hashes[1]
    ids = {f.id for f in build().by_id["companies"].fields}
    after = await place.stored("companies")
    for key, (data, _) in before.items():
        assert {k: v for k, v in after[key][0].items() if k in ids} == {k: v for k, v in data.items() if k in ids}
