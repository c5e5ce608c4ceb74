"""Rich text: Markdown rendered on the server, then reduced to an allow-list of harmless HTML."""

from __future__ import annotations

import re
from functools import lru_cache

import nh3
from markdown_it import MarkdownIt
from markupsafe import Markup

TAGS = set("p br hr strong em s code pre blockquote ul ol li a h3 h4 h5 table thead tbody tr th td".split())
# Headings of a text start below the headings of the page it is shown on.
_parser = (
    MarkdownIt("commonmark", {"html": False, "breaks": True, "linkify": False})
    .enable(["table", "strikethrough"])
    .disable("image")
)
LONGEST = 200_000
_PERSON = re.compile(r"\[(@[^\[\]\n]{1,200})\]\(user:[0-9a-f-]{36}\)", re.ASCII)


def named(text: str) -> str:
    """The text with the people it mentions by their names alone."""
    return _PERSON.sub(r"\1", text) if "(user:" in text else text


@lru_cache(512)
def render(text: str) -> Markup:
    """The text as safe HTML."""
    html = _parser.render(_PERSON.sub(r"**\1**", text[:LONGEST]))
    for level, lower in (("h3", "h5"), ("h2", "h4"), ("h1", "h3")):
        html = html.replace(f"<{level}>", f"<{lower}>").replace(f"</{level}>", f"</{lower}>")
    clean = nh3.clean(
        html,
        tags=TAGS,
        attributes={"a": {"href"}},
        url_schemes={"http", "https", "mailto", "tel"},
        link_rel="noopener noreferrer nofollow",
    )
    return Markup(clean)
