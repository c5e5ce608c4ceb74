"""A web address."""

from __future__ import annotations

import re
from typing import Any, ClassVar, Literal
from urllib.parse import urlsplit

from xrm_core.fields.base import Field, ParseContext, reject
from xrm_core.fields.strings import clean
from xrm_core.kernel.kinds import Kind

LONGEST = 2000
"""Bytes: what an index entry can hold."""

_PLAIN = re.compile(
    r"https?://(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,24}(?:/[A-Za-z0-9._~!$&'()*+,;=:@%/-]{0,400})?",
    re.ASCII,
)
_LABEL = re.compile(r"(?!-)[^\W_](?:[\w-]{0,61}[^\W_])?|[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?")
_ADDRESS = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}", re.ASCII)
_FORBIDDEN = re.compile(r"[\s<>\"`\\^{}|]")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:(?!\d)")
_HINT = "Write it like https://example.org/page."


class Url(Field):
    """A web address that begins with http:// or https://."""

    kind: ClassVar[Kind] = Kind.TEXT

    type: Literal["url"] = "url"

    def value_schema(self) -> dict[str, Any]:
        return {"type": "string", "format": "iri", "pattern": "^https?://", "maxLength": LONGEST}

    def parse(self, raw: Any, context: ParseContext) -> Any:
        if isinstance(raw, str) and _PLAIN.fullmatch(raw):
            return raw
        text = clean(raw, LONGEST)
        if not text:
            return None
        if len(text.encode()) > LONGEST:
            raise reject("too_long", f"At most {LONGEST} bytes.")
        scheme, mark, rest = text.partition("://")
        if not mark or scheme.lower() not in ("http", "https"):
            raise reject("url", "A web address begins with http:// or https://.", _HINT)
        if _FORBIDDEN.search(rest):
            raise reject(
                "url", "A web address cannot hold blanks, quotes or brackets.", "Write them as %20, %22 and so on."
            )
        try:
            parts = urlsplit(f"{scheme.lower()}://{rest}")
            host, port = parts.hostname or "", parts.port
        except ValueError:
            raise reject("url", "The name of the server is not complete.", _HINT) from None
        if "@" in parts.netloc:
            raise reject("url", "A web address with a user name is not taken.", "Leave out what stands before @.")
        if not _host(host):
            raise reject("url", "The name of the server is not complete.", _HINT)
        name = f"[{host}]" if ":" in host else host
        tail = rest[len(parts.netloc) :]
        return clean(f"{scheme.lower()}://{name}{'' if port is None else f':{port}'}{tail}", LONGEST)

    def parse_text(self, text: str, context: ParseContext) -> Any:
        text = text.strip()
        if len(text) <= LONGEST and text and not _SCHEME.match(text):
            text = "https://" + text.removeprefix("//")
        return self.parse(text, context)

    def example(self) -> Any:
        return "https://www.example.org/about"

    def search_text(self, value: Any) -> str:
        return re.sub(r"[^\w-]+", " ", str(value).partition("://")[2])


def _host(host: str) -> bool:
    if ":" in host:
        return True
    if _ADDRESS.fullmatch(host):
        return all(int(part) <= 255 for part in host.split("."))
    labels = host.removesuffix(".").split(".")
    if len(host) > 253 or len(labels) < 2 or not re.search(r"[^\d]", labels[-1]):
        return False
    return all(_LABEL.fullmatch(label) for label in labels)
