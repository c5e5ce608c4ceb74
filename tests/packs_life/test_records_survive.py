"""Whatever happens to packs, no stored value is lost: random lives of a workspace with records, against a plain model."""

from __future__ import annotations

import os
import random
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from tests.packs_life.conftest import Life
from tests.packs_life.family import contents, events, fines, library
from tests.packs_life.test_repository_packs import pack
from xrm_core.definitions import edit
from xrm_core.definitions.collection import DefinitionSet
from xrm_core.definitions.merge import merge
from xrm_core.definitions.pack_contents import composed

ALL = os.environ.get("XRM_TEST_ALL") == "1"
SEEDS = tuple(range(12)) if ALL else (0, 1, 4)
STEPS = 14
MORE = {"fines": (fines, {"daily_fine": "money"}), "events": (events, {"audience": "integer"})}


def labels() -> dict[str, Any]:
    """The files of a third pack beside the two of the family."""
    return {
        "pack.json": {"name": "labels", "version": "1.0.0", "label": "Labels", "requires": {"library": ">=1"}},
        "extensions/books.json": {
            "module": "books",
            "fields": [{"name": "label_text", "type": "text", "label": "Label"}],
            "options": {"topics": [{"name": "maps", "label": "Maps"}]},
            "views": [{"name": "labelled", "label": "Labelled", "filter": "is_not_empty(label_text)"}],
            "layout": {"sections": [{"name": "more", "label": "More", "fields": ["label_text"]}]},
        },
    }


def test_all_six_orders_of_three_extensions_agree(tmp_path: Path) -> None:
    base, *others = (contents(tmp_path, files).definition for files in (library(), fines(), events(), labels()))
    start = composed([base])
    for live in (start, edit.patch_part(start, "books", "fields", "pages", {"help": "As printed"})):
        found: set[str] = set()
        for order in permutations(others):
            now: DefinitionSet = live
            for one in order:
                now = merge(start, composed([base, one]), now).definitions
            found.add(now.hash)
            for one in order:
                now = merge(composed([base, one]), start, now, gone="archive").definitions
            assert now.hash == live.hash
        assert len(found) == 1


def test_all_six_orders_of_the_packs_of_the_repository_agree() -> None:
    packs = [pack(name).definition for name in ("recruiting", "temp_staffing", "exec_search")]
    assert len({composed(order).hash for order in permutations(packs)}) == 1
    base = composed(packs[:1])
    found = set()
    for order in permutations(packs[1:]):
        now = base
        for one in order:
            now = merge(base, composed([packs[0], one]), now).definitions
        found.add(now.hash)
    assert len(found) == 1


class World:
    """A workspace, and what must be in it."""

    def __init__(self, life: Life, chance: random.Random) -> None:
        self.life, self.chance = life, chance
        self.books: dict[str, dict[str, Any]] = {}
        self.installed: set[str] = set()
        self.version = "1.0.0"
        self.own = 0

    def names(self) -> list[str]:
        names = ["pages", "own"] if self.own else ["pages"]
        return [*names, *(name for key in self.installed for name in MORE[key][1])]

    def value(self, name: str) -> Any:
        number = self.chance.randrange(1, 999)
        if name == "daily_fine":
            return {"amount": f"{number}.50", "currency": "EUR"}
        return f"Own {number}" if name == "own" else number

    async def write(self) -> None:
        if not self.books or self.chance.random() < 0.4:
            state, shelf = self.chance.choice(["new", "used", "worn"]), str(self.chance.randrange(90))
            if self.version != "1.0.0":
                state = "new"
            values: dict[str, Any] = {"name": f"B{len(self.books)}", "state": state}
            values["shelf"] = int(shelf) if self.version == "2.0.0" else shelf
            found = await self.life.create("books", **values)
            self.books[found] = {**values, "shelf": shelf}
        book = self.chance.choice(sorted(self.books))
        name = self.chance.choice(self.names())
        value = self.value(name)
        await self.life.update("books", book, **{self.called(name): value})
        self.books[book][name] = value

    def called(self, name: str) -> str:
        return "page_count" if name == "pages" and self.version != "1.0.0" else name

    async def step(self) -> str:
        what = self.chance.choice(["add", "remove", "up", "back", "design", "write", "write"])
        free = sorted(set(MORE) - self.installed)
        if self.version != "1.0.0":
            free = [name for name in free if name != "fines"]  # it names a field that was renamed since
        if what == "add" and free:
            name = self.chance.choice(free)
            await self.life.install(MORE[name][0]())
            self.installed.add(name)
        elif what == "remove" and self.installed:
            name = self.chance.choice(sorted(self.installed))
            await self.life.uninstall(name)
            self.installed.discard(name)
        elif what == "up" and self.version != "2.0.0":
            self.version = {"1.0.0": "1.1.0", "1.1.0": "2.0.0"}[self.version]
            await self.life.upgrade(library(self.version), otherwise="mine")
        elif what == "back" and self.version != "1.0.0":
            await self.back()
        elif what == "design" and not self.own:
            self.own = 1
            data = {"name": "own", "type": "text", "label": "Own"}
            await self.life.edit(lambda d: edit.add_part(d, "books", "fields", data))
        else:
            await self.write()
        return what

    async def back(self) -> None:
        await self.life.rollback("library")
        self.version = {"1.1.0": "1.0.0", "2.0.0": "1.1.0"}[self.version]

    async def check(self, after: str) -> None:
        worn = {"1.0.0": {"worn"}, "1.1.0": {"worn"}, "2.0.0": {"torn", "scuffed"}}[self.version]
        used = "used" if self.version == "1.0.0" else "second_hand"
        for book, values in self.books.items():
            record = await self.life.get("books", book)
            for name in self.names():
                assert record.get(self.called(name)) == values.get(name), (after, name, self.version)
            assert str(record["shelf"]) == values["shelf"], after
            state = values["state"]
            wanted = worn if state == "worn" else {used} if state == "used" else {state}
            assert record["state"] in wanted, (after, state, record["state"])


@pytest.mark.parametrize("seed", SEEDS)
async def test_no_value_is_lost_in_the_life_of_packs(life: Life, seed: int) -> None:
    await life.install(library())
    world = World(life, random.Random(seed))
    for _ in range(4):
        await world.write()
    said: list[str] = []
    for _ in range(STEPS):
        said.append(await world.step())
        await world.check(" ".join(said))
    # What was taken back gives every value its old name, and packs that come back find everything that was theirs.
    while world.version != "1.0.0":
        await world.back()
        await world.check(" ".join([*said, "back"]))
    for name in sorted(set(MORE) - world.installed):
        await life.install(MORE[name][0]())
        world.installed.add(name)
    await world.check(" ".join([*said, "all"]))
