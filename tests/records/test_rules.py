"""Rules: what must hold, what is unique together, what is probably the same, and what lists of other records say."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
import pytest

from tests.records.conftest import Shop, install
from tests.records.shop import module
from tests.support.recording import Recording
from xrm_core.definitions import DefinitionSet, Role
from xrm_core.kernel.actor import SYSTEM, Actor
from xrm_core.kernel.clock import FixedClock
from xrm_core.kernel.errors import Invalid, XrmError
from xrm_core.kernel.ids import new_id
from xrm_core.records import batch, lifecycle, relating, stages, write
from xrm_core.storage.database import Database
from xrm_core.storage.workspaces import Workspace

ROOMS = module(
    "rooms",
    "Room",
    fields=[
        {"name": "name", "type": "text", "label": "Name", "required": True},
        {"name": "most", "type": "integer", "label": "Most"},
        {"name": "load", "type": "rollup", "label": "Load", "link": "shelves", "function": "sum", "field": "load"},
        {"name": "left", "type": "formula", "label": "Left", "formula": "most - load"},
    ],
    rules=[{"kind": "validation", "name": "not_too_heavy", "check": "left == none or left >= 0", "fields": ["most"]}],
)
SHELVES = module(
    "shelves",
    "Shelf",
    title="{{ code }}",
    fields=[
        {"name": "code", "type": "text", "label": "Code", "required": True},
        {"name": "email", "type": "email", "label": "E-mail", "indexed": True},
        {"name": "phone", "type": "phone", "label": "Phone"},
        {"name": "most", "type": "integer", "label": "Most", "read_only_when": "count(boxes) > 2"},
        {"name": "reason", "type": "text", "label": "Reason", "required_when": "any(boxes, heavy)"},
        {"name": "note", "type": "text", "label": "Note"},
        {"name": "load", "type": "integer", "label": "Load"},
    ],
    links=[{"name": "room", "label": "Room", "to": ["rooms"], "inverse": {"name": "shelves", "label": "Shelves"}}],
    pipelines=[{"name": "state", "label": "State", "stages": [
        {"name": "open", "label": "Open"}, {"name": "closed", "label": "Closed", "entry_when": "none(boxes, heavy) and count(boxes) > 0"}]}],
    rules=[
        {"kind": "unique", "name": "place", "fields": ["code", "room"], "message": "This place is taken."},
        {"kind": "duplicate", "name": "same", "match": ["email", "phone"]},
        {"kind": "validation", "name": "full", "check": "count(boxes) <= coalesce(most, 3)", "fields": ["most"], "message": "Too many boxes."},
        {"kind": "validation", "name": "heavy_note", "check": "none(boxes, heavy) or note != none", "severity": "warning", "fields": ["note"]},
    ],
)  # fmt: skip
BOXES = module(
    "boxes",
    "Box",
    fields=[
        {"name": "name", "type": "text", "label": "Name"},
        {"name": "heavy", "type": "boolean", "label": "Heavy"},
        {"name": "seal", "type": "text", "label": "Seal", "read_only_when": "shelf.stage == 'closed'"},
    ],
    links=[
        {
            "name": "shelf",
            "label": "Shelf",
            "to": ["shelves"],
            "where": "stage == 'open'",
            "inverse": {"name": "boxes", "label": "Boxes"},
        },
        {
            "name": "near",
            "label": "Near",
            "to": ["shelves"],
            "many": True,
            "where": "code != 'far'",
            "inverse": {"name": "beside", "label": "Beside"},
        },
    ],
)
BOOKINGS = module(
    "bookings",
    "Booking",
    title="{{ starts_at }}",
    fields=[
        {"name": "starts_at", "type": "datetime", "label": "From", "required": True},
        {"name": "ends_at", "type": "datetime", "label": "To", "required": True},
    ],
    links=[{"name": "room", "label": "Room", "to": ["rooms"], "inverse": {"name": "bookings", "label": "Bookings"}}],
    rules=[{
        "kind": "validation", "name": "apart", "fields": ["starts_at"], "message": "The room is taken.",
        "check": "none(room.bookings, id != this.id and starts_at < this.ends_at and ends_at > this.starts_at)",
    }],
)  # fmt: skip
CLERK = Role.model_validate(
    {"name": "clerk", "label": "Clerk", "modules": {"*": {"see": "own", "create": True, "edit": "own"}}}
)
STORE = DefinitionSet(modules=(ROOMS, SHELVES, BOXES, BOOKINGS), roles=(CLERK,))


@pytest.fixture
async def shop(database: Database, workspace: Workspace, clock: FixedClock) -> Shop:
    return Shop(await install(database, workspace, clock, STORE), workspace, clock)


def problems(error: pytest.ExceptionInfo[Invalid]) -> set[tuple[str, str]]:
    return {(problem.code, problem.path) for problem in error.value.problems}


async def stored(shop: Shop, values: dict[str, Any], actor: Actor = SYSTEM) -> write.Stored:
    return await shop.run(lambda unit: write.create(unit, "shelves", values), actor)


async def test_values_are_unique_together(shop: Shop) -> None:
    room, other = await shop.new("rooms", name="A"), await shop.new("rooms", name="B")
    first = await shop.new("shelves", code="x1", room=str(room))
    second = await shop.new("shelves", code="x1", room=str(other))
    for values in ({"code": "x1", "room": str(room)}, {"code": "X1", "room": str(room)}):
        with pytest.raises(Invalid) as error:
            await shop.new("shelves", **values)
        assert (
            problems(error) == {("rule:place", "/code")} and error.value.problems[0].message == "This place is taken."
        )
    with pytest.raises(Invalid):
        await shop.change("shelves", second, room=str(room))
    await shop.archive("shelves", first)
    await shop.change("shelves", second, room=str(room))
    with pytest.raises(Invalid):
        await shop.restore("shelves", first)


async def test_of_two_who_take_the_same_place_one_gets_it(shop: Shop) -> None:
    room = await shop.new("rooms", name="A")

    async def take() -> bool:
        try:
            await shop.new("shelves", code="x1", room=str(room))
        except XrmError:
            return False
        return True

    assert sorted(await asyncio.gather(*(take() for _ in range(4)))) == [False, False, False, True]


async def test_probable_duplicates_are_a_warning(shop: Shop) -> None:
    first = await stored(shop, {"code": "x1", "email": "Ada@shop.example", "phone": "+49 171 2345678"})
    assert first.warnings == []
    second = await stored(shop, {"code": "x2", "email": "ada@SHOP.example"})
    assert [(one.code, one.path, one.hint) for one in second.warnings] == [("duplicate", "/email", f"x1 ({first.id})")]
    third = await stored(shop, {"code": "x3"})
    changed = await shop.run(lambda unit: write.update(unit, "shelves", third.id, {"phone": "+491712345678"}))
    assert [(one.code, one.path, one.hint) for one in changed.warnings] == [("duplicate", "/phone", f"x1 ({first.id})")]
    again = await shop.run(lambda unit: write.update(unit, "shelves", third.id, {"note": "x"}))
    assert again.warnings == [], "only what is touched is looked at"
    await shop.archive("shelves", first.id)
    await shop.archive("shelves", second.id)
    assert (await stored(shop, {"code": "x4", "email": "ada@shop.example"})).warnings == []


async def test_duplicates_that_one_may_not_see_are_not_told(shop: Shop) -> None:
    me = new_id()
    await shop.members(me)
    clerk = Actor(me, "Clerk", ("clerk",))
    await stored(shop, {"code": "x1", "email": "ada@shop.example"})
    mine = await stored(shop, {"code": "x2", "email": "ada@shop.example"}, clerk)
    assert mine.warnings == []
    assert [one.hint for one in (await stored(shop, {"code": "x3", "email": "ada@shop.example"}, clerk)).warnings] == [
        f"x2 ({mine.id})"
    ]


async def test_a_batch_is_warned_of_in_one_statement(shop: Shop, statements: Recording) -> None:
    await stored(shop, {"code": "x", "email": "c7@shop.example"})
    rows = [{"code": f"s{n}", "email": f"c{n}@shop.example"} for n in range(50)]
    with statements.counting() as sent:
        done = await shop.run(lambda unit: batch.batch(unit, "shelves", {"create": rows}))
    assert sum("row_number" in text for text in sent.texts) == 1
    assert [index for index, one in enumerate(done["results"]["create"]) if "warnings" in one] == [7]


async def test_a_rule_over_a_list_holds_for_what_the_record_says_itself(shop: Shop) -> None:
    shelf = await shop.new("shelves", code="x")
    for _ in range(2):
        await shop.new("boxes", shelf=str(shelf))
    with pytest.raises(Invalid) as error:
        await shop.change("shelves", shelf, most=1)
    assert problems(error) == {("rule:full", "/most")}
    assert "most" not in await shop.get("shelves", shelf), "what was refused was not stored"
    await shop.change("shelves", shelf, most=2)
    await shop.change("shelves", shelf, most=3)
    await shop.new("boxes", shelf=str(shelf))
    with pytest.raises(Invalid) as error:
        await shop.change("shelves", shelf, most=9)
    assert problems(error) == {("read_only", "/most")}


async def test_a_rule_over_a_list_holds_when_the_list_changes(shop: Shop) -> None:
    shelf, other = await shop.new("shelves", code="x", most=2), await shop.new("shelves", code="y", most=1)
    first = await shop.new("boxes", shelf=str(shelf))
    second = await shop.new("boxes", shelf=str(shelf))
    for way in ("new", "moved", "batch"):
        with pytest.raises(Invalid) as error:
            if way == "new":
                await shop.new("boxes", shelf=str(shelf))
            elif way == "moved":
                third = await shop.new("boxes", shelf=str(other))
                await shop.change("boxes", third, shelf=str(shelf))
            else:
                await shop.run(
                    lambda unit: write.create_all(unit, unit.module("boxes"), [write.Given({"shelf": str(other)})] * 2)
                )
        assert problems(error) == {("rule:full", "")}, way
    assert error.value.problems[0].hint == "Shelf: y", "the record is named whose list it is"
    await shop.run(lambda unit: lifecycle.archive(unit, "boxes", first))
    fresh = await shop.new("boxes", shelf=str(shelf))
    with pytest.raises(Invalid):
        await shop.run(lambda unit: lifecycle.restore(unit, "boxes", first))
    await shop.change("boxes", second, heavy=True)
    await shop.run(lambda unit: lifecycle.archive(unit, "boxes", fresh))
    await shop.run(lambda unit: lifecycle.restore(unit, "boxes", first))


async def test_records_of_one_list_are_compared_with_each_other(shop: Shop) -> None:
    day = "2026-05-04T{}:00:00.000000Z".format
    room, other = await shop.new("rooms", name="r"), await shop.new("rooms", name="s")
    first = await shop.new("bookings", room=str(room), starts_at=day("10"), ends_at=day("12"))
    with pytest.raises(Invalid) as error:
        await shop.new("bookings", room=str(room), starts_at=day("11"), ends_at=day("13"))
    assert problems(error) == {("rule:apart", "/starts_at")}
    await shop.new("bookings", room=str(other), starts_at=day("11"), ends_at=day("13"))
    second = await shop.new("bookings", room=str(room), starts_at=day("12"), ends_at=day("13"))
    with pytest.raises(Invalid):
        await shop.change("bookings", second, starts_at=day("11"))
    with pytest.raises(Invalid):
        await shop.change("bookings", first, ends_at=day("13"))
    await shop.change("bookings", first, ends_at=day("11"))
    await shop.change("bookings", second, starts_at=day("11"))
    late = [{"room": str(room), "starts_at": day("18"), "ends_at": day("20")}] * 2
    with pytest.raises(Invalid):
        await shop.run(lambda unit: write.create_all(unit, unit.module("bookings"), [write.Given(one) for one in late]))
    done = await asyncio.gather(*[shop.new("bookings", **late[0]) for _ in range(3)], return_exceptions=True)
    assert sum(1 for one in done if isinstance(one, Invalid)) == 2, done


async def test_of_two_who_fill_the_last_place_of_a_list_one_does(shop: Shop) -> None:
    shelf = await shop.new("shelves", code="x", most=1)
    done = await asyncio.gather(*[shop.new("boxes", shelf=str(shelf)) for _ in range(4)], return_exceptions=True)
    assert sum(1 for one in done if isinstance(one, Invalid)) == 3, done


async def test_a_rule_over_a_sum_holds_when_the_sum_changes(shop: Shop) -> None:
    room = await shop.new("rooms", name="r", most=2)
    await shop.new("shelves", code="x", room=str(room), load=2)
    with pytest.raises(Invalid) as error:
        await shop.new("shelves", code="y", room=str(room), load=1)
    assert problems(error) == {("rule:not_too_heavy", "")}
    await shop.change("rooms", room, most=3)
    shelf = await shop.new("shelves", code="y", room=str(room), load=1)
    with pytest.raises(Invalid):
        await shop.change("shelves", shelf, load=2)
    with pytest.raises(Invalid) as error:
        await shop.change("rooms", room, most=1)
    assert problems(error) == {("rule:not_too_heavy", "/most")}


async def test_a_stage_asks_lists_too(shop: Shop) -> None:
    shelf = await shop.new("shelves", code="x")
    with pytest.raises(Invalid) as error:
        await shop.run(lambda unit: stages.move(unit, "shelves", shelf, "closed"))
    assert problems(error) == {("stage_entry", "/stage")}
    box = await shop.new("boxes", shelf=str(shelf), heavy=True)
    with pytest.raises(Invalid):
        await shop.run(lambda unit: stages.move(unit, "shelves", shelf, "closed"))
    await shop.change("boxes", box, heavy=False)
    moved = await shop.run(lambda unit: stages.move(unit, "shelves", shelf, "closed"))
    assert orjson.loads(moved.json)["stage"] == "closed"


async def test_what_a_record_links_to_may_lock_a_value(shop: Shop) -> None:
    shelf = await shop.new("shelves", code="x")
    box = await shop.new("boxes", shelf=str(shelf), seal="a")
    await shop.change("boxes", box, seal="b")
    await shop.run(lambda unit: stages.move(unit, "shelves", shelf, "closed"))
    with pytest.raises(Invalid) as error:
        await shop.change("boxes", box, seal="c")
    assert problems(error) == {("read_only", "/seal")}
    await shop.change("boxes", box, name="still free")


async def test_a_value_is_required_when_a_list_says_so(shop: Shop) -> None:
    shelf = await shop.new("shelves", code="x", reason="because")
    await shop.change("shelves", shelf, reason=None)
    await shop.change("shelves", shelf, reason="because")
    await shop.new("boxes", shelf=str(shelf), heavy=True)
    with pytest.raises(Invalid) as error:
        await shop.change("shelves", shelf, reason=None)
    assert problems(error) == {("required", "/reason")}
    changed = await shop.run(lambda unit: write.update(unit, "shelves", shelf, {"note": "a"}))
    assert changed.warnings == []
    warned = await shop.run(lambda unit: write.update(unit, "shelves", shelf, {"note": None}))
    assert [one.code for one in warned.warnings] == ["rule:heavy_note"]


async def test_a_link_says_what_may_be_chosen(shop: Shop) -> None:
    shelf, far = await shop.new("shelves", code="x"), await shop.new("shelves", code="far")
    box = await shop.new("boxes", shelf=str(shelf))
    await shop.run(lambda unit: stages.move(unit, "shelves", shelf, "closed"))
    with pytest.raises(Invalid) as error:
        await shop.new("boxes", shelf=str(shelf))
    assert problems(error) == {("not_offered", "/shelf")}
    assert (await shop.change("boxes", box, name="still here"))["shelf"]["id"] == str(shelf)
    with pytest.raises(Invalid) as error:
        await shop.change("boxes", box, near=[str(shelf), str(far)])
    assert problems(error) == {("not_offered", "/near/1")}
    with pytest.raises(Invalid):
        await shop.run(lambda unit: relating.link(unit, "shelves", far, "beside", box))
    await shop.run(lambda unit: relating.link(unit, "shelves", shelf, "beside", box))
    free = await shop.new("boxes")
    with pytest.raises(Invalid):
        await shop.run(lambda unit: relating.link(unit, "shelves", shelf, "boxes", free))


async def test_what_one_cannot_see_cannot_be_chosen(shop: Shop) -> None:
    me = new_id()
    await shop.members(me)
    clerk = Actor(me, "Clerk", ("clerk",))
    theirs, mine = await shop.new("shelves", code="x"), await shop.new("shelves", clerk, code="y")
    for values in ({"shelf": str(theirs)}, {"near": [str(theirs)]}):
        with pytest.raises(Invalid) as error:
            await shop.new("boxes", clerk, **values)
        assert {problem.code for problem in error.value.problems} == {"no_target"}
    await shop.new("boxes", clerk, shelf=str(mine), near=[str(mine)])


async def test_one_bad_row_of_a_batch_is_found(shop: Shop) -> None:
    made = [await shop.new("shelves", code=f"x{n}") for n in range(5)]
    for _ in range(2):
        await shop.new("boxes", shelf=str(made[3]))
    changes = [{"id": str(one), "most": 1} for one in made]
    with pytest.raises(Invalid) as error:
        await shop.run(lambda unit: batch.batch(unit, "shelves", {"update": changes}))
    assert problems(error) == {("rule:full", "/update/3/most")}
    done = await shop.run(lambda unit: batch.batch(unit, "shelves", {"update": changes, "atomic": False}))
    assert [one["status"] for one in done["results"]["update"]] == ["updated"] * 3 + ["invalid", "updated"]
