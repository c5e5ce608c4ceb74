"""A mail as bytes: headers that cannot be broken out of, text and HTML, attachments, an invitation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from xrm_core.messaging.addresses import Mailable

LONGEST_SUBJECT = 250
_POLICY = SMTP.clone(max_line_length=76)


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that goes with a mail."""

    name: str
    type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Letter:
    """Everything that a mail is made of."""

    message_id: str
    at: datetime
    sender: Mailable
    to: Sequence[Mailable]
    subject: str
    text: str
    html: str | None = None
    cc: Sequence[Mailable] = ()
    reply_to: Mailable | None = None
    in_reply_to: str | None = None
    references: Sequence[str] = ()
    unsubscribe: str | None = None
    """The address that ends mails of this kind with one click (RFC 8058)."""
    automatic: bool = False
    attachments: Sequence[Attachment] = ()
    calendar: tuple[str, str] | None = None
    """(method, iCalendar text)."""
    headers: dict[str, str] = field(default_factory=dict)


def one_line(text: str) -> str:
    """A text as it can stand in a header."""
    kept = "".join(" " if character in "\r\n\t\v\f\x85\u2028\u2029" else character for character in text)
    return " ".join("".join(c for c in kept if c >= " " and c != "\x7f").split())[:LONGEST_SUBJECT]


def write(letter: Letter) -> bytes:
    """The mail as it is handed to a server."""
    mail = EmailMessage(_POLICY)
    mail["Message-ID"] = letter.message_id
    mail["Date"] = format_datetime(letter.at)
    mail["From"] = letter.sender.header()
    if letter.to:
        mail["To"] = [one.header() for one in letter.to]
    if letter.cc:
        mail["Cc"] = [one.header() for one in letter.cc]
    if not letter.to and not letter.cc:
        mail["To"] = "undisclosed-recipients:;"
    if letter.reply_to is not None:
        mail["Reply-To"] = letter.reply_to.header()
    mail["Subject"] = one_line(letter.subject)
    if letter.in_reply_to:
        mail["In-Reply-To"] = letter.in_reply_to
    if letter.references:
        mail["References"] = " ".join(letter.references)
    if letter.unsubscribe:
        mail["List-Unsubscribe"] = f"<{letter.unsubscribe}>"
        mail["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    if letter.automatic:
        mail["Auto-Submitted"] = "auto-generated"
    for name, value in letter.headers.items():
        mail[name] = one_line(value)
    mail.set_content(letter.text or " ", cte="quoted-printable")
    if letter.html is not None:
        mail.add_alternative(_page(letter.html), subtype="html", cte="quoted-printable")
    if letter.calendar is not None:
        method, text = letter.calendar
        mail.add_alternative(
            text.encode(), "text", "calendar", cte="base64", params={"method": method, "charset": "utf-8"}
        )
        mail.add_attachment(text.encode(), "application", "ics", filename="invite.ics")
    for one in letter.attachments:
        main, _, sub = one.type.partition("/")
        mail.add_attachment(one.content, main or "application", sub or "octet-stream", filename=one_line(one.name))
    return mail.as_bytes()


def _page(html: str) -> str:
    return html if "<html" in html[:500].lower() else f"<!doctype html><html><body>{html}</body></html>"
