"""A mail that carries a link for a guest: made as it leaves, for its reader alone, and in no copy that is kept."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

import httpx

from tests.api.conftest import ok, refused
from tests.messaging.conftest import Desk
from xrm_core.definitions import edit
from xrm_core.definitions.checks import check
from xrm_core.definitions.collection import DefinitionSet

PAGE: dict[str, Any] = {
    "name": "agree", "label": "Agree", "when": "stage == 'talking'", "show": ["name"],
    "choices": [{"name": "yes", "label": "Yes", "stage": "sold"}],
}  # fmt: skip


def automation(page: str, **more: Any) -> dict[str, Any]:
    step = {"do": "mail", "to": ["buyer.email"], "subject": "Agreed?", "text": "Here: [[link]]!", "guest_page": page}
    return {
        "name": "ask", "label": "Ask", "module": "deals", "state": "on", "triggers": [{"kind": "created"}],
        "steps": [step], **more,
    }  # fmt: skip


async def _link(desk: Desk) -> str:
    await desk.deliver()
    letter = desk.post.box[-1]
    text = letter.part("text/plain")
    found = re.search(r"https?://\S+/g/test/[\w-]+", text)
    assert found is not None, text
    return found[0]


async def test_the_link_is_in_the_letter_and_nowhere_else(desk: Desk) -> None:
    ok(await desk.api.admin.post("/modules/deals/guest_pages", json=PAGE), 201)
    ada = await desk.new("people", name="Ada", email="ada@customer.test")
    deal = await desk.new("deals", name="Ten", buyer=ada["id"])
    about = [{"module": "deals", "id": deal["id"]}]
    given = {"subject": "Agreed?", "text": "Here: [[link]]!", "records": about, "guest_page": "agree"}
    await desk.put("one", to=["Ada Byron <ada@customer.test>"], **given)
    url = await _link(desk)
    assert f"Here: {url}!" in desk.post.box[-1].part("text/plain")
    (link,) = ok(await desk.api.member.get(f"/records/deals/{deal['id']}/guest-links"))["data"]
    assert link["recipient"] == "Ada Byron" and link["created_by"]["kind"] == "system"
    secret = url.rsplit("/", 1)[1]
    timeline = ok(await desk.api.member.get(f"/records/deals/{deal['id']}/timeline"))
    assert secret not in str(timeline) and "[[link]]" in str(timeline)
    assert all(secret not in str(one.payload) for one in await desk.effects("done"))
    transport = httpx.ASGITransport(app=desk.api.application)  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="http://xrm.example") as guest:
        path = urlsplit(url).path
        assert "Ten" in (await guest.get(path)).text
        await desk.put("two", to=["ada@customer.test"], **{**given, "text": "Once more"})
        again = await _link(desk)
        assert again != url and desk.post.box[-1].part("text/plain").strip().endswith(again)
        assert (await guest.post(path, data={"choice": "yes"})).status_code == 303
    assert ok(await desk.api.member.get(f"/records/deals/{deal['id']}"))["stage"] == "sold"
    # When there is nothing to answer any more, no mail asks for it.
    sent = len(desk.post.box)
    await desk.put("three", to=["ada@customer.test"], **given)
    await desk.deliver()
    assert len(desk.post.box) == sent and "not open" in str(await desk.failed())
    refused(await desk.api.member.post("/mail", json={"to": ["ada@customer.test"], **given}), 422)


async def test_an_automation_names_a_page_that_there_is(desk: Desk) -> None:
    ok(await desk.api.admin.post("/modules/deals/guest_pages", json=PAGE), 201)
    live: DefinitionSet = (await desk.api.process.catalogs.get(desk.api.workspace)).definitions
    good, wrong = (edit.add_automation(live, automation(page)) for page in ("agree", "agre"))
    assert check(good) == []
    (problem,) = check(wrong)
    assert problem.path == "/automations/ask/steps/0/guest_page" and "agree" in problem.hint
