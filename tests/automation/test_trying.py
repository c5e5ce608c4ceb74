"""Trying before switching on: with a record, and over the past; nothing is written or sent."""

from __future__ import annotations

import random
from datetime import timedelta
from uuid import UUID

import pytest

from tests.automation.conftest import Make, Office
from tests.automation.office import automation
from xrm_core.automation.backtest import backtest
from xrm_core.automation.trying import with_record
from xrm_core.kernel.actor import SYSTEM
from xrm_core.kernel.errors import Invalid
from xrm_core.records import stages

WELCOME = automation(
    "welcome", state="draft", triggers=[{"kind": "created"}], when="active", steps=[
        {"do": "mail", "to": ["client.email"], "subject": "Welcome to {{ name }}", "text": "Dear {{ client.name }}, see you.",
         "texts": {"de": "Guten Tag {{ client.name }}."}, "language": "client.language"},
        {"do": "wait", "for": {"value": 3, "unit": "days"}},
        {"do": "branch", "if": "count > 0", "then": [{"do": "stop"}], "else": [{"do": "update", "values": {"count": 5}}]},
        {"do": "task", "title": "Look after {{ name }}"},
        {"do": "webhook", "url": "https://example.org/hook", "body": {"count": "count"}},
    ])  # fmt: skip


async def fingerprint(office: Office) -> list[tuple[str, str]]:
    """Everything that the workspace's tables hold."""
    async with office.units.database.writing() as connection:
        cursor = await connection.execute(
            "select c.relname::text from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace "
            "where n.nspname = %s and c.relkind = 'r' order by 1",
            [office.workspace.schema],
        )
        found = []
        for (name,) in await cursor.fetchall():
            rows = await connection.execute(
                f"select md5(coalesce(string_agg(t::text, '|' order by t::text), '')) from {office.workspace.schema}.{name} t"
            )
            row = await rows.fetchone()
            found.append((name, row[0] if row else ""))
        return found


async def test_with_a_record_everything_is_shown_and_nothing_is_kept(bureau: Make) -> None:
    office = await bureau(
        WELCOME,
        automation("follower", triggers=[{"kind": "changed", "fields": ["count"]}], steps=[{"do": "stop"}]),
    )
    client = await office.new("clients", office.somebody, name="Acme", email="boss@acme.example", language="de")
    project = await office.new("projects", office.somebody, name="Tower", client=str(client))
    before = await fingerprint(office)
    found = await with_record(office.units, office.workspace, office.somebody, WELCOME, project)
    assert await fingerprint(office) == before
    assert found["condition"] is True
    assert [(step["step"], step["state"]) for step in found["steps"]] == [
        ("mail", "done"), ("wait", "waiting"), ("branch", "no"), ("update", "done"), ("task", "done"), ("webhook", "done")]  # fmt: skip
    assert found["steps"][0]["mail"] == {"to": ["boss@acme.example"], "subject": "Welcome to Tower", "text": "Guten Tag Acme."}
    assert found["sets_off"] == ["follower"]
    assert {change["module"] for change in found["changes"]} == {"projects", "tasks"}


async def test_what_is_wrong_is_said_before_anything_is_tried(bureau: Make) -> None:
    office = await bureau()
    project = await office.new("projects", office.somebody, name="Tower")
    wrong = automation("wrong", triggers=[{"kind": "created"}], steps=[{"do": "mail", "to": ["mail"], "subject": "{{ nam }}", "text": "x"}])
    with pytest.raises(Invalid) as refused:
        await with_record(office.units, office.workspace, office.somebody, wrong, project)
    assert [problem.path for problem in refused.value.problems] == ["/steps/0/subject"]


AUTOMATIONS = (
    automation("before_start", when="active", triggers=[{"kind": "date", "field": "starts_on", "offsets": [
        {"value": -7, "unit": "days"}, {"value": 1, "unit": "months"}]}], steps=[{"do": "stop"}]),
    automation("entered", when="count >= before.count", triggers=[{"kind": "stage_entered", "stages": ["running", "full"]},
        {"kind": "changed", "fields": ["count"]}], steps=[{"do": "stop"}]),
    automation("client_of", when="client.name == 'Acme'", triggers=[{"kind": "changed", "fields": ["note"], "on_create": True}], steps=[{"do": "stop"}]),
    automation("nurture", triggers=[{"kind": "every", "every": {"value": 12, "unit": "days"}, "since": ["last_call", "created_at"]}],
        when="stage != 'lost'", steps=[{"do": "stop"}]),
    automation("stuck", triggers=[{"kind": "stuck", "stages": {"open": {"value": 4, "unit": "days"}}}], steps=[{"do": "stop"}]),
    automation("month", module=None, triggers=[{"kind": "cron", "at": ["08:00"], "days": [1, 15]}], steps=[{"do": "stop"}]),
)  # fmt: skip


async def test_over_the_past_it_says_what_really_happened(bureau: Make) -> None:
    office = await bureau(*AUTOMATIONS)
    chance = random.Random(7)
    begins = office.clock.now()
    clients = [await office.new("clients", office.somebody, name=name) for name in ("Acme", "Other")]
    projects: list[UUID] = []
    for _ in range(60):
        await office.pass_time(hours=chance.randint(2, 40))
        await office.work()
        if len(projects) < 5 or chance.random() < 0.1:
            projects.append(await office.new("projects", office.somebody, name="P", client=str(chance.choice(clients))))
            continue
        one, today = chance.choice(projects), office.clock.now().date()
        match chance.randint(0, 5):
            case 0:
                await office.run(lambda unit, one=one: stages.move(unit, "projects", one, chance.choice(("open", "running", "full"))), office.somebody)
            case 1:
                day = (today + timedelta(days=chance.randint(-30, 30))).isoformat()
                await office.change("projects", one, office.somebody, starts_on=day)
            case 2:
                await office.change("projects", one, office.somebody, count=chance.randint(0, 3))
            case 3:
                await office.change("projects", one, office.somebody, note=chance.choice("abc"), active=chance.random() < 0.6)
            case 4:
                await office.change("projects", one, office.somebody, client=str(chance.choice(clients)))
            case 5:
                called = (office.clock.now() - timedelta(hours=3)).isoformat().replace("+00:00", "Z")
                await office.change("projects", one, office.somebody, last_call=called)
    before = await fingerprint(office)
    until = office.clock.now()
    for one in AUTOMATIONS:
        found = await office.run(lambda unit, one=one: backtest(unit, one, begins, until), SYSTEM)
        said = [(run["at"][:19], run["record"]) for run in found["runs"] if run["state"] == "would_run"]
        really = [
            (run.due_at.strftime("%Y-%m-%dT%H:%M:%S"), str(run.record_id) if run.record_id else None)
            for run in await office.runs(one.name)
            if run.state == "done"
        ]
        assert sorted(said, key=str) == sorted(really, key=str), one.name
        assert really, one.name
        assert found["exact"]
    assert await fingerprint(office) == before
