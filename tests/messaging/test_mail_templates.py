"""Mail templates as definitions: checked when they are published, previewed, sent by automations and by people."""

from __future__ import annotations

import html
from datetime import timedelta
from typing import Any
from urllib.parse import unquote

from tests.api.conftest import ok, refused
from tests.messaging.conftest import Desk
from xrm_core.automation import arming, runner

SITE = "http://xrm.example"
HELLO: dict[str, Any] = {
    "name": "hello", "label": {"en": "Say hello", "de": "Grüßen"}, "module": "people",
    "languages": {
        "en": {"subject": "Hello {{ name }}", "text": "Dear {{ name }},\n{% if is_not_empty(born) %}born {{ born }}{% endif %}\n{{ sender_name }}"},
        "de": {"subject": "Hallo {{ name }}", "html": "<p>Guten Tag <b>{{ name }}</b></p>"},
    },
}  # fmt: skip
WELCOME: dict[str, Any] = {
    "name": "welcome", "label": "Welcome", "module": "people", "state": "on", "triggers": [{"kind": "created"}],
    "steps": [{"do": "mail", "to": ["email"], "template": "hello", "language": "language"}],
}  # fmt: skip


async def run(desk: Desk) -> None:
    await runner.run_due(desk.api.process.units, desk.api.workspace)
    await desk.deliver()


async def test_what_is_missing_is_refused_with_its_place(desk: Desk) -> None:
    admin = desk.api.admin
    wrong = {**HELLO, "languages": {"en": {"subject": "Hi {{ nme }}", "text": "a\n{{ born.year }} {% for x in y %}"}}}
    problems = refused(await admin.post("/mail-templates", json=wrong), 422)
    places = {one["path"] for one in problems}
    assert (
        "/mail_templates/hello/languages/en/subject" in places and "/mail_templates/hello/languages/en/text" in places
    )
    first = next(one for one in problems if one["path"].endswith("subject"))
    assert "line 1, column 4" in first["message"] and "nme" in first["message"]
    for change, path in (
        ({"module": "nobody"}, "/mail_templates/hello/module"), ({"languages": {}}, "/languages"),
        ({"languages": {"en": {"subject": "x"}}}, "/mail_templates/hello/languages/en/text"),
        ({"languages": {"English": {"subject": "x", "text": "y"}}}, "/languages/English/[key]"),
    ):  # fmt: skip
        found = refused(await admin.post("/mail-templates", json={**HELLO, **change}), 422)
        assert any(one["path"].startswith(path.removesuffix("/[key]")) for one in found), (path, found)
    assert refused(await desk.api.member.post("/mail-templates", json=HELLO), 403)
    ok(await admin.post("/mail-templates", json=HELLO), 201)
    taken = await admin.post("/mail-templates", json=HELLO)
    assert taken.status_code in (409, 422)
    ok(await admin.post("/automations", json=WELCOME), 201)
    assert (
        refused(await admin.delete("/mail-templates/hello"), 422)[0]["path"] == "/automations/welcome/steps/0/template"
    )
    other = {**WELCOME, "name": "other", "module": "deals"}
    assert refused(await admin.post("/automations", json=other), 422)[0]["path"].startswith(
        "/automations/other/steps/0"
    )
    both = {**WELCOME, "name": "both", "steps": [{**WELCOME["steps"][0], "subject": "x", "text": "y"}]}
    assert refused(await admin.post("/automations", json=both), 422)[0]["path"] == "/automations/both/steps/0/template"
    none = {**WELCOME, "name": "none", "steps": [{"do": "mail", "to": ["email"]}]}
    assert {one["path"] for one in refused(await admin.post("/automations", json=none), 422)} == {
        "/automations/none/steps/0/subject", "/automations/none/steps/0/text"}  # fmt: skip


async def test_an_automation_sends_it_in_the_language_of_the_person(desk: Desk) -> None:
    admin = desk.api.admin
    ok(await admin.post("/mail-templates", json=HELLO), 201)
    ok(await admin.post("/automations", json=WELCOME), 201)
    await arming.bring_up_to_date(desk.api.process.units, desk.api.workspace)
    desk.api.clock.move(timedelta(minutes=1))
    await desk.new("people", name="Ada", email="ada@customer.test", born="1990-12-24")
    await desk.new("people", name="Bo", email="bo@customer.test", language="de")
    await run(desk)
    (english,), (german,) = desk.post.to("ada@customer.test"), desk.post.to("bo@customer.test")
    assert str(english.mail["Subject"]) == "Hello Ada" and "born Dec 24, 1990" in english.part("text/plain")
    assert str(german.mail["Subject"]) == "Hallo Bo" and "Guten Tag <b>Bo</b>" in german.part("text/html")
    # A field gets another name: the texts follow, and the next mail is as right as the first.
    ok(await admin.patch("/modules/people/fields/name", json={"name": "full_name"}))
    shown = ok(await admin.get("/mail-templates/hello"))
    assert shown["languages"]["en"]["subject"] == "Hello {{ full_name }}"
    assert "{% if is_not_empty(born) %}" in shown["languages"]["en"]["text"]
    tried = ok(
        await admin.post(
            "/automations/welcome/test",
            json={"record": (await desk.new("people", full_name="Cy", email="c@x.test"))["id"]},
        )
    )
    assert tried["steps"][0]["mail"]["subject"] == "Hello Cy"


async def test_a_draft_waits_for_somebody(desk: Desk) -> None:
    admin = desk.api.admin
    ok(await admin.post("/mail-templates", json=HELLO), 201)
    steps = [{**WELCOME["steps"][0], "approval": True}, {"do": "update", "values": {"language": "'en'"}}]
    ok(await admin.post("/automations", json={**WELCOME, "steps": steps}), 201)
    await arming.bring_up_to_date(desk.api.process.units, desk.api.workspace)
    desk.api.clock.move(timedelta(minutes=1))
    for name in ("Ada", "Bo"):
        await desk.new("people", name=name, email=f"{name.lower()}@customer.test")
    await run(desk)
    runs = {one["record"]["title"]: one for one in ok(await admin.get("/automations/welcome/runs"))["data"]}
    assert desk.post.box == [] and {one["state"] for one in runs.values()} == {"asked"}
    assert runs["Ada"]["reason"] == "approval"
    page = html.unescape((await admin.get(f"{SITE}/automations/welcome")).text)
    assert "Hello Ada" in page
    for name, decision in (("Ada", True), ("Bo", False)):
        ok(await admin.post(f"/automations/welcome/runs/{runs[name]['id']}/decide", json={"run": decision}))
    await run(desk)
    await run(desk)
    assert [letter.recipients for letter in desk.post.box] == [["ada@customer.test"]]
    runs = {one["record"]["title"]: one for one in ok(await admin.get("/automations/welcome/runs"))["data"]}
    assert (runs["Ada"]["state"], runs["Bo"]["state"], runs["Bo"]["reason"]) == ("done", "suppressed", "declined")


async def test_pages_and_the_composer(desk: Desk) -> None:
    admin, member = desk.api.admin, desk.api.member
    ada = await desk.new("people", name="Ada", email="ada@customer.test")
    form = {
        "label": "Say hello",
        "module": "people",
        "language": "en",
        "subject": "Hello {{ nme }}",
        "text": "Dear {{ name }}",
    }
    wrong = await admin.post(f"{SITE}/settings/templates", data=form)
    assert (
        wrong.status_code == 422
        and "languages/en/subject" in wrong.text
        and "Dear {{ name }}" in html.unescape(wrong.text)
    )
    assert (
        await admin.post(f"{SITE}/settings/templates", data={**form, "subject": "Hello {{ name }}"})
    ).status_code == 303
    (made,) = ok(await member.get("/mail-templates?module=people"))["data"]
    url = f"{SITE}/settings/templates/{made['name']}"
    assert "Say hello" in (await admin.get(f"{SITE}/settings/templates")).text
    page = html.unescape((await admin.get(url)).text)
    assert "Hello Ada" in page and "Dear Ada" in page
    changed = {
        "subject.en": "Hi {{ name }}", "text.en": "Dear {{ name }}", "new_language": "de", "subject.de": "Hallo {{ name }}",
        "text.de": "Guten Tag", "marketing": "true",
    }  # fmt: skip
    assert (await admin.post(url, data={**changed, "text.en": "{{ nothing }}"})).status_code == 422
    kept = await admin.post(url, data=changed)
    assert kept.status_code == 303 and "is kept" in unquote(kept.headers["set-cookie"])
    assert "Hallo Ada" in html.unescape((await admin.get(f"{url}?language=de&record={ada['id']}")).text)
    assert (await member.get(url)).status_code == 403
    preview = ok(await member.post(f"/mail-templates/{made['name']}/preview", json={"id": ada["id"], "language": "de"}))
    assert (preview["subject"], preview["text"], preview["language"]) == ("Hallo Ada", "Guten Tag", "de")
    record = (await member.get(f"{SITE}/m/people/{ada['id']}")).text
    assert f'<option value="{made["name"]}">Say hello</option>' in record
    filled = ok(await member.get(f"{SITE}/m/people/{ada['id']}/mail/template?name={made['name']}"))
    assert filled == {"subject": "Hi Ada", "text": "Dear Ada", "category": "marketing"}
    deal = await desk.new("deals", name="Pumps")
    assert (await member.get(f"{SITE}/m/deals/{deal['id']}/mail/template?name={made['name']}")).status_code == 404
    sent = await member.post(f"{SITE}/m/people/{ada['id']}/mail", data={"to": "ada@customer.test", **filled})
    assert sent.status_code == 303
    desk.api.clock.move(timedelta(minutes=1))
    await desk.deliver()
    (letter,) = desk.post.box
    assert str(letter.mail["Subject"]) == "Hi Ada" and "unsubscribe" in str(letter.mail["List-Unsubscribe"])
    assert (await admin.post(url, data={"do": "remove"})).status_code == 303
    assert ok(await member.get("/mail-templates"))["data"] == []
