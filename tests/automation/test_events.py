"""What follows from changes: once, in the same transaction where it must be, and never without end."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from tests.automation.conftest import Make, Office
from tests.automation.office import automation
from xrm_core.automation import match, runner
from xrm_core.automation.compiled import listeners
from xrm_core.kernel.ids import new_id
from xrm_core.records import lifecycle, stages, write
from xrm_core.records.unit import Unit

FULL = automation(
    "full",
    triggers=[{"kind": "changed", "fields": ["members_count", "seats"], "on_create": True}],
    when="members_count >= seats and stage == 'open'",
    at_once=True,
    steps=[{"do": "move", "stage": "full"}, {"do": "notify", "to": ["owner"], "text": "{{ name }} is full"}],
)
REOPEN = automation(
    "reopen",
    triggers=[{"kind": "changed", "fields": ["members_count", "seats"]}],
    when="members_count < seats and stage == 'full'",
    at_once=True,
    steps=[{"do": "move", "reason": "reopened"}],
)


async def book(office: Office, project: Any, who: str) -> Any:
    return await office.new("bookings", office.somebody, who=who, project=str(project))


async def test_a_project_that_is_full_moves_in_the_same_transaction_and_reopens(bureau: Make) -> None:
    office = await bureau(FULL, REOPEN)
    project = await office.new("projects", office.somebody, name="Choir", seats=2, owner=str(office.somebody.user_id))
    await book(office, project, "A")
    assert (await office.get("projects", project))["stage"] == "open"
    second = await book(office, project, "B")  # no worker has run
    assert (await office.get("projects", project))["stage"] == "full"
    await office.change("bookings", second, office.somebody, cancelled=True)
    assert (await office.get("projects", project))["stage"] == "open"
    assert [(run.automation_id, run.state) for run in await office.runs()] == [("full", "done"), ("reopen", "done")]
    assert [step.step for step in await office.steps((await office.runs("full"))[0])] == ["move", "notify"]


async def test_two_writers_fill_the_last_seat_and_it_is_full_once(bureau: Make) -> None:
    office = await bureau(FULL)
    for _ in range(5):
        project = await office.new("projects", office.somebody, name="Choir", seats=2)
        await asyncio.gather(book(office, project, "A"), book(office, project, "B"))
        assert (await office.get("projects", project))["stage"] == "full"
    assert [run.state for run in await office.runs()] == ["done"] * 5


async def test_the_answer_of_a_write_shows_what_an_automation_did_at_once(bureau: Make) -> None:
    office = await bureau(FULL)
    project = await office.new("projects", office.somebody, name="Choir", seats=2)
    await book(office, project, "A")
    answer = await office.change("projects", project, office.somebody, seats=1)
    assert (answer["stage"], answer["version"]) == ("full", 3)


async def test_what_fails_at_once_leaves_the_change_as_it_is(bureau: Make) -> None:
    wrong = automation("wrong", triggers=[{"kind": "changed", "fields": ["note"]}], at_once=True,
                       steps=[{"do": "create", "module": "bookings", "values": {"cancelled": True}}])  # fmt: skip
    office = await bureau(wrong)
    project = await office.new("projects", office.somebody, name="Choir")
    await office.change("projects", project, office.somebody, note="x")
    assert (await office.get("projects", project))["note"] == "x"
    run = (await office.runs())[0]
    assert run.state == "failed" and "Who" in (run.reason or "")


@pytest.mark.parametrize(
    ("trigger", "fires"),
    [
        ({"kind": "created"}, ["created"]),
        ({"kind": "changed", "fields": ["note"]}, ["note x", "note y"]),
        ({"kind": "changed", "fields": ["note"], "from": ["x"]}, ["note y"]),
        ({"kind": "changed", "fields": ["note"], "to": ["x"]}, ["note x"]),
        ({"kind": "changed", "fields": ["active"], "on_create": True}, ["created"]),
        ({"kind": "stage_entered", "stages": ["open", "running"]}, ["created", "running"]),
        ({"kind": "stage_left", "stages": ["open"]}, ["running"]),
        ({"kind": "archived"}, ["archived"]),
    ],
)
async def test_each_trigger_fires_when_it_should_and_only_then(bureau: Make, trigger: Any, fires: list[str]) -> None:
    office = await bureau(automation("x", triggers=[trigger], steps=[{"do": "stop"}]))
    seen: list[str] = []

    async def look(what: str) -> None:
        before = len(await office.runs())
        if before > sum(1 for _ in seen):
            seen.append(what)

    project = await office.new("projects", office.somebody, name="A")
    await look("created")
    await office.change("projects", project, office.somebody, note="x")
    await look("note x")
    await office.change("projects", project, office.somebody, note="y")
    await look("note y")
    await office.run(lambda unit: stages.move(unit, "projects", project, "running"), office.somebody)
    await look("running")
    await office.archive("projects", project)  # by the system: sets nothing going
    if fires == ["archived"]:
        assert seen == []
        await office.restore("projects", project)
        await office.run(lambda unit: lifecycle.archive(unit, "projects", project), office.somebody)
    await look("archived")
    assert seen == fires


async def test_conditions_know_the_record_as_it_was_and_what_is_linked(bureau: Make) -> None:
    office = await bureau(
        automation("more", triggers=[{"kind": "changed", "fields": ["count"]}], when="count > before.count and client.name == 'Acme'",
                   steps=[{"do": "update", "values": {"note": "{{ before.count }} -> {{ count }}"}}]),
        automation("busy", triggers=[{"kind": "changed", "fields": ["count"]}], when="any(tasks, not done)",
                   steps=[{"do": "update", "of": "tasks", "where": "not done", "values": {"done": True}}]),
    )  # fmt: skip
    client = await office.new("clients", office.somebody, name="Acme")
    project = await office.new("projects", office.somebody, name="A", client=str(client), count=5)
    await office.change("projects", project, office.somebody, count=4)
    await office.change("projects", project, office.somebody, count=7)
    await office.work()
    task = await office.new("tasks", office.somebody, title_text="T", about={"module": "projects", "id": str(project)})
    await office.change("projects", project, office.somebody, count=3)
    await office.work()
    assert (await office.get("projects", project))["note"] == "4 -> 7"
    assert (await office.get("tasks", task))["done"] is True
    assert [(run.automation_id, run.state) for run in await office.runs()] == [("more", "done"), ("busy", "done")]


async def test_it_runs_once_however_many_workers_look(bureau: Make) -> None:
    office = await bureau(automation("x", triggers=[{"kind": "created"}], steps=[
        {"do": "update", "values": {"count": "count + 1"}}, {"do": "update", "values": {"count": "count + 1"}}]))  # fmt: skip
    for number in range(20):
        await office.new("projects", office.somebody, name=f"P{number}")
    await asyncio.gather(*(office.work() for _ in range(3)))
    assert [one["count"] for one in await office.find("projects")] == [2] * 20
    assert await office.work() == 0


async def test_a_loop_that_no_check_could_see_ends(bureau: Make) -> None:
    # Each sets the other going through a computed value, which nobody sees before.
    up = automation("up", triggers=[{"kind": "changed", "fields": ["members_count"]}],
                    steps=[{"do": "create", "module": "bookings", "values": {"who": "'again'", "project": "id"}}])  # fmt: skip
    office = await bureau(up)
    project = await office.new("projects", office.somebody, name="A")
    await book(office, project, "first")
    for _ in range(10):
        await office.work()
    runs = await office.runs()
    assert [run.state for run in runs] == ["done", "done", "suppressed"]
    assert runs[-1].reason == "loop"


async def test_once_per_values(bureau: Make) -> None:
    office = await bureau(automation("x", triggers=[{"kind": "changed", "fields": ["note", "starts_on"]}],
                                     once_per=["starts_on"], steps=[{"do": "stop"}]))  # fmt: skip
    project = await office.new("projects", office.somebody, name="A", starts_on="2026-05-01")
    for note in "abc":
        await office.change("projects", project, office.somebody, note=note)
    await office.change("projects", project, office.somebody, starts_on="2026-05-02")
    assert len(await office.runs()) == 2


async def test_waits_branches_and_exits(bureau: Make) -> None:
    office = await bureau(automation("x", triggers=[{"kind": "created"}], exit_when="stage == 'lost'", steps=[
        {"do": "mail", "to": ["mail"], "subject": "Hello {{ name }}", "text": "First"},
        {"do": "wait", "for": {"value": 3, "unit": "days"}, "at": "09:00"},
        {"do": "branch", "if": "last_call == none", "then": [{"do": "task", "title": "Call {{ name }}"}],
         "else": [{"do": "stop", "reason": "called"}]},
        {"do": "wait", "until_true": "count > 0", "for": {"value": 5, "unit": "days"}},
        {"do": "mail", "to": ["mail"], "subject": "Again", "text": "Second"}]))  # fmt: skip
    quiet = await office.new("projects", office.somebody, name="Quiet", mail="quiet@example.org")
    called = await office.new("projects", office.somebody, name="Called", mail="called@example.org", last_call="2026-03-31T10:00:00Z")
    lost = await office.new("projects", office.somebody, name="Lost", mail="lost@example.org")
    await office.work()
    assert [mail["to"][0]["address"] for mail in await office.outbox()] == ["quiet@example.org", "called@example.org", "lost@example.org"]
    await office.run(lambda unit: stages.move(unit, "projects", lost, "lost"), office.somebody)
    await office.pass_time(days=2, hours=23)
    assert await office.find("tasks") == []
    await office.pass_time(days=1)
    assert [task["title"] for task in await office.find("tasks")] == ["Call Quiet"]
    states = {run.record_id: (run.state, run.reason) for run in await office.runs()}
    assert states == {quiet: ("waiting", None), called: ("done", "stopped"), lost: ("done", "exit")}
    await office.change("projects", quiet, office.somebody, count=1)
    await office.pass_time(minutes=6)
    assert [mail["subject"] for mail in await office.outbox()][-1] == "Again"
    assert {run.state for run in await office.runs()} == {"done"}


async def test_runs_go_on_with_the_steps_they_began_with(bureau: Make) -> None:
    def two(second: str) -> Any:
        return automation("x", triggers=[{"kind": "created"}], steps=[
            {"do": "wait", "for": {"value": 1, "unit": "days"}}, {"do": "update", "values": {"note": f"'{second}'"}}])  # fmt: skip

    office = await bureau(two("old"))
    first = await office.new("projects", office.somebody, name="A")
    await office.work()
    await office.publish(two("new"))
    second = await office.new("projects", office.somebody, name="B")
    await office.work()
    await office.pass_time(days=1, hours=1)
    assert (await office.get("projects", first))["note"] == "old"
    assert (await office.get("projects", second))["note"] == "new"


async def test_imports_and_the_system_set_nothing_going(bureau: Make) -> None:
    office = await bureau(automation("x", triggers=[{"kind": "created"}], steps=[{"do": "stop"}]))
    await office.run(lambda unit: write.create(unit, "projects", {"name": "A"}))
    assert await office.runs() == []


async def test_people_are_assigned_in_turn_or_by_load(bureau: Make) -> None:
    office = await bureau(
        automation("turn", triggers=[{"kind": "created"}], steps=[{"do": "assign", "role": "clerk"}]),
        automation("load", triggers=[{"kind": "changed", "fields": ["note"]}],
                   steps=[{"do": "assign", "role": "clerk", "by": "least_loaded"}]),
    )  # fmt: skip
    clerks = sorted(new_id() for _ in range(3))
    await office.members(*clerks)
    made = [await office.new("projects", office.somebody, name=f"P{n}") for n in range(6)]
    await office.work()
    owners = [(await office.get("projects", one))["owner"] for one in made]
    ids = [owner["id"] if isinstance(owner, dict) else owner for owner in owners]
    assert sorted(ids) == sorted(str(one) for one in clerks * 2)


async def test_a_rate_that_is_too_high_waits_for_somebody(bureau: Make) -> None:
    office = await bureau(automation("x", triggers=[{"kind": "created"}], limits={"runs_per_hour": 3}, steps=[{"do": "stop"}]))
    for number in range(5):
        await office.new("projects", office.somebody, name=f"P{number}")
    await office.work()
    assert sorted(run.state for run in await office.runs()) == ["asked", "asked", "done", "done", "done"]
    asked = [run for run in await office.runs() if run.state == "asked"]
    await office.run(lambda unit: runner.decide(unit, asked[0].id, run=True), office.somebody)
    await office.run(lambda unit: runner.decide(unit, asked[1].id, run=False), office.somebody)
    await office.work()
    assert sorted((run.state, run.reason) for run in await office.runs() if run.id in {a.id for a in asked}) == [
        ("done", "stopped"), ("suppressed", "declined")]  # fmt: skip


async def test_marketing_respects_consent_limits_and_quiet_hours(bureau: Make) -> None:
    office = await bureau(automation("x", triggers=[{"kind": "created"}], quiet={"from": "20:00", "to": "08:00", "weekends": True},
        limits={"per_person": 2, "per_days": 7}, steps=[{"do": "mail", "to": ["client.email"], "subject": "News", "text": "Hello",
        "purpose": "marketing", "allowed_when": "not client.opted_out"}]))  # fmt: skip
    client = await office.new("clients", office.somebody, name="Acme", email="boss@acme.example")
    out = await office.new("clients", office.somebody, name="Out", email="out@acme.example", opted_out=True)
    office.clock.move(timedelta(hours=12))  # Tuesday 21:30
    for owner in (client, client, client, out):
        await office.new("projects", office.somebody, name="P", client=str(owner))
    await office.work()
    assert await office.outbox() == []
    await office.pass_time(hours=11)  # Wednesday 08:30
    mails = await office.outbox()
    assert [mail["to"][0]["address"] for mail in mails] == ["boss@acme.example"] * 2
    assert {mail["category"] for mail in mails} == {"marketing"}
    reasons = [[step.state for step in await office.steps(run)] for run in await office.runs()]
    assert sorted(reasons) == [["put_off", "done"], ["put_off", "done"], ["put_off", "suppressed"], ["put_off", "suppressed"]]


async def test_a_reply_ends_a_sequence_and_sets_going_what_waits_for_one(bureau: Make) -> None:
    sequence = automation("sequence", exit_on_reply=True, triggers=[{"kind": "button"}], steps=[
        {"do": "mail", "to": ["mail"], "subject": "One", "text": "x"}, {"do": "wait", "for": {"value": 7, "unit": "days"}},
        {"do": "mail", "to": ["mail"], "subject": "Two", "text": "x"}])  # fmt: skip
    office = await bureau(sequence, automation("received", triggers=[{"kind": "mail_received"}], steps=[
        {"do": "update", "values": {"note": "'They wrote'"}}]))  # fmt: skip
    replied = await office.new("projects", office.somebody, name="A", mail="a@example.org")
    silent = await office.new("projects", office.somebody, name="B", mail="b@example.org")

    async def begin(unit: Unit) -> None:
        for one in (replied, silent):
            await match.start(unit, await unit.transaction(), listeners(unit.catalog).by_id["sequence"], one)

    await office.run(begin, office.somebody)
    await office.work()
    await office.pass_time(days=2)

    async def reply(unit: Unit) -> None:
        assert unit.reactions is not None
        module = unit.module("projects")
        await unit.reactions.told(unit, await unit.transaction(), module, [replied], "mail_received", {"subject": "Re: One"})

    await office.run(reply)
    await office.work()
    assert (await office.get("projects", replied))["note"] == "They wrote"
    await office.pass_time(days=6)
    assert [mail["to"][0]["address"] for mail in await office.outbox() if mail["subject"] == "Two"] == ["b@example.org"]
    assert {(run.record_id, run.reason) for run in await office.runs("sequence")} == {(replied, "reply"), (silent, None)}
