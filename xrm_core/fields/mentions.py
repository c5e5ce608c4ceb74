"""People named in a text: `[@Ada Ames](user:ID)`, a Markdown link that says who is meant."""

from __future__ import annotations

import re

_MENTION = re.compile(
    r"\[@[^\[\]\n]{1,200}\]\(user:([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})\)", re.ASCII
)
MOST = 50


def mentioned(text: str) -> list[str]:
    """The ids of the users that a text mentions, each once."""
    return list(dict.fromkeys(_MENTION.findall(text)))[:MOST]
