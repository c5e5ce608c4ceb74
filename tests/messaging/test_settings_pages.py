"""The pages of administrators: accounts that are tried, what failed, who gets nothing more, webhooks both ways."""

from __future__ import annotations

import html
import re
from datetime import timedelta
from typing import Any
from urllib.parse import unquote

import httpx
import orjson

from tests.api.conftest import ok, refused
from tests.messaging.conftest import Desk
from tests.messaging.counterparts import MailServer
from tests.messaging.test_webhooks import Ear, ear
from xrm_core.automation import arming, runner
from xrm_core.messaging import webhooks

__all__ = ["ear"]
SITE = "http://xrm.example"
GREET: dict[str, Any] = {
    "name": "greet", "label": "Greet", "module": "deals", "state": "on", "when": "name != 'Quiet'", "triggers": [{"kind": "called"}],
    "steps": [{"do": "update", "values": {"name": "{{ name }} (called)"}}],
}  # fmt: skip


async def shown(client: httpx.AsyncClient, url: str) -> str:
    answer = await client.get(SITE + url)
    assert answer.status_code == 200, answer.text
    return html.unescape(answer.text)


async def press(client: httpx.AsyncClient, url: str, **form: Any) -> str:
    """Send a form that succeeds; what the next page says."""
    answer = await client.post(SITE + url, data=form)
    assert answer.status_code == 303, answer.text
    return unquote(answer.headers.get("set-cookie", ""))


async def test_accounts_are_added_tried_and_removed(desk: Desk, imap: MailServer) -> None:
    admin, member = desk.api.admin, desk.api.member
    assert "There are no accounts yet." in await shown(admin, "/settings/mail")
    given = {
        "kind": "imap", "scope": "workspace", "name": "Office", "address": "office@xrm.test", "host": "127.0.0.1",
        "port": str(imap.port), "security": "none", "user": "ada", "password": "wrong", "folders": "INBOX", "bcc": "true",
    }  # fmt: skip
    wrong = await admin.post(f"{SITE}/settings/mail", data={**given, "port": "99999", "name": ""})
    assert wrong.status_code == 422 and "A port is a number" in wrong.text and 'value="office@xrm.test"' in wrong.text
    await press(admin, "/settings/mail", **given)
    page = await shown(admin, "/settings/mail")
    assert "Office" in page and "wrong" not in page
    (box,) = ok(await admin.get("/mailboxes"))["data"]
    assert box["settings"]["bcc"] is True and box["settings"]["folders"] == ["INBOX"]
    assert "does not work" in await press(admin, f"/settings/mail/{box['id']}/test")
    del given["bcc"]
    await press(admin, f"/settings/mail/{box['id']}", **{**given, "password": "right"})
    assert "Office works" in await press(admin, f"/settings/mail/{box['id']}/test")
    (box,) = ok(await admin.get("/mailboxes"))["data"]
    assert "bcc" not in box["settings"] and ok(await admin.post(f"/mailboxes/{box['id']}/test"))["ok"] is True
    assert (await member.post(f"{SITE}/settings/mail/{box['id']}/test")).status_code == 404
    smtp = {"kind": "smtp", "name": "Mine", "address": "m@xrm.test", "host": "127.0.0.1", "port": str(desk.post.port)}
    assert "is added" in await press(member, "/settings/mail", **smtp, security="none")
    mine = await shown(member, "/settings/mail")
    assert "Mine" in mine and "Office" not in mine and "/settings/outbox" not in mine
    (own,) = [one for one in ok(await member.get("/mailboxes"))["data"] if one["name"] == "Mine"]
    assert "Mine works" in await press(member, f"/settings/mail/{own['id']}/test")
    desk.api.clock.move(timedelta(minutes=1))
    await press(admin, f"/settings/mail/{box['id']}", do="off")
    assert ok(await admin.get("/mailboxes"))["data"][0]["enabled"] is False
    await press(admin, f"/settings/mail/{box['id']}", do="remove")
    assert ok(await admin.get("/mailboxes"))["data"] == []


async def test_what_failed_is_tried_again_or_given_up(desk: Desk) -> None:
    admin = desk.api.admin
    desk.post.answer = "554 no"
    for subject in ("One", "Two"):
        ok(await admin.post("/mail", json={"to": ["ada@customer.test"], "subject": subject, "text": "x"}), 201)
    await desk.deliver()
    page = await shown(admin, "/settings/outbox")
    assert "One" in page and "Two" in page and "554 no" in page and "ada@customer.test" in page
    first, second = sorted(await desk.failed(), key=lambda one: str(one["subject"]))
    desk.post.answer = ""
    assert "tried again" in await press(admin, f"/settings/outbox/{first['id']}", do="retry")
    assert "given up" in await press(admin, f"/settings/outbox/{second['id']}", do="drop")
    await desk.deliver()
    assert [str(letter.mail["Subject"]) for letter in desk.post.box] == ["One"]
    assert "Nothing here." in await shown(admin, "/settings/outbox")
    done = await shown(admin, "/settings/outbox?state=done")
    assert "One" in done and "Taken back" in done
    assert (await desk.api.member.get(f"{SITE}/settings/outbox")).status_code == 403
    assert "has not failed" in await press(admin, f"/settings/outbox/{first['id']}", do="retry")


async def test_addresses_that_get_nothing_more(desk: Desk) -> None:
    admin = desk.api.admin
    assert "gets no more mail" in await press(
        admin, "/settings/suppressions", address="Ada@Customer.test", scope="all", details="asked by phone"
    )
    assert "asked by phone" in await shown(admin, "/settings/suppressions")
    assert (await admin.post(f"{SITE}/settings/suppressions", data={"address": "nobody"})).status_code == 422
    assert "gets mail again" in await press(admin, "/settings/suppressions", address="ada@customer.test", do="remove")
    assert ok(await admin.get("/mail-suppressions"))["data"] == []


async def test_webhooks_tell_and_show_their_calls(desk: Desk, ear: Ear) -> None:
    admin = desk.api.admin
    form = {"direction": "out", "name": "Books", "url": ear.url, "events": "created", "modules": "deals"}
    wrong = await admin.post(f"{SITE}/settings/webhooks", data={**form, "url": "nothing"})
    assert wrong.status_code == 422 and "https://" in wrong.text
    page = (await admin.post(f"{SITE}/settings/webhooks", data=form)).text
    assert re.search(r"<code>[\w-]{43}</code>", page)
    (hook,) = ok(await admin.get("/webhooks"))["data"]
    assert hook["events"] == ["created"] and hook["modules"] == ["deals"]
    ear.status = 500
    await desk.new("deals", name="Pumps")
    await webhooks.tell(desk.api.process.units, desk.api.workspace)
    for _ in range(9):
        await desk.deliver()
        desk.api.clock.move(timedelta(hours=13))
    page = await shown(admin, "/settings/webhooks")
    assert "record.created" in page and "answered 500" in page and "Try again" in page
    ear.status, (failed,) = 200, await desk.failed()
    await press(admin, f"/settings/outbox/{failed['id']}", do="retry", back="webhooks")
    await desk.deliver()
    assert (
        'value="retry"' not in await shown(admin, "/settings/webhooks") and ear.bodies[-1]["record"]["name"] == "Pumps"
    )
    await press(admin, f"/settings/webhooks/{hook['id']}", do="off")
    assert ok(await admin.get("/webhooks"))["data"][0]["enabled"] is False
    await press(admin, f"/settings/webhooks/{hook['id']}", do="remove")
    assert ok(await admin.get("/webhooks"))["data"] == []


async def test_a_call_starts_its_automation_once(desk: Desk) -> None:
    api = desk.api
    assert "No automation waits" in await shown(api.admin, "/settings/webhooks")
    ok(await api.admin.post("/automations", json=GREET), 201)
    await arming.bring_up_to_date(api.process.units, api.workspace)
    form = {"direction": "in", "name": "Form", "automation": "greet"}
    page = (await api.admin.post(f"{SITE}/settings/webhooks", data=form)).text
    found = re.search(r"<code>([\w-]{43})</code>", page)
    assert found is not None
    (hook,) = ok(await api.admin.get("/webhooks"))["data"]
    assert hook["automation"] == "greet"
    other = {"name": "x", "direction": "in", "automation": "nothing"}
    assert refused(await api.admin.post("/webhooks", json=other), 422)[0]["path"] == "/automation"
    pumps, quiet = await desk.new("deals", name="Pumps"), await desk.new("deals", name="Quiet")

    async def call(secret: str, body: dict[str, Any], **headers: str) -> httpx.Response:
        raw = orjson.dumps(body)
        given = {webhooks.SIGNATURE: webhooks.sign(secret, raw, api.clock.now()), **headers}
        path = hook["url"].removeprefix("https://xrm.test")
        answer = await api.nobody.post(SITE + path, content=raw, headers=given)
        await runner.run_due(api.process.units, api.workspace)
        return answer

    async def name(record: dict[str, Any]) -> str:
        return str(ok(await api.admin.get(f"/records/deals/{record['id']}"))["name"])

    assert (await call("wrong", {"record": pumps["id"]})).status_code == 401 and await name(pumps) == "Pumps"
    assert ok(await call(found[1], {"record": pumps["id"]}), 202)["new"] is True
    assert await name(pumps) == "Pumps (called)"
    # The same call once more, whatever delivery it claims to be, is a replay.
    again = await call(found[1], {"record": pumps["id"]}, **{"XRM-Delivery": "another"})
    assert ok(again, 202)["new"] is False and await name(pumps) == "Pumps (called)"
    api.clock.move(timedelta(seconds=2))
    assert ok(await call(found[1], {"record": quiet["id"]}), 202)["new"] is True
    assert await name(quiet) == "Quiet", "the condition of the automation counts"
    assert refused(await call(found[1], {"record": "x"}), 422)[0]["path"] == "/record"
    assert refused(await call(found[1], {}), 422)[0]["path"] == "/record"
    unknown = {"record": "01234567-0123-7123-8123-012345678901"}
    assert refused(await call(found[1], unknown), 422)[0]["path"] == "/record"
    ok(await api.admin.patch("/automations/greet", json={"state": "paused"}))
    api.clock.move(timedelta(seconds=2))
    assert (await call(found[1], {"record": pumps["id"]})).status_code == 409
    await press(api.admin, f"/settings/webhooks/{hook['id']}", do="off")
    assert (await call(found[1], {"record": pumps["id"]})).status_code == 401
