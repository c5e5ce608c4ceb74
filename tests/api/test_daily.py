"""What daily work needs of the REST interface: undo, many records at once, jobs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

from tests.api.conftest import Api, ok, refused
from xrm_core.records import jobs


async def many(api: Api, count: int, **values: Any) -> list[str]:
    made: list[str] = []
    for start in range(0, count, 1000):
        rows = [{"name": f"C{n:05d}", **values} for n in range(start, min(start + 1000, count))]
        body = ok(await api.admin.post("/records/companies/batch", json={"create": rows}))
        made += [one["id"] for one in body["results"]["create"]]
    return made


async def test_every_write_tells_its_change_and_can_be_undone(api: Api, make: Callable[..., Any]) -> None:
    company = await make("companies", name="Acme", employees=5)
    changed = await api.member.patch(f"/records/companies/{company['id']}", json={"employees": 7})
    change = changed.headers["x-change-id"]
    same = await api.member.patch(f"/records/companies/{company['id']}", json={"employees": 7})
    assert "x-change-id" not in same.headers, "nothing was written"
    (listed,) = ok(await api.member.get("/changes"))["data"]
    assert listed["id"] == change and listed["summary"] == "Acme: Employees changed to 7" and listed["can_undo"]
    refused(await api.admin.post(f"/changes/{uuid4()}/undo"), 404)
    done = ok(await api.member.post(f"/changes/{change}/undo"))
    assert done["records"] == [{"module": "companies", "id": company["id"]}]
    assert ok(await api.admin.get(f"/records/companies/{company['id']}"))["employees"] == 5
    ok(await api.member.post(f"/changes/{change}/redo"))
    assert ok(await api.admin.get(f"/records/companies/{company['id']}"))["employees"] == 7
    ok(await api.admin.patch(f"/records/companies/{company['id']}", json={"employees": 9}))
    problems = refused(await api.member.post(f"/changes/{change}/undo"), 409)
    assert "admin changed Employees to 9" in problems[0]["message"]
    refused(await api.viewer.post(f"/changes/{change}/undo"), 403)


async def test_moving_linking_and_archiving_are_undone_too(api: Api, make: Callable[..., Any]) -> None:
    one, two = await make("tickets", subject="One", hours="1"), await make("tickets", subject="Two")
    moved = await api.member.post(f"/records/tickets/{one['id']}/move", json={"stage": "doing"})
    linked = await api.member.put(f"/records/tickets/{one['id']}/related/related_to/{two['id']}")
    gone = await api.member.delete(f"/records/tickets/{two['id']}")
    assert [answer.status_code for answer in (moved, linked, gone)] == [200, 204, 200], (
        moved.text,
        linked.text,
        gone.text,
    )
    for answer in (gone, linked, moved):
        ok(await api.member.post(f"/changes/{answer.headers['x-change-id']}/undo"))
    found = ok(await api.admin.get(f"/records/tickets/{one['id']}"))
    assert found["stage"] == "open" and found["stage_entered_at"] == one["stage_entered_at"]
    assert ok(await api.admin.get(f"/records/tickets/{one['id']}/related/related_to"))["data"] == []
    assert "archived_at" not in ok(await api.admin.get(f"/records/tickets/{two['id']}"))


async def test_a_plan_tells_what_many_changes_would_do_and_does_nothing(api: Api, make: Callable[..., Any]) -> None:
    ready = [await make("tickets", subject=f"R{n}", hours="2") for n in range(4)]
    for n in range(3):
        await make("tickets", subject=f"N{n}")
    ok(await api.admin.post(f"/records/tickets/{ready[0]['id']}/move", json={"stage": "doing"}))
    body = {"filter": "", "move": {"stage": "doing"}}
    plan = ok(await api.member.post("/records/tickets/bulk?plan=true", json=body))
    assert (plan["total"], plan["will_change"], plan["unchanged"], plan["exact"]) == (7, 3, 1, True)
    (skipped,) = plan["skipped"]
    assert skipped["count"] == 3 and skipped["message"] == "Hours is needed for Doing."
    assert {one["title"] for one in skipped["samples"]} == {"N0", "N1", "N2"}
    still = ok(await api.admin.get("/records/tickets", params={"filter": "stage == 'doing'"}))
    assert len(still["data"]) == 1
    done = ok(await api.member.post("/records/tickets/bulk", json=body))
    assert done["changed"] == 3 and done["skipped"][0]["count"] == 3
    ok(await api.member.post(f"/changes/{done['change_id']}/undo"))
    still = ok(await api.admin.get("/records/tickets", params={"filter": "stage == 'doing'"}))
    assert len(still["data"]) == 1
    refused(await api.viewer.post("/records/tickets/bulk?plan=true", json=body), 403)


async def test_many_records_are_a_job_and_one_undo(api: Api) -> None:
    await many(api, 1137, employees=1)
    before = ok(await api.admin.get("/records/companies", params={"limit": 1000, "sort": "name"}))["data"]
    body = {"filter": "employees == 1", "set": {"employees": 2, "tags": ["big"]}}
    answer = await api.member.post("/records/companies/bulk", json=body)
    job = ok(answer, 202)["job"]
    assert answer.headers["location"] == f"/api/v1/jobs/{job['id']}" and (job["state"], job["total"]) == (
        "waiting",
        1137,
    )
    refused(await api.viewer.get(f"/jobs/{job['id']}"), 404)
    refused(await api.member.post(f"/changes/{job['change_id']}/undo"), 409)
    assert await jobs.run_due(api.process.units, api.workspace) == 1
    done = ok(await api.member.get(f"/jobs/{job['id']}"))
    assert (done["state"], done["done"], done["outcome"]["changed"]) == ("done", 1137, 1137)
    assert (
        ok(await api.admin.get("/records/companies", params={"filter": "employees == 2", "count": "exact"}))["count"][
            "value"
        ]
        == 1137
    )
    (last,) = ok(await api.member.get("/changes", params={"limit": 1}))["data"]
    assert last["records"] == 1137 and last["summary"] == "1137 Companies: Employees, Tags changed"
    undone = ok(await api.member.post(f"/changes/{job['change_id']}/undo"))
    assert undone["count"] == 1137
    after = ok(await api.admin.get("/records/companies", params={"limit": 1000, "sort": "name"}))["data"]
    moving = ("version", "updated_at", "updated_by")
    assert [{k: v for k, v in row.items() if k not in moving} for row in after] == [
        {k: v for k, v in row.items() if k not in moving} for row in before
    ]


async def test_a_job_stops_when_told_and_fails_without_rights(api: Api) -> None:
    await many(api, 300)
    body = {"filter": "", "set": {"employees": 2}}
    job = ok(await api.member.post("/records/companies/bulk", json=body), 202)["job"]
    assert ok(await api.member.delete(f"/jobs/{job['id']}"))["state"] == "cancelled"
    assert await jobs.run_due(api.process.units, api.workspace) == 0
    refused(await api.member.delete(f"/jobs/{job['id']}"), 409)
    job = ok(await api.member.post("/records/companies/bulk", json=body), 202)["job"]
    (member,) = [user for user in ok(await api.admin.get("/users"))["data"] if user["name"] == "member"]
    ok(await api.admin.patch(f"/users/{member['id']}", json={"roles": ["viewer"]}))
    await jobs.run_due(api.process.units, api.workspace)
    failed = ok(await api.admin.get(f"/jobs/{job['id']}"))
    assert failed["state"] == "failed" and failed["outcome"]["problems"][0]["code"] == "forbidden"


async def test_wrong_requests_for_many_records_are_refused_with_reasons(api: Api, make: Callable[..., Any]) -> None:
    ticket = await make("tickets", subject="A")
    for body in (
        {},
        {"filter": "", "set": {}},
        {"ids": [ticket["id"]], "filter": "", "archive": True},
        {"ids": ["x"], "archive": True},
        {"ids": [ticket["id"]], "archive": True, "set": {"hours": 1}},
        {"ids": [ticket["id"]], "move": {"stage": "nowhere"}},
        {"set": {"hours": 1}},
        {"ids": [ticket["id"]], "set": {"id": 1}},
        {"ids": [ticket["id"]], "link": {"name": "company", "to": 5}},
        {"ids": [], "archive": True},
    ):
        refused(await api.admin.post("/records/tickets/bulk", json=body), 422)
    refused(await api.admin.post("/records/tickets/bulk", json={"filter": "nonsense ==", "archive": True}), 400)
    done = ok(
        await api.admin.post("/records/tickets/bulk", json={"ids": [ticket["id"], str(uuid4())], "archive": True})
    )
    assert done["changed"] == 1 and done["skipped"][0]["code"] == "not_found"


async def test_many_records_are_linked_and_unlinked(api: Api, make: Callable[..., Any]) -> None:
    hub = await make("tickets", subject="Hub")
    ids = [(await make("tickets", subject=f"T{n}"))["id"] for n in range(5)]
    body = {"ids": ids, "link": {"name": "related_to", "to": hub["id"]}}
    done = ok(await api.member.post("/records/tickets/bulk", json=body))
    assert done["changed"] == 5
    assert len(ok(await api.admin.get(f"/records/tickets/{hub['id']}/related/related_from"))["data"]) == 5
    ok(await api.member.post(f"/changes/{done['change_id']}/undo"))
    assert ok(await api.admin.get(f"/records/tickets/{hub['id']}/related/related_from"))["data"] == []
