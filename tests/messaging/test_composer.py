"""Mail written on the page of a record: it goes out by the outbox after a moment, is on the timeline, and can be taken back."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx
import orjson

from tests.api.conftest import Api, ok
from tests.api.conftest import refused as api_refused
from tests.messaging.conftest import Desk

SITE = "http://xrm.example"
JSON = {"Accept": "application/json"}
LOG: dict[str, Any] = {
    "name": "talks", "label": "Talk", "label_plural": "Talks", "title": "{{ headline }}",
    "fields": [
        {"name": "headline", "type": "text", "label": "Headline"},
        {"name": "words", "type": "long_text", "label": "Words"},
        {"name": "way", "type": "select", "label": "Way", "options": [{"name": "call", "label": "Call"}, {"name": "letter", "label": "Letter"}]},
        {"name": "ours", "type": "boolean", "label": "Ours"},
    ],
    "links": [{"name": "about", "label": "About", "to": ["people", "deals"], "many": True, "inverse": {"name": "talks", "label": "Talks"}}],
    "log": {"text": "words", "title": "headline", "kind": "way", "mail": "letter", "mail_values": {"ours": True}},
}  # fmt: skip


async def send(client: httpx.AsyncClient, record: str, module: str = "people", **form: Any) -> httpx.Response:
    given = {"to": "ada@customer.test", "subject": "Hello", "text": "Good morning", **form}
    return await client.post(f"{SITE}/m/{module}/{record}/mail", data=given, headers=JSON)


def refused(response: httpx.Response, status: int) -> dict[str, str]:
    """The first problem of a refusal."""
    assert response.status_code == status, response.text
    problem: dict[str, str] = response.json()["problems"][0]
    return problem


async def entries(api: Api, record: str, module: str = "people") -> str:
    return (await api.member.get(f"{SITE}/m/{module}/{record}")).text


async def test_a_mail_of_the_page_is_sent_and_followed(desk: Desk) -> None:
    api = desk.api
    ok(await api.admin.post("/modules", json=LOG), 201)
    ada = await desk.new("people", name="Ada", email="ada@customer.test")
    page = await entries(api, ada["id"])
    assert 'name="to" value="ada@customer.test"' in page and "Letter" not in page.split("xrm-composer")[1]
    upload = ok(await api.member.post("/files", files={"file": ("offer.txt", b"cheap", "text/plain")}), 201)
    done = ok(await send(api.member, ada["id"], **{"attachments.keep": orjson.dumps(upload).decode()}))
    await desk.deliver()
    assert desk.post.box == [] and "Waiting" in await entries(api, ada["id"])
    api.clock.move(timedelta(seconds=11))
    await desk.deliver()
    (letter,) = desk.post.box
    assert letter.recipients == ["ada@customer.test"] and letter.part("text/plain").strip() == "Good morning"
    assert "member" in str(letter.mail["From"]) and str(letter.mail["Reply-To"]) == "member <member@example.com>"
    assert f"<record.{ada['id']}@xrm.test>" in str(letter.mail["References"])
    assert [part.get_filename() for part in letter.mail.iter_attachments()] == ["offer.txt"]
    page = await entries(api, ada["id"])
    assert "Delivered to the server" in page and "offer.txt" in page and page.count("<strong>Hello</strong>") == 1
    assert "added Talk" not in page and "Take back" not in page
    (talk,) = ok(await api.member.get("/records/talks"))["data"]
    talk = ok(await api.member.get(f"/records/talks/{talk['id']}"))
    assert (talk["headline"], talk["words"], talk["way"], talk["ours"]) == ("Hello", "Good morning", "letter", True)
    too_late = await api.member.post(f"{SITE}{done['undo']}", headers=JSON)
    assert "too late" in refused(too_late, 409)["message"]


async def test_it_can_be_taken_back_until_it_leaves(desk: Desk) -> None:
    api = desk.api
    ok(await api.admin.post("/modules", json=LOG), 201)
    ada = await desk.new("people", name="Ada", email="ada@customer.test")
    done = ok(await send(api.member, ada["id"]))
    assert (await api.viewer.post(f"{SITE}{done['undo']}", headers=JSON)).status_code == 404
    assert "Take back" in await entries(api, ada["id"])
    back = await api.member.post(f"{SITE}{done['undo']}")
    assert back.status_code == 303 and back.headers["location"] == f"/m/people/{ada['id']}"
    api.clock.move(timedelta(minutes=1))
    await desk.deliver()
    assert desk.post.box == [] and "Taken back" in await entries(api, ada["id"])
    assert ok(await api.member.get("/records/talks"))["data"] == []


async def test_who_must_not_be_written_to_is_not(desk: Desk) -> None:
    api = desk.api
    field = {"name": "stop", "type": "boolean", "label": "Stop"}
    ok(await api.admin.post("/modules/people/fields", json=field), 201)
    ok(await api.admin.patch("/modules/people", json={"reachable": {"allowed_when": "stop != true"}}))
    wrong = await api.admin.patch("/modules/people", json={"reachable": {"allowed_when": "stopp != true"}})
    assert api_refused(wrong, 422)[0]["path"].endswith("/reachable/allowed_when")
    ada = await desk.new("people", name="Ada", email="ada@customer.test", stop=True)
    bo = await desk.new("people", name="Bo", email="bo@customer.test")
    problem = refused(await send(api.member, ada["id"]), 422)
    assert problem["path"] == "/to/0" and "must not be written to" in problem["message"]
    deal = await desk.new("deals", name="Pumps", buyer=bo["id"])
    assert 'value="bo@customer.test"' in await entries(api, deal["id"], "deals")
    ok(await api.admin.post("/mail-suppressions", json={"address": "bo@customer.test"}), 201)
    refused_too = refused(await send(api.member, deal["id"], "deals", to="bo@customer.test"), 422)
    assert "no more mail" in refused_too["message"]
    # What changes while a mail waits counts as well.
    ok(await api.admin.delete("/mail-suppressions/bo@customer.test"), 204)
    ok(await send(api.member, deal["id"], "deals", to="bo@customer.test"))
    ok(await api.admin.patch(f"/records/people/{bo['id']}", json={"stop": True}))
    api.clock.move(timedelta(minutes=1))
    await desk.deliver()
    assert desk.post.box == [] and "Held back" in await entries(api, deal["id"], "deals")


async def test_bad_mails_of_the_page_are_refused(desk: Desk) -> None:
    api = desk.api
    ada = await desk.new("people", name="Ada", email="ada@customer.test")
    for form, path in (
        ({"to": "nobody"}, "/to/0"), ({"subject": ""}, "/subject"), ({"text": ""}, "/text"), ({"to": ""}, "/to"),
        ({"subject": "a\r\nBcc: x@y.test"}, "/subject"), ({"attachments.keep": "{"}, "/attachments"),
    ):  # fmt: skip
        assert refused(await send(api.member, ada["id"], **form), 422)["path"] == path
    again = await api.member.post(f"{SITE}/m/people/{ada['id']}/mail", data={"to": "x", "subject": "y", "text": "z"})
    assert again.status_code == 303
    assert (await send(api.nobody, ada["id"])).status_code == 401
    assert desk.post.box == [] and await desk.effects("waiting") == []
