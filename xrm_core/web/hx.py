"""The headers of htmx 4: what a request says about itself, and what an answer may ask for.

The request headers can be forged; they choose a representation, never a permission.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Hx:
    """What htmx said about a request."""

    request: bool
    partial: bool
    """True: a fragment is wanted; False: the whole page."""
    source: str
    target: str
    current_url: str

    @property
    def source_id(self) -> str:
        """The id of the element that sent the request (`HX-Source: tag#id`)."""
        return self.source.partition("#")[2]

    @property
    def target_id(self) -> str:
        """The id of the element that the answer goes into."""
        return self.target.partition("#")[2]


def hx(headers: Mapping[str, str]) -> Hx:
    """Read the htmx headers of a request; header names without regard to case."""
    lower = {key.lower(): value for key, value in headers.items() if key.lower().startswith("hx-")}
    request = lower.get("hx-request") == "true"
    return Hx(
        request=request,
        partial=request
        and lower.get("hx-request-type") == "partial"
        and lower.get("hx-history-restore-request") != "true",
        source=lower.get("hx-source", ""),
        target=lower.get("hx-target", ""),
        current_url=lower.get("hx-current-url", ""),
    )


def push_url(url: str) -> dict[str, str]:
    """Put this address into the browser's history."""
    return {"HX-Push-Url": url}


def replace_url(url: str) -> dict[str, str]:
    """Show this address without a new entry in the history."""
    return {"HX-Replace-Url": url}


def redirect(url: str) -> dict[str, str]:
    """Load this page as a whole."""
    return {"HX-Redirect": url}


def refresh() -> dict[str, str]:
    """Load the page again."""
    return {"HX-Refresh": "true"}


def retarget(selector: str, swap: str | None = None) -> dict[str, str]:
    """Put the answer somewhere else, or in another way."""
    return {"HX-Retarget": selector} | ({"HX-Reswap": swap} if swap else {})


def trigger(event: str, detail: Any = None) -> dict[str, str]:
    """Fire an event in the page; header values are ASCII, JSON escapes the rest."""
    return {"HX-Trigger": json.dumps({event: detail}, ensure_ascii=True)}


def toast(text: str, kind: str = "ok") -> dict[str, str]:
    """Show a message."""
    return trigger("xrm:toast", {"text": text, "kind": kind})
