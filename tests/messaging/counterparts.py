"""Real servers on the loopback device that the tests talk to: an SMTP server that can refuse, wait and break off."""

from __future__ import annotations

import asyncio
import email
import email.policy
import imaplib
import socket
import ssl
import subprocess
import sys
import time
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session


@dataclass
class Letter:
    """One mail that arrived."""

    sender: str
    recipients: list[str]
    raw: bytes

    @property
    def mail(self) -> EmailMessage:
        found = email.message_from_bytes(self.raw, policy=email.policy.default)
        assert isinstance(found, EmailMessage)
        return found

    @property
    def id(self) -> str:
        return str(self.mail["Message-ID"])

    def part(self, kind: str) -> str:
        """The content of the first part of a type."""
        for part in self.mail.walk():
            if part.get_content_type() == kind:
                content = part.get_content()
                return content.decode() if isinstance(content, bytes) else str(content)
        raise AssertionError(f"there is no {kind} in {[part.get_content_type() for part in self.mail.walk()]}")


@dataclass
class Post:
    """An SMTP server's box, and how it behaves."""

    port: int = 0
    box: list[Letter] = field(default_factory=list)
    refuse: dict[str, str] = field(default_factory=dict)
    """What it says to RCPT of an address."""
    answer: str = ""
    """What it says after the mail, if not that it took it."""
    stuck: asyncio.Event | None = None
    """It answers RCPT only when this is set."""
    logins: list[tuple[bytes, bytes]] = field(default_factory=list)
    asked: int = 0

    async def handle_RCPT(self, server: Any, session: Session, envelope: Envelope, address: str, options: Any) -> str:
        self.asked += 1
        if self.stuck is not None:
            await self.stuck.wait()
        told = self.refuse.get(address)
        if told is not None:
            return told
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Session, envelope: Envelope) -> str:
        if self.answer:
            return self.answer
        raw = envelope.content if isinstance(envelope.content, bytes) else str(envelope.content).encode()
        self.box.append(Letter(envelope.mail_from or "", list(envelope.rcpt_tos), raw))
        return "250 taken"

    def login(self, server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        self.logins.append((data.login, data.password))
        return AuthResult(success=data.password == b"right", handled=False)

    def to(self, address: str) -> list[Letter]:
        return [letter for letter in self.box if address in letter.recipients]


async def start_post(
    post: Post, *, auth: bool = False, tls: ssl.SSLContext | None = None, security: str = "none"
) -> asyncio.Server:
    """An SMTP server for a box."""
    loop = asyncio.get_running_loop()

    def protocol() -> SMTP:
        options: dict[str, Any] = {"authenticator": post.login, "auth_require_tls": False} if auth else {}
        if tls is not None and security == "starttls":
            options |= {"tls_context": tls, "require_starttls": True}
        return SMTP(post, loop=loop, hostname="mail.test", data_size_limit=80_000_000, **options)

    server = await loop.create_server(
        protocol, "127.0.0.1", post.port, ssl=tls if tls is not None and security == "tls" else None
    )
    post.port = server.sockets[0].getsockname()[1]
    return server


def free_port() -> int:
    """A port that nobody uses just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Process:
    """A server of others as a process of its own, until it is stopped."""

    def __init__(self, port: int, *command: str) -> None:
        self.port = port
        self.process = subprocess.Popen(
            [sys.executable, *command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True
        )
        for _ in range(600):
            try:
                with socket.create_connection(("127.0.0.1", port), 1):
                    return
            except OSError:
                if self.process.poll() is not None:
                    break
                time.sleep(0.1)
        told = self.process.stdout.read() if self.process.poll() is not None and self.process.stdout else b""
        raise AssertionError(f"{command[0]} does not answer: {told.decode(errors='replace')}")

    def stop(self) -> None:
        """End it."""
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()


class MailServer(Process):
    """An IMAP server with one user, `ada`, whose password is `right`."""

    def __init__(self) -> None:
        port = free_port()
        super().__init__(
            port, "-c", "from pymap.main import main; main()", "--host", "127.0.0.1", "--port", str(port), "--no-tls", "dict",
            "--demo-data", "--demo-user", "ada", "--demo-password", "right",
        )  # fmt: skip

    def client(self) -> imaplib.IMAP4:
        found = imaplib.IMAP4("127.0.0.1", self.port, timeout=30)
        found.login("ada", "right")
        return found

    def put(self, *mails: bytes, folder: str = "INBOX") -> None:
        """Deliver mails."""
        client = self.client()
        for raw in mails:
            kind, told = client.append(folder, "", "", raw)
            assert kind == "OK", told
        client.logout()

    def folder(self, name: str) -> str:
        """A new folder."""
        client = self.client()
        kind, told = client.create(name)
        assert kind == "OK", told
        client.logout()
        return name
