"""Mail that goes out: to a real SMTP server, with what headers, and what happens when it is refused."""

from __future__ import annotations

import asyncio
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.api.conftest import PASSWORD, ok, refused
from tests.messaging.conftest import Desk
from tests.messaging.counterparts import Post, start_post
from xrm_core.messaging import compose, smtp
from xrm_core.messaging.addresses import Mailable
from xrm_core.messaging.effects import Later
from xrm_core.messaging.office import Server


async def _send(desk: Desk, **more: Any) -> dict[str, Any]:
    given = {"to": ["ada@customer.test"], "subject": "Hello", "text": "Good morning", **more}
    found: dict[str, Any] = ok(await desk.api.member.post("/mail", json=given), 201)
    return found


async def test_a_mail_is_sent_once_and_is_on_the_timeline(desk: Desk) -> None:
    ada = await desk.new("people", name="Ada", email="ada@customer.test")
    made = await _send(
        desk, to=["Ada Byron <ada@customer.test>"], html="<p>Good <b>morning</b><script>x</script></p>",
        records=[{"module": "people", "id": ada["id"]}],
    )  # fmt: skip
    assert made["state"] == "queued" and made["records"][0]["id"] == ada["id"]
    await desk.deliver()
    await desk.deliver()
    (letter,) = desk.post.box
    assert letter.recipients == ["ada@customer.test"] and letter.sender == "office@xrm.test"
    assert str(letter.mail["To"]) == "Ada Byron <ada@customer.test>" and letter.id == made["message_id"]
    assert "member" in str(letter.mail["From"]) and str(letter.mail["Reply-To"]) == "member <member@example.com>"
    assert letter.part("text/plain").strip() == "Good morning"
    assert "<b>morning</b>" in letter.part("text/html") and "script" not in letter.part("text/html")
    assert ok(await desk.api.member.get(f"/mail/{made['id']}"))["state"] == "sent"
    timeline = ok(await desk.api.member.get(f"/records/people/{ada['id']}/timeline"))["data"]
    entry = next(one for one in timeline if one["kind"] == "mail")
    assert entry["message"]["subject"] == "Hello" and entry["message"]["state"] == "sent"
    history = ok(await desk.api.member.get(f"/records/people/{ada['id']}/history"))["data"]
    assert [one["kind"] for one in history] == ["created"]
    assert ok(await desk.api.member.get(f"/records/people/{ada['id']}"))["version"] == 1


async def test_a_mail_waits_until_its_time(desk: Desk) -> None:
    at = desk.api.clock.now() + timedelta(hours=2)
    await _send(desk, at=at.isoformat().replace("+00:00", "Z"))
    await desk.deliver()
    assert desk.post.box == []
    desk.api.clock.move(timedelta(hours=2))
    await desk.deliver()
    assert len(desk.post.box) == 1


BAD: list[tuple[dict[str, Any], str]] = [
    ({"subject": "a\r\nBcc: eve@evil.test"}, "/subject"),
    ({"to": ["ada@customer.test\r\nBcc: eve@evil.test"]}, "/to/0"),
    ({"to": ["ada@customer.test, eve@evil.test"]}, "/to/0"),
    ({"to": ["ada@customer.test;eve@evil.test"]}, "/to/0"),
    ({"to": [{"name": "Ada <eve@evil.test>, x", "address": "ada@customer.test"}]}, "/to/0"),
    ({"to": [{"name": "eve@evil.test, ", "address": "ada@customer.test"}]}, "/to/0"),
    ({"to": [{"name": "Ada\nBcc: eve@evil.test", "address": "ada@customer.test"}]}, "/to/0"),
    ({"to": ["no address"]}, "/to/0"),
    ({"to": []}, "/to"),
    ({"to": [{"address": 7}]}, "/to/0"),
    ({"to": ["x@example.test"] * 101}, "/to"),
    ({"text": ""}, "/text"),
    ({"text": "x" * 200_001}, "/text"),
    ({"category": "spam"}, "/category"),
    ({"records": [{"module": "people"}]}, "/records/0"),
    ({"attachments": ["x"]}, "/attachments"),
    ({"attachments": ["0190f3e4-0000-7000-8000-000000000000"]}, "/attachments/0"),
    ({"records": [{"module": "people", "id": "0190f3e4-0000-7000-8000-000000000000"}]}, "/records/0"),
    ({"sender": "0190f3e4-0000-7000-8000-000000000000"}, "/sender"),
]  # fmt: skip


async def test_bad_mails_are_refused_with_their_place(desk: Desk) -> None:
    for change, path in BAD:
        given = {"to": ["ada@customer.test"], "subject": "Hello", "text": "Good morning", **change}
        problems = refused(await desk.api.member.post("/mail", json=given), 422)
        assert path in [one["path"] for one in problems], (change, problems)
    await desk.deliver()
    assert desk.post.box == []


async def test_an_automation_asks_in_its_own_transaction(desk: Desk) -> None:
    ada = await desk.new("people", name="Ada", email="ada@customer.test")
    given = {
        "to": [{"name": "Ada", "address": "ada@customer.test"}], "subject": "Reminder", "text": "Do come",
        "records": [{"module": "people", "id": ada["id"]}], "automatic": True,
    }  # fmt: skip
    assert await desk.put("run-1:step-1", **given) is not None
    assert await desk.put("run-1:step-1", **given) is None
    await desk.deliver()
    (letter,) = desk.post.box
    assert letter.mail["Auto-Submitted"] == "auto-generated"
    timeline = ok(await desk.api.member.get(f"/records/people/{ada['id']}/timeline"))["data"]
    assert [one["message"]["state"] for one in timeline if one["kind"] == "mail"] == ["sent"]


async def test_what_cannot_be_read_is_buried_with_its_reason(desk: Desk) -> None:
    await desk.put("broken", to=["not an address"], subject="x", text="y")
    await desk.deliver()
    (one,) = await desk.failed()
    assert "/to/0" in one["error"] and one["state"] == "failed" and desk.post.box == []


async def test_refused_for_a_while_and_for_good(desk: Desk) -> None:
    desk.post.refuse = {"later@customer.test": "451 try again", "gone@customer.test": "550 no such user"}
    await _send(desk, to=["ok@customer.test", "later@customer.test", "gone@customer.test"])
    await desk.deliver()
    assert [letter.recipients for letter in desk.post.box] == [["ok@customer.test"]]
    suppressed = ok(await desk.api.admin.get("/mail-suppressions"))["data"]
    assert [(one["address"], one["reason"]) for one in suppressed] == [("gone@customer.test", "bounced")]
    desk.post.refuse = {}
    desk.api.clock.move(timedelta(minutes=6))
    await desk.deliver()
    assert [letter.recipients for letter in desk.post.box] == [["ok@customer.test"], ["later@customer.test"]]
    assert "gone@customer.test" in str(desk.post.box[0].mail["To"]) or True
    made = await _send(desk, to=["gone@customer.test"])
    await desk.deliver()
    assert len(desk.post.box) == 2 and ok(await desk.api.member.get(f"/mail/{made['id']}"))["state"] == "suppressed"


async def test_tried_again_with_pauses_then_listed_then_retried_by_hand(desk: Desk) -> None:
    desk.post.answer = "452 no room"
    made = await _send(desk)
    for _ in range(12):
        await desk.deliver()
        desk.api.clock.move(timedelta(hours=13))
    (one,) = await desk.failed()
    assert one["attempts"] == 8 and "no room" in one["error"]
    assert ok(await desk.api.member.get(f"/mail/{made['id']}"))["state"] == "failed"
    refused(await desk.api.member.post(f"/outbox/{one['id']}/retry"), 403)
    desk.post.answer = ""
    assert ok(await desk.api.admin.post(f"/outbox/{one['id']}/retry"))["state"] == "waiting"
    await desk.deliver()
    assert [letter.id for letter in desk.post.box] == [made["message_id"]] and await desk.failed() == []
    refused(await desk.api.admin.post(f"/outbox/{one['id']}/retry"), 409)


async def test_giving_up_by_hand(desk: Desk) -> None:
    desk.post.answer = "554 never"
    made = await _send(desk)
    await desk.deliver()
    (one,) = await desk.failed()
    ok(await desk.api.admin.delete(f"/outbox/{one['id']}"), 204)
    desk.post.answer = ""
    await desk.deliver()
    assert desk.post.box == [] and ok(await desk.api.member.get(f"/mail/{made['id']}"))["state"] == "cancelled"


async def test_a_server_that_hangs_stops_nothing_else(desk: Desk) -> None:
    slow = Post(stuck=asyncio.Event())
    server = await start_post(slow)
    box = ok(await desk.api.admin.post("/mailboxes", json={
        "kind": "smtp", "name": "slow", "address": "slow@xrm.test", "scope": "member",
        "settings": {"host": "127.0.0.1", "port": slow.port, "security": "none"}}), 201)  # fmt: skip
    for number in range(30):
        ok(await desk.api.admin.post("/mail", json={
            "to": [f"a{number}@customer.test"], "subject": "s", "text": "t", "sender": box["id"]}), 201)  # fmt: skip
        await _send(desk, to=[f"b{number}@customer.test"])
    for _ in range(60):
        await desk.delivery.pump(desk.api.workspace)
        desk.api.clock.move(timedelta(seconds=1))
        await asyncio.sleep(0.05)
        if len(desk.post.box) == 30:
            break
    assert len(desk.post.box) == 30, "the others were sent"
    assert slow.box == [] and slow.asked <= 4, "and no more than a few wait for the one that hangs"
    assert slow.stuck is not None
    slow.stuck.set()
    slow.stuck = None
    for _ in range(40):
        await desk.deliver()
        desk.api.clock.move(timedelta(seconds=10))
        if len(slow.box) == 30:
            break
    assert len(slow.box) == 30 and len({letter.id for letter in slow.box}) == 30
    server.close()


async def test_accounts_with_a_password_of_members_and_of_all(desk: Desk) -> None:
    own = Post()
    server = await start_post(own, auth=True)
    given = {
        "kind": "smtp", "name": "mine", "address": "me@member.test", "scope": "member", "password": "right",
        "settings": {"host": "127.0.0.1", "port": own.port, "security": "none", "user": "me"},
    }  # fmt: skip
    made = ok(await desk.api.member.post("/mailboxes", json=given), 201)
    assert "right" not in str(made) and made["has_password"] is True
    async with desk.api.process.database.writing() as connection:
        cursor = await connection.execute(f"select secret from {desk.api.workspace.schema}.mailbox")
        row = await cursor.fetchone()
    assert row is not None and b"right" not in bytes(row[0])
    await _send(desk)
    await desk.deliver()
    (letter,) = own.box
    assert own.logins == [(b"me", b"right")] and letter.sender == "me@member.test" and desk.post.box == []
    problems = refused(await desk.api.member.post("/mailboxes", json={**given, "scope": "workspace"}), 403)
    assert problems
    refused(await desk.api.viewer.patch(f"/mailboxes/{made['id']}", json={"name": "x"}), 404)
    ok(await desk.api.member.patch(f"/mailboxes/{made['id']}", json={"password": "wrong"}))
    await _send(desk)
    await desk.deliver()
    assert len(own.box) == 1 and "535" in str((await desk.effects("waiting"))[0].error)
    ok(await desk.api.member.delete(f"/mailboxes/{made['id']}"), 204)
    desk.api.clock.move(timedelta(minutes=2))
    await desk.deliver()
    assert len(desk.post.box) == 1
    server.close()


async def test_answers_keep_the_thread(desk: Desk) -> None:
    deal = await desk.new("deals", name="Ten pumps")
    first = await _send(desk, records=[{"module": "deals", "id": deal["id"]}])
    second = await _send(desk, records=[{"module": "deals", "id": deal["id"]}], answers=first["id"])
    await desk.deliver()
    one, two = (next(letter for letter in desk.post.box if letter.id == made["message_id"]) for made in (first, second))
    assert str(one.mail["References"]).split() == [first["thread"]] and deal["id"] in first["thread"]
    assert str(two.mail["In-Reply-To"]) == one.id
    assert str(two.mail["References"]).split() == [first["thread"], one.id] and second["thread"] == first["thread"]


@pytest.mark.parametrize("shared", [True, False])
async def test_who_may_read(desk: Desk, shared: bool) -> None:
    ada = await desk.new("people", name="Ada")
    made = await _send(desk, records=[{"module": "people", "id": ada["id"]}], shared=shared, bcc=["boss@xrm.test"])
    await desk.deliver()
    assert desk.post.to("boss@xrm.test") and "boss" not in desk.post.box[0].raw.decode()
    answer = await desk.api.viewer.get(f"/mail/{made['id']}")
    listed = ok(await desk.api.viewer.get(f"/mail?module=people&record={ada['id']}"))["data"]
    timeline = ok(await desk.api.viewer.get(f"/records/people/{ada['id']}/timeline"))["data"]
    assert (answer.status_code == 200) is shared
    assert len(listed) == shared and len([one for one in timeline if one["kind"] == "mail"]) == shared
    refused(await desk.api.viewer.patch(f"/mail/{made['id']}", json={"shared": True}), 403 if shared else 404)
    assert ok(await desk.api.member.patch(f"/mail/{made['id']}", json={"shared": True}))["shared"] is True
    ok(await desk.api.viewer.get(f"/mail/{made['id']}"))
    assert ok(await desk.api.viewer.get("/mail"))["data"] == []
    assert len(ok(await desk.api.member.get("/mail"))["data"]) == 1


async def test_attachments_go_along(desk: Desk) -> None:
    content = b"%PDF-1.4 \x00\xff"
    uploaded = ok(await desk.api.member.post("/files", files={"file": ("offer.pdf", content, "application/pdf")}), 201)
    made = await _send(desk, attachments=[uploaded["id"]])
    await desk.deliver()
    parts = [part for part in desk.post.box[0].mail.walk() if part.get_filename() == "offer.pdf"]
    assert [part.get_content() for part in parts] == [content]
    got = await desk.api.member.get(f"/mail/{made['id']}/attachments/{uploaded['id']}")
    assert got.content == content and "attachment" in got.headers["content-disposition"]
    refused(await desk.api.viewer.get(f"/mail/{made['id']}/attachments/{uploaded['id']}"), 404)


async def test_the_record_page_tells_of_mails(desk: Desk) -> None:
    ada = await desk.new("people", name="Ada", email="ada@customer.test")
    record = {"module": "people", "id": ada["id"]}
    await _send(desk, subject="Hello <b>", text="First\n<script>", records=[record])
    await _send(desk, subject="Secret", records=[record], shared=False)
    await desk.deliver()
    transport = httpx.ASGITransport(app=desk.api.application)  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="http://xrm.example") as browser:
        ok(await browser.post("/api/v1/session", json={"email": "viewer@example.com", "password": PASSWORD}))
        page = (await browser.get(f"/m/people/{ada['id']}/timeline")).text
    assert "Hello &lt;b&gt;" in page and "First<br>&lt;script&gt;" in page and "Secret" not in page


def _certificate(folder: Path) -> tuple[ssl.SSLContext, Path]:
    """A server's certificate for localhost, and the file by which it can be checked."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(1).not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    known, private = folder / "known.pem", folder / "key.pem"
    known.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(known, private)
    return context, known


@pytest.mark.parametrize("security", ["tls", "starttls"])
async def test_the_line_is_encrypted_and_the_server_known(
    security: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context, known = _certificate(tmp_path)
    post = Post()
    server = await start_post(post, tls=context, security=security)
    place = Server("localhost", post.port, security)
    raw = compose.write(
        compose.Letter("<1@x.test>", datetime.now(UTC), Mailable("a@x.test"), [Mailable("b@x.test")], "s", "t")
    )

    async def begin() -> bool:
        return True

    with pytest.raises(Later):
        await smtp.send(place, raw, "a@x.test", ["b@x.test"], begin)
    assert post.box == [], "nothing goes to a server that cannot prove who it is"
    monkeypatch.setenv("SSL_CERT_FILE", str(known))
    assert (await smtp.send(place, raw, "a@x.test", ["b@x.test"], begin)).accepted == ["b@x.test"]
    assert len(post.box) == 1
    plain = Post()
    other = await start_post(plain)
    with pytest.raises(Later):
        await smtp.send(Server("localhost", plain.port, security), raw, "a@x.test", ["b@x.test"], begin)
    assert plain.box == [], "and nothing unencrypted when the server cannot do better"
    server.close()
    other.close()
