"""Months (with XRM_TEST_ALL three years) under a fixed clock: outages, clock jumps, crashes, two workers, dates that move.

Everything that was due is delivered exactly once or suppressed with its reason, as the naive oracle says.
"""

from __future__ import annotations

import asyncio
import os
import random
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import psycopg
import pytest

from tests.automation.conftest import Make, Office
from tests.automation.office import automation
from tests.automation.oracle import Oracle, Thing
from xrm_core.storage.workspaces import Workspace

DAYS = int(os.environ.get("XRM_SIMULATION_DAYS") or (1096 if os.environ.get("XRM_TEST_ALL") else 150))
AUTOMATIONS = (
    automation("dates", when="active", triggers=[{"kind": "date", "field": "starts_on", "at": "02:30", "offsets": [
        {"value": -14, "unit": "days"}, {"value": -1, "unit": "days"}, {"value": 1, "unit": "months"},
        {"value": 3, "unit": "business_days"}]}],
        steps=[{"do": "task", "title": "{{ name }}"}, {"do": "update", "values": {"count": "count + 1"}}]),
    automation("meetings", when="active", late={"policy": "skip", "after": {"value": 6, "unit": "hours"}},
        triggers=[{"kind": "date", "field": "meets_at", "offsets": [{"value": -90, "unit": "minutes"}]}],
        steps=[{"do": "webhook", "url": "https://example.org/hook"}, {"do": "update", "values": {"count": "count + 1"}}]),
    automation("every", when="active", triggers=[{"kind": "every", "every": {"value": 40, "unit": "days"}, "since": ["last_call", "created_at"]}],
        steps=[{"do": "update", "values": {"count": "count + 1"}}, {"do": "webhook", "url": "https://example.org/hook"}]),
    automation("calendar", module=None, triggers=[{"kind": "cron", "at": ["23:30"], "days": [-1]}],
        steps=[{"do": "webhook", "url": "https://example.org/hook"}]),
)  # fmt: skip


class Crash(BaseException):
    """The process dies here."""


@contextmanager
def crashing(monkeypatch: pytest.MonkeyPatch, after: int) -> Iterator[None]:
    """The process dies before the statement with this number."""
    left = after
    execute = psycopg.AsyncCursor.execute

    async def dying(self: Any, *arguments: Any, **more: Any) -> Any:
        nonlocal left
        left -= 1
        if left < 0:
            raise Crash
        return await execute(self, *arguments, **more)

    with monkeypatch.context() as patch:
        patch.setattr(psycopg.AsyncCursor, "execute", dying)
        yield


@pytest.mark.parametrize(
    ("zone", "begins"),
    [("Europe/Berlin", "2028-02-10"), ("America/New_York", "2027-09-20"), ("Australia/Lord_Howe", "2028-02-25")],
)
async def test_everything_due_happens_once_or_is_suppressed_with_its_reason(
    bureau: Make, workspace: Workspace, monkeypatch: pytest.MonkeyPatch, zone: str, begins: str
) -> None:
    chance = random.Random(f"{zone} {DAYS}")
    object.__setattr__(workspace, "time_zone", zone)
    office = await bureau()
    office.clock.set(datetime.fromisoformat(f"{begins}T05:00+00:00"))
    oracle = Oracle(ZoneInfo(zone))
    await office.publish(*AUTOMATIONS)
    oracle.calendar = oracle.month_end(office.clock.now())
    end = office.clock.now() + timedelta(days=DAYS)
    records: list[str] = []
    crashes = 0
    while office.clock.now() < end:
        for _ in range(chance.randint(1, 3)):
            await something(office, oracle, records, chance)
        if chance.random() < 0.06:
            office.clock.move(timedelta(days=chance.randint(8, 45)))  # an outage
        elif chance.random() < 0.05:
            office.clock.move(-timedelta(hours=2))  # somebody sets the clock back
        else:
            office.clock.move(timedelta(minutes=chance.randint(60, 2500)))
        if chance.random() < 0.7:
            with crashing(monkeypatch, chance.randint(0, 30)):
                died = await asyncio.gather(office.work(), office.work(), return_exceptions=True)
            crashes += sum(isinstance(one, Crash) for one in died)
            assert not [one for one in died if isinstance(one, Exception)], died
            office.clock.move(timedelta(minutes=3))  # what the dead had claimed is free again
        await asyncio.gather(office.work(), office.work())
        await office.work()
        oracle.work(office.clock.now())
    await compare(office, oracle)
    assert crashes > DAYS / 40


async def something(office: Office, oracle: Oracle, records: list[str], chance: random.Random) -> None:
    """Somebody does something."""
    now = office.clock.now()
    if len(records) < 8 or chance.random() < 0.05:
        record = str(await office.new("projects", name=f"P{len(records)}"))
        records.append(record)
        oracle.things[record] = Thing(now)
        oracle.arm(record, now)
        return
    record = chance.choice(records)
    thing = oracle.things[record]
    if chance.random() < 0.12:
        await (office.restore if thing.archived else office.archive)("projects", UUID(record))
        thing.archived = not thing.archived
        oracle.arm(record, now)
        return
    if thing.archived:
        return
    today = now.date()
    match chance.choice(("starts_on",) * 4 + ("meets_at",) * 3 + ("last_call", "active")):
        case "starts_on":
            thing.starts_on = chance.choice((None, today + timedelta(days=chance.randint(-20, 40)), date(2028, 2, 29), date(2028, 1, 31)))
        case "meets_at":
            thing.meets_at = chance.choice((None, now + timedelta(minutes=chance.randint(-2000, 20000))))
        case "last_call":
            thing.last_call = chance.choice((None, now - timedelta(hours=chance.randint(0, 2000))))
        case "active":
            thing.active = not thing.active
    await office.change("projects", UUID(record), **oracle.values(record))
    oracle.arm(record, now)


async def compare(office: Office, oracle: Oracle) -> None:
    """What is stored is what the oracle says, and every effect is there once."""
    found: dict[Any, str] = {}
    for run in await every_run(office):
        key = (run["automation"], run["record"], run["mark"].split(":", 1)[1], run["basis"], run["due"].astimezone(UTC).isoformat())
        assert key not in found or run["state"] in ("moved", "cancelled"), key
        if run["state"] == "due":
            assert oracle.pending.get(key[:3]) == (run["due"], run["basis"]) or key[0] == "calendar"
            continue
        if found.get(key) not in (None, "moved", "no_date", "archived"):
            continue
        found[key] = run["reason"] if run["state"] != "done" else "done"
    wrong = {key: (found.get(key), oracle.outcome.get(key)) for key in found.keys() | oracle.outcome.keys()
             if found.get(key) != oracle.outcome.get(key)}  # fmt: skip
    assert wrong == {}
    done = Counter(key[1] for key, state in oracle.outcome.items() if state == "done" and key[1])
    counts = {one["id"]: one["count"] for one in await office.find("projects", limit=1000, archived="all")}
    assert {key: count for key, count in counts.items() if count} == dict(done)
    tasks = Counter(task["about"]["id"] for task in await office.find("tasks", limit=1000))
    assert tasks == Counter(key[1] for key, state in oracle.outcome.items() if state == "done" and key[0] == "dates")
    calls = [row for row in await office.outbox() if row["kind"] == "webhook"]
    assert len(calls) == sum(state == "done" and key[0] != "dates" for key, state in oracle.outcome.items())
    assert done.total() > DAYS / 15


async def every_run(office: Office) -> list[dict[str, Any]]:
    async with office.units.database.connection() as connection:
        cursor = await connection.execute(
            "select o.automation_id, coalesce(o.record_id::text, ''), o.mark, o.basis, o.due_at, o.state, o.reason "
            f"from {office.workspace.schema}.occurrence o order by o.id"
        )
        names = ("automation", "record", "mark", "basis", "due", "state", "reason")
        return [dict(zip(names, row, strict=True)) for row in await cursor.fetchall()]
