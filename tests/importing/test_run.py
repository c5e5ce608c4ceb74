"""Importing: values, links, problems by row and column, dry runs that tell the same, matching, resuming."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from tests.importing.conftest import World, problems_of
from xrm_core.importing import run as run_module
from xrm_core.kernel.actor import Actor
from xrm_core.kernel.errors import Forbidden, Invalid
from xrm_core.records import timeline

PEOPLE = """First name;Last name;E-Mail;Phone;Born on;Level;Tags;Notes
Jürgen;Groß;j.gross@one.example;+49 30 9018 2000;31.12.1980;Golden;"big, new";"two
lines"
José;Núñez;JOSE@two.example;020 7946 0000;1990-02-03;tin;a|b;
;;;;;;;
Ann;Lee;;;;;;
"""


async def test_values_are_read_like_people_write_them(world: World) -> None:
    outcome = await world.load("people", PEOPLE, {"columns": {"Born on": "born_on"}})
    assert outcome.counts["created"] == 3 and outcome.counts["left_out"] == 0 and outcome.counts["rows"] == 3
    by_name = {one["title"]: one for one in await world.find("people")}
    found = by_name["Jürgen Groß"]
    assert found["name"] == {"first": "Jürgen", "last": "Groß", "full": "Jürgen Groß"}
    assert found["email"] == "j.gross@one.example" and found["phone"] == "+493090182000" and found["born_on"] == "1980-12-31"
    assert found["level"] == "gold" and found["tags"] == ["big", "new"] and found["double"] == 10 and found["stage"] == "open"
    assert by_name["José Núñez"]["email"] == "jose@two.example" and by_name["José Núñez"]["phone"] == "+442079460000"
    assert by_name["Ann Lee"].get("email") is None


async def test_events_tell_that_it_was_an_import(world: World) -> None:
    await world.load("groups", "name\nFriends\n")
    group = UUID((await world.find("groups"))[0]["id"])
    history = await world.units.run(world.workspace, world.actor, lambda unit: timeline.history(unit, "groups", group))
    assert history["data"][0]["actor"]["kind"] == "import" and history["data"][0]["actor"]["name"] == "Mary Importer"


async def test_every_problem_has_row_column_and_hint(world: World) -> None:
    text = (
        "name,email,born_on,level,score\n"
        "Ann Lee,ann@one.example,2001-01-01,gold,1\n"
        "Bob Ray,not an address,31.2.2001,bronze,1000\n"
        ",cid@one.example,,,\n"
        "Dan Poe,dan@one.example,2999-01-01,,\n"
        "Eve Fox,ANN@one.example,,,\n"
        "Flo Kay,flo@one.example\n"
    )
    expected = [
        (3, "email", "email"), (3, "born_on", "date"), (3, "level", "option"), (3, "score", "range"),
        (4, "name", "required"), (5, "born_on", "rule:born_before_today"), (6, "email", "unique"), (7, "", "columns"),
    ]  # fmt: skip
    for dry in (True, False):
        outcome = await world.load("people", text, dry=dry)
        found = problems_of(outcome)
        assert sorted((row, column) for row, column, _ in found) == sorted((row, column) for row, column, _ in expected)
        assert {(3, "email", "email"), *expected[4:]} <= set(found)
        assert outcome.counts["created"] == 1 and outcome.counts["left_out"] == 5
        assert all(problem.message for row in outcome.rows for problem in row.problems)
        assert len(await world.find("people")) == (0 if dry else 1)


async def test_a_dry_run_tells_what_a_run_does(world: World) -> None:
    await world.new("people", name="Old One", email="old@x.example")
    text = "name,email,boss\nNew One,new@x.example,Later Boss\nTwice,new@x.example,\nTaken,old@x.example,\nLater Boss,boss@x.example,\nLost,lost@x.example,Nobody\n"
    dry = await world.load("people", text, dry=True)
    real = await world.load("people", text)
    assert dry.counts == real.counts and problems_of(dry) == problems_of(real)
    assert real.counts["created"] == 3 and real.counts["left_out"] == 2 and real.counts["warnings"] == 1
    found = {one["title"]: one for one in await world.find("people")}
    assert found["New One"]["boss"]["title"] == "Later Boss" and found["Lost"].get("boss") is None


async def test_links_are_found_by_field_title_mail_key_and_id(world: World) -> None:
    acme = await world.new("companies", name="Acme Ltd", domain="acme.example")
    await world.new("companies", name="Zeta", domain="zeta.example")
    await world.new("people", name="Big Boss", email="boss@acme.example")
    await world.new("groups", name="Friends")
    await world.new("groups", name="Guests")
    text = (
        "name,company,boss,groups\n"
        "A One,acme ltd,boss@acme.example,Friends|Guests\n"
        f"B Two,{acme},Big Boss,friends\n"
        "C Three,Nowhere,,\n"
    )
    outcome = await world.load("people", text)
    assert problems_of(outcome) == [(4, "company", "unresolved")]
    found = {one["title"]: one for one in await world.find("people")}
    assert found["A One"]["company"]["title"] == "Acme Ltd" and found["B Two"]["company"]["id"] == str(acme)
    assert found["A One"]["boss"]["title"] == found["B Two"]["boss"]["title"] == "Big Boss"
    linked = await world.find("people", "any(groups, name == 'Guests')")
    assert [one["title"] for one in linked] == ["A One"]
    companies = {one["name"]: one for one in await world.find("companies")}
    assert companies["Acme Ltd"]["people_count"] == 2
    outcome = await world.load("people", "name,firm\nD Four,zeta.example\nE Five,no.example\n", {
        "columns": {"firm": "company.domain"}, "unresolved": "without"})  # fmt: skip
    assert outcome.counts["created"] == 2 and problems_of(outcome) == [(3, "firm", "unresolved")]


async def test_several_records_that_fit_are_a_problem(world: World) -> None:
    for _ in range(2):
        await world.new("companies", name="Twin")
    outcome = await world.load("people", "name,company\nA B,Twin\n")
    assert problems_of(outcome) == [(2, "company", "unresolved")]
    assert "Several" in outcome.rows[0].problems[0].message


async def test_users_are_found_by_mail_and_name(world: World) -> None:
    ann = await world.user("Ann Adviser", "ann@office.example")
    text = "name,adviser,helpers,owner\nA B,ANN@office.example,Ann Adviser; mary@office.example,ann adviser\nC D,Nobody,,\n"
    outcome = await world.load("people", text)
    assert problems_of(outcome) == [(3, "adviser", "unresolved")]
    found = (await world.find("people"))[0]
    assert str(ann) in str(found["adviser"]) and str(ann) in str(found["owner"]) and len(found["helpers"]) == 2


async def test_constants_and_values_that_stand_for_others(world: World) -> None:
    await world.new("companies", name="Acme", domain="acme.example")
    outcome = await world.load("people", "name,lvl\nA B,1\nC D,2\nE F,9\n", {
        "columns": {"lvl": "level"}, "values": {"lvl": {"1": "gold", "*": "tin"}},
        "constants": {"company.domain": "acme.example", "stage": "Offen", "score": "7"}})  # fmt: skip
    assert outcome.counts["created"] == 3
    found = {one["title"]: one for one in await world.find("people")}
    assert [found[name]["level"] for name in ("A B", "C D", "E F")] == ["gold", "tin", "tin"]
    assert all(one["company"]["title"] == "Acme" and one["score"] == 7 for one in found.values())


async def test_matching_changes_the_records_there_are(world: World) -> None:
    await world.load("people", "name,email,score\nA B,a@x.example,1\nC D,c@x.example,2\n")
    text = "name,email,score,tags\nA Bee,A@X.example,,new\nE F,e@x.example,3,\nE F,e@x.example,4,\nC D,c@x.example,2,\n"
    for dry in (True, False):
        outcome = await world.load("people", text, {"match": ["email"]}, dry=dry)
        assert outcome.counts["created"] == 1 and outcome.counts["left_out"] == 0, problems_of(outcome)
        assert outcome.counts["updated"] + outcome.counts["unchanged"] == 3
    found = {one["email"]: one for one in await world.find("people")}
    assert len(found) == 3
    assert found["a@x.example"]["title"] == "A Bee" and found["a@x.example"]["score"] == 1 and found["a@x.example"]["tags"] == ["new"]
    assert found["e@x.example"]["score"] == 4
    outcome = await world.load("people", text, {"match": ["email"], "empty": "clear"})
    found = {one["email"]: one for one in await world.find("people")}
    assert found["a@x.example"].get("score") is None
    outcome = await world.load("people", "name,email\nZ,a@x.example\nY,y@x.example\n", {"match": ["email"], "existing": "skip"})
    assert outcome.counts["skipped"] == 1 and outcome.counts["created"] == 1
    outcome = await world.load("people", "name,email\nZ,z@x.example\n", {"match": ["email"], "missing": "skip"})
    assert problems_of(outcome) == [(2, "email", "not_found")]


async def test_keys_of_another_system_match_and_link(world: World) -> None:
    company = {"columns": {"id": "external_id"}, "source": "old"}
    await world.load("companies", "id,name\n17,Acme\n18,Zeta\n", company)
    again = await world.load("companies", "id,name\n17,Acme Ltd\n19,Beta\n", company)
    assert again.counts["updated"] == 1 and again.counts["created"] == 1
    text = "id,name,company_id,boss_id\n1,A B,17,2\n2,C D,18,\n3,E F,99,\n"
    people = {"columns": {"id": "external_id", "company_id": "company.external_id", "boss_id": "boss.external_id"}, "source": "old"}
    outcome = await world.load("people", text, people)
    assert problems_of(outcome) == [(4, "company_id", "unresolved")]
    found = {one["title"]: one for one in await world.find("people")}
    assert found["A B"]["company"]["title"] == "Acme Ltd" and found["A B"]["boss"]["title"] == "C D"
    other = await world.load("people", "name,company_id\nG H,17\n", {"columns": {"company_id": "company.external_id"}, "source": "new"})
    assert other.counts["left_out"] == 1


async def test_stages_with_requirements_and_reasons(world: World) -> None:
    text = "name,email,status,why\nA B,a@x.example,Active,\nC D,,active,\nE F,,Gone,moved\nG H,,gone,\nI J,,nowhere,\n"
    outcome = await world.load("people", text, {"columns": {"why": "stage_reason"}})
    assert sorted(problems_of(outcome)) == [(3, "email", "required"), (5, "why", "reason"), (6, "status", "unknown_stage")]
    assert {one["stage"] for one in await world.find("people")} == {"active", "gone"}


async def test_records_take_their_place_in_time(world: World) -> None:
    await world.load("people", "name,created\nA B,2019-05-04 10:00\n", {"columns": {"created": "created_at"}})
    found = (await world.find("people"))[0]
    assert found["created_at"].startswith("2019-05-04T08:00") and found["stage_entered_at"] == found["created_at"]


async def test_ragged_rows_may_be_filled(world: World) -> None:
    outcome = await world.load("people", "name,email,score\nA B,a@x.example\n", {"ragged": "fill"})
    assert outcome.counts["created"] == 1


async def test_what_a_role_may_not_do_is_refused(world: World) -> None:
    world.actor = Actor(None, "Viewer", ("viewer",), "import")
    with pytest.raises(Forbidden):
        await world.load("people", "name\nA B\n")


async def test_unknown_modules_and_headers(world: World) -> None:
    with pytest.raises(Invalid) as caught:
        await world.load("people", "foo,bar\n1,2\n")
    assert caught.value.problems[0].code == "nothing_mapped"


async def test_many_parts_are_like_one(world: World, monkeypatch: pytest.MonkeyPatch, statements: Any) -> None:
    monkeypatch.setattr(run_module, "AT_ONCE", 7)
    await world.new("companies", name="Acme", domain="acme.example")
    rows = "".join(f"P {index},p{index % 45}@x.example,Acme,P {index + 3}\n" for index in range(50))
    outcome = await world.load("people", "name,email,company,boss\n" + rows)
    assert outcome.counts["created"] == 45 and outcome.counts["left_out"] == 5
    found = {one["title"]: one for one in await world.find("people")}
    assert found["P 0"]["boss"]["title"] == "P 3" and (await world.find("companies"))[0]["people_count"] == 45


async def test_no_statement_per_row(world: World, statements: Any) -> None:
    await world.new("companies", name="Acme", domain="acme.example")

    async def count(rows: int, prefix: str) -> int:
        text = "name,email,company,score\n" + "".join(
            f"{prefix} {index},{prefix}{index}@x.example,Acme,{index % 100}\n" for index in range(rows)
        )
        with statements.counting() as sent:
            outcome = await world.load("people", text, {"match": ["email"]})
        assert outcome.counts["created"] == rows
        return int(sent.count)

    await count(2, "w")
    assert await count(200, "b") - await count(20, "a") <= 2
