"""Templates: our expressions in a sandbox, previews with real records, and what they refuse; one-click unsubscribing."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from tests.api.conftest import ok, refused
from tests.messaging.conftest import Desk

GOOD = {
    "subject": "About {{ name }}",
    "html": "<p>Dear {{ buyer.name }},</p>{% if value > 100 %}<b>{{ value }}</b>{% else %}small{% endif %}<p>{{ closes }}</p>",
    "text": "{% if buyer.language == 'de' %}Hallo{% elif is_empty(buyer.language) %}Hello{% endif %} {{ buyer }}, {{ closes + days(7) }} {{ sender_name }}",
}  # fmt: skip


async def preview(desk: Desk, record: str, template: Any, **more: Any) -> Any:
    given = {"module": "deals", "id": record, "template": template, **more}
    return await desk.api.member.post("/mail/preview", json=given)


async def test_a_template_is_filled_in_for_a_record(desk: Desk) -> None:
    ada = await desk.new("people", name="Ada <i>B</i>", email="ada@customer.test")
    deal = await desk.new(
        "deals", name="Pumps", value={"amount": "120", "currency": "EUR"}, closes="2026-04-01", buyer=ada["id"]
    )
    got = ok(await preview(desk, deal["id"], GOOD))
    assert got["subject"] == "About Pumps" and "120" in got["html"] and "small" not in got["html"]
    assert "Ada &lt;i&gt;B&lt;/i&gt;" in got["html"], "values are never HTML"
    assert got["text"] == "Hello Ada <i>B</i>, Apr 8, 2026 member"
    both = {"languages": {"en": GOOD, "de": {"subject": "Zu {{ name }}", "text": "{{ closes }} {{ value }}"}}}
    german = ok(await preview(desk, deal["id"], both, language="de-AT"))
    assert german["subject"] == "Zu Pumps" and "01.04.2026" in german["text"]
    assert ok(await preview(desk, deal["id"], both, language="fr"))["subject"] == "About Pumps"
    await desk.deliver()
    assert desk.post.box == []


BAD: list[tuple[dict[str, str], str, str]] = [
    ({"subject": "{{ nme }}"}, "/subject", "line 1, column 1"),
    ({"text": "a\n{{ buyer.nme }}"}, "/text", "line 2, column 1"),
    ({"text": "{% for x in buyer %}{% endfor %}"}, "/text", "statement"),
    ({"text": "{% set x = 1 %}"}, "/text", "statement"),
    ({"text": "{% include 'x' %}"}, "/text", "statement"),
    ({"text": "{{ ''.__class__.__mro__ }}"}, "/text", "in"),
    ({"text": "{{ self }}"}, "/text", "self"),
    ({"text": "{{ cycler.__init__.__globals__ }}"}, "/text", "line"),
    ({"text": "{{ name | upper }}"}, "/text", "line"),
    ({"text": "{{ name"}, "/text", "closed"),
    ({"text": "{% if name %}x{% endif %}"}, "/text", "line"),
    ({"text": "{% if value > 1 %}x"}, "/text", "closed"),
    ({"text": "{% endif %}"}, "/text", "without if"),
    ({"text": "{{ name }}" * 400}, "/text", "at most"),
    ({"text": "{% if value > 1 %}" * 30 + "{% endif %}" * 30}, "/text", "too deep"),
]  # fmt: skip


async def test_bad_templates_are_refused_with_their_place(desk: Desk) -> None:
    deal = await desk.new("deals", name="Pumps")
    for change, path, words in BAD:
        template = {"subject": "s", "text": "t", **change}
        problems = refused(await preview(desk, deal["id"], template), 422)
        assert problems[0]["path"] == path and words in str(problems), (change, problems)
        checked = ok(await desk.api.member.post("/mail/check", json={"module": "deals", "template": template}))
        assert [one["path"] for one in checked["problems"]] == [one["path"] for one in problems]


async def test_shapes_that_are_no_templates(desk: Desk) -> None:
    deal = await desk.new("deals", name="Pumps")
    for template in ({}, {"subject": "x"}, {"subject": 7, "text": "x"}, {"languages": {}}, {"languages": {"en": 7}},
                     {"subject": "s", "text": "x" * 100_001}, {"subject": "s", "text": "t", "css": "x"}):  # fmt: skip
        refused(await preview(desk, deal["id"], template), 422)
    refused(await preview(desk, "0190f3e4-0000-7000-8000-000000000000", {"subject": "s", "text": "t"}), 404)


async def test_mails_that_advertise_end_with_one_click(desk: Desk) -> None:
    given = {
        "to": ["ada@customer.test", "bo@customer.test"],
        "subject": "News",
        "html": "<p>New</p>",
        "category": "marketing",
    }
    made = ok(await desk.api.member.post("/mail", json=given), 201)
    assert len(made["all"]) == 2
    await desk.deliver()
    assert sorted(letter.recipients for letter in desk.post.box) == [["ada@customer.test"], ["bo@customer.test"]]
    (letter,) = desk.post.to("ada@customer.test")
    assert (
        "bo@" not in letter.raw.decode() and str(letter.mail["List-Unsubscribe-Post"]) == "List-Unsubscribe=One-Click"
    )
    url = str(letter.mail["List-Unsubscribe"]).strip("<>").replace(" ", "")
    assert url.startswith("https://xrm.test/api/v1/") and url in letter.part("text/plain").replace("=\n", "")
    path = url.removeprefix("https://xrm.test/api/v1")
    page = await desk.api.nobody.get(path)
    assert page.status_code == 200 and "<form" in page.text
    ok(await desk.api.member.post("/mail", json=given), 201)
    await desk.deliver()
    assert len(desk.post.to("ada@customer.test")) == 2, "looking at the page changes nothing"
    refused(await desk.api.nobody.post(path.replace("ada", "bo")), 404)
    done = await desk.api.nobody.post(
        path, content="List-Unsubscribe=One-Click", headers={"Content-Type": "application/x-www-form-urlencoded"}
    )
    assert done.status_code == 200
    ok(await desk.api.member.post("/mail", json=given), 201)
    ok(await desk.api.member.post("/mail", json={**given, "category": "transactional"}), 201)
    await desk.deliver()
    assert len(desk.post.to("ada@customer.test")) == 3, "what concerns them still comes"
    assert len(desk.post.to("bo@customer.test")) == 4
    ok(await desk.api.admin.delete("/mail-suppressions/ada@customer.test"), 204)
    ok(await desk.api.member.post("/mail", json=given), 201)
    desk.api.clock.move(timedelta(seconds=1))
    await desk.deliver()
    assert len(desk.post.to("ada@customer.test")) == 4
