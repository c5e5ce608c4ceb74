"""What is new reaches open pages while they are open."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import orjson

from tests.api.conftest import Api, ok, refused


async def listen(client: httpx.AsyncClient, seconds: int = 2) -> list[tuple[str, Any]]:
    answer = await client.get("/stream", params={"seconds": seconds})
    assert answer.status_code == 200 and answer.headers["content-type"].startswith("text/event-stream")
    found = []
    for block in answer.text.split("\n\n"):
        lines = dict(line.split(": ", 1) for line in block.split("\n") if not line.startswith(":") and ": " in line)
        if "event" in lines:
            found.append((lines["event"], orjson.loads(lines["data"])))
    assert found[0] == ("hello", {})
    return found[1:]


async def test_pages_hear_of_what_others_do(api: Api) -> None:
    async def write() -> None:
        await asyncio.sleep(0.3)
        company = ok(await api.admin.post("/records/companies", json={"name": "Acme"}), 201)
        (user,) = [one for one in ok(await api.admin.get("/users"))["data"] if one["name"] == "member"]
        ok(await api.admin.patch(f"/records/companies/{company['id']}", json={"owner": user["id"]}))

    members, admins, _ = await asyncio.gather(listen(api.member), listen(api.admin), write())
    kinds = [kind for kind, _ in members]
    assert "rows" in kinds and sum(data.get("companies", 0) for kind, data in members if kind == "rows") >= 1
    assert [data["title"] for kind, data in members if kind == "notification"] == ["Acme"]
    assert admins == [], "what one does oneself is no news"
    assert api.process.services.hub._channels == {}, "nobody listens any more"


async def test_jobs_tell_how_far_they_are(api: Api) -> None:
    rows = [{"name": f"C{n}"} for n in range(250)]
    ok(await api.admin.post("/records/companies/batch", json={"create": rows}))

    async def work() -> None:
        await asyncio.sleep(0.3)
        ok(await api.member.post("/records/companies/bulk", json={"filter": "", "set": {"employees": 3}}), 202)

    heard, _ = await asyncio.gather(listen(api.member), work())
    assert ("waiting", 0, 250) in [(data["state"], data["done"], data["total"]) for kind, data in heard if kind == "job"]


async def test_nobody_listens_without_being_known(api: Api) -> None:
    refused(await api.nobody.get("/stream"), 401)
    refused(await api.member.get("/stream", params={"seconds": 0}), 400)
