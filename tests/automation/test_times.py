"""What follows from the calendar: due rows that move with their dates, and are delivered once, late or not at all with a reason."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.automation.conftest import Make, Office
from tests.automation.office import automation
from xrm_core.automation import runner
from xrm_core.records import stages
from xrm_core.storage import occurrences as store

CHECK = automation(
    "check",
    triggers=[{"kind": "date", "field": "starts_on", "at": "09:00", "again": False,
               "offsets": [{"value": 30, "unit": "days"}, {"value": 60, "unit": "days"}]}],
    when="active",
    steps=[{"do": "task", "title": "Check in: {{ name }}"}],
)  # fmt: skip


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


async def states(office: Office, name: str | None = None) -> list[tuple[str, str, str | None]]:
    return [(run.due_at.strftime("%m-%d"), run.state, run.reason) for run in await office.runs(name)]


async def test_a_date_that_moves_moves_what_is_due(bureau: Make) -> None:
    office = await bureau(CHECK)
    project = await office.new("projects", office.somebody, name="A", starts_on="2026-04-10")
    assert await states(office) == [("05-10", "due", None), ("06-09", "due", None)]
    await office.change("projects", project, office.somebody, starts_on="2026-04-20")
    assert await states(office) == [("05-20", "due", None), ("06-19", "due", None)]
    await office.until(at("2026-05-10T12:00"))
    assert await office.find("tasks") == []
    await office.until(at("2026-05-20T12:00"))
    await office.change("projects", project, office.somebody, starts_on="2026-05-01")
    assert await states(office) == [("05-20", "done", None), ("06-30", "due", None)]
    await office.until(at("2026-07-10T12:00"))
    assert len(await office.find("tasks")) == 2


async def test_a_date_that_goes_away_and_comes_back(bureau: Make) -> None:
    office = await bureau(CHECK)
    project = await office.new("projects", office.somebody, name="A", starts_on="2026-04-10")
    await office.change("projects", project, office.somebody, starts_on=None)
    assert {state for _, state, _ in await states(office)} == {"cancelled"}
    await office.archive("projects", project)
    await office.change("projects", project, office.somebody, starts_on="2026-04-11")
    await office.restore("projects", project)
    assert await states(office) == [("05-11", "due", None), ("06-10", "due", None)]
    await office.archive("projects", project)
    assert await states(office) == [("05-11", "cancelled", "archived"), ("06-10", "cancelled", "archived")]
    await office.erase("projects", project)
    await office.until(at("2026-08-01T12:00"))
    assert await office.find("tasks") == []


async def test_a_condition_that_does_not_hold_any_more_is_the_reason(bureau: Make) -> None:
    office = await bureau(CHECK)
    project = await office.new("projects", office.somebody, name="A", starts_on="2026-04-10")
    await office.change("projects", project, office.somebody, active=False)
    await office.until(at("2026-05-10T12:00"))
    assert (await states(office))[0] == ("05-10", "suppressed", "condition")


async def test_what_lies_behind_when_it_is_stored_is_past(bureau: Make) -> None:
    office = await bureau(CHECK)
    await office.new("projects", office.somebody, name="A", starts_on="2026-02-10")
    assert await states(office) == [("03-12", "suppressed", "past"), ("04-11", "due", None)]


@pytest.mark.parametrize(
    ("late", "expected"),
    [
        ({"policy": "run"}, ("done", None, True)),
        ({"policy": "skip", "after": {"value": 2, "unit": "days"}}, ("suppressed", "too_late", True)),
        ({"policy": "skip", "after": {"value": 20, "unit": "days"}}, ("done", None, True)),
        ({"policy": "ask", "after": {"value": 2, "unit": "days"}}, ("asked", "late", True)),
    ],
)
async def test_after_an_outage_it_catches_up_once_as_it_should(bureau: Make, late: Any, expected: Any) -> None:
    office = await bureau(CHECK.model_copy(update={"late": type(CHECK.late).model_validate(late)}))
    await office.new("projects", office.somebody, name="A", starts_on="2026-04-10")
    await office.until(at("2026-05-15T12:00"))
    await office.work()
    run = (await office.runs())[0]
    assert (run.state, run.reason, run.late) == expected
    if run.state == "asked":
        await office.run(lambda unit: runner.decide(unit, run.id, run=True), office.somebody)
        await office.work()
        assert (await office.runs())[0].state == "done"


async def test_again_and_again_counts_from_the_last_time(bureau: Make) -> None:
    office = await bureau(automation("nurture", triggers=[{"kind": "every", "every": {"value": 90, "unit": "days"},
                                     "since": ["last_call", "created_at"]}], steps=[{"do": "update", "values": {"count": "count + 1"}}]))  # fmt: skip
    project = await office.new("projects", office.somebody, name="A")  # 31 March
    await office.until(at("2026-06-20T12:00"))
    await office.change("projects", project, office.somebody, last_call="2026-06-10T10:00:00Z")
    await office.until(at("2026-07-20T12:00"))
    assert (await office.get("projects", project))["count"] == 0
    await office.until(at("2026-09-08T12:00"))
    assert (await office.get("projects", project))["count"] == 1
    await office.until(at("2026-12-08T12:00"))
    assert (await office.get("projects", project))["count"] == 2
    await office.until(at("2027-12-08T12:00"))  # four were missed: one is done
    await office.work()
    assert (await office.get("projects", project))["count"] == 3
    reasons = [run.reason for run in await office.runs() if run.due_at > at("2026-12-10T00:00")]
    assert reasons.count("superseded") == 3


async def test_stuck_in_a_stage(bureau: Make) -> None:
    office = await bureau(automation("stuck", triggers=[{"kind": "stuck", "stages": {"open": {"value": 5, "unit": "days"},
        "running": {"value": 2, "unit": "business_days"}}}], steps=[{"do": "update", "values": {"note": "stage"}}]))  # fmt: skip
    slow = await office.new("projects", office.somebody, name="Slow")
    quick = await office.new("projects", office.somebody, name="Quick")
    await office.run(lambda unit: stages.move(unit, "projects", quick, "full"), office.somebody)
    await office.pass_time(days=5, minutes=1)
    assert (await office.get("projects", slow))["note"] == "open"
    assert (await office.get("projects", quick)).get("note") is None
    await office.run(lambda unit: stages.move(unit, "projects", slow, "running"), office.somebody)
    await office.pass_time(days=3)
    assert (await office.get("projects", slow))["note"] == "running"
    assert len([run for run in await office.runs() if run.state == "done"]) == 2


async def test_the_calendar_sets_going_once_or_for_each_record(bureau: Make) -> None:
    office = await bureau(
        automation("weekly", module=None, triggers=[{"kind": "cron", "at": ["07:00"], "weekdays": ["monday"]}],
                   steps=[{"do": "mail", "to": ["role:admin"], "subject": "The week", "text": "Numbers",
                           "tables": [{"label": "Projects", "module": "projects", "group_by": "owner"}], "skip_empty": True}]),
        automation("daily", triggers=[{"kind": "cron", "at": ["06:00"]}], when="active",
                   steps=[{"do": "update", "values": {"count": "count + 1"}}]),
    )  # fmt: skip
    await office.until(at("2026-04-06T12:00"))
    assert await office.outbox() == []  # no projects yet
    mine = await office.new("projects", office.somebody, name="A", owner=str(office.somebody.user_id))
    other = await office.new("projects", office.somebody, name="B", active=False)
    await office.until(at("2026-04-13T12:00"))
    assert [mail["text"] for mail in await office.outbox()] == ["Numbers\n\nProjects: 2\n    Kim: 2\n"]
    assert (await office.get("projects", mine))["count"] == 1
    assert (await office.get("projects", other))["count"] == 0
    await office.until(at("2026-04-14T12:00"))
    assert (await office.get("projects", mine))["count"] == 2


async def test_switching_on_arms_what_is_there_and_switching_off_cancels(bureau: Make) -> None:
    off = CHECK.model_copy(update={"state": "draft"})
    office = await bureau(off)
    for number in range(7):
        await office.new("projects", office.somebody, name=f"P{number}", starts_on="2026-04-10")
    assert await office.runs() == []
    await office.publish(CHECK)
    assert len(await office.runs()) == 14
    await office.publish(off)
    assert {state for _, state, _ in await states(office)} == {"cancelled"}
    await office.publish(CHECK)
    assert {state for _, state, _ in await states(office)} == {"due"}
    assert len(await office.runs()) == 14
    other = CHECK.model_copy(update={"triggers": (CHECK.triggers[0].model_copy(update={"at": "10:00"}),)})
    await office.publish(other)
    due = [run for run in await office.runs() if run.state == "due"]
    assert len(due) == 14 and {run.due_at.hour for run in due} == {8}


async def test_what_is_due_is_found_by_an_index(bureau: Make) -> None:
    office = await bureau(CHECK)
    for number in range(30):
        await office.new("projects", office.somebody, name=f"P{number}", starts_on=f"2026-05-{number + 1:02}")
    schema = office.workspace.schema
    async with office.units.database.writing() as connection:
        await connection.execute(f"analyze {schema}.occurrence")
        cursor = await connection.execute(
            f"explain select o.id from {schema}.occurrence o where o.next_at <= '2026-04-02T00:00:00Z'::timestamptz "
            "order by o.next_at, o.id limit 20"
        )
        plan = "\n".join(row[0] for row in await cursor.fetchall())
        assert await store.overdue(connection, schema, at("2027-01-01T00:00")) != []
    assert "occurrence_next" in plan, plan


async def test_runs_forget_what_they_knew_of_erased_records(bureau: Make) -> None:
    office = await bureau(CHECK, automation("renamed", triggers=[{"kind": "changed", "fields": ["name"]}], when="before.name != name",
                                            steps=[{"do": "notify", "to": ["owner"], "text": "{{ before.name }} is {{ name }}"}]))  # fmt: skip
    project = await office.new("projects", office.somebody, name="Secret", starts_on="2026-04-10")
    await office.change("projects", project, office.somebody, name="Other")
    await office.work()
    run = (await office.runs("renamed"))[0]
    assert run.context["before"]["name"] == "Secret" and await office.steps(run)
    await office.erase("projects", project)
    run = (await office.runs("renamed"))[0]
    assert run.context == {} and await office.steps(run) == [] and run.state == "done"
    assert {(one.state, one.reason) for one in await office.runs("check")} == {("cancelled", "erased")}
