"""HTML of mails: made harmless, and turned into plain text."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import nh3

LONGEST = 500_000
_TAGS = {
    "a", "abbr", "b", "blockquote", "br", "code", "dd", "div", "dl", "dt", "em", "h1", "h2", "h3", "h4", "h5", "h6",
    "hr", "i", "li", "ol", "p", "pre", "s", "small", "span", "strong", "sub", "sup", "table", "tbody", "td", "th",
    "thead", "tr", "u", "ul",
}  # fmt: skip
_BLOCKS = frozenset({"p", "div", "br", "li", "tr", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "pre", "hr"})
_SILENT = frozenset({"script", "style", "head", "title", "template", "noscript"})
_BLANKS, _LINES = re.compile(r"[ \t\r\f\v\u00a0]+"), re.compile(r"\n{3,}")


def harmless(html: str) -> str:
    """Only text, lists, tables and links: no scripts, styles, forms, and no pictures, which would tell who reads it."""
    return nh3.clean(
        html[:LONGEST],
        tags=_TAGS,
        attributes={"a": {"href"}, "td": {"colspan", "rowspan"}, "th": {"colspan", "rowspan"}},
        url_schemes={"http", "https", "mailto", "tel"},
        link_rel="noopener noreferrer nofollow",
    )


def to_text(html: str) -> str:
    """The words of HTML, one line per block."""
    reader = _Reader()
    reader.feed(html[:LONGEST])
    reader.close()
    text = "".join(reader.found)
    lines = [_BLANKS.sub(" ", line).strip() for line in text.split("\n")]
    return _LINES.sub("\n\n", "\n".join(lines)).strip()


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []
        self._silent = 0
        self._link: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _SILENT:
            self._silent += 1
        if tag in _BLOCKS:
            self.found.append("\n")
        if tag == "li":
            self.found.append("- ")
        if tag == "a":
            self._link = dict(attrs).get("href")

    def handle_endtag(self, tag: str) -> None:
        if tag in _SILENT and self._silent:
            self._silent -= 1
        if tag in _BLOCKS:
            self.found.append("\n")
        if tag == "a" and self._link and self._link.startswith(("http:", "https:")):
            self.found.append(f" ({self._link})")
            self._link = None

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.found.append(data if data.strip() else " ")
