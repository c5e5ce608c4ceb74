"""Types, options and links that change while records have values: reviewed, done, edited afterwards, and taken back."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import orjson
import pytest

from tests.publishing.conftest import Place
from xrm_core.definitions import edit
from xrm_core.definitions.collection import DefinitionSet
from xrm_core.definitions.operations import Operation, apply_all, check_operation
from xrm_core.kernel.actor import SYSTEM
from xrm_core.kernel.errors import Invalid
from xrm_core.publishing import apply as carry_out
from xrm_core.publishing import background, publish, run_backfill, taking
from xrm_core.records import read, stages
from xrm_core.records.query import RecordQuery

PEOPLE: dict[str, Any] = {
    "name": "people", "label": "Person", "label_plural": "People", "title": "{{ name }}",
    "fields": [
        {"name": "name", "type": "text", "label": "Name", "searchable": True},
        {"name": "born", "type": "text", "label": "Born", "indexed": True},
        {"name": "level", "type": "select", "label": "Level", "indexed": True, "options": [
            {"name": "low", "label": "Low"}, {"name": "mid", "label": "Mid"}, {"name": "high", "label": "High"}]},
        {"name": "pay", "type": "integer", "label": "Pay"},
        {"name": "notes", "type": "long_text", "label": "Notes"},
        {"name": "double", "type": "formula", "label": "Double", "formula": "pay * 2"},
    ],
    "pipelines": [{"name": "way", "label": "Way", "stages": [
        {"name": "new", "label": "New"}, {"name": "seen", "label": "Seen"}, {"name": "done", "label": "Done"}]}],
}  # fmt: skip
FIRMS: dict[str, Any] = {
    "name": "firms", "label": "Firm", "label_plural": "Firms", "title": "{{ name }}",
    "fields": [{"name": "name", "type": "text", "label": "Name"},
               {"name": "staff", "type": "rollup", "label": "Staff", "link": "people", "function": "count"}],
}  # fmt: skip
LINK = {"name": "firm", "label": "Firm", "to": ["firms"], "inverse": {"name": "people", "label": "People"}}


def ops(*operations: Operation) -> Any:
    return lambda old: apply_all(old, [check_operation(one) for one in operations])


async def start(place: Place) -> int:
    def wanted(old: DefinitionSet) -> DefinitionSet:
        return edit.add_part(edit.add_module(edit.add_module(old, PEOPLE), FIRMS), "people", "links", LINK)

    return (await place.publish(wanted))[1].number


async def found(place: Place, filter: str, *fields: str) -> list[dict[str, Any]]:
    listed = await place.units.run(
        place.workspace, SYSTEM, lambda unit: read.find(unit, RecordQuery("people", filter=filter))
    )
    return [orjson.loads(row) for row in listed.rows]


async def test_a_text_becomes_a_date_and_is_a_text_again(place: Place) -> None:
    number = await start(place)
    good = await place.new("people", name="A", born="31.3.1990")
    bad = await place.new("people", name="B", born="long ago")
    none = await place.new("people", name="C")
    retype = {"op": "retype", "path": "module/people/fields/born", "type": "date"}
    made, _ = await place.publish(ops(retype))
    change = next(c for c in made.as_dict()["changes"] if c["path"] == "module/people/fields/born_2")
    assert change["effect"] == "destructive" and change["records"] == 2
    assert change["takes_over"]["fits"] == 1 and change["takes_over"]["fails"] == 1
    sample = change["takes_over"]["failing"][0]
    assert sample["value"] == "long ago" and sample["record"] == str(bad) and "date" in sample["problem"]
    assert [row["name"] for row in await found(place, "year(born) == 1990")] == ["A"]
    assert sorted(row["name"] for row in await found(place, "is_empty(born)")) == ["B", "C"]
    # What is changed while it is a date goes along on the way back; what was not is exactly as it was.
    await place.change("people", none, born="2001-02-03")
    last = await place.new("people", name="D", born="2002-02-03")
    await place.back(number)
    rows = await place.stored("people")
    assert rows[good][0]["born"] == "31.3.1990" and rows[bad][0]["born"] == "long ago"
    assert rows[none][0]["born"] == "2001-02-03" and rows[last][0]["born"] == "2002-02-03"
    assert [row["name"] for row in await found(place, "starts_with(born, '31.')")] == ["A"]


async def test_the_way_values_are_written_can_be_said(place: Place) -> None:
    await start(place)
    await place.new("people", name="A", born="3/4/1990", pay=7)
    retype = {"op": "retype", "path": "module/people/fields/born", "type": "date", "takes_from": {"region": "US"}}
    money = {"op": "retype", "path": "module/people/fields/pay", "type": "money", "takes_from": {"currency": "CHF"}}
    made = await place.plan(ops(retype, money))
    # The formula over it is a number no more: that is all right, it is money now.
    assert made.ok, made.problems
    await place.publish(ops(retype, money))
    row = (await found(place, "name == 'A'"))[0]
    assert row["born"] == "1990-03-04" and row["pay"] == {"amount": "7.00", "currency": "CHF"}
    assert row["double"] == {"amount": "14.00", "currency": "CHF"}


async def test_what_depends_on_a_field_blocks_with_the_reason(place: Place) -> None:
    await start(place)
    made = await place.plan(ops({"op": "retype", "path": "module/people/fields/pay", "type": "boolean"}))
    assert not made.ok and made.problems[0].path.endswith("/formula") and "boolean" in made.problems[0].message
    archived = await place.plan(ops({"op": "archive", "path": "module/people/fields/pay"}))
    assert not archived.ok and "pay" in archived.problems[0].message
    change = next(c for c in archived.as_dict()["changes"] if c["path"] == "module/people/fields/pay/archived")
    assert change["effect"] == "destructive"
    assert change["used_by"] == [
        {"path": "module/people/fields/double/formula", "kind": "formula", "text": "pay * 2", "rewritten": False}
    ]
    renamed = await place.plan(ops({"op": "rename", "path": "module/people/fields/pay", "name": "salary"}))
    change = next(c for c in renamed.as_dict()["changes"] if c["path"] == "module/people/fields/pay/name")
    assert renamed.ok and change["used_by"][0]["rewritten"] is True


async def test_options_and_stages_are_renamed_and_merged(place: Place) -> None:
    number = await start(place)
    ids = [await place.new("people", name=level, level=level) for level in ("low", "mid", "high")]
    await place.units.run(place.workspace, SYSTEM, lambda unit: _move(unit, ids[1], "seen"))
    before = await place.stored("people")
    made, _ = await place.publish(
        ops(
            {"op": "rename", "path": "module/people/fields/level/options/high", "name": "top"},
            {"op": "merge_options", "path": "module/people/fields/level", "from": ["mid"], "into": "low"},
            {"op": "merge_options", "path": "module/people/pipelines/way", "from": ["seen"], "into": "done"},
            {"op": "rename", "path": "module/people/pipelines/way/stages/new", "name": "fresh"},
        )
    )
    assert made.impact and made.impact["module/people/fields/level/options/high/name"] == 1
    rows = await place.stored("people")
    assert [rows[one][0]["level"] for one in ids] == ["low", "low", "top"]
    assert [rows[one][0]["stage"] for one in ids] == ["fresh", "done", "fresh"]
    assert len(await found(place, "level == 'low'")) == 2
    await place.change("people", ids[0], level="top")
    await place.back(number)
    rows = await place.stored("people")
    assert [rows[one][0]["level"] for one in ids] == ["high", "mid", "high"]
    assert [rows[one][0]["stage"] for one in ids] == [before[one][0]["stage"] for one in ids]


async def _move(unit: Any, identifier: Any, stage: str) -> None:
    await stages.move(unit, "people", identifier, stage)


async def test_a_link_leads_to_many_and_to_one_again(place: Place) -> None:
    number = await start(place)
    firm, other = await place.new("firms", name="X"), await place.new("firms", name="Y")
    person = await place.new("people", name="A", firm=str(firm))
    many = {"op": "set", "path": "module/people/links/firm", "pointer": "/many", "value": True}
    made, _ = await place.publish(ops(many))
    assert made.details["module/people/links/firm_2"]["takes_over"]["fits"] == 1
    assert await place.links("people.firm_2") == {(person, firm)}
    assert (await place.stored("firms"))[firm][0]["staff"] == 1
    second = await place.new("people", name="B", firm=[str(firm), str(other)])
    assert (await place.stored("firms"))[firm][0]["staff"] == 2
    one = {"op": "set", "path": "module/people/links/firm", "pointer": "/many", "value": False}
    made, _ = await place.publish(ops(one))
    review = made.details["module/people/links/firm_3"]["takes_over"]
    assert review["fits"] == 1 and review["fails"] == 1 and review["failing"][0]["record"] == str(second)
    rows = await place.stored("people")
    assert rows[person][0]["firm_3"] == str(firm) and "firm_3" not in rows[second][0]
    assert (await place.stored("firms"))[firm][0]["staff"] == 1
    await place.back(number)
    assert (await place.stored("people"))[person][0]["firm"] == str(firm)


async def test_fields_are_split_and_combined(place: Place) -> None:
    await start(place)
    one = await place.new("people", name="Ada King Lovelace", born="x", pay=3)
    two = await place.new("people", name="Plato")
    split = {"op": "split", "path": "module/people/fields/name", "into": [
        {"type": "text", "label": "First", "takes_from": {"separator": " "}},
        {"type": "text", "label": "Last", "takes_from": {"separator": " ", "part": 1, "rest": True}}]}  # fmt: skip
    combine = {"op": "combine", "path": "module/people/fields", "data": {"type": "text", "label": "Line", "searchable": True},
               "expression": "concat(name, ' earns ', pay)", "archive": ["born"]}  # fmt: skip
    made = await place.plan(ops(split, combine))
    last, line = (made.details[f"module/people/fields/{key}"]["takes_over"] for key in ("last", "line"))
    assert (last["fits"], last["empty"], last["fails"]) == (1, 1, 0)
    assert line["records"] == 2 and line["fails"] == 0
    await place.publish(ops(split, combine))
    rows = await place.stored("people")
    assert rows[one][0]["first"] == "Ada" and rows[one][0]["last"] == "King Lovelace"
    assert rows[two][0]["first"] == "Plato" and "last" not in rows[two][0]
    assert rows[one][0]["line"] == "Ada King Lovelace earns 3"
    wrong = {**combine, "data": {"type": "text", "label": "Bad"}, "expression": "concat(name, nothing)", "archive": []}
    refused = await place.plan(ops(wrong))
    assert refused.problems[0].path == "/modules/people/fields/bad/takes_from/expression"


async def test_required_and_unique_are_tried_on_what_is_there(place: Place) -> None:
    await start(place)
    await place.new("people", name="Ann", born="a")
    await place.new("people", name="ÁNN", born="a")
    lone = await place.new("people", name="Bob")
    made = await place.plan(
        ops(
            {"op": "set", "path": "module/people/fields/name", "pointer": "/unique", "value": True},
            {"op": "set", "path": "module/people/fields/born", "pointer": "/required", "value": True},
        )
    )
    changes = {change["path"].removeprefix("module/people/fields/"): change for change in made.as_dict()["changes"]}
    assert changes["name/unique"]["records"] == 2 and changes["name/unique"]["failing"][0]["value"] == "ann"
    assert changes["name/unique"]["effect"] == "destructive"
    assert changes["born/required"]["records"] == 1
    assert changes["born/required"]["failing"] == [{"record": str(lone), "title": "Bob"}]
    rule = {
        "op": "add",
        "path": "module/people/rules",
        "data": {"name": "once", "kind": "unique", "fields": ["name", "born"]},
    }
    made = await place.plan(ops(rule))
    change = next(c for c in made.as_dict()["changes"] if c["path"].endswith("rules/once"))
    assert change["records"] == 2 and change["failing"][0]["value"] == ["ann", "a"]


async def test_work_on_values_is_taken_up_where_it_stopped(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    await start(place)
    for number in range(9):
        await place.new("people", name=str(number), born="1990-01-02", notes="n")
    made = await place.plan(
        ops(
            {"op": "retype", "path": "module/people/fields/born", "type": "date"},
            {"op": "retype", "path": "module/people/fields/notes", "type": "text"},
        )
    )
    monkeypatch.setattr(background, "BATCH", 4)
    real, calls = taking.batch, 0

    async def broken(*given: Any) -> None:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise RuntimeError("the machine went off")
        await real(*given)

    monkeypatch.setattr(taking, "batch", broken)
    with pytest.raises(RuntimeError):
        await carry_out(place.units, place.workspace, SYSTEM, made)
    assert sum("born_2" in data for data, _ in (await place.stored("people")).values()) == 4
    # Somebody works on meanwhile; what they write stays.
    ids = sorted(await place.stored("people"))
    await place.change("people", ids[-1], born="2020-02-02", pay=5)
    place.clock.move(timedelta(minutes=5))
    await run_backfill(place.units, place.workspace)
    rows = await place.stored("people")
    assert [rows[one][0]["born_2"] for one in ids] == ["1990-01-02"] * 8 + ["2020-02-02"]
    assert all(data["notes_2"] == "n" and texts["notes"] == "n" for data, texts in rows.values())


async def test_taking_back_stops_work_that_is_not_done(place: Place) -> None:
    number = await start(place)
    one = await place.new("people", name="A", level="high")
    made = await place.plan(ops({"op": "rename", "path": "module/people/fields/level/options/high", "name": "top"}))
    await background_less(place, made)
    await place.back(number)
    assert (await place.stored("people"))[one][0]["level"] == "high"
    assert await run_backfill(place.units, place.workspace) == 0


async def background_less(place: Place, made: Any) -> None:
    await publish(place.units.database, place.workspace.schema, made, SYSTEM, place.clock.now())


async def test_nothing_is_published_of_a_wrong_change(place: Place) -> None:
    number = await start(place)
    made = await place.plan(ops({"op": "retype", "path": "module/people/fields/pay", "type": "boolean"}))
    with pytest.raises(Invalid):
        await carry_out(place.units, place.workspace, SYSTEM, made)
    assert (await place.live())[0] == number


async def test_what_is_written_the_old_way_behind_the_work_is_found(place: Place) -> None:
    await start(place)
    await place.new("people", name="A", born="1990-01-02")
    await place.publish(ops({"op": "retype", "path": "module/people/fields/born", "type": "date"}))
    late = await place.insert("people", {"name": "B", "born": "1991-01-02"})
    assert await run_backfill(place.units, place.workspace) == 0
    place.clock.move(timedelta(seconds=5))
    await run_backfill(place.units, place.workspace)
    assert (await place.stored("people"))[late][0]["born_2"] == "1991-01-02"
    place.clock.move(timedelta(seconds=5))
    assert await run_backfill(place.units, place.workspace) == 0
