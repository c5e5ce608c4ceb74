"""Variants of records: a pipeline of their own whose stages stand for those of the main one."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import orjson
import pytest

from tests.packs_life.conftest import ADMIN, Life
from tests.packs_life.family import library
from xrm_core.definitions.checks import check
from xrm_core.definitions.collection import DefinitionSet
from xrm_core.definitions.module import Module
from xrm_core.kernel.errors import Invalid
from xrm_core.records.board import board
from xrm_core.records.stages import move


def rare() -> dict[str, Any]:
    """The files of a pack for rare books: they go another way."""
    stages = [
        {"name": "offered", "label": "Offered", "maps_to": "ordered"},
        {"name": "examined", "label": "Examined", "maps_to": "arrived"},
        {"name": "in_vault", "label": "In the vault", "maps_to": "on_shelf"},
    ]
    return {
        "pack.json": {"name": "rare", "version": "1.0.0", "label": "Rare", "requires": {"library": "*"}},
        "extensions/books.json": {
            "module": "books",
            "fields": [{"name": "rare", "type": "boolean", "label": "Rare"}],
            "pipelines": [{"name": "rare", "label": "Rare", "when": "rare == true", "stages": stages}],
        },
    }


async def test_a_variant_goes_its_own_way_and_counts_like_the_others(life: Life) -> None:
    await life.install(library())
    before = (await life.live()).hash
    await life.install(rare())
    author = await life.create("authors", name="Ada")
    plain = await life.create("books", name="Plain", author=author)
    book = await life.create("books", name="Rare", rare=True, author=author)
    assert (await life.get("books", plain))["stage"] == "ordered"
    assert (await life.get("books", book))["stage"] == "offered"

    async def moved(identifier: str, stage: str) -> None:
        await life.units.run(life.workspace, ADMIN, lambda unit: move(unit, "books", UUID(identifier), stage))

    for identifier, stage in ((plain, "in_vault"), (book, "on_shelf")):
        with pytest.raises(Invalid) as wrong:
            await moved(identifier, stage)
        assert [p.code for p in wrong.value.problems] == ["stage_entry"]
    await moved(plain, "on_shelf")
    await moved(book, "in_vault")
    assert (await life.get("authors", author))["in_stock"] == 2
    await life.uninstall("rare")
    assert (await life.live()).hash == before
    assert (await life.get("books", book))["stage"] == "on_shelf"
    assert (await life.get("authors", author))["in_stock"] == 2
    await life.install(rare())
    found = await life.get("books", book)
    assert found["stage"] == "in_vault" and found["rare"] is True


def test_wrong_pipelines() -> None:
    def problems(*pipelines: dict[str, Any]) -> set[tuple[str, str]]:
        data = {"name": "things", "label": "T", "label_plural": "T", "title": "{{ id }}", "pipelines": list(pipelines)}
        return {(p.code, p.path) for p in check(DefinitionSet(modules=(Module.model_validate(data),)))}

    main = {"name": "main", "stages": [{"name": "a", "label": "A"}]}
    other = {"name": "other", "when": "version > 1", "stages": [{"name": "b", "label": "B", "maps_to": "a"}]}
    assert problems(main, other) == set()
    assert problems(other) == {("contradiction", "/modules/things/pipelines/0/when")}
    assert problems(main, {**main, "name": "second"}) == {("required", "/modules/things/pipelines/1/when")}
    same = {**other, "stages": [{"name": "a", "label": "A"}, {"name": "c", "label": "C", "maps_to": "x"}]}
    assert problems(main, same) == {
        ("duplicate_name", "/modules/things/pipelines/1/stages/0/name"),
        ("missing", "/modules/things/pipelines/1/stages/1/maps_to"),
    }
    wrong = {**other, "when": "vrsion > 1"}
    assert problems(main, wrong) == {("unknown_name", "/modules/things/pipelines/1/when")}


async def test_boards_show_stages_of_variants_when_somebody_is_in_them(life: Life) -> None:
    await life.install(library())
    await life.install(rare())
    await life.create("books", name="Plain")

    async def lanes() -> dict[str, int]:
        body = await life.units.run(life.workspace, ADMIN, lambda unit: board(unit, "books"))
        return {lane["name"]: len(lane["cards"]) for lane in orjson.loads(body)["columns"]}

    assert await lanes() == {"ordered": 1, "arrived": 0, "on_shelf": 0, "gone": 0}
    await life.create("books", name="Rare", rare=True)
    assert await lanes() == {"ordered": 1, "arrived": 0, "on_shelf": 0, "gone": 0, "offered": 1}
