"""Mail that comes in by IMAP from a real server: filed once, under the right records, for the right eyes."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from typing import Any

import pytest

from tests.api.conftest import ok, refused
from tests.messaging.conftest import Desk
from tests.messaging.counterparts import MailServer
from xrm_core.messaging import imap as imap_client

_number = iter(range(1, 10_000))


def mail(sender: str = "Ada <ada@customer.test>", text: str = "Yes, gladly.", **headers: str) -> EmailMessage:
    """A mail as somebody's program writes it."""
    made = EmailMessage()
    made["From"] = sender
    made["To"] = headers.pop("To", "office@xrm.test")
    made["Subject"] = headers.pop("Subject", "Re: Hello")
    made["Message-ID"] = headers.pop("Message_ID", f"<{next(_number)}.{id(made)}@customer.test>")
    made["Date"] = headers.pop("Date", "Tue, 31 Mar 2026 09:00:00 +0000")
    for name, value in headers.items():
        made[name.replace("_", "-")] = value
    made.set_content(text)
    return made


@pytest.fixture
def folder(imap: MailServer) -> str:
    """A folder of this test alone."""
    return imap.folder(f"box{next(_number)}")


async def add_box(desk: Desk, imap: MailServer, folder: str, client: Any = None, **more: Any) -> dict[str, Any]:
    settings = {
        "host": "127.0.0.1", "port": imap.port, "security": "none", "user": "ada", "folders": [folder], "history_days": 3650,
        **more.pop("settings", {}),
    }  # fmt: skip
    given = {
        "kind": "imap",
        "name": "box",
        "address": "office@xrm.test",
        "scope": "workspace",
        "password": "right",
        "settings": settings,
    }
    found: dict[str, Any] = ok(await (client or desk.api.admin).post("/mailboxes", json={**given, **more}), 201)
    return found


async def fetch(desk: Desk) -> int:
    desk.api.clock.move(timedelta(minutes=61))
    return await imap_client.run_due(desk.api.process.units, desk.office, desk.api.workspace, "test")


async def about(desk: Desk, module: str, record: str, client: Any = None) -> list[dict[str, Any]]:
    found = ok(await (client or desk.api.member).get(f"/mail?module={module}&record={record}"))
    data: list[dict[str, Any]] = found["data"]
    return data


async def test_an_answer_is_filed_under_the_person_the_open_deal_and_what_it_answers(
    desk: Desk, imap: MailServer, folder: str
) -> None:
    ada = await desk.new("people", name="Ada", email="ada@customer.test")
    talking = await desk.new("deals", name="Pumps", buyer=ada["id"])
    sold = await desk.new("deals", name="Valves", buyer=ada["id"])
    for deal, stage in ((talking, "talking"), (sold, "sold")):
        if deal.get("stage") != stage:
            ok(await desk.api.admin.post(f"/records/deals/{deal['id']}/move", json={"stage": stage}))
    other = await desk.new("people", name="Bo", email="bo@else.test")
    sent = ok(await desk.api.member.post("/mail", json={
        "to": ["ada@customer.test"], "subject": "Hello", "text": "Well?", "records": [{"module": "people", "id": ada["id"]}]}), 201)  # fmt: skip
    await desk.deliver()
    await add_box(desk, imap, folder)
    reply = mail(
        text="Yes, gladly.\n\nOn Tue, 31 Mar 2026 at 10:30, Member <m@x.test> wrote:\n> Well?", In_Reply_To=sent["message_id"],
        References=f"{sent['thread']} {sent['message_id']}",
    )  # fmt: skip
    reply.add_attachment(b"\x00\x01", "application", "pdf", filename="../../cv.pdf")
    imap.put(reply.as_bytes(), folder=folder)
    assert await fetch(desk) == 1 and await fetch(desk) == 0
    (got, _) = await about(desk, "people", ada["id"])
    assert (got["direction"], got["kind"], got["text"]) == ("in", "mail", "Yes, gladly.") and "Well?" in got["quoted"]
    assert got["thread"] == sent["thread"] and got["attachments"][0]["name"] == "cv.pdf"
    assert [one["id"] for one in await about(desk, "deals", talking["id"])] == [got["id"]]
    assert await about(desk, "deals", sold["id"]) == [] and await about(desk, "people", other["id"]) == []
    content = await desk.api.member.get(f"/mail/{got['id']}/attachments/{got['attachments'][0]['id']}")
    assert content.content == b"\x00\x01"
    entry = ok(await desk.api.member.get(f"/records/deals/{talking['id']}/timeline"))["data"][0]
    assert entry["kind"] == "mail" and entry["message"]["direction"] == "in"
    async with desk.api.process.database.writing() as connection:
        cursor = await connection.execute(
            f"select changes from {desk.api.workspace.schema}.event where kind = 'mail' and changes ->> 'direction' = 'in'"
        )
        facts = [row[0] for row in await cursor.fetchall()]
    assert all(one["reply"] is True and one["reply_to"] == [sent["id"]] and one["automatic"] is False for one in facts)


async def test_the_same_mail_in_two_boxes_is_one(desk: Desk, imap: MailServer, folder: str) -> None:
    ada = await desk.new("people", name="Ada", email="ada@customer.test")
    second = imap.folder(f"box{next(_number)}")
    await add_box(desk, imap, folder)
    await add_box(desk, imap, second, desk.api.viewer, scope="member", address="viewer@example.com")
    raw = mail().as_bytes()
    imap.put(raw, raw, folder=folder)
    imap.put(raw, folder=second)
    await fetch(desk)
    await fetch(desk)
    assert len(await about(desk, "people", ada["id"])) == 1
    assert len(ok(await desk.api.viewer.get("/mail"))["data"]) == 1


async def test_private_mail_is_for_those_who_take_part(desk: Desk, imap: MailServer, folder: str) -> None:
    ada = await desk.new("people", name="Ada", email="ada@customer.test")
    await add_box(desk, imap, folder, desk.api.member, scope="member", address="private@xrm.test")
    imap.put(mail(To="private@xrm.test").as_bytes(), folder=folder)
    assert await fetch(desk) == 1
    (got,) = await about(desk, "people", ada["id"])
    assert got["shared"] is False
    for stranger in (desk.api.viewer, desk.api.admin):
        assert await about(desk, "people", ada["id"], stranger) == []
        refused(await stranger.get(f"/mail/{got['id']}"), 404)
        timeline = ok(await stranger.get(f"/records/people/{ada['id']}/timeline"))["data"]
        assert [one["kind"] for one in timeline] == ["created"]
    ok(await desk.api.member.patch(f"/mail/{got['id']}", json={"shared": True}))
    assert len(await about(desk, "people", ada["id"], desk.api.viewer)) == 1


async def test_the_bcc_address_takes_mail_of_our_people_alone(desk: Desk, imap: MailServer, folder: str) -> None:
    ada = await desk.new("people", name="Ada", email="ada@customer.test")
    await add_box(desk, imap, folder, address="log@xrm.test", settings={"bcc": True})
    imap.put(
        mail("member <member@example.com>", To="Ada <ada@customer.test>", Subject="By hand").as_bytes(),
        mail("Eve <eve@evil.test>", To="Ada <ada@customer.test>", Subject="Forged").as_bytes(), folder=folder,
    )  # fmt: skip
    assert await fetch(desk) == 1
    (got,) = await about(desk, "people", ada["id"])
    assert (got["subject"], got["direction"]) == ("By hand", "out")


async def test_automatic_answers_are_told_apart(desk: Desk, imap: MailServer, folder: str) -> None:
    ada = await desk.new("people", name="Ada", email="ada@customer.test")
    await add_box(desk, imap, folder)
    imap.put(
        mail(Subject="Automatic reply: Hello", Auto_Submitted="auto-replied").as_bytes(),
        mail(Subject="Abwesenheitsnotiz: Hello", Auto_Submitted="auto-replied").as_bytes(),
        mail(Subject="Ticket 7", Auto_Submitted="auto-generated").as_bytes(),
        mail(Subject="My plan to be out of office more").as_bytes(), folder=folder,
    )  # fmt: skip
    assert await fetch(desk) == 4
    assert [one["kind"] for one in await about(desk, "people", ada["id"])] == [
        "mail",
        "auto_reply",
        "out_of_office",
        "out_of_office",
    ]


def report(message_id: str, address: str, status: str, action: str = "failed") -> bytes:
    """What a mail server says about a mail that it could not deliver."""
    return (
        "From: MAILER-DAEMON@mail.test\r\nTo: office@xrm.test\r\nSubject: Undelivered Mail Returned to Sender\r\n"
        f"Message-ID: <dsn{next(_number)}@mail.test>\r\nAuto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
        "--b\r\nContent-Type: text/plain\r\n\r\nIt did not work.\r\n"
        "--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mail.test\r\n\r\n"
        f"Final-Recipient: rfc822; {address}\r\nAction: {action}\r\nStatus: {status}\r\n\r\n"
        f"--b\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: {message_id}\r\nSubject: Hello\r\n\r\n--b--\r\n"
    ).encode()


async def test_reports_of_mails_that_did_not_arrive(desk: Desk, imap: MailServer, folder: str) -> None:
    sent = []
    for address in ("gone@customer.test", "full@customer.test"):
        sent.append(
            ok(await desk.api.member.post("/mail", json={"to": [address], "subject": "Hello", "text": "x"}), 201)
        )
    await desk.deliver()
    await add_box(desk, imap, folder)
    imap.put(
        report(sent[0]["message_id"], "gone@customer.test", "5.1.1"), report(sent[1]["message_id"], "full@customer.test", "5.2.2"),
        report(sent[0]["message_id"], "victim@customer.test", "5.1.1"), report("<unknown@x.test>", "other@customer.test", "5.1.1"),
        folder=folder,
    )  # fmt: skip
    await fetch(desk)
    states = [ok(await desk.api.member.get(f"/mail/{one['id']}"))["state"] for one in sent]
    assert states == ["bounced", "bounced"]
    suppressed = ok(await desk.api.admin.get("/mail-suppressions"))["data"]
    assert [one["address"] for one in suppressed] == ["gone@customer.test"], "nobody can block others by forged reports"


async def test_hostile_and_broken_mails_do_not_stop_the_others(desk: Desk, imap: MailServer, folder: str) -> None:
    ada = await desk.new("people", name="Ada", email="ada@customer.test")
    await add_box(desk, imap, folder)
    evil = mail(text="plain")
    evil.add_alternative(
        "<p onclick=x()>Hi<script>alert(1)</script><img src='http://spy.test/p.gif'><a href='javascript:x()'>l</a>"
        "<style>p{}</style><iframe src='//x'></iframe><form action='//x'><input></form></p>", subtype="html",
    )  # fmt: skip
    broken = b"From: Ada <ada@customer.test>\r\nSubject: =?utf-99?Q?=FF?=\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n--y\r\n\xff\x00\xfe"
    big = mail(Subject="Big")
    big.add_attachment(b"x" * 3_000_000, "application", "zip", filename="big.zip")
    object.__setattr__(desk.office, "mail_limit", 1_000_000)
    imap.put(
        evil.as_bytes(), broken, big.as_bytes(), b"no headers at all", mail(Subject="Last").as_bytes(), folder=folder
    )
    assert await fetch(desk) == 5
    got = {one["subject"]: one for one in await about(desk, "people", ada["id"])}
    assert {"Re: Hello", "Big", "Last"} <= set(got) and len(got) == 4
    html = got["Re: Hello"]["html"]
    assert not any(word in html for word in ("script", "onclick", "img", "style", "iframe", "form", "javascript"))
    assert (
        got["Big"]["attachments"] == []
        and "only its beginning" in got["Big"]["problem"]
        and got["Big"]["size"] > 3_000_000
    )


async def test_a_wrong_password_waits_longer_each_time_and_is_shown(desk: Desk, imap: MailServer, folder: str) -> None:
    box = await add_box(desk, imap, folder, password="wrong")
    assert await fetch(desk) == 0 and await fetch(desk) == 0
    (shown,) = ok(await desk.api.admin.get("/mailboxes"))["data"]
    assert shown["error"].startswith("2x") and "refused" in shown["error"]
    ok(await desk.api.admin.patch(f"/mailboxes/{box['id']}", json={"password": "right"}))
    imap.put(mail().as_bytes(), folder=folder)
    assert await fetch(desk) == 1


async def test_many_mails_come_in_parts(desk: Desk, imap: MailServer, folder: str) -> None:
    ada = await desk.new("people", name="Ada", email="ada@customer.test")
    await add_box(desk, imap, folder)
    imap.put(*(mail(Subject=f"m{number:02}").as_bytes() for number in range(45)), folder=folder)
    both = await asyncio.gather(
        imap_client.run_due(desk.api.process.units, desk.office, desk.api.workspace, "a"),
        imap_client.run_due(desk.api.process.units, desk.office, desk.api.workspace, "b"),
    )
    assert sorted(both) == [0, 45]
    assert len(ok(await desk.api.member.get(f"/mail?module=people&record={ada['id']}&limit=200"))["data"]) == 45


async def test_without_a_history_only_what_is_new_is_read(desk: Desk, imap: MailServer, folder: str) -> None:
    imap.put(mail(Subject="Old").as_bytes(), folder=folder)
    await add_box(desk, imap, folder, settings={"history_days": 0})
    assert await fetch(desk) == 0
    imap.put(
        mail(Subject="New", Date=datetime.now(UTC).strftime("%a, %d %b %Y %H:%M:%S +0000")).as_bytes(), folder=folder
    )
    assert await fetch(desk) == 1
