"""Scenarios of packs: those of the repository pass, and a wrong one says what is wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.packs_life.family import contents, library
from xrm_core.definitions.pack_contents import composed
from xrm_core.definitions.pack_scenario import PackScenario
from xrm_core.packs.read import read_pack
from xrm_core.packs.scaffold import scaffold
from xrm_core.packs.scenario import run
from xrm_core.packs.shelf import with_required
from xrm_core.storage.database import Database
from xrm_core.storage.workspaces import list_workspaces

ROOT = Path(__file__).parents[2] / "module_packs"
FOUND = sorted(path for path in ROOT.glob("*/scenarios/*.json"))


@pytest.mark.parametrize("path", FOUND, ids=lambda path: f"{path.parts[-3]}-{path.stem}")
async def test_the_scenarios_of_the_repository_pass(database: Database, path: Path) -> None:
    pack, problems = read_pack(path.parents[1])
    assert pack is not None and problems == []
    scenario = next(one for one in pack.scenarios if one.name == path.stem)
    outcome = await run(database, composed(with_required([ROOT], pack)), scenario)
    assert outcome.passed, outcome.problems
    assert outcome.steps == len(scenario.steps)
    assert await list_workspaces(database) == []


def scenario(*steps: dict[str, Any]) -> PackScenario:
    given = [{"module": "books", "key": "book", "values": {"name": "A", "pages": 600}}]
    data = {"name": "one", "label": "One", "now": "2026-03-31T09:30:00Z", "given": given, "steps": list(steps)}
    return PackScenario.model_validate(data)


async def test_what_goes_wrong_is_named_with_its_step(database: Database, tmp_path: Path) -> None:
    definitions = composed([contents(tmp_path, library()).definition])
    good = scenario(
        {"do": "expect", "key": "book", "values": {"thick": True, "stage": "ordered", "state": None}},
        {"do": "move", "key": "book", "stage": "arrived"},
        {"do": "refused", "step": {"do": "update", "key": "book", "values": {"name": None}}, "at": ["name"]},
        {"do": "archive", "key": "book"},
    )
    assert (await run(database, definitions, good)).passed
    for step, code, place in (
        ({"do": "expect", "key": "book", "values": {"pages": 7}}, "expected", "/steps/0/values/pages"),
        ({"do": "expect", "key": "bok", "values": {}}, "unknown_key", "/steps/0"),
        ({"do": "move", "key": "book", "stage": "nowhere"}, "unknown_stage", "/steps/0"),
        ({"do": "refused", "step": {"do": "update", "key": "book", "values": {"pages": 1}}}, "not_refused", "/steps/0"),
    ):
        outcome = await run(database, definitions, scenario(step))
        assert [(p.code, p.path) for p in outcome.problems] == [(code, place)]
    assert await list_workspaces(database) == []


async def test_a_new_pack_comes_with_a_scenario_that_passes(database: Database, tmp_path: Path) -> None:
    scaffold(tmp_path, "room_booking")
    pack, problems = read_pack(tmp_path / "room_booking")
    assert pack is not None and problems == [] and len(pack.scenarios) == 1
    outcome = await run(database, composed([pack.definition]), pack.scenarios[0])
    assert outcome.passed, outcome.problems
