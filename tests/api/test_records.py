"""Records over REST: the whole life of one, with versions, refusals and rights."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from tests.api.conftest import Api, ok, refused


async def test_the_life_of_a_record(api: Api) -> None:
    created = await api.admin.post(
        "/records/companies", json={"name": "Acme", "employees": 12, "revenue": 1200.5, "tags": ["big"]}
    )
    record = ok(created, 201)
    place = f"/records/companies/{record['id']}"
    assert created.headers["location"] == f"/api/v1{place}" and created.headers["etag"] == '"1"'
    assert record["module"] == "companies" and record["version"] == 1 and record["title"] == "Acme"
    assert record["revenue"] == {"amount": "1200.50", "currency": "EUR"}

    read = await api.admin.get(place)
    assert ok(read) == record and read.headers["etag"] == '"1"'
    changed = await api.admin.patch(place, json={"employees": None, "name": "Acme Ltd"}, headers={"If-Match": '"1"'})
    assert ok(changed)["title"] == "Acme Ltd" and changed.headers["etag"] == '"2"'
    assert ok(changed).get("employees") is None
    refused(await api.admin.patch(place, json={"employees": 3}, headers={"If-Match": '"1"'}), 412)

    archived = ok(await api.admin.delete(place))
    assert archived["archived_at"]
    assert ok(await api.admin.get("/records/companies"))["data"] == []
    assert len(ok(await api.admin.get("/records/companies?archived=only"))["data"]) == 1
    assert ok(await api.admin.post(f"{place}/restore")).get("archived_at") is None
    assert (await api.admin.delete(f"{place}?permanent=true")).status_code == 204
    refused(await api.admin.get(place), 404)


async def test_all_problems_at_once_with_their_places(api: Api) -> None:
    found = refused(
        await api.admin.post("/records/companies", json={"employees": -1, "founded": "2026-02-30", "nmae": "x"}), 422
    )
    assert {problem["path"] for problem in found} >= {"/employees", "/founded", "/nmae"}


async def test_problems_are_told_in_the_language_asked_for(api: Api) -> None:
    wrong = {"employees": "many", "founded": "2026-02-30"}
    for language, date in (("de-AT, en;q=0.5", "Diesen Tag gibt es nicht."), ("fr", "There is no such day.")):
        answer = await api.admin.post("/records/companies", json=wrong, headers={"Accept-Language": language})
        assert {problem["path"]: problem["message"] for problem in refused(answer, 422)}["/founded"] == date
    plain = refused(await api.admin.post("/records/companies", json=wrong), 422)
    assert "There is no such day." in {problem["message"] for problem in plain}


async def test_lists_filter_sort_page_and_count(api: Api, make: Any) -> None:
    for index in range(7):
        await make("companies", name=f"Company {index}", employees=index, tags=["new"] if index % 2 else ["big"])
    page = ok(await api.viewer.get("/records/companies?sort=-employees&limit=3&count=exact&filter=employees > 0"))
    assert [one["employees"] for one in page["data"]] == [6, 5, 4] and page["count"] == {"value": 6, "exact": True}
    rest = ok(
        await api.viewer.get(
            "/records/companies",
            params={"sort": "-employees", "limit": 3, "cursor": page["next"], "filter": "employees > 0"},
        )
    )
    assert [one["employees"] for one in rest["data"]] == [3, 2, 1]
    assert rest["next"] is None
    json_form = '{"field": "tags", "op": "has_any", "value": ["big"]}'
    for params in ({"filter": "has_any(tags, ['big'])"}, {"filter": json_form}):
        assert len(ok(await api.viewer.get("/records/companies", params=params))["data"]) == 4
    body = {"filter": "name == 'company 3'", "fields": ["name"], "count": "exact"}
    found = ok(await api.viewer.post("/records/companies/query", json=body))
    assert [one["name"] for one in found["data"]] == ["Company 3"] and "employees" not in found["data"][0]


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=1001", "limit=x", "limit=1&limit=2", "lmit=5", "filter=employees >", "filter=nothing == 1", "cursor=zzz",
     "sort=nothing", "count=maybe", "archived=2", "as_of=yesterday", "filter=%ff", "fields=,", "filter={", "filter=" + "(" * 500,
     "sort=", "cursor=" + "A" * 9000],
)  # fmt: skip
async def test_queries_that_cannot_be_read_are_400_with_the_place(api: Api, query: str) -> None:
    response = await api.viewer.get(f"/records/companies?{query}")
    if query == "sort=":
        ok(response)
        return
    found = refused(response, 400)
    assert all(problem["path"] or problem["message"] for problem in found)


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"{", "application/json", 400), (b"", "application/json", 400), (b'{"name": NaN}', "application/json", 400),
        (b'{"name": "\xff"}', "application/json", 400), (b'{"name": "\\ud800"}', "application/json", 400),
        (b"[" * 2000, "application/json", 400), (b'{"name":' + b"[" * 100 + b"]" * 100 + b"}", "application/json", 400),
        (b"[]", "application/json", 422), (b'"x"', "application/json", 422), (b"null", "application/json", 422),
        (b'{"name": "x"}', "text/plain", 415), (b"name=x", "application/x-www-form-urlencoded", 415),
        (b'{"name": "x"}', "application/json; charset=latin-1", 415), (b'{"name": "a\\u0000b"}', "application/json", 422),
        (b'{"name": "x", "employees": 1' + b"0" * 400 + b"}", "application/json", 422),
        (b'{"name": "x", "employees": 1' + b"0" * 5000 + b"}", "application/json", 422),
        (b'{"name": "x", "employees": 1e400}', "application/json", 422),
    ],
)  # fmt: skip
async def test_bodies_that_are_no_good_never_reach_the_database(api: Api, body: bytes, kind: str, status: int) -> None:
    response = await api.admin.post("/records/companies", content=body, headers={"Content-Type": kind})
    assert response.status_code in ((status, 400) if b"000" in body or b"e400" in body else (status,)), response.text
    refused(response, response.status_code)


async def test_numbers_with_many_digits_stay_exact(api: Api) -> None:
    body = b'{"subject": "x", "hours": 123456789012345.67}'
    made = ok(await api.admin.post("/records/tickets", content=body, headers={"Content-Type": "application/json"}), 201)
    assert made["hours"] == "123456789012345.67"


async def test_a_body_that_is_too_large_is_413(api: Api) -> None:
    refused(await api.admin.post("/records/companies", json={"name": "x", "notes": "y" * 3_000_000}), 413)


async def test_what_is_not_there_is_404_and_what_is_not_possible_405(api: Api) -> None:
    for path in (
        "/records/nothing",
        f"/records/companies/{uuid4()}",
        "/records/companies/42",
        "/nothing",
        "/records/companies/x/y/z",
    ):
        refused(await api.admin.get(path), 404)
    response = await api.admin.put("/records/companies", json={})
    refused(response, 405)
    assert "GET" in response.headers["allow"]


async def test_links_from_both_sides(api: Api, make: Any) -> None:
    company = await make("companies", name="Acme")
    ticket = await make("tickets", subject="Broken", company=company["id"])
    assert ticket["company"] == {"id": company["id"], "module": "companies", "title": "Acme"}
    other = await make("tickets", subject="By name", company={"by": {"name": "Acme"}})
    assert other["company"]["id"] == company["id"]
    found = ok(await api.viewer.get(f"/records/companies/{company['id']}/related/tickets?sort=subject"))
    assert [one["subject"] for one in found["data"]] == ["Broken", "By name"]
    refused(await api.viewer.get(f"/records/companies/{company['id']}/related/nothing"), 404)
    refused(await api.admin.post("/records/tickets", json={"subject": "x", "company": str(uuid4())}), 422)
    refused(await api.admin.delete(f"/records/companies/{company['id']}?permanent=true"), 409)


async def test_moving_through_stages(api: Api, make: Any) -> None:
    ticket = await make("tickets", subject="Broken")
    assert ticket["stage"] == "open"
    place = f"/records/tickets/{ticket['id']}/move"
    found = refused(await api.member.post(place, json={"stage": "doing"}), 422)
    assert any("hours" in problem["path"] for problem in found)
    moved = ok(await api.member.post(place, json={"stage": "doing", "values": {"hours": "1.5"}}))
    assert moved["stage"] == "doing" and moved["hours"] == "1.50"
    for body in ({}, {"stage": 3}, {"stage": "nothing"}, {"stage": "done", "resaon": "x"}):
        refused(await api.member.post(place, json=body), 422)
    board = ok(await api.viewer.get("/records/tickets/board"))
    assert [(column["name"], column["count"]) for column in board["columns"]] == [
        ("open", 0),
        ("doing", 1),
        ("done", 0),
    ]


async def test_batch_and_aggregate(api: Api) -> None:
    body = {"create": [{"name": f"C{index}", "employees": index} for index in range(20)], "atomic": True}
    ok(await api.member.post("/records/companies/batch", json=body))
    bad = {"create": [{"name": "good"}, {"employees": "many"}], "atomic": True}
    found = refused(await api.member.post("/records/companies/batch", json=bad), 422)
    assert any(problem["path"].startswith("/create/1") for problem in found)
    numbers = {"measures": [{"function": "count"}, {"function": "sum", "field": "employees"}]}
    answer = ok(await api.viewer.post("/records/companies/aggregate", json=numbers))
    assert answer["data"][0]["count"] == 20


async def test_roles_decide_who_may_do_what(api: Api, make: Any) -> None:
    company = await make("companies", name="Acme")
    place = f"/records/companies/{company['id']}"
    ok(await api.viewer.get(place))
    refused(await api.viewer.patch(place, json={"name": "x"}), 403)
    refused(await api.viewer.post("/records/companies", json={"name": "x"}), 403)
    refused(await api.viewer.delete(place), 403)
    refused(await api.member.delete(f"{place}?permanent=true"), 403)
    ok(await api.member.patch(place, json={"name": "Acme 2"}))
    for client in (api.nobody,):
        response = await client.get(place)
        refused(response, 401)
        assert response.headers["www-authenticate"] == "Bearer"


async def test_an_idempotency_key_makes_a_post_happen_once(api: Api) -> None:
    headers = {"Idempotency-Key": "first-0001"}
    first = await api.admin.post("/records/companies", json={"name": "Once"}, headers=headers)
    again = await api.admin.post("/records/companies", json={"name": "Once"}, headers=headers)
    assert ok(first, 201) == ok(again, 201)
    assert again.headers["idempotency-replayed"] == "true" and again.headers["location"] == first.headers["location"]
    assert ok(await api.admin.get("/records/companies?count=exact"))["count"]["value"] == 1
    refused(await api.admin.post("/records/companies", json={"name": "Other"}, headers=headers), 422)
    ok(await api.member.post("/records/companies", json={"name": "Mine"}, headers=headers), 201)
    refused(await api.admin.post("/records/companies", json={"name": "x"}, headers={"Idempotency-Key": "a b"}), 400)
    refused(await api.admin.post("/records/companies", json={"nmae": "x"}, headers={"Idempotency-Key": "k2"}), 422)
    ok(await api.admin.post("/records/companies", json={"name": "x"}, headers={"Idempotency-Key": "k2"}), 201)


async def test_head_request_ids_and_safe_headers(api: Api) -> None:
    response = await api.viewer.head("/records/companies", headers={"X-Request-Id": "my-id-1"})
    assert response.status_code == 200 and response.content == b"" and response.headers["x-request-id"] == "my-id-1"
    response = await api.viewer.get("/records/companies", headers={"X-Request-Id": "not an id"})
    assert response.headers["x-request-id"] != "not an id"
    assert response.headers["x-content-type-options"] == "nosniff" and response.headers["cache-control"] == "no-store"


async def test_history_timeline_and_the_past(api: Api, make: Any) -> None:
    company = await make("companies", name="Acme")
    place = f"/records/companies/{company['id']}"
    before = api.clock.now()
    api.clock.move(timedelta(hours=1))
    ok(await api.member.patch(place, json={"name": "Acme Ltd"}))
    await make("tickets", subject="About Acme", company=company["id"])
    history = ok(await api.viewer.get(f"{place}/history?limit=1"))
    assert history["data"][0]["changes"]["name"] == ["Acme", "Acme Ltd"] and history["next"]
    older = ok(await api.viewer.get(f"{place}/history", params={"cursor": history["next"]}))
    assert [one["kind"] for one in older["data"]] == ["created"]
    assert len(ok(await api.viewer.get(f"{place}/timeline"))["data"]) == 3
    then = ok(await api.viewer.get(place, params={"as_of": before.isoformat()}))
    assert then["name"] == "Acme"
    refused(await api.viewer.get(f"{place}?as_of=2001-01-01"), 404)
    refused(await api.viewer.get(f"{place}/history?cursor=zzz"), 400)


async def test_search_finds_what_the_caller_may_see(api: Api, make: Any) -> None:
    await make("tickets", subject="Broken printer")
    await make("companies", name="Printer Ltd")
    found = ok(await api.viewer.get("/search?q=printer"))["data"]
    assert [one["module"] for one in found][0] == "companies" and len(found) == 2
    assert ok(await api.viewer.get("/search", params={"q": "\x00 '\" & | ! :*"}))["data"] == []
    refused(await api.viewer.get("/search", params={"q": "x" * 300}), 400)


async def test_eight_writers_of_one_record_all_succeed_one_after_the_other(api: Api, make: Any) -> None:
    company = await make("companies", name="Acme", employees=0)
    place = f"/records/companies/{company['id']}"
    answers = await asyncio.gather(*[api.member.patch(place, json={"employees": number}) for number in range(1, 9)])
    assert sorted(ok(answer)["version"] for answer in answers) == list(range(2, 10))


async def test_links_are_made_undone_and_expanded(api: Api, make: Any) -> None:
    company = await make("companies", name="Acme", employees=7)
    first, second = await make("tickets", subject="One", company=company["id"]), await make("tickets", subject="Two")
    place = f"/records/tickets/{first['id']}"
    assert (await api.member.put(f"{place}/related/related_to/{second['id']}")).status_code == 204
    assert (await api.member.put(f"{place}/related/related_to/{second['id']}")).status_code == 204
    back = ok(await api.viewer.get(f"/records/tickets/{second['id']}/related/related_from"))
    assert [one["subject"] for one in back["data"]] == ["One"]
    refused(await api.member.put(f"{place}/related/nothing/{second['id']}"), 404)
    refused(await api.member.put(f"{place}/related/related_to/{uuid4()}"), 404)
    refused(await api.viewer.put(f"{place}/related/related_to/{second['id']}"), 403)
    assert (await api.member.delete(f"{place}/related/related_to/{second['id']}")).status_code == 204
    refused(await api.member.delete(f"{place}/related/related_to/{second['id']}"), 404)
    assert ok(await api.viewer.get(f"{place}?expand=company"))["company"]["employees"] == 7
    listed = ok(await api.viewer.get("/records/tickets?expand=company&sort=subject"))["data"]
    assert listed[0]["company"]["employees"] == 7
    refused(await api.viewer.get(f"{place}?expand=nothing"), 400)


async def test_merging_keeps_one_record_and_everything_that_led_to_the_others(api: Api, make: Any) -> None:
    keep = await make("companies", name="Acme", tags=["big"])
    other = await make("companies", name="ACME Ltd", employees=9, founded="1999-01-01", notes="Old friends")
    third = await make("companies", name="Acme (2)", employees=5)
    tickets = [
        await make("tickets", subject=f"T{index}", company=one["id"]) for index, one in enumerate((keep, other, third))
    ]
    ok(await api.admin.delete(f"/records/tickets/{tickets[2]['id']}"))
    body = {"keep": keep["id"], "merge": [other["id"], third["id"]], "values": {"name": "Acme Limited"}}
    refused(await api.viewer.post("/records/companies/merge", json=body), 403)
    merged = ok(await api.member.post("/records/companies/merge", json=body))
    assert (merged["name"], merged["employees"], merged["founded"]) == ("Acme Limited", 9, "1999-01-01")
    assert ok(await api.viewer.get(f"/records/companies/{keep['id']}"))["notes"] == "Old friends"
    found = ok(await api.viewer.get(f"/records/companies/{keep['id']}/related/tickets"))["data"]
    assert {one["subject"] for one in found} == {"T0", "T1"}
    assert ok(await api.viewer.get(f"/records/tickets/{tickets[2]['id']}"))["company"]["id"] == keep["id"]
    assert [one["id"] for one in ok(await api.viewer.get("/records/companies"))["data"]] == [keep["id"]]
    assert ok(await api.viewer.get(f"/records/companies/{other['id']}"))["archived_at"]

    one, two, far = [await make("tickets", subject=f"M{index}") for index in range(3)]
    for source, target in ((two, far), (far, two), (one, two)):
        place = f"/records/tickets/{source['id']}/related/related_to/{target['id']}"
        assert (await api.member.put(place)).status_code == 204
    ok(await api.member.post("/records/tickets/merge", json={"keep": one["id"], "merge": [two["id"]]}))
    for link in ("related_to", "related_from"):
        found = ok(await api.viewer.get(f"/records/tickets/{one['id']}/related/{link}"))["data"]
        assert [each["id"] for each in found] == [far["id"]]
    for wrong in (
        {"keep": one["id"], "merge": []},
        {"keep": one["id"], "merge": [one["id"]]},
        {"merge": [one["id"]]},
        {"keep": one["id"], "merge": ["x"]},
    ):
        refused(await api.member.post("/records/tickets/merge", json=wrong), 422)
    refused(await api.member.post("/records/tickets/merge", json={"keep": one["id"], "merge": [two["id"]]}), 404)
