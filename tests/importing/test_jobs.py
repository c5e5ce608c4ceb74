"""Imports that are kept: interrupted and resumed without a row lost or doubled, claimed once, undone exactly."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

import orjson
import pytest

from tests.importing.conftest import World
from xrm_core.importing import part as part_module
from xrm_core.importing import run as run_module
from xrm_core.importing.jobs import PATIENCE, Imports
from xrm_core.importing.mapping import Mapping, read_mapping
from xrm_core.importing.reader import open_table
from xrm_core.importing.undo import undo
from xrm_core.kernel.actor import SYSTEM
from xrm_core.kernel.errors import Conflict, NotFound, Unavailable
from xrm_core.kernel.problem import Problem
from xrm_core.records import read, write
from xrm_core.storage.imports import StoredImport


def jobs(world: World) -> Imports:
    return Imports(world.units, world.workspace, world.actor)


async def added(world: World, module: str, text: str, mapping: Any = None) -> StoredImport:
    found, problems = read_mapping(mapping or {})
    assert not problems
    return await jobs(world).add(module, "list.csv", open_table(text.encode()), found, content=text.encode())


async def kept(world: World, module: str, text: str) -> UUID:
    """An import that was run; its id."""
    known = await jobs(world).claim((await added(world, module, text)).id, "running")
    await jobs(world).run(known)
    return known.id


async def test_an_interrupted_import_goes_on_where_it_was(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_module, "AT_ONCE", 5)
    text = "name,score\n" + "".join(f"P {index},{'x' if index % 7 == 0 else index}\n" for index in range(40))
    known = await added(world, "people", text)
    real, failed = part_module.Work.run, []

    async def breaks(self: Any, items: Any) -> Any:
        # The third part fails, after the fourth, which is under way at the same time, has been stored.
        if items[0].line.number == 12 and not failed:
            failed.append(True)
            await asyncio.sleep(0.3)
            raise Unavailable(Problem("database", "", "The server went away."))
        return await real(self, items)

    monkeypatch.setattr(part_module.Work, "run", breaks)
    with pytest.raises(Unavailable):
        await jobs(world).run(await jobs(world).claim(known.id, "running"))
    broken = await jobs(world).get(known.id)
    assert broken.state == "failed" and broken.position == 11 and broken.format["ahead"] == [[16, 21]]
    assert 0 < len(await world.find("people")) < 34
    with pytest.raises(Conflict):
        await jobs(world).claim(known.id, "planning")
    outcome = await jobs(world).run(await jobs(world).claim(known.id, "running"))
    done = await jobs(world).get(known.id)
    assert done.state == "done" and done.position == 41 and "ahead" not in done.format
    assert outcome.counts == done.counts and outcome.counts["created"] == 34 and outcome.counts["left_out"] == 6
    assert sorted(one["title"] for one in await world.find("people")) == sorted(f"P {i}" for i in range(40) if i % 7)
    undone = await jobs(world).undo(await jobs(world).claim(known.id, "undoing"))
    assert undone.erased == 34 and not await world.find("people")


async def test_an_import_is_claimed_once(world: World) -> None:
    known = await added(world, "groups", "name\nFriends\n")
    await jobs(world).claim(known.id, "running")
    with pytest.raises(Conflict):
        await jobs(world).claim(known.id, "running")
    with pytest.raises(Conflict):
        await jobs(world).set_mapping(known.id, {})
    world.clock.move(PATIENCE * 2)
    claimed = await jobs(world).claim(known.id, "running")  # its worker was silent for too long
    await jobs(world).run(claimed)
    assert len(await world.find("groups")) == 1


async def test_undo_erases_exactly_what_was_created(world: World) -> None:
    old = await world.new("people", name="Old Friend", email="old@x.example")
    companies = await added(world, "companies", "name,parent\nAcme,\nBeta,Acme\n")
    await jobs(world).run(await jobs(world).claim(companies.id, "running"))
    text = "name,email,company,boss,groups\nA B,a@x.example,Acme,,\nOld Friend,old@x.example,Beta,A B,\n"
    people = await added(world, "people", text, {"match": ["email"]})
    await jobs(world).run(await jobs(world).claim(people.id, "running"))
    (acme,) = await world.find("companies", "name == 'Acme'")
    friend = await world.new("people", name="Real One", company=acme["id"])
    (imported,) = await world.find("people", "email == 'a@x.example'")
    await world.new("seats", role="Chair", person=imported["id"])
    # A seat needs its person, so that person stays; companies are only named, so they go and the names with them.
    undone = await undo(world.units, world.workspace, world.actor, [people.id, companies.id])
    assert undone.erased == 2 and [(one.module, one.title) for one in undone.kept] == [("people", "A B")]
    left = {one["title"]: one for one in await world.find("people")}
    assert set(left) == {"Old Friend", "Real One", "A B"} and not await world.find("companies")
    assert left["Real One"].get("company") is None and str(friend) == left["Real One"]["id"] and str(old) == left["Old Friend"]["id"]
    assert (await undo(world.units, world.workspace, world.actor, [companies.id])).erased == 0


async def test_what_stays_keeps_what_it_needs(world: World) -> None:
    people = await kept(world, "people", "name\nA B\n")
    seats = await kept(world, "seats", "role,person\nChair,A B\nDesk,A B\n")
    (chair,) = await world.find("seats", "role == 'Chair'")
    await world.units.run(
        world.workspace, SYSTEM, lambda unit: write.update(unit, "seats", UUID(chair["id"]), {"role": "Throne"})
    )
    undone = await undo(world.units, world.workspace, world.actor, [people])
    assert undone.erased == 0 and [one.title for one in undone.kept] == ["A B"]
    undone = await undo(world.units, world.workspace, world.actor, [people, seats])
    assert undone.erased == 3 and not undone.kept


async def test_imports_of_others_do_not_exist(world: World) -> None:
    known = await added(world, "groups", "name\nFriends\n")
    assert [one.id for one in await jobs(world).newest()] == [known.id]
    other = await world.user("Other One", "other@office.example")
    world.actor = type(world.actor)(other, "Other One", ("member",), "import")
    assert await jobs(world).newest() == []
    with pytest.raises(NotFound):
        await jobs(world).get(known.id)


async def test_a_wrong_mapping_keeps_nothing(world: World) -> None:
    with pytest.raises(Exception, match="nope"):
        await added(world, "groups", "name\nFriends\n", {"columns": {"name": "nope"}})
    assert Mapping().as_json()["rest"] == "guess" and await jobs(world).newest() == []


async def test_undo_gives_changed_records_their_values_back(world: World) -> None:
    friends = await world.new("groups", name="Friends")
    for name, more in (
        ("Ada One", {"score": 10, "level": "tin", "groups": [str(friends)], "notes": "Met in May."}),
        ("Bo Two", {"score": 20}),
        ("Cy Three", {"score": 30}),
    ):
        await world.new("people", name=name, email=f"{name[:2].lower()}@x.example", phone="+49 30 1234567", **more)
    header = "name,email,score,level,phone,groups,company,notes\n"
    text = header + (
        "Ada One,ad@x.example,11,gold,,Rivals,Acme,Met in June.\n"
        "Bo Two,bo@x.example,21,gold,+49 30 7654321,,Acme,\n"
        "Cy Three,cy@x.example,31,,,,,\n"
        "Di Four,di@x.example,41,,,,,\n"
    )
    await kept(world, "groups", "name\nRivals\n")
    companies = await kept(world, "companies", "name\nAcme\n")
    people = await added(world, "people", text, {"match": ["email"]})
    outcome = await jobs(world).run(await jobs(world).claim(people.id, "running"))
    assert outcome.counts["updated"] == 3 and outcome.counts["created"] == 1
    # Somebody goes on with two of them: one value that the import wrote, and one that it did not touch.
    found = {one["title"]: UUID(one["id"]) for one in await world.find("people")}
    for name, values in (("Bo Two", {"score": 99}), ("Cy Three", {"phone": "+49 30 5555555"})):
        await world.units.run(
            world.workspace, SYSTEM, lambda unit, n=name, v=values: write.update(unit, "people", found[n], v)
        )
    undone = await undo(world.units, world.workspace, world.actor, [companies, people.id])
    assert (undone.restored, undone.erased) == (3, 2)
    (stays,) = undone.kept
    assert stays.title == "Bo Two" and "changed Score to 99" in stays.reason and "System" in stays.reason
    left = {one["title"]: one for one in await world.find("people")}
    assert set(left) == {"Ada One", "Bo Two", "Cy Three"} and not await world.find("companies")
    ada, bo, cy = left["Ada One"], left["Bo Two"], left["Cy Three"]
    assert (ada["score"], ada["level"], ada["double"]) == (10, "tin", 20) and ada.get("company") is None
    assert (bo["score"], bo.get("level"), bo["phone"], bo["double"]) == (99, None, "+49301234567", 198)
    assert (cy["score"], cy["phone"]) == (30, "+49305555555")
    members = await world.units.run(
        world.workspace, SYSTEM, lambda unit: read.get(unit, "people", found["Ada One"], fields=("notes",), expand=("groups",))
    )
    whole = orjson.loads(members.json)
    assert whole["notes"] == "Met in May."
    assert [one["title"] for one in await world.find("people", "any(groups, name == 'Friends')")] == ["Ada One"]
    assert not await world.find("people", "any(groups, name == 'Rivals')")
    again = await undo(world.units, world.workspace, world.actor, [companies, people.id])
    assert (again.restored, again.erased, again.kept) == (0, 0, [])


async def test_what_somebody_wrote_between_two_imports_comes_back(world: World) -> None:
    one = await world.new("people", name="Ada One", email="ad@x.example", score=1)

    async def imported(score: int) -> UUID:
        known = await added(world, "people", f"email,score\nad@x.example,{score}\n", {"match": ["email"]})
        await jobs(world).run(await jobs(world).claim(known.id, "running"))
        return known.id

    first = await imported(2)
    await world.units.run(world.workspace, SYSTEM, lambda unit: write.update(unit, "people", one, {"score": 3}))
    second = await imported(4)
    undone = await undo(world.units, world.workspace, world.actor, [first, second])
    assert undone.restored == 1 and not undone.kept
    assert [person["score"] for person in await world.find("people")] == [3]


async def test_a_value_that_is_taken_by_now_is_not_given_back(world: World) -> None:
    await world.new("people", name="Ada One", email="old@x.example", phone="+49 30 1234567")
    await world.new("people", name="Bo Two", email="bo@x.example", score=1)
    text = "phone,email,score,name\n+49 30 1234567,new@x.example,7,Ada One\n,bo@x.example,7,Bo Two\n"
    mapping = {"match": ["name"]}
    known = await added(world, "people", text, mapping)
    outcome = await jobs(world).run(await jobs(world).claim(known.id, "running"))
    assert outcome.counts["updated"] == 2
    await world.new("people", name="Cy Three", email="old@x.example")
    undone = await undo(world.units, world.workspace, world.actor, [known.id])
    assert undone.restored == 1 and [one.title for one in undone.kept] == ["Ada One"]
    left = {person["title"]: person for person in await world.find("people")}
    assert left["Ada One"]["email"] == "new@x.example" and left["Bo Two"]["score"] == 1
