"""What messages need to know of the installation: its address, its key, its mail server, whom it may call."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from cryptography.fernet import Fernet, InvalidToken

from xrm_core.kernel.errors import Invalid
from xrm_core.kernel.problem import Problem
from xrm_core.storage.mailboxes import Mailbox

SECURITY = ("tls", "starttls", "none")
_PORTS = {"smtp": {"tls": 465, "starttls": 587, "none": 25}, "imap": {"tls": 993, "starttls": 143, "none": 143}}


@dataclass(frozen=True, slots=True)
class Server:
    """Where to connect, how, and as whom."""

    host: str
    port: int
    security: str
    user: str = ""
    password: str = field(default="", repr=False)

    @property
    def name(self) -> str:
        """What is slow together: one that hangs holds up no other."""
        return f"{self.host}:{self.port}"


@dataclass(frozen=True)
class Office:
    """Settings of the process that concern messages."""

    key: Callable[[], bytes] = field(repr=False)
    """Finds the installation's key, once it is needed."""
    public_url: str = "http://localhost:8000"
    smtp: Server | None = None
    smtp_from: str = ""
    private_hosts: bool = False
    """Whether webhooks and calendars may be at private addresses."""
    mail_limit: int = 25 * 1024 * 1024

    @cached_property
    def secret(self) -> bytes:
        """The installation's key."""
        return self.key()

    @cached_property
    def domain(self) -> str:
        """The right side of Message-IDs and calendar UIDs."""
        host = urlsplit(self.public_url).hostname or "localhost"
        return host if host.replace(".", "").replace("-", "").isalnum() else "localhost"

    @cached_property
    def _cipher(self) -> Fernet:
        return Fernet(base64.urlsafe_b64encode(hashlib.sha256(b"mailbox" + self.secret).digest()))

    def lock(self, text: str) -> bytes:
        """A secret as it is stored."""
        return self._cipher.encrypt(text.encode())

    def unlock(self, locked: bytes | None) -> str:
        """A stored secret; raises Invalid when the key is another one by now."""
        if locked is None:
            return ""
        try:
            return self._cipher.decrypt(locked).decode()
        except InvalidToken:
            raise Invalid(
                Problem(
                    "secret", "", "The stored password cannot be read: XRM_SECRET_KEY has changed.", "Enter it anew."
                )
            ) from None

    def sign(self, purpose: str, *parts: str) -> str:
        """A signature over some texts, for one purpose."""
        body = "\0".join((purpose, *parts)).encode()
        digest = hmac.new(self.secret, body, hashlib.sha256).digest()
        return base64.urlsafe_b64encode(digest[:18]).decode()

    def server_of(self, box: Mailbox) -> Server:
        """Where an account connects to."""
        security = str(box.settings.get("security") or "tls")
        port = int(box.settings.get("port") or _PORTS.get(box.kind, {}).get(security, 0))
        user = str(box.settings.get("user") or "")
        return Server(str(box.settings.get("host") or ""), port, security, user, self.unlock(box.secret))


def kept_key(given: str, directory: Path) -> bytes:
    """The key that was given, else the one kept in a directory, made up the first time."""
    if given:
        return hashlib.sha256(given.encode()).digest()
    path = directory / "secret.key"
    for _ in range(2):
        try:
            return bytes.fromhex(path.read_text().strip())
        except FileNotFoundError:
            directory.mkdir(parents=True, exist_ok=True)
        except ValueError:
            raise Invalid(
                Problem("secret", "", f"{path} holds no key.", "Restore it, or set XRM_SECRET_KEY.")
            ) from None
        # Written aside and then linked, so that no other process ever sees half of it.
        aside = path.with_name(f"secret.{os.getpid()}.{secrets.token_hex(4)}")
        handle = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            os.write(handle, secrets.token_hex(32).encode())
        finally:
            os.close(handle)
        try:
            os.link(aside, path)
        except FileExistsError:
            pass
        finally:
            aside.unlink()
    return bytes.fromhex(path.read_text().strip())


def read_smtp_url(url: str) -> tuple[Server | None, list[Problem]]:
    """`smtps://user:password@host:465`, `smtp://…:587` (STARTTLS), `smtp://…?security=none`; None for an empty text."""
    if not url:
        return None, []
    place, hint = "/smtp_url", "Write it like smtp://user:password@mail.example.com:587."
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None, [Problem("setting", place, "XRM_SMTP_URL is not an address.", hint)]
    if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
        return None, [
            Problem("setting", place, "XRM_SMTP_URL does not begin with smtp:// or smtps:// and a host.", hint)
        ]
    loopback = parts.hostname in ("localhost", "127.0.0.1", "::1")
    security = (
        "tls" if parts.scheme == "smtps" else "none" if "security=none" in parts.query or loopback else "starttls"
    )
    found = Server(
        parts.hostname, port or _PORTS["smtp"][security], security, unquote(parts.username or ""),
        unquote(parts.password or ""),
    )  # fmt: skip
    return found, []


def read_server(kind: str, settings: dict[str, Any]) -> list[Problem]:
    """What is wrong with the settings of an SMTP or IMAP account."""
    problems = []
    host = settings.get("host")
    if not isinstance(host, str) or not host or len(host) > 253 or any(c in host for c in " /@\r\n\0"):
        problems.append(Problem("host", "/settings/host", "The name of the server is missing or no name."))
    port = settings.get("port")
    if port is not None and (type(port) is not int or not 1 <= port <= 65535):
        problems.append(Problem("port", "/settings/port", "A port is a number from 1 to 65535."))
    if settings.get("security", "tls") not in SECURITY:
        problems.append(Problem("security", "/settings/security", f"Use one of {', '.join(SECURITY)}."))
    known = {
        "smtp": {"host", "port", "security", "user", "from_name", "reply_to"},
        "imap": {"host", "port", "security", "user", "folders", "shared", "bcc", "history_days", "minutes"},
    }[kind]
    problems += [
        Problem("unknown_key", f"/settings/{key}", f"There is no {key!r} here.", f"Known: {', '.join(sorted(known))}.")
        for key in settings
        if key not in known
    ]
    return problems
