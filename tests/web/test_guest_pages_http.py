"""Pages for people without an account: one use, nothing but what is declared, and an end, however they are attacked."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from argon2 import PasswordHasher

from xrm_core.access.passwords import Passwords
from xrm_core.app import Application, Process, assemble
from xrm_core.kernel.clock import FixedClock
from xrm_core.settings import Settings
from xrm_core.storage.database import Database
from xrm_core.storage.workspaces import Workspace, get_workspace

PASSWORD = "a long pass phrase"
KNOWN = {"clerk", "viewer", "member"}
PEOPLE: dict[str, Any] = {
    "name": "people", "label": "Person", "label_plural": "People", "title": "{{ name }}",
    "fields": [{"name": "name", "type": "text", "label": "Name", "required": True},
               {"name": "wage", "type": "integer", "label": "Wage"}],
}  # fmt: skip
JOBS: dict[str, Any] = {
    "name": "jobs", "label": "Job", "label_plural": "Jobs", "title": "{{ subject }}",
    "fields": [
        {"name": "subject", "type": "text", "label": "Subject", "required": True},
        {"name": "secret_note", "type": "text", "label": "Inside"},
        {"name": "hours", "type": "decimal", "label": "Hours", "scale": 2},
        {"name": "why_not", "type": "text", "label": "Why not", "max_length": 20},
        {"name": "signed_at", "type": "datetime", "label": "Signed"},
        {"name": "last_look", "type": "datetime", "label": "Seen", "read_only": True},
        {"name": "closes_on", "type": "date", "label": "Closes"},
        {"name": "paper", "type": "file", "label": "Paper"},
        {"name": "inner_paper", "type": "file", "label": "Inner paper"},
    ],
    "links": [{"name": "worker", "label": "Worker", "to": ["people"], "inverse": {"name": "jobs", "label": "Jobs"}}],
    "pipelines": [{"name": "signing", "label": "Signing", "stages": [
        {"name": "sent", "label": "Sent"}, {"name": "signed", "label": "Signed", "category": "won", "requires": ["signed_at"]},
        {"name": "refused", "label": "Refused", "category": "lost", "requires": ["why_not"]}]}],
    "guest_pages": [{
        "name": "sign", "label": {"en": "Sign the job", "de": "Auftrag zeichnen"}, "when": "stage == 'sent'", "days": 7,
        "recipient": "worker", "until": "closes_on", "seen": "last_look",
        "show": ["subject", "hours", "worker", "paper"],
        "choices": [
            {"name": "sign", "label": {"en": "Sign", "de": "Zeichnen"}, "values": {"signed_at": "now()"}, "stage": "signed",
             "done": {"en": "Signed, thank you.", "de": "Gezeichnet, danke."}},
            {"name": "refuse", "label": "Refuse", "ask": ["why_not"], "required": ["why_not"], "stage": "refused"}]}],
}  # fmt: skip
STEPS: dict[str, Any] = {
    "name": "steps", "label": "Step", "label_plural": "Steps", "title": "{{ what }}",
    "fields": [{"name": "what", "type": "text", "label": "What", "required": True},
               {"name": "shown", "type": "boolean", "label": "Shown"}, {"name": "cost", "type": "integer", "label": "Cost"},
               {"name": "remark", "type": "long_text", "label": "Remark"}],
    "links": [{"name": "job", "label": "Job", "to": ["jobs"], "inverse": {"name": "steps", "label": "Steps"}}],
}  # fmt: skip
ROOM: dict[str, Any] = {
    "name": "room", "label": "Room", "show": ["subject"],
    "lists": [{"name": "steps", "label": "Steps", "module": "steps", "link": "job", "filter": "shown == true", "sort": ["what"],
               "show": ["what", "remark"],
               "choices": [{"name": "say", "label": "Say", "ask": ["remark"], "required": ["remark"], "ends": False,
                            "when": "hours > 1"}]}],
}  # fmt: skip


@dataclass
class House:
    """The product with a member's API and a guest's browser."""

    process: Process
    api: httpx.AsyncClient
    guest: httpx.AsyncClient
    clock: FixedClock
    job: str
    person: str

    async def link(self, page: str = "sign", **more: Any) -> dict[str, Any]:
        answer = await self.api.post(f"/records/jobs/{self.job}/guest-links", json={"page": page, **more})
        assert answer.status_code == 201, answer.text
        found: dict[str, Any] = answer.json()
        return {**found, "path": urlsplit(found["url"]).path}

    async def get(self, module: str, identifier: str) -> dict[str, Any]:
        return dict((await self.api.get(f"/records/{module}/{identifier}")).json())

    async def act(self, path: str, **form: Any) -> httpx.Response:
        return await self.guest.post(path, data=form)

    async def version(self) -> str:
        return str((await self.get("jobs", self.job))["version"])


@pytest.fixture
async def house(database: Database, workspace: Workspace, clock: FixedClock, tmp_path: Path) -> AsyncIterator[House]:
    settings = Settings.load({"XRM_DATA_DIR": str(tmp_path)})
    hasher = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    process = assemble(settings, database, clock, hasher)
    made = await process.users.create(workspace, email="a@example.com", name="Ann", roles=["admin"], password=PASSWORD)
    _, token = await process.tokens.create(workspace, made.member.id, "test")
    app = Application(process)
    transport = httpx.ASGITransport(app=app)  # type: ignore[arg-type]
    headers = {"Authorization": f"Bearer {token}"}
    async with (
        httpx.AsyncClient(transport=transport, base_url="http://xrm.example/api/v1", headers=headers) as api,
        httpx.AsyncClient(transport=transport, base_url="http://xrm.example") as guest,
    ):
        steps = {key: value for key, value in STEPS.items()}
        for module in (PEOPLE, JOBS, steps):
            answer = await api.post("/modules", json=module)
            assert answer.is_success, answer.text
        answer = await api.post("/modules/jobs/guest_pages", json=ROOM)
        assert answer.is_success, answer.text
        person = (await api.post("/records/people", json={"name": "Kim Doe", "wage": 4711})).json()["id"]
        job = await api.post(
            "/records/jobs",
            json={"subject": "Roof", "secret_note": "Nobody knows", "hours": "8.5", "worker": person},
        )
        assert job.is_success, job.text
        yield House(process, api, guest, clock, job.json()["id"], person)


async def test_a_guest_signs_once_and_the_history_says_who(house: House) -> None:
    link = await house.link()
    assert link["recipient"] == "Kim Doe" and link["state"] == "open" and "digest" not in link
    page = await house.guest.get(link["path"])
    assert page.status_code == 200 and "Roof" in page.text and "8.50" in page.text and "Kim Doe" in page.text
    # Not a word of what is not declared, no address inside the product, and no script is needed.
    for hidden in ("Nobody knows", "4711", "/m/", house.job, house.person, 'csrf-token" content="x'):
        assert hidden not in page.text
    assert page.headers["cache-control"] == "no-store" and page.headers["referrer-policy"] == "no-referrer"
    assert "noindex" in page.headers["x-robots-tag"] and "set-cookie" not in page.headers
    assert (await house.get("jobs", house.job))["last_look"]
    done = await house.act(link["path"], choice="sign", version=await house.version())
    assert done.status_code == 303 and done.headers["location"] == link["path"]
    after = await house.guest.get(link["path"])
    assert after.status_code == 200 and "Signed, thank you." in after.text and "Roof" not in after.text
    record = await house.get("jobs", house.job)
    assert record["stage"] == "signed" and record["signed_at"]
    events = (await house.api.get(f"/records/jobs/{house.job}/history")).json()["data"]
    assert {"id": None, "name": "Kim Doe", "kind": "guest"} in [event["actor"] for event in events]
    (found,) = (await house.api.get(f"/records/jobs/{house.job}/guest-links")).json()["data"]
    assert (found["state"], found["choice"], found["visits"]) == ("used", "sign", 1)
    again = await house.act(link["path"], choice="refuse", why_not="No")
    assert again.status_code == 200 and "This link was used" in again.text
    assert (await house.get("jobs", house.job))["stage"] == "signed"


async def test_of_many_at_once_one_wins(house: House) -> None:
    link, other = await house.link(), await house.link(recipient="Sam Roe")
    version = await house.version()
    tries = [house.act(link["path"], choice="sign", version=version) for _ in range(3)]
    tries += [house.act(link["path"], choice="refuse", why_not=f"No {n}", version=version) for n in range(3)]
    tries += [house.act(other["path"], choice="refuse", why_not="Other", version=version)]
    answers = await asyncio.gather(*tries)
    assert sorted({answer.status_code for answer in answers}) in ([200, 303], [303], [303, 409], [303, 410]), [
        a.text[-900:] for a in answers
    ]
    events = (await house.api.get(f"/records/jobs/{house.job}/history")).json()["data"]
    assert len([event for event in events if event["kind"] == "moved"]) == 1
    states = [one["state"] for one in (await house.api.get(f"/records/jobs/{house.job}/guest-links")).json()["data"]]
    assert sorted(states) == ["open", "used"]
    # The other link was not used up, but there is nothing left to sign.
    loser = link if states[1] == "open" else other
    assert (await house.guest.get(loser["path"])).status_code in (200, 410)


async def test_answers_are_asked_for_and_nothing_else_can_be_sent(house: House) -> None:
    link = await house.link()
    version = await house.version()
    empty = await house.act(link["path"], choice="refuse", why_not=" ", version=version)
    assert empty.status_code == 422 and '<details class="guest-choice" open>' in empty.text
    long = await house.act(link["path"], choice="refuse", why_not="x" * 21, version=version)
    assert long.status_code == 422 and "x" * 21 in long.text
    for form in (
        {"choice": "nothing"},
        {"choice": "sign", "list": "steps"},
        {"choice": "say", "list": "no", "target": "x"},
        {},
    ):
        answer = await house.act(link["path"], **form)
        assert answer.status_code == 409, form
    sent = {"choice": "refuse", "why_not": "Too far", "subject": "Hacked", "secret_note": "Hacked", "stage": "signed"}
    assert (await house.act(link["path"], **sent, version=version)).status_code == 303
    record = await house.get("jobs", house.job)
    assert (record["stage"], record["why_not"], record["subject"]) == ("refused", "Too far", "Roof")
    assert record["secret_note"] == "Nobody knows"


async def test_what_changed_since_it_was_seen_is_shown_again(house: House) -> None:
    link = await house.link()
    await house.guest.get(link["path"])
    version = await house.version()
    await house.api.patch(f"/records/jobs/{house.job}", json={"hours": "80"})
    answer = await house.act(link["path"], choice="sign", version=version)
    assert answer.status_code == 409 and "changed meanwhile" in answer.text and "80.00" in answer.text
    assert (await house.act(link["path"], choice="sign", version=await house.version())).status_code == 303


async def test_links_end_are_withdrawn_and_close(house: House) -> None:
    expired, withdrawn = await house.link(), await house.link(expires_at="2026-04-20T00:00:00Z")
    base = f"/records/jobs/{house.job}/guest-links"
    assert (await house.api.delete(f"{base}/{withdrawn['id']}")).status_code == 204
    assert (await house.api.delete(f"{base}/{withdrawn['id']}")).status_code == 409
    closed = await house.link(expires_at="2026-04-20T00:00:00Z")
    house.clock.move(timedelta(days=7, seconds=1))
    for link, words in ((expired, "This link has expired"), (withdrawn, "This link was withdrawn")):
        for answer in (await house.guest.get(link["path"]), await house.act(link["path"], choice="sign")):
            assert answer.status_code == 410 and words in answer.text and "Roof" not in answer.text
    assert (await house.guest.get(closed["path"])).status_code == 200
    german = await house.guest.get(closed["path"], headers={"Accept-Language": "de"})
    assert "Auftrag zeichnen" in german.text and "Zeichnen" in german.text
    # The record's own last day counts too, and what is archived is closed.
    await house.api.patch(f"/records/jobs/{house.job}", json={"closes_on": "2026-04-06"})
    assert (await house.guest.get(closed["path"])).status_code == 410
    await house.api.patch(f"/records/jobs/{house.job}", json={"closes_on": None})
    assert (await house.guest.get(closed["path"])).status_code == 200
    await house.api.delete(f"/records/jobs/{house.job}")
    assert "nothing to do here" in (await house.guest.get(closed["path"])).text
    assert (await house.api.post(base, json={"page": "sign"})).status_code == 409


async def test_guessing_is_slow_and_tells_nothing(house: House) -> None:
    link = await house.link()
    path = link["path"]
    wrong = [
        path[:-1] + ("A" if path[-1] != "A" else "B"),
        "/g/test/x",
        "/g/none/x",
        "/g/%00/x",
        "/g/test/%00",
        "/g/TEST/x",
    ]
    texts = set()
    for one in wrong:
        answer = await house.guest.get(one)
        assert answer.status_code == 404, one
        texts.add(re.sub(r"[A-Za-z0-9_-]{20,}", "", answer.text))
    assert len(texts) == 1
    for _ in range(30 - len(wrong)):
        assert (await house.guest.get("/g/test/wrong")).status_code == 404
    blocked = await house.guest.get(path)
    assert blocked.status_code == 429
    process = house.process
    process.services.guest_brakes.wrong.succeeded("127.0.0.1")
    async with process.services.database.writing() as connection:
        cursor = await connection.execute(f"select row_to_json(g)::text from {await _schema(process)}.guest_link g")
        rows = " ".join(row[0] for row in await cursor.fetchall())
    assert path.rsplit("/", 1)[1] not in rows


async def _schema(process: Process) -> str:
    return (await get_workspace(process.services.database, "test")).schema


async def test_a_link_is_braked_and_other_sites_send_nothing(house: House) -> None:
    link = await house.link()
    foreign = await house.guest.post(link["path"], data={"choice": "sign"}, headers={"Origin": "http://evil.example"})
    assert foreign.status_code == 403 and (await house.get("jobs", house.job))["stage"] == "sent"
    for _ in range(60):
        await house.act(link["path"], choice="nothing")
    answer = await house.act(link["path"], choice="sign", version=await house.version())
    assert answer.status_code == 429 and int(answer.headers["retry-after"]) > 0


async def test_a_list_shows_its_records_and_takes_remarks(house: House) -> None:
    rows = [{"what": "Beam", "shown": True, "cost": 4712}, {"what": "Hidden beam", "shown": False}]
    ids = [(await house.api.post("/records/steps", json={**row, "job": house.job})).json()["id"] for row in rows]
    other = (await house.api.post("/records/jobs", json={"subject": "Wall"})).json()["id"]
    foreign = (await house.api.post("/records/steps", json={"what": "Door", "shown": True, "job": other})).json()["id"]
    link = await house.link("room", recipient="Kim")
    page = await house.guest.get(link["path"])
    assert "Beam" in page.text and not {"Hidden beam", "Door", "4712"} & set(re.split(r"[<>]", page.text))
    said = await house.act(link["path"], choice="say", list="steps", target=ids[0], remark="Well done", version="1")
    assert said.status_code == 303 and said.headers["location"].endswith("?done=1")
    assert "Well done" in (await house.guest.get(said.headers["location"])).text
    assert (await house.get("steps", ids[0]))["remark"] == "Well done"
    for target in (ids[1], foreign, house.job, "x", ""):
        answer = await house.act(link["path"], choice="say", list="steps", target=target, remark="Hacked")
        assert answer.status_code == 409, target
        assert "remark" not in await house.get("steps", foreign) and "remark" not in await house.get("steps", ids[1])
    await house.api.patch(f"/records/jobs/{house.job}", json={"hours": "1"})
    assert "Say" not in re.findall(r"<button[^>]*>([^<]+)", (await house.guest.get(link["path"])).text)
    assert (await house.act(link["path"], choice="say", list="steps", target=ids[0], remark="No")).status_code == 409


async def test_only_files_that_are_shown_come_out(house: House) -> None:
    ids = []
    for name in ("plan.txt", "inner.txt"):
        sent = await house.api.post("/files", files={"file": (name, name.encode(), "text/plain")})
        ids.append(sent.json())
    await house.api.patch(f"/records/jobs/{house.job}", json={"paper": [ids[0]], "inner_paper": [ids[1]]})
    link = await house.link()
    assert f"{link['path']}/files/{ids[0]['id']}" in (await house.guest.get(link["path"])).text
    good = await house.guest.get(f"{link['path']}/files/{ids[0]['id']}")
    assert good.status_code == 200 and good.text == "plan.txt" and "attachment" in good.headers["content-disposition"]
    for one in (ids[1]["id"], "x", house.job):
        assert (await house.guest.get(f"{link['path']}/files/{one}")).status_code == 404
    await house.act(link["path"], choice="sign", version=await house.version())
    assert (await house.guest.get(f"{link['path']}/files/{ids[0]['id']}")).status_code != 200 or "plan.txt" not in (
        await house.guest.get(f"{link['path']}/files/{ids[0]['id']}")
    ).text


async def test_who_gives_links_out_must_see_what_they_show(house: House) -> None:
    role = {
        "name": "clerk", "label": "Clerk", "modules": {"jobs": {"see": "all", "edit": "all"}, "people": {"see": "all"}},
        "hidden_fields": {"jobs": ["hours"]},
    }  # fmt: skip
    assert (await house.api.post("/roles", json=role)).is_success
    process = house.process
    workspace = (await house.api.get("/me")).json()["workspace"]
    found = await get_workspace(process.services.database, workspace["slug"])
    for name, roles, status in (("c", ["clerk"], 403), ("v", ["viewer"], 403), ("m", ["member"], 201)):
        made = await process.users.create(
            found, email=f"{name}@example.com", name=name, roles=roles, password=PASSWORD, known_roles=KNOWN
        )
        _, token = await process.tokens.create(found, made.member.id, "test")
        headers = {"Authorization": f"Bearer {token}"}
        answer = await house.api.post(f"/records/jobs/{house.job}/guest-links", json={"page": "sign"}, headers=headers)
        assert answer.status_code == status, answer.text
    base = f"/records/jobs/{house.job}/guest-links"
    for body, status in (
        ({}, 422), ({"page": "none"}, 422), ({"page": 1}, 422), ({"page": "sign", "x": 1}, 422),
        ({"page": "sign", "expires_at": "soon"}, 400), ({"page": "sign", "expires_at": "2020-01-01"}, 422),
        ({"page": "sign", "expires_at": "2099-01-01"}, 422), ({"page": "sign", "recipient": "x" * 201}, 422),
        ({"page": "room"}, 422),
    ):  # fmt: skip
        assert (await house.api.post(base, json=body)).status_code == status, body
    await house.api.post(f"/records/jobs/{house.job}/move", json={"stage": "refused", "values": {"why_not": "x"}})
    assert (await house.api.post(base, json={"page": "sign"})).status_code == 422


async def test_the_record_offers_its_links_without_scripts(house: House) -> None:
    signed_in = await house.guest.post("/login", data={"email": "a@example.com", "password": PASSWORD, "next": "/"})
    assert signed_in.status_code == 303
    url = f"/m/jobs/{house.job}"
    assert f'href="{url}/guest-links"' in (await house.guest.get(url)).text
    page = (await house.guest.get(f"{url}/guest-links")).text
    csrf = re.findall(r'name="_csrf" value="([^"]+)"', page)[0]
    made = await house.guest.post(f"{url}/guest-links", data={"_csrf": csrf, "page": "sign", "recipient": "Bo Lee"})
    assert made.status_code == 200 and made.headers["cache-control"] == "no-store"
    path = urlsplit(re.findall(r'id="fresh" readonly value="([^"]+)"', made.text)[0]).path
    assert "Bo Lee" in (await house.guest.get(f"{url}/guest-links")).text
    withdraw = re.findall(r'action="([^"]+/withdraw)"', made.text)[0]
    assert (await house.guest.post(withdraw, data={"_csrf": "x"})).status_code == 403
    assert (await house.guest.post(withdraw, data={"_csrf": csrf})).status_code == 303
    assert (await house.guest.get(path)).status_code == 410
    wrong = await house.guest.post(f"{url}/guest-links", data={"_csrf": csrf, "page": "room"})
    assert wrong.status_code == 422 and "Whom the link is for" in wrong.text
    assert (await house.guest.get(f"/m/people/{house.person}/guest-links")).status_code == 404


async def test_erasing_takes_links_along(house: House) -> None:
    link = await house.link()
    assert (await house.api.delete(f"/records/jobs/{house.job}?permanent=true")).is_success
    assert (await house.guest.get(link["path"])).status_code in (404, 410)
