"""Reading a mail that came in: whatever it is made of, something readable comes out, and nothing dangerous."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import message_from_bytes
from email.header import decode_header
from email.message import Message
from email.policy import compat32
from email.utils import getaddresses, parsedate_to_datetime
from hashlib import sha256

from xrm_core.messaging.addresses import Mailable, normal
from xrm_core.messaging.html import harmless, to_text
from xrm_core.messaging.office import Office

LONGEST_BODY = 200_000
LONGEST_HEADER = 2_000
MOST_ADDRESSES = 200
MOST_PARTS = 500
MOST_ATTACHMENTS = 100
_ID = re.compile(r"<[^<>\s]{1,400}>")
_ON_WROTE = re.compile(
    r"^(?:on\b.{4,200}\bwrote:|am\b.{4,200}\bschrieb\b.{0,120}:|le\b.{4,200}\ba écrit\s?:|el\b.{4,200}\bescribió:"
    r"|il\b.{4,200}\bha scritto:|op\b.{4,200}\bschreef\b.{0,120}:)\s*$",
    re.IGNORECASE | re.DOTALL,
)
_DIVIDER = re.compile(
    r"^\s*(?:-{2,}\s*(?:original message|ursprüngliche nachricht|forwarded message|weitergeleitete nachricht"
    r"|message d'origine)\s*-{2,}|_{20,})\s*$",
    re.IGNORECASE,
)
_HEADER_BLOCK = re.compile(r"^\*?(?:from|von|de|da|van)\s?:\*?\s.+$", re.IGNORECASE)
_HEADER_NEXT = re.compile(
    r"^\*?(?:sent|date|gesendet|datum|envoyé|to|an|à|subject|betreff|objet)\s?:\*?\s", re.IGNORECASE
)
_AWAY = re.compile(
    r"out of (?:the )?office|automatic reply|auto(?:matic)?[- ]?reply|abwesen|automatische antwort|nicht im büro"
    r"|réponse automatique|absence|fuera de la oficina|respuesta automática|risposta automatica|on (?:vacation|holiday|leave)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class File:
    """An attachment."""

    name: str
    type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Bounce:
    """A server's report that a mail did not arrive."""

    message_id: str | None
    recipients: tuple[tuple[str, str, str], ...]
    """(address, action, status such as 5.1.1)."""


@dataclass(slots=True)
class Incoming:
    """A mail as far as it could be understood."""

    message_id: str
    sender: Mailable | None
    to: list[tuple[str, Mailable]]
    """(to or cc, who)."""
    subject: str
    at: datetime | None
    text: str
    quoted: str
    html: str | None
    in_reply_to: str | None
    references: list[str]
    kind: str = "mail"
    """mail, auto_reply, out_of_office, bounce or invitation."""
    files: list[File] = field(default_factory=list)
    calendars: list[bytes] = field(default_factory=list)
    bounce: Bounce | None = None
    problems: list[str] = field(default_factory=list)

    @property
    def automatic(self) -> bool:
        """Whether no person wrote it."""
        return self.kind in ("auto_reply", "out_of_office", "bounce")


def read(raw: bytes, office: Office) -> Incoming:
    """Everything in a mail. Never raises: what is broken is told in `problems`."""
    problems: list[str] = []
    message = message_from_bytes(raw, policy=compat32)
    parts: list[Message] = []
    for part in _walk(message):
        if len(parts) >= MOST_PARTS:
            problems.append(f"only the first {MOST_PARTS} parts were read")
            break
        parts.append(part)
    texts, htmls, files, calendars = _contents(parts, problems)
    text = "\n".join(texts).strip()
    html = harmless("<hr>".join(htmls)) if htmls else None
    if not text and htmls:
        text = to_text("<hr>".join(htmls))
    if len(text) > LONGEST_BODY:
        problems.append(f"only the first {LONGEST_BODY} characters were kept")
        text = text[:LONGEST_BODY]
    own, quoted = fold(text)
    ids = _ID.findall(_header(message, "Message-ID", 500))
    message_id = ids[0] if ids else f"<{sha256(raw).hexdigest()[:40]}@unnamed.invalid>"
    if not ids:
        problems.append("it has no Message-ID")
    answered = _ID.findall(_header(message, "In-Reply-To"))
    senders = _addresses(message, "From") or _addresses(message, "Sender")
    found = Incoming(
        message_id, senders[0] if senders else None,
        [(kind, one) for kind in ("to", "cc") for one in _addresses(message, kind)][:MOST_ADDRESSES],
        _header(message, "Subject", 500) or "", _date(message), own, quoted, html, answered[0] if answered else None,
        _ID.findall(_header(message, "References", 20_000))[-50:], files=files, calendars=calendars, problems=problems,
    )  # fmt: skip
    found.bounce = _bounce(message, parts)
    found.kind = _kind(message, found)
    if found.sender is None:
        problems.append("nobody can be told to have sent it")
    return found


def _walk(message: Message) -> Iterator[Message]:
    """All parts; what is nested deeper than anybody does on purpose is left out."""
    waiting = [(message, 0)]
    while waiting:
        part, depth = waiting.pop()
        yield part
        inner = part.get_payload() if part.is_multipart() else None
        if isinstance(inner, list) and depth < 30:
            waiting += [(one, depth + 1) for one in reversed(inner) if isinstance(one, Message)]


def _contents(parts: list[Message], problems: list[str]) -> tuple[list[str], list[str], list[File], list[bytes]]:
    texts: list[str] = []
    htmls: list[str] = []
    files: list[File] = []
    calendars: list[bytes] = []
    inside: set[int] = set()
    for part in parts:
        kind = part.get_content_type()
        if id(part) in inside:
            inner = part.get_payload() if part.is_multipart() else []
            inside |= {id(one) for one in inner} if isinstance(inner, list) else set()
            continue
        if kind == "message/rfc822" and part.is_multipart():
            # A mail inside a mail is kept as a file, not read as if it were this one.
            inner = part.get_payload()
            inside |= {id(one) for one in inner} if isinstance(inner, list) else set()
            forwarded = [_as_bytes(one) for one in inner if isinstance(one, Message)] if isinstance(inner, list) else []
            if forwarded and len(files) < MOST_ATTACHMENTS:
                files.append(File(_file_name(part) or "message.eml", kind, forwarded[0]))
            continue
        if part.is_multipart():
            continue
        name = _file_name(part)
        try:
            payload = part.get_payload(decode=True)
            content = payload if isinstance(payload, bytes) else str(part.get_payload()).encode("utf-8", "replace")
        except Exception as error:  # the library raises whatever a broken encoding raises
            problems.append(f"a part could not be decoded: {type(error).__name__}"[:200])
            content = str(part.get_payload()).encode("utf-8", "replace")
        attached = _disposition(part) == "attachment"
        if kind == "text/calendar" or (name or "").lower().endswith(".ics"):
            calendars.append(content)
        if kind in ("text/plain", "text/html") and not attached and not (name and kind == "text/html"):
            (texts if kind == "text/plain" else htmls).append(_decoded(part, content))
        elif content and kind != "message/delivery-status" and (name or attached or kind != "text/calendar"):
            if len(files) < MOST_ATTACHMENTS:
                files.append(File(name or f"part.{kind.rpartition('/')[2][:20]}", kind, content))
            elif f"only the first {MOST_ATTACHMENTS} attachments were kept" not in problems:
                problems.append(f"only the first {MOST_ATTACHMENTS} attachments were kept")
    return texts, htmls, files, calendars


def _as_bytes(part: object) -> bytes:
    if isinstance(part, Message):
        try:
            return part.as_bytes()
        except Exception:  # what cannot be read cannot always be written either
            return str(part.get_payload()).encode("utf-8", "replace")
    return str(part).encode("utf-8", "replace")


def _decoded(part: Message, content: bytes) -> str:
    for name in (part.get_content_charset() or "utf-8", "utf-8"):
        try:
            return _plain(content.decode(name))
        except (LookupError, UnicodeDecodeError, ValueError):
            continue
    return _plain(content.decode("windows-1252", "replace"))


def _plain(text: str) -> str:
    """What the database and JSON can hold."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "")
    return text.encode("utf-8", "replace").decode()


def _disposition(part: Message) -> str:
    return str(part.get("Content-Disposition", "")).partition(";")[0].strip().lower()


def _file_name(part: Message) -> str | None:
    try:
        name = part.get_filename()
    except Exception:  # as above
        return "file"
    return _words(name)[:200] if name else None


def _words(raw: object) -> str:
    """A header in one line of Unicode, with encoded words read."""
    text = str(raw)
    try:
        pieces = decode_header(text)
        text = "".join(
            piece.decode(charset or "ascii", "replace") if isinstance(piece, bytes) else piece
            for piece, charset in pieces
        )
    except Exception:  # unknown character sets and broken encodings: the header stays as it was written
        pass
    return " ".join(_plain("".join(c if c >= " " else " " for c in text)).split())


def _header(message: Message, name: str, most: int = LONGEST_HEADER) -> str:
    return _words(message.get(name, ""))[:most]


def _addresses(message: Message, name: str) -> list[Mailable]:
    found: dict[str, Mailable] = {}
    given = [str(one)[:20_000] for one in message.get_all(name, [])][:20]
    try:
        # Before encoded words are read: a name must not become a second address by what it says when it is decoded.
        pairs = [(_words(label), address) for label, address in getaddresses([" ".join(one.split()) for one in given])]
    except Exception:  # as above
        pairs = []
    if not any(address for _, address in pairs):
        # A name that looks like an address confuses strict reading; the last thing in brackets is what counts.
        pairs = [("", one) for text in given for one in re.findall(r"<([^<>\s]+@[^<>\s]+)>", text)[-1:]]
    for label, address in pairs[:MOST_ADDRESSES]:
        known = normal(address)
        if known is not None:
            found.setdefault(known, Mailable(known, label[:200]))
    return list(found.values())


def _date(message: Message) -> datetime | None:
    try:
        found = parsedate_to_datetime(_header(message, "Date", 200))
    except (ValueError, TypeError, OverflowError):
        return None
    found = found if found.tzinfo is not None else found.replace(tzinfo=UTC)
    try:
        return found.astimezone(UTC) if found.year > 1970 else None
    except OverflowError:
        return None


def fold(text: str) -> tuple[str, str]:
    """What somebody wrote, and what they quoted below it."""
    lines = text.split("\n")
    for index, line in enumerate(lines):
        two = " ".join(lines[index : index + 2]).strip()
        rest = [one for one in lines[index + 1 : index + 4] if one.strip()]
        if (
            _ON_WROTE.match(line.strip())
            or (len(two) < 300 and _ON_WROTE.match(two))
            or _DIVIDER.match(line)
            or (_HEADER_BLOCK.match(line.strip()) and rest and _HEADER_NEXT.match(rest[0].strip()))
        ):
            own = "\n".join(lines[:index]).strip()
            return (own, "\n".join(lines[index:]).strip()) if own else (text, "")
    end = len(lines)
    while end and (not lines[end - 1].strip() or lines[end - 1].lstrip().startswith(">")):
        end -= 1
    if any(line.lstrip().startswith(">") for line in lines[end:]) and end:
        return "\n".join(lines[:end]).strip(), "\n".join(lines[end:]).strip()
    return text, ""


def _kind(message: Message, found: Incoming) -> str:
    if found.bounce is not None:
        return "bounce"
    submitted = _header(message, "Auto-Submitted", 100).lower()
    others = any(message.get(name) for name in ("X-Autoreply", "X-Autorespond", "X-Auto-Response-Suppress-Reply"))
    precedence = _header(message, "Precedence", 100).lower()
    automatic = (submitted and submitted != "no") or others or precedence in ("auto_reply", "auto-reply")
    away = bool(_AWAY.search(found.subject))
    if automatic or precedence in ("bulk", "junk"):
        return "out_of_office" if away else "auto_reply" if automatic else "mail"
    # A subject alone may be somebody's own words: only an answer counts as automatic by it.
    if away and re.match(
        r"\s*(?:automatic reply|automatische antwort|réponse automatique|out of office)\b", found.subject, re.I
    ):
        return "out_of_office"
    return "invitation" if found.calendars else "mail"


def _bounce(message: Message, parts: list[Message]) -> Bounce | None:
    if message.get_content_type() != "multipart/report":
        return None
    status = next((part for part in parts if part.get_content_type() == "message/delivery-status"), None)
    if status is None:
        return None
    inner = status.get_payload()
    blocks = [one for one in inner if isinstance(one, Message)] if isinstance(inner, list) else []
    people = []
    for block in blocks:
        who = _header(block, "Final-Recipient") or _header(block, "Original-Recipient")
        address = normal(who.rpartition(";")[2])
        if address is not None:
            people.append((address, _header(block, "Action", 40).lower(), _header(block, "Status", 40)))
    if not people:
        return None
    original = None
    for part in parts:
        if part.get_content_type() in ("message/rfc822", "text/rfc822-headers"):
            payload = part.get_payload()
            text = _as_bytes(payload[0] if isinstance(payload, list) and payload else payload)
            ids = _ID.findall(_header(message_from_bytes(text, policy=compat32), "Message-ID", 500))
            original = ids[0] if ids else original
    return Bounce(original, tuple(people))
