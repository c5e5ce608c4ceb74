"""Who is on the way through a sequence: seen, paused, moved to another step, and ended, by programs and on the page."""

from __future__ import annotations

import html
from datetime import timedelta
from typing import Any

import pytest

from tests.api.conftest import ok, refused
from tests.messaging.conftest import Desk
from xrm_core.automation import arming, runner

SITE = "http://xrm.example"
SEQUENCE: dict[str, Any] = {
    "name": "follow", "label": "Follow up", "module": "people", "state": "on", "triggers": [{"kind": "button"}],
    "steps": [
        {"do": "mail", "to": ["email"], "subject": "One", "text": "x"}, {"do": "wait", "for": {"value": 7, "unit": "days"}},
        {"do": "mail", "to": ["email"], "subject": "Two", "text": "x"}, {"do": "wait", "for": {"value": 7, "unit": "days"}},
        {"do": "mail", "to": ["email"], "subject": "Three", "text": "x"},
    ],
}  # fmt: skip


async def work(desk: Desk, **passed: float) -> None:
    desk.api.clock.move(timedelta(**passed))
    await runner.run_due(desk.api.process.units, desk.api.workspace)
    await desk.deliver()


def subjects(desk: Desk, address: str) -> list[str]:
    return [str(letter.mail["Subject"]) for letter in desk.post.to(address)]


@pytest.fixture
async def people(desk: Desk) -> dict[str, str]:
    """Four people on the way: title by id of the run."""
    ok(await desk.api.admin.post("/automations", json=SEQUENCE), 201)
    await arming.bring_up_to_date(desk.api.process.units, desk.api.workspace)
    for name in ("Ada", "Bo", "Cy", "Di"):
        made = await desk.new("people", name=name, email=f"{name.lower()}@customer.test")
        ok(await desk.api.admin.post("/automations/follow/start", json={"record": made["id"]}), 202)
    await work(desk, minutes=1)
    data = ok(await desk.api.admin.get("/automations/follow/enrolments"))["data"]
    return {one["record"]["title"]: one["id"] for one in data}


async def test_by_programs(desk: Desk, people: dict[str, str]) -> None:
    admin = desk.api.admin
    (first, *_) = ok(await admin.get("/automations/follow/enrolments?limit=1"))["data"]
    assert first["record"]["title"] == "Di" and first["next_step"]["place"] == "/steps/2" and not first["paused"]
    assert [step["place"] for step in first["steps_there"]] == [f"/steps/{at}" for at in range(5)]

    async def change(name: str, status: int = 200, **given: Any) -> Any:
        answer = await admin.post(f"/automations/follow/enrolments/{people[name]}", json=given)
        return ok(answer) if status == 200 else refused(answer, status)

    await change("Ada", do="pause")
    await change("Bo", do="end")
    await change("Cy", do="move", step=4)
    assert (await change("Di", 422, do="move", step=9))[0]["path"] == "/step"
    assert (await change("Di", 422, do="dance"))[0]["path"] == "/do"
    assert (await change("Di", 409, do="resume"))[0]["code"] == "not_paused"
    assert (
        await desk.api.member.post(f"/automations/follow/enrolments/{people['Di']}", json={"do": "end"})
    ).status_code == 403
    await work(desk, days=8)
    assert subjects(desk, "ada@customer.test") == ["One"] and subjects(desk, "bo@customer.test") == ["One"]
    assert subjects(desk, "cy@customer.test") == ["One", "Three"] and subjects(desk, "di@customer.test") == [
        "One",
        "Two",
    ]
    assert (await change("Bo", 409, do="pause"))[0]["code"] == "not_waiting"
    await change("Ada", do="resume")
    await work(desk, seconds=1)
    assert subjects(desk, "ada@customer.test") == ["One", "Two"], "what it waited for has passed meanwhile"
    runs = {one["record"]["title"]: one for one in ok(await admin.get("/automations/follow/runs"))["data"]}
    assert (runs["Bo"]["state"], runs["Bo"]["reason"]) == ("done", "ended") and runs["Cy"]["state"] == "done"


async def test_on_the_page(desk: Desk, people: dict[str, str]) -> None:
    admin, url = desk.api.admin, f"{SITE}/automations/follow/enrolments"

    async def press(name: str, **form: str) -> str:
        answer = await admin.post(f"{url}/{people[name]}", data=form)
        assert answer.status_code == 303
        return html.unescape((await admin.get(url)).text)

    page = html.unescape((await admin.get(url)).text)
    assert all(f">{name}<" in page for name in people) and "next: send “Two” to email" in page
    assert "Go on" in await press("Ada", do="pause")
    assert "Go on" not in await press("Ada", do="resume")
    assert ">Bo<" not in await press("Bo", do="end")
    await press("Cy", do="move", step="4")
    await work(desk, seconds=1)
    assert subjects(desk, "cy@customer.test") == ["One", "Three"] and ">Cy<" not in (await admin.get(url)).text
    assert url.removeprefix(SITE) in (await admin.get(f"{SITE}/automations/follow")).text
    assert (await desk.api.member.get(url)).status_code == 403
