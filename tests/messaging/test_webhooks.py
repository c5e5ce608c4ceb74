"""Webhooks against a real HTTP server: signed, tried again, as much as their owner may see; and received once each."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tests.api.conftest import ok, refused
from tests.messaging.conftest import Desk
from xrm_core.kernel.actor import SYSTEM
from xrm_core.kernel.errors import Unauthenticated
from xrm_core.messaging import calling, webhooks
from xrm_core.messaging.effects import Never
from xrm_core.storage import outbox


@dataclass
class Ear:
    """A program of others that is told things."""

    url: str = ""
    status: int = 200
    heard: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    @property
    def bodies(self) -> list[dict[str, Any]]:
        return [json.loads(body) for _, body in self.heard]


@pytest.fixture
def ear() -> Iterator[Ear]:
    found = Ear()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            found.heard.append(({key.lower(): value for key, value in self.headers.items()}, body))
            self.send_response(found.status)
            if found.status == 302:
                self.send_header("Location", "http://127.0.0.1:1/")
            self.end_headers()
            self.wfile.write(b"answer")

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    found.url = f"http://127.0.0.1:{server.server_address[1]}/hook"
    yield found
    server.shutdown()
    server.server_close()


async def tell(desk: Desk) -> int:
    count = await webhooks.tell(desk.api.process.units, desk.api.workspace)
    await desk.deliver()
    return count


async def test_what_happens_is_told_signed_and_once(desk: Desk, ear: Ear) -> None:
    await desk.new("people", name="Before")
    desk.api.clock.move(timedelta(hours=1))
    made = ok(
        await desk.api.admin.post(
            "/webhooks", json={"name": "erp", "url": ear.url, "modules": ["people"], "events": ["created", "updated"]}
        ),
        201,
    )
    assert "secret" not in ok(await desk.api.admin.get("/webhooks"))["data"][0]
    ada = await desk.new("people", name="Ada")
    await desk.new("deals", name="Not asked for")
    ok(await desk.api.member.patch(f"/records/people/{ada['id']}", json={"name": "Ada B."}))
    assert await tell(desk) == 2 and await tell(desk) == 0
    desk.api.clock.move(timedelta(minutes=10))
    assert await tell(desk) == 0
    first, second = sorted(ear.bodies, key=lambda one: one["version"])
    assert (first["type"], first["module"], first["record"]["id"]) == ("record.created", "people", ada["id"])
    assert second["type"] == "record.updated" and "name" in second["changed"]
    headers, body = ear.heard[0]
    webhooks.verify(made["secret"], body, headers["xrm-signature"], desk.api.clock.now() - timedelta(minutes=10))
    with pytest.raises(Unauthenticated):
        webhooks.verify("other", body, headers["xrm-signature"], desk.api.clock.now() - timedelta(minutes=10))
    assert len({head["idempotency-key"] for head, _ in ear.heard}) == 2


async def test_only_what_the_owner_sees_and_the_filter_lets_through(desk: Desk, ear: Ear) -> None:
    desk.api.clock.move(timedelta(hours=1))
    ok(
        await desk.api.admin.post(
            "/webhooks", json={"name": "a", "url": ear.url, "modules": ["people"], "filter": "name == 'Ada'"}
        ),
        201,
    )
    await desk.new("people", name="Bo")
    await desk.new("people", name="Ada")
    assert await tell(desk) == 1 and [one["record"]["name"] for one in ear.bodies] == ["Ada"]
    async with desk.api.process.database.writing() as connection:
        await connection.execute(
            f"update {desk.api.workspace.schema}.member set roles = '{{}}'::text[] where name = 'admin'"
        )
    ok(await desk.api.member.post("/records/people", json={"name": "Ada"}), 201)
    assert await tell(desk) == 0, "whoever may see nothing any more is told nothing"


async def test_tried_again_and_switched_off(desk: Desk, ear: Ear) -> None:
    ok(
        await desk.api.admin.post(
            "/webhooks", json={"name": "a", "url": ear.url, "modules": ["people"], "events": ["created"]}
        ),
        201,
    )
    ear.status = 500
    await desk.new("people", name="Ada")
    await tell(desk)
    ear.status = 302
    desk.api.clock.move(timedelta(minutes=2))
    await desk.deliver()
    ear.status = 200
    desk.api.clock.move(timedelta(minutes=10))
    await desk.deliver()
    await desk.deliver()
    assert len(ear.heard) == 3 and len({head["idempotency-key"] for head, _ in ear.heard}) == 1
    ear.status = 410
    await desk.new("people", name="Bo")
    await tell(desk)
    assert ok(await desk.api.admin.get("/webhooks"))["data"][0]["enabled"] is False
    (one,) = await desk.failed()
    assert "410" in one["error"] and one["webhook"]


async def test_an_automation_calls(desk: Desk, ear: Ear) -> None:
    async with desk.api.process.units.begin(desk.api.workspace, SYSTEM) as unit:
        await outbox.put(
            await unit.transaction(), unit.schema, "webhook", "run", {"url": ear.url, "body": {"a": 1}}, now=unit.now
        )
    await desk.deliver()
    assert ear.bodies == [{"a": 1}]


PRIVATE = [
    "https://127.0.0.1/", "https://10.0.0.1/", "https://[::1]/", "https://169.254.169.254/latest", "https://192.168.1.1/",
    "https://[::ffff:10.0.0.1]/", "https://0.0.0.0/", "https://100.64.0.1/", "https://[fd00::1]/",
]  # fmt: skip
NOT_CALLED = [
    "ftp://example.org",
    "https://user:secret@example.org/",
    "javascript:x",
    "https://",
    "https://example.org/\r\nX: y",
    "http://example.org/",
]


async def test_nothing_inside_the_own_network_is_called(desk: Desk, ear: Ear, monkeypatch: pytest.MonkeyPatch) -> None:
    office = replace(desk.office, private_hosts=False)
    object.__setattr__(desk.api.process.services, "office", office)
    for url in [*PRIVATE, *NOT_CALLED]:
        refused(await desk.api.admin.post("/webhooks", json={"name": "x", "url": url}), 422)

    def inside(*args: Any, **more: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 443))]

    monkeypatch.setattr(socket, "getaddrinfo", inside)
    with pytest.raises(Never, match="private"):
        await calling.call(office, "POST", "https://looks.public.example/", body=b"x")
    assert ear.heard == []


async def test_others_tell_us_once(desk: Desk) -> None:
    refused(await desk.api.member.post("/webhooks", json={"name": "form", "direction": "in"}), 403)
    made = ok(await desk.api.admin.post("/webhooks", json={"name": "form", "direction": "in"}), 201)
    path = made["url"].removeprefix("https://xrm.test/api/v1")
    body = json.dumps({"name": "Ada", "x": "\u0000"}).encode()

    async def send(secret: str, at: Any, content: bytes = body, **headers: str) -> Any:
        signature = {"XRM-Signature": webhooks.sign(secret, content, at), "Content-Type": "application/json"}
        return await desk.api.nobody.post(path, content=content, headers={**signature, **headers})

    now = desk.api.clock.now()
    assert ok(await send(made["secret"], now), 202)["new"] is True
    assert ok(await send(made["secret"], now), 202)["new"] is False, "a replayed delivery does nothing"
    assert ok(await send(made["secret"], now + timedelta(seconds=1), **{"XRM-Delivery": "7"}), 202)["new"] is True
    assert ok(await send(made["secret"], now + timedelta(seconds=2), **{"XRM-Delivery": "7"}), 202)["new"] is False
    refused(await send("wrong", now), 401)
    refused(await send(made["secret"], now - timedelta(minutes=6)), 401)
    refused(await send(made["secret"], now + timedelta(minutes=6)), 401)
    refused(await desk.api.nobody.post(path, content=body), 401)
    refused(
        await desk.api.nobody.post(
            path, content=b"{}", headers={"XRM-Signature": webhooks.sign(made["secret"], body, now)}
        ),
        401,
    )
    refused(await send(made["secret"], now, b"no json"), 400)
    refused(await desk.api.nobody.post("/hooks/nowhere/0190f3e4-0000-7000-8000-000000000000", content=body), 401)
    async with desk.api.process.database.writing() as connection:
        cursor = await connection.execute(
            f"select changes -> 'body' ->> 'name' from {desk.api.workspace.schema}.event where kind = 'webhook'"
        )
        assert [row[0] for row in await cursor.fetchall()] == ["Ada", "Ada"]
    ok(await desk.api.admin.delete(f"/webhooks/{made['id']}"), 204)
    refused(await send(made["secret"], now), 401)


async def test_bad_webhooks_are_refused(desk: Desk, ear: Ear) -> None:
    for given, path in (
        ({"url": ear.url, "events": ["exploded"]}, "/events"),
        ({"url": ear.url, "modules": ["nothing"]}, "/modules/0"),
        ({"url": ear.url, "filter": "name == 'x'"}, "/filter"),
        ({"direction": "sideways"}, "/direction"),
        ({}, "/url"),
        ({"url": ear.url, "name": ""}, "/name"),
    ):
        problems = refused(await desk.api.admin.post("/webhooks", json={"name": "x", **given}), 422)
        assert path in [one["path"] for one in problems], (given, problems)
    bad = {"name": "x", "url": ear.url, "modules": ["people"], "filter": "nme == 'x'"}
    refused(await desk.api.admin.post("/webhooks", json=bad), 400)
