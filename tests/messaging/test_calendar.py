"""Invitations, their updates and answers; feeds; busy times; two-way synchronisation with a real CalDAV server."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.api.conftest import ok, refused
from tests.messaging.conftest import Desk
from tests.messaging.counterparts import Process, free_port
from xrm_core.kernel.actor import SYSTEM
from xrm_core.messaging import caldav, filing, ical, invitations, reading
from xrm_core.storage import outbox
from xrm_core.storage.mailboxes import Mailbox

START = datetime(2026, 4, 7, 9, 0, tzinfo=UTC)


def iso(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


async def meeting(desk: Desk, **more: Any) -> dict[str, Any]:
    ada = await desk.new("people", name="Ada", email="ada@customer.test")
    bo = await desk.new("people", name="Bo", email="bo@customer.test")
    deal = await desk.new("deals", name="Pumps", buyer=ada["id"])
    me = await desk.member_id(desk.api.member)
    given = {
        "subject": "First talk", "starts_at": iso(START), "ends_at": iso(START + timedelta(hours=1)), "room": "Room 1; 2nd, floor",
        "deal": deal["id"], "others": [bo["id"]], "ours": [me],
    }  # fmt: skip
    return await desk.new("meetings", **{**given, **more})


async def refresh(desk: Desk) -> int:
    count = await invitations.refresh(desk.api.process.units, desk.office, desk.api.workspace)
    await desk.deliver()
    return count


def parts(desk: Desk) -> list[tuple[str, ical.Found, list[str]]]:
    found = []
    for letter in desk.post.box:
        part = next(one for one in letter.mail.walk() if one.get_content_type() == "text/calendar")
        text = part.get_payload(decode=True)
        assert isinstance(text, bytes)
        read = ical.read(text)
        assert read.method == part.get_param("method") and not read.problems
        found.append((read.method, read.events[0], sorted(letter.recipients)))
    return found


EVERYBODY = ["ada@customer.test", "bo@customer.test"]


async def test_guests_are_invited_told_of_changes_and_of_the_end(desk: Desk) -> None:
    made = await meeting(desk)
    url = {"module": "meetings", "record": made["id"]}
    first = ok(await desk.api.member.post("/calendar/invitations", json=url))
    assert ok(await desk.api.member.post("/calendar/invitations", json=url))["sequence"] == 0
    await desk.deliver()
    ((method, event, who),) = parts(desk)
    assert (method, event.uid, event.sequence, event.start) == ("REQUEST", first["uid"], 0, START)
    assert set(EVERYBODY) <= set(who) and event.place == "Room 1; 2nd, floor" and event.organizer is not None
    assert await refresh(desk) == 0 and len(desk.post.box) == 1
    ok(await desk.api.member.patch(f"/records/meetings/{made['id']}", json={"subject": "First talk"}))
    desk.api.clock.move(timedelta(minutes=1))
    ok(
        await desk.api.member.patch(
            f"/records/meetings/{made['id']}",
            json={"starts_at": iso(START + timedelta(hours=3)), "ends_at": iso(START + timedelta(hours=4))},
        )
    )
    assert await refresh(desk) == 1 and await refresh(desk) == 0
    method, event, _ = parts(desk)[-1]
    assert (method, event.uid, event.sequence, event.start) == ("REQUEST", first["uid"], 1, START + timedelta(hours=3))
    desk.api.clock.move(timedelta(minutes=1))
    ok(await desk.api.member.patch(f"/records/meetings/{made['id']}", json={"off": True}))
    assert await refresh(desk) == 1
    method, event, who = parts(desk)[-1]
    assert (method, event.sequence, event.cancelled) == ("CANCEL", 2, True) and set(EVERYBODY) <= set(who)
    desk.api.clock.move(timedelta(minutes=1))
    ok(await desk.api.admin.delete(f"/records/meetings/{made['id']}"))
    assert await refresh(desk) == 0 and len(desk.post.box) == 3
    timeline = ok(await desk.api.member.get(f"/records/meetings/{made['id']}/timeline"))["data"]
    assert [one["message"]["kind"] for one in timeline if one["kind"] == "mail"] == ["invitation"] * 3


async def test_who_is_taken_off_is_told_and_who_is_added_is_invited(desk: Desk) -> None:
    made = await meeting(desk)
    url = {"module": "meetings", "record": made["id"]}
    ok(await desk.api.member.post("/calendar/invitations", json={**url, "attendees": EVERYBODY}))
    ok(
        await desk.api.member.post(
            "/calendar/invitations", json={**url, "attendees": ["ada@customer.test", "Cy <cy@customer.test>"]}
        )
    )
    await desk.deliver()
    told = [(method, who, event.sequence) for method, event, who in parts(desk)]
    assert sorted(told) == [
        ("CANCEL", ["bo@customer.test"], 0),
        ("REQUEST", EVERYBODY, 0),
        ("REQUEST", ["cy@customer.test"], 0),
    ]


async def test_an_automation_invites_and_a_mail_carries_an_invitation(desk: Desk) -> None:
    made = await meeting(desk)
    async with desk.api.process.units.begin(desk.api.workspace, SYSTEM) as unit:
        await outbox.put(
            await unit.transaction(),
            unit.schema,
            "invitation",
            "run 1",
            {"module": "meetings", "record": made["id"]},
            now=unit.now,
        )
    await desk.deliver()
    assert parts(desk)[0][0] == "REQUEST"
    record = {"module": "meetings", "id": made["id"]}
    for address in ("cy@customer.test", "di@customer.test"):
        await desk.put(
            f"run 2:{address}",
            to=[address],
            subject="Prepare",
            text="Read this",
            records=[record],
            invitation={"title": "Your talk"},
        )
    await desk.deliver()
    carried = [one for one in parts(desk) if one[2] in (["cy@customer.test"], ["di@customer.test"])]
    assert len(carried) == 2 and {one[1].title for one in carried} == {"Your talk"}
    assert len({one[1].uid for one in parts(desk)}) == 1
    shown = ok(await desk.api.member.get(f"/calendar/invitations/meetings/{made['id']}"))
    assert {"cy@customer.test", "di@customer.test", *EVERYBODY} <= {one["address"] for one in shown["attendees"]}


def answer(uid: str, address: str, status: str, sender: str, sequence: int = 0, start: datetime = START) -> bytes:
    text = (
        f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//x//x\r\nMETHOD:REPLY\r\nBEGIN:VEVENT\r\nUID:{uid}\r\nSEQUENCE:{sequence}\r\n"
        f"DTSTAMP:20260401T000000Z\r\nDTSTART:{start:%Y%m%dT%H%M%SZ}\r\nATTENDEE;PARTSTAT={status}:mailto:{address}\r\n"
        "END:VEVENT\r\nEND:VCALENDAR\r\n"
    )
    encoded = base64.b64encode(text.encode()).decode()
    return (
        f"From: {sender}\r\nTo: office@xrm.test\r\nSubject: Accepted\r\nMessage-ID: <{abs(hash((address, status, sender, sequence, start)))}@x.test>\r\n"
        "MIME-Version: 1.0\r\nContent-Type: text/calendar; method=REPLY; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        f"{encoded}\r\n"
    ).encode()


async def test_answers_are_read_back_from_those_who_were_invited(desk: Desk) -> None:
    made = await meeting(desk)
    first = ok(await desk.api.member.post("/calendar/invitations", json={"module": "meetings", "record": made["id"]}))
    box = Mailbox(
        desk.api.workspace.id, "imap", None, "b", "office@xrm.test", {}, None, {}, True, None, None, START, START
    )

    async def arrive(raw: bytes) -> None:
        async with desk.api.process.units.begin(desk.api.workspace, SYSTEM) as unit:
            await filing.file(unit, desk.office, box, reading.read(raw, desk.office), len(raw))

    await arrive(answer(first["uid"], "ada@customer.test", "ACCEPTED", "ada@customer.test"))
    await arrive(answer(first["uid"], "bo@customer.test", "DECLINED", "eve@evil.test"))
    await arrive(answer("unknown@xrm.test", "bo@customer.test", "DECLINED", "bo@customer.test"))
    shown = ok(await desk.api.member.get(f"/calendar/invitations/meetings/{made['id']}"))
    status = {one["address"]: one["status"] for one in shown["attendees"]}
    assert (status["ada@customer.test"], status["bo@customer.test"]) == ("ACCEPTED", "NEEDS-ACTION")
    timeline = ok(await desk.api.member.get(f"/records/meetings/{made['id']}/timeline"))["data"]
    assert any(one["kind"] == "mail" and one["message"]["direction"] == "in" for one in timeline)
    desk.api.clock.move(timedelta(minutes=1))
    later = START + timedelta(days=1)
    ok(
        await desk.api.member.patch(
            f"/records/meetings/{made['id']}",
            json={"starts_at": iso(later), "ends_at": iso(later + timedelta(hours=1))},
        )
    )
    await refresh(desk)
    await arrive(answer(first["uid"], "ada@customer.test", "TENTATIVE", "ada@customer.test"))
    shown = ok(await desk.api.member.get(f"/calendar/invitations/meetings/{made['id']}"))
    assert {one["status"] for one in shown["attendees"]} == {"NEEDS-ACTION"}, (
        "an answer to the earlier time is none to this one"
    )


async def test_a_private_feed(desk: Desk) -> None:
    made = await meeting(desk)
    await meeting(desk, ours=[], subject="Not mine")
    url = ok(await desk.api.member.post("/calendar/feed"))["url"].removeprefix("https://xrm.test/api/v1")
    got = await desk.api.nobody.get(url)
    assert got.status_code == 200 and got.headers["content-type"].startswith("text/calendar")
    (event,) = ical.read(got.content).events
    assert event.uid.startswith(made["id"]) and event.start == START
    refused(await desk.api.nobody.get(url[:-2] + "xx"), 404)
    again = ok(await desk.api.member.post("/calendar/feed"))["url"].removeprefix("https://xrm.test/api/v1")
    refused(await desk.api.nobody.get(url), 404)
    ok(await desk.api.member.delete("/calendar/feed"), 204)
    refused(await desk.api.nobody.get(again), 404)


async def test_busy_times(desk: Desk) -> None:
    await meeting(desk)
    me = await desk.member_id(desk.api.member)
    span = f"from={iso(START - timedelta(days=1))}&to={iso(START + timedelta(days=1))}"
    ((one,),) = [ok(await desk.api.viewer.get(f"/calendar/busy?members={me}&{span}"))["data"]]
    assert [(entry["start"][:16], entry["title"]) for entry in one["busy"]] == [("2026-04-07T09:00", "First talk")]
    refused(await desk.api.viewer.get(f"/calendar/busy?members={me}&from={iso(START)}&to={iso(START)}"), 400)
    refused(await desk.api.viewer.get(f"/calendar/busy?members=0190f3e4-0000-7000-8000-000000000000&{span}"), 404)


async def test_what_cannot_be_invited(desk: Desk) -> None:
    made = await meeting(desk, starts_at=None, ends_at=None)
    refused(await desk.api.member.post("/calendar/invitations", json={"module": "meetings", "record": made["id"]}), 422)
    ada = await desk.new("people", name="Ada")
    refused(await desk.api.member.post("/calendar/invitations", json={"module": "people", "record": ada["id"]}), 422)
    good = await meeting(desk)
    for attendees in (["x"], ["a@b.test, c@d.test"], [{"name": "a\nb", "address": "a@b.test"}]):
        given = {"module": "meetings", "record": good["id"], "attendees": attendees}
        refused(await desk.api.member.post("/calendar/invitations", json=given), 422)
    refused(await desk.api.viewer.post("/calendar/invitations", json={"module": "meetings", "record": good["id"]}), 403)
    await desk.deliver()
    assert desk.post.box == []


BROKEN = [
    b"", b"BEGIN:VCALENDAR", b"\xff\xfe\x00", b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nDTSTART:nonsense\r\nEND:VEVENT\r\nEND:VCALENDAR",
    b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTART;TZID=Nowhere/Atlantis:20260101T100000\r\nDTEND:20250101T000000Z\r\nSEQUENCE:x\r\n"
    b"ATTENDEE:mailto:a@b.test, c@d.test\r\nEND:VEVENT\r\nEND:VCALENDAR",
    b"BEGIN:VEVENT\r\nSUMMARY:alone\r\nEND:VEVENT", b"x" * 3_000_000, b"BEGIN:VCALENDAR\r\n" * 200,
]  # fmt: skip


@pytest.mark.parametrize("raw", BROKEN, ids=range(len(BROKEN)))
def test_broken_calendars_are_read_as_far_as_possible(raw: bytes) -> None:
    for one in ical.read(raw).events:
        assert one.start is None or one.end is None or one.end >= one.start


class Calendars(Process):
    """A CalDAV server; anybody may sign in as anybody."""

    def __init__(self, folder: Path) -> None:
        port = free_port()
        super().__init__(
            port, "-m", "radicale", "--server-hosts", f"127.0.0.1:{port}", "--storage-filesystem-folder", str(folder),
            "--auth-type", "none", "--rights-type", "authenticated", "--config", "",
        )  # fmt: skip

    def make(self, name: str) -> httpx.Client:
        """A calendar of `ada`."""
        client = httpx.Client(base_url=f"http://127.0.0.1:{self.port}/ada/{name}/", auth=("ada", "x"), trust_env=False)
        assert client.request("MKCALENDAR", "").status_code == 201
        return client


@pytest.fixture(scope="module")
def calendars(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Calendars]:
    found = Calendars(tmp_path_factory.mktemp("radicale"))
    yield found
    found.stop()


async def synced(desk: Desk, expected: str | None = None) -> None:
    desk.api.clock.move(timedelta(minutes=11))
    assert await caldav.run_due(desk.api.process.units, desk.office, desk.api.workspace, "test") == 1
    (box,) = ok(await desk.api.member.get("/mailboxes"))["data"]
    assert (box["error"] or None) == expected or (expected and expected in box["error"])


async def test_two_ways_with_a_calendar_server(desk: Desk, calendars: Calendars) -> None:
    client = calendars.make("work")
    made = await meeting(desk)
    ok(await desk.api.member.post("/mailboxes", json={
        "kind": "caldav", "name": "work", "address": "member@example.com", "password": "x",
        "settings": {"url": str(client.base_url), "user": "ada"}}), 201)  # fmt: skip
    private = ical.write([ical.Entry("own@ada", "Dentist", START, START + timedelta(hours=2), START)])
    assert client.put("own.ics", content=private, headers={"Content-Type": "text/calendar"}).status_code == 201
    await synced(desk)
    name = f"{made['id']}.ics"
    assert ical.read(client.get(name).content).events[0].start == START
    await synced(desk)
    # Ours moves: theirs follows.
    ok(await desk.api.member.patch(f"/records/meetings/{made['id']}", json={"subject": "Second talk"}))
    await synced(desk)
    assert ical.read(client.get(name).content).events[0].title == "Second talk"
    # Theirs moves: ours follows.
    later = START + timedelta(days=2)
    moved = (
        client.get(name)
        .text.replace("20260407T090000Z", "20260409T090000Z")
        .replace("20260407T100000Z", "20260409T100000Z")
    )
    assert client.put(name, content=moved, headers={"Content-Type": "text/calendar"}).status_code in (201, 204)
    await synced(desk)
    record = ok(await desk.api.member.get(f"/records/meetings/{made['id']}"))
    assert record["starts_at"] == later.strftime("%Y-%m-%dT%H:%M:%S.000000Z")
    await synced(desk)
    # What is theirs alone counts as busy, and others do not read what it is.
    me = await desk.member_id(desk.api.member)
    span = f"from={iso(START - timedelta(days=1))}&to={iso(START + timedelta(days=1))}"
    for client_of, title in ((desk.api.member, "Dentist"), (desk.api.viewer, None)):
        (one,) = ok(await client_of.get(f"/calendar/busy?members={me}&{span}"))["data"]
        assert [(entry["start"], entry.get("title")) for entry in one["busy"]] == [
            ("2026-04-07T09:00:00.000000Z", title)
        ]
    # Called off here: gone there. Removed there: stays here, and is not put back.
    second = await desk.new("meetings", subject="Other", starts_at=iso(START), ours=[me])
    await synced(desk)
    assert client.delete(f"{second['id']}.ics").status_code == 200
    ok(await desk.api.member.patch(f"/records/meetings/{made['id']}", json={"off": True}))
    await synced(desk)
    await synced(desk)
    assert client.get(name).status_code == 404 and client.get(f"{second['id']}.ics").status_code == 404
    assert ok(await desk.api.member.get(f"/records/meetings/{second['id']}"))["subject"] == "Other"
    client.put("broken.ics", content=private.replace("DTSTART", "XSTART"), headers={"Content-Type": "text/calendar"})
    await synced(desk)
    client.close()


async def test_a_calendar_that_is_none_and_one_inside_the_network(desk: Desk, calendars: Calendars) -> None:
    given = {
        "kind": "caldav", "name": "x", "address": "member@example.com", "password": "x",
        "settings": {"url": f"http://127.0.0.1:{calendars.port}/ada/nothing/", "user": "ada"},
    }  # fmt: skip
    ok(await desk.api.member.post("/mailboxes", json=given), 201)
    await synced(desk, "answered 404")
    object.__setattr__(desk.api.process.services, "office", replace(desk.office, private_hosts=False))
    refused(await desk.api.member.post("/mailboxes", json=given), 422)
