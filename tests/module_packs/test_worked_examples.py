"""The scenarios that the packs bring: worked examples to the cent, and every rule that refuses something."""

from __future__ import annotations

from pathlib import Path

import pytest

from xrm_core.definitions.pack_contents import composed
from xrm_core.packs import shelf
from xrm_core.packs.scenario import run
from xrm_core.storage.database import Database

PACKS = Path(__file__).parents[2] / "module_packs"
SCENARIOS = sorted(path.relative_to(PACKS).as_posix() for path in PACKS.glob("*/scenarios/*.json"))


@pytest.mark.parametrize("file", SCENARIOS)
async def test_a_scenario_passes(file: str, database: Database) -> None:
    name, _, path = file.split("/")
    contents = shelf.contents([PACKS], name)
    scenario = next(one for one in contents.scenarios if f"{one.name}.json" == path)
    outcome = await run(database, composed(shelf.with_required([PACKS], contents)), scenario)
    assert outcome.problems == []
    assert outcome.steps == len(scenario.steps)
