"""Notifications, reminders, and what there is to do today."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.api.conftest import Api, ok, refused
from xrm_core.records.today import remind
from xrm_core.worker import Worker

ERRANDS: dict[str, Any] = {
    "name": "todos", "label": "Todo", "label_plural": "Todos", "title": "{{ what }}",
    "fields": [
        {"name": "what", "type": "text", "label": "What", "required": True},
        {"name": "due_at", "type": "datetime", "label": "Due", "indexed": True},
        {"name": "who", "type": "user", "label": "Assignee", "indexed": True},
        {"name": "done", "type": "boolean", "label": "Done"},
        {"name": "notes", "type": "rich_text", "label": "Notes"},
    ],
    "task": {"assignee": "who", "due": "due_at", "done_when": "done == true", "done": {"done": True}},
    "views": [{"name": "stuck", "label": "Stuck", "filter": "done != true and due_at < now() - days(7)", "attention": True,
               "columns": ["what", "due_at"]}],
}  # fmt: skip
VISITS: dict[str, Any] = {
    "name": "visits", "label": "Visit", "label_plural": "Visits", "title": "{{ place }}",
    "fields": [
        {"name": "place", "type": "text", "label": "Place"},
        {"name": "from_day", "type": "date", "label": "From"}, {"name": "to_day", "type": "date", "label": "To"},
        {"name": "team", "type": "user", "label": "Team", "multiple": True},
    ],
    "event": {"start": "from_day", "end": "to_day", "who": ["team"]},
}  # fmt: skip


@pytest.fixture
async def people(api: Api) -> dict[str, str]:
    for module in (ERRANDS, VISITS):
        ok(await api.admin.post("/modules", json=module), 201)
    return {user["name"]: user["id"] for user in ok(await api.admin.get("/users"))["data"]}


async def new(api: Api, module: str, client: Any = None, **values: Any) -> dict[str, Any]:
    made: dict[str, Any] = ok(await (client or api.admin).post(f"/records/{module}", json=values), 201)
    return made


async def news(client: Any, **more: Any) -> list[tuple[str, str]]:
    return [(one["kind"], one["title"]) for one in ok(await client.get("/notifications", params=more))["data"]]


async def test_whoever_is_assigned_is_told_once(api: Api, people: dict[str, str]) -> None:
    todo = await new(api, "todos", what="Call Ada", who=people["member"])
    await new(api, "todos", client=api.member, what="Mine", who=people["member"])
    assert await news(api.member) == [("assigned", "Call Ada")], "what one gives oneself is no news"
    ok(await api.admin.patch(f"/records/todos/{todo['id']}", json={"what": "Call Ada now"}))
    assert len(await news(api.member)) == 1
    ok(await api.admin.patch(f"/records/todos/{todo['id']}", json={"owner": people["viewer"]}))
    (one,) = ok(await api.viewer.get("/notifications"))["data"]
    assert one["record"] == todo["id"] and one["module"] == "todos" and one["body"] == "admin made you Owner"
    company = await new(api, "companies", name="Acme")
    ok(await api.member.patch(f"/records/companies/{company['id']}", json={"owner": people["viewer"]}))
    assert await news(api.viewer) == [("assigned", "Acme"), ("assigned", "Call Ada now")]


async def test_whoever_is_mentioned_is_told_if_they_may_see_it(api: Api, people: dict[str, str]) -> None:
    text = f"Ask [@member](user:{people['member']}) and [@viewer](user:{people['viewer']}) about it"
    role = {"name": "blind", "label": "Blind", "modules": {"*": {"see": "all"}}, "hidden_fields": {"todos": ["notes"]}}
    ok(await api.admin.post("/roles", json=role), 201)
    ok(await api.admin.patch(f"/users/{people['viewer']}", json={"roles": ["blind"]}))
    todo = await new(api, "todos", what="Plan", notes=text)
    assert await news(api.member) == [("mention", "Plan")] and await news(api.viewer) == []
    ok(await api.admin.patch(f"/records/todos/{todo['id']}", json={"notes": text + "!"}))
    assert len(await news(api.member)) == 1


async def test_many_assignments_are_one_notification(api: Api, people: dict[str, str]) -> None:
    rows = [{"what": f"T{n}", "who": people["member"]} for n in range(8)]
    ok(await api.admin.post("/records/todos/batch", json={"create": rows}))
    assert await news(api.member) == [("assigned", "8 Todos")]
    ok(await api.member.patch("/me", json={"settings": {"notify": {"assigned": False}}}))
    await new(api, "todos", what="Quiet", who=people["member"])
    assert len(await news(api.member)) == 1


async def test_notifications_are_read_and_put_off(api: Api, people: dict[str, str]) -> None:
    for n in range(3):
        await new(api, "todos", what=f"T{n}", who=people["member"])
    found = ok(await api.member.get("/notifications", params={"limit": 2}))
    assert found["unread"] == 3 and found["next"]
    rest = ok(await api.member.get("/notifications", params={"limit": 2, "cursor": found["next"]}))
    assert [one["title"] for one in (*found["data"], *rest["data"])] == ["T2", "T1", "T0"] and rest["next"] is None
    first = found["data"][0]["id"]
    assert ok(await api.member.post("/notifications/read", json={"ids": [first]})) == {"changed": 1, "unread": 2}
    assert ok(await api.viewer.post("/notifications/read", json={"ids": [first], "read": False}))["changed"] == 0
    later = (api.clock.now() + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    ok(await api.member.post(f"/notifications/{first}/snooze", json={"until": later}), 204)
    refused(await api.viewer.post(f"/notifications/{first}/snooze", json={"until": later}), 404)
    refused(await api.member.post(f"/notifications/{first}/snooze", json={"until": "2020-01-01T00:00:00Z"}), 422)
    assert await news(api.member, unread=1) == [("assigned", "T1"), ("assigned", "T0")]
    api.clock.move(timedelta(hours=2))
    assert len(await news(api.member, unread=1)) == 3
    assert ok(await api.member.post("/notifications/read"))["unread"] == 0
    assert ok(await api.member.get("/notifications/unread")) == {"unread": 0}


async def test_tasks_are_reminded_of_once_per_due_time(api: Api, people: dict[str, str]) -> None:
    now = api.clock.now()
    at = (now + timedelta(minutes=30)).isoformat()
    todo = await new(api, "todos", client=api.member, what="Call", who=people["member"], due_at=at)
    await new(api, "todos", client=api.member, what="Done", who=people["member"], due_at=at, done=True)
    await new(api, "todos", client=api.member, what="Old", who=people["member"], due_at=(now - timedelta(days=9)).isoformat())
    assert await remind(api.process.units, api.workspace) == 0
    api.clock.move(timedelta(hours=1))
    assert await remind(api.process.units, api.workspace) == 1
    worker = Worker(api.process.database, api.process.units, api.clock)
    await worker.work(api.workspace)
    assert await news(api.member) == [("due", "Call")]
    ok(await api.member.patch(f"/records/todos/{todo['id']}", json={"due_at": (now + timedelta(hours=3)).isoformat()}))
    api.clock.move(timedelta(hours=3))
    assert await remind(api.process.units, api.workspace) == 1


async def test_today_is_the_work_of_all_modules(api: Api, people: dict[str, str]) -> None:
    now = api.clock.now()
    mine = {"client": api.member, "who": people["member"]}
    for what, days in (("Yesterday", -1), ("Later today", 0.2), ("Tomorrow", 1.5), ("Long ago", -30)):
        await new(api, "todos", what=what, due_at=(now + timedelta(days=days)).isoformat(), **mine)
    await new(api, "todos", what="Finished", due_at=now.isoformat(), done=True, **mine)
    await new(api, "todos", what="Of others", due_at=now.isoformat(), who=people["viewer"])
    day = now.date()
    for place, start, end in (("Leeds", day, day), ("York", day - timedelta(days=1), day + timedelta(days=1)), ("Bath", day + timedelta(days=1), None)):
        await new(api, "visits", place=place, from_day=str(start), team=[people["member"]], **({"to_day": str(end)} if end else {}))
    await new(api, "visits", place="Not mine", from_day=str(day))
    found = ok(await api.member.get("/today"))
    (tasks,), (events,), (stuck,) = found["tasks"], found["events"], found["attention"]
    assert found["date"] == "2026-03-31" and tasks["count"]["value"] == 3 and tasks["done"] == {"done": True}
    assert [row["what"] for row in tasks["data"]] == ["Long ago", "Yesterday", "Later today"]
    assert [row["place"] for row in events["data"]] == ["York", "Leeds"]
    assert stuck["label"] == "Stuck" and [row["what"] for row in stuck["data"]] == ["Long ago"]
    ok(await api.member.patch(f"/records/todos/{tasks['data'][0]['id']}", json=tasks["done"]))
    assert ok(await api.member.get("/today"))["tasks"][0]["count"]["value"] == 2


async def test_the_end_of_a_job_is_told(api: Api, people: dict[str, str]) -> None:
    rows = [{"name": f"C{n}"} for n in range(250)]
    ok(await api.admin.post("/records/companies/batch", json={"create": rows}))
    ok(await api.member.post("/records/companies/bulk", json={"filter": "", "set": {"employees": 3}}), 202)
    await Worker(api.process.database, api.process.units, api.clock).work(api.workspace)
    assert await news(api.member) == [("job", "250 of 250 records changed")]
