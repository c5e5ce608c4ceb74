"""Packs upgraded, taken back and taken away in a workspace with records and an admin's own work."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest

from tests.packs_life.conftest import Life
from tests.packs_life.family import events, fines, library
from xrm_core.definitions import edit
from xrm_core.definitions.merge import Decision
from xrm_core.kernel.errors import Conflict, Invalid


async def stock(life: Life) -> dict[str, str]:
    """Some books: thick and thin, worn and not, in every stage."""
    author = await life.create("authors", name="Ada")
    found = {"author": author}
    for number, (state, stage, pages) in enumerate(
        [("worn", "arrived", 600), ("worn", "on_shelf", 100), ("used", "arrived", 50), ("lost", "gone", 10)]
    ):
        values: dict[str, Any] = {"name": f"B{number}", "pages": pages, "state": state, "stage": stage}
        found[f"b{number}"] = await life.create("books", **values, author=author, shelf=f"{number}" if number else "A7")
    return found


async def test_names_and_values_go_along_and_come_back(life: Life) -> None:
    await life.install(library())
    ids = await stock(life)
    before = (await life.live()).hash
    plan = await life.upgrade(library("1.1.0"))
    assert plan.ok and not plan.conflicts
    assert [(p.key, p.counts) for p in plan.conversions] == [("state", {"used": 1})]
    book = await life.get("books", ids["b2"])
    assert book["state"] == "second_hand" and book["page_count"] == 50 and book["version"] == 2
    assert (await life.get("books", ids["b0"]))["version"] == 1

    plan = await life.upgrade(library("2.0.0"))
    counts = {p.key: p.counts for p in plan.conversions}
    assert counts == {"state": {"worn": 2}, "stage": {"arrived": 2}, "shelf": {"": 4}}
    states = [(await life.get("books", ids[f"b{n}"])) for n in range(4)]
    assert [one["state"] for one in states] == ["torn", "scuffed", "second_hand", "lost"]
    assert [one["stage"] for one in states] == ["on_shelf", "on_shelf", "on_shelf", "gone"]
    assert [one.get("shelf") for one in states] == [None, 1, 2, 3]
    author = await life.get("authors", ids["author"])
    assert (author["worn_books"], author["in_stock"]) == (2, 3)
    live = await life.live()
    options = {o.name: o.archived for o in live.by_id["books"].fields[2].options}  # type: ignore[union-attr]
    assert options == {"new": False, "second_hand": False, "scuffed": False, "torn": False, "lost": True}

    await life.rollback("library")
    assert (await life.live()).packs == {"library": "1.1.0"}
    back = [(await life.get("books", ids[f"b{n}"])) for n in range(4)]
    assert [one["state"] for one in back] == ["worn", "worn", "second_hand", "lost"]
    assert [one["stage"] for one in back] == ["arrived", "on_shelf", "arrived", "gone"]
    assert [one["shelf"] for one in back] == ["A7", "1", "2", "3"]
    await life.rollback("library")
    assert (await life.live()).hash == before
    first = await life.get("books", ids["b2"])
    assert first["state"] == "used" and first["pages"] == 50


async def test_an_upgrade_leaves_the_admins_work_alone(life: Life) -> None:
    await life.install(library())
    ids = await stock(life)

    def customised(d: Any) -> Any:
        d = edit.patch_part(d, "books", "fields", "name", {"label": {"en": "Title", "de": "Titel"}})
        d = edit.patch_part(d, "books", "fields", "pages", {"help": "As printed"})
        d = edit.patch_part(d, "books", "fields", "state", {"required": False, "help": "Condition"})
        d = edit.add_part(d, "books", "fields", {"name": "price", "type": "money", "label": "Price"}, 1)
        d = edit.add_part(
            d, "books", "fields", {"name": "long_read", "type": "formula", "label": "L", "formula": "pages > 300"}
        )
        d = edit.add_part(
            d,
            "books",
            "views",
            {"name": "thick", "label": "Thick", "filter": "pages > 500", "columns": ["name", "pages"]},
        )
        d = edit.add_part(
            d, "books", "rules", {"name": "some", "kind": "validation", "check": "pages != 0", "message": "?"}
        )
        d = edit.patch_part(d, "books", "fields", "author", {"label": "Writer"}) if False else d
        d = edit.patch_part(d, "books", "links", "author", {"label": "Writer"})
        d = edit.move_part(d, "books", "fields", "shelf", 0)
        d = edit.patch_module(d, "books", {"icon": "book", "order": 5, "hue": "red"})
        d = edit.add_module(
            d,
            {
                "name": "rooms",
                "label": "Room",
                "label_plural": "Rooms",
                "title": "{{ name }}",
                "fields": [{"name": "name", "type": "text", "label": "Name"}],
            },
        )
        d = edit.add_part(
            d,
            "rooms",
            "links",
            {"name": "book", "label": "B", "to": ["books"], "inverse": {"name": "rooms", "label": "R"}},
        )
        return edit.add_role(d, {"name": "clerk", "label": "Clerk", "modules": {"books": {"see": "all"}}})  # fmt: skip

    await life.edit(customised)
    await life.upgrade(library("1.1.0"))
    plan = await life.upgrade(library("2.0.0"))
    assert not plan.conflicts
    books = (await life.live()).by_name["books"]
    fields = {f.id: f for f in books.fields}
    assert fields["name"].label == {"en": "Title", "de": "Titel"} and fields["pages"].help == "As printed"
    assert fields["pages"].name == "page_count" and "price" in fields and fields["shelf"].type == "integer"
    assert fields["long_read"].formula == "page_count > 300"  # type: ignore[union-attr]
    assert books.views[1].filter == "page_count > 500" and books.views[1].columns == ("name", "page_count")
    assert [f.id for f in books.fields][:3] == ["shelf", "name", "price"] and books.icon == "book"
    assert (await life.get("books", ids["b0"]))["long_read"] is True
    assert {"rooms"} <= {m.name for m in (await life.live()).modules}


async def test_a_conflict_is_asked_once_and_remembered(life: Life) -> None:
    await life.install(library())
    await life.edit(lambda d: edit.patch_part(d, "books", "views", "all", {"label": "Everything"}))
    plan = await life.plan_upgrade(library("1.1.0"))
    assert not plan.ok and [p.code for p in plan.problems] == ["undecided"]
    (conflict,) = plan.conflicts
    shown = conflict.as_dict()
    assert shown["mine"] == "Everything" and shown["theirs"] == "All books" and shown["base"] == "All"
    with pytest.raises(Invalid):
        await life.upgrade(library("1.1.0"))
    await life.upgrade(library("1.1.0"), decisions={conflict.path: Decision("theirs", conflict.question)})
    assert (await life.live()).by_name["books"].views[0].label == {"en": "All books"}
    await life.rollback("library")
    assert (await life.live()).by_name["books"].views[0].label == "Everything"


async def test_a_downgrade_takes_the_values_back(life: Life) -> None:
    await life.install(library())
    ids = await stock(life)
    await life.upgrade(library("1.1.0"))
    await life.upgrade(library("2.0.0"))
    plan = await life.upgrade(library())
    assert plan.kind == "downgrade"
    found = [(await life.get("books", ids[f"b{n}"])) for n in range(4)]
    assert [one["state"] for one in found] == ["worn", "worn", "used", "lost"]
    assert [one["stage"] for one in found] == ["arrived", "on_shelf", "arrived", "gone"]
    assert [one["shelf"] for one in found] == ["A7", "1", "2", "3"]
    assert (await life.live()).packs == {"library": "1.0.0"}


async def test_rolling_back_keeps_later_work_and_later_values(life: Life) -> None:
    await life.install(library())
    ids = await stock(life)
    await life.upgrade(library("1.1.0"))
    await life.edit(lambda d: edit.add_part(d, "books", "fields", {"name": "price", "type": "money", "label": "P"}))
    added = await life.create("books", name="Later", state="second_hand", price={"amount": "5", "currency": "EUR"})
    await life.rollback("library")
    live = await life.live()
    assert {"price", "pages"} <= {f.name for f in live.by_name["books"].fields} and live.packs == {"library": "1.0.0"}
    assert (await life.get("books", ids["b2"]))["state"] == "used"
    assert (await life.get("books", added))["price"]["amount"] == "5.00"


async def test_uninstall_is_exact_and_reinstall_brings_everything_back(life: Life) -> None:
    await life.install(library())
    before = await life.live()
    ids = await stock(life)
    await life.install(fines())
    with_it = await life.live()
    book = await life.create(
        "books",
        name="Late",
        state="replaced",
        stage="overdue",
        daily_fine={"amount": "2", "currency": "EUR"},
        pages=1000,
    )
    await life.create("fines", book=book, amount={"amount": "10", "currency": "EUR"})
    await life.edit(lambda d: edit.patch_part(d, "books", "fields", "daily_fine", {"label": "Per day"}))
    await life.edit(lambda d: edit.patch_part(d, "books", "fields", "name", {"help": "Mine"}))
    await life.edit(
        lambda d: edit.add_part(
            d, "books", "fields", {"name": "twice", "type": "formula", "label": "T", "formula": "daily_fine * 2"}
        )
    )
    customised = await life.live()
    plan = await life.uninstall("fines")
    assert plan.ok
    live = await life.live()
    assert "fines" not in live.packs and "fines" not in live.by_name
    without = edit.patch_part(before, "books", "fields", "name", {"help": "Mine"})
    mine = {f.id for f in live.by_name["books"].fields}
    assert mine == {f.id for f in without.by_name["books"].fields} | {"twice"}
    assert next(f for f in live.by_name["books"].fields if f.id == "twice").archived
    late = await life.get("books", book)
    assert late["stage"] == "on_shelf" and "daily_fine" not in late and late["state"] == "replaced"
    await life.create("books", name="Between")
    await life.install(fines())
    assert (await life.live()).as_json() == customised.as_json()
    late = await life.get("books", book)
    assert late["daily_fine"]["amount"] == "2.00" and late["stage"] == "overdue"
    assert late["fined"]["amount"] == "10.00" and late["twice"]["amount"] == "4.00" and late["heavy"] is True
    assert with_it.packs == (await life.live()).packs and ids


async def test_uninstall_without_other_work_restores_the_hash(life: Life) -> None:
    await life.install(library())
    before = await life.live()
    await life.install(fines())
    await life.uninstall("fines")
    live = await life.live()
    assert live.hash == before.hash and live.origins == before.origins
    await life.uninstall("library")
    assert (await life.live()).modules == ()


async def test_packs_fit_together_in_any_order(life: Life) -> None:
    await life.install(library())
    hashes = set()
    for order in permutations([fines(), events()]):
        for files in order:
            await life.install(files)
        hashes.add((await life.live()).hash)
        for files in order:
            await life.uninstall(files["pack.json"]["name"])
    assert len(hashes) == 1


async def test_removing_one_leaves_the_other_and_an_upgrade_reaches_both(life: Life) -> None:
    await life.install(library())
    await life.install(events())
    alone = (await life.live()).hash
    await life.install(fines())
    await life.uninstall("fines")
    assert (await life.live()).hash == alone
    await life.install(fines())
    await life.upgrade(library("1.1.0"))
    books = (await life.live()).by_name["books"]
    assert next(f for f in books.fields if f.id == "heavy").formula == "page_count > 900"  # type: ignore[union-attr]
    assert {"audience", "daily_fine", "isbn"} <= {f.id for f in books.fields}
    await life.uninstall("fines")
    await life.uninstall("events")
    only = await life.live()
    assert {f.id for f in only.by_name["books"].fields} == {
        f["name"] for f in library("1.1.0")["modules/books.json"]["fields"]
    } - {"page_count"} | {"pages"}


async def test_what_does_not_fit_is_explained(life: Life) -> None:
    with pytest.raises(Invalid) as missing:
        await life.install(fines())
    assert {p.code for p in missing.value.problems} >= {"missing_pack", "missing_module"}
    await life.install(library())
    await life.install(fines())
    await life.install(events())
    with pytest.raises(Conflict) as needed:
        await life.uninstall("library")
    assert [p.path for p in needed.value.problems] == ["/packs/fines", "/packs/events"] or len(
        needed.value.problems
    ) == 2
    third = library("1.1.0")
    third["pack.json"]["version"] = "3.0.0"
    with pytest.raises(Invalid) as range_:
        await life.plan_upgrade(third)
    assert [(p.code, p.path) for p in range_.value.problems] == [("version", "/packs/fines")]
    other = {**fines(), "pack.json": {**fines()["pack.json"], "name": "more_fines"}}
    other["modules/more_fines.json"] = {**other.pop("modules/fines.json"), "name": "more_fines"}
    other["modules/more_fines.json"]["links"][0]["inverse"]["name"] = "more_fines"
    with pytest.raises(Invalid) as taken:
        await life.install(other)
    assert any(p.code == "taken" and "'fines'" in p.message for p in taken.value.problems)


async def test_what_a_rollback_sets_aside_comes_back_with_the_version(life: Life) -> None:
    await life.install(library())
    await life.upgrade(library("1.1.0"))
    book = await life.create("books", name="B", isbn="978")
    await life.rollback("library")
    assert "isbn" not in await life.get("books", book)
    await life.upgrade(library("1.1.0"))
    assert (await life.get("books", book))["isbn"] == "978"
