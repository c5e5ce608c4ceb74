"""Rows of a list as HTML, joined by a renderer compiled once per view: one closure per column, no template per cell."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from markupsafe import Markup, escape

from xrm_core.web.formatters import NUMBERS, Reader, formatter, is_empty, pick, record_url
from xrm_core.web.pages import ColumnView

HUE = ":hue"
"""Under this key a record carries the colour that a rule gives it; no field can be called so."""
TRACKS: dict[str, tuple[int, float]] = {
    "title": (200, 2),
    "text": (130, 1.2),
    "long_text": (180, 1.5),
    "rich_text": (180, 1.5),
    "integer": (84, 0.6),
    "decimal": (96, 0.7),
    "percent": (84, 0.6),
    "money": (104, 0.8),
    "money_rate": (146, 0.9),
    "boolean": (84, 0.6),
    "date": (120, 0.8),
    "datetime": (112, 0.8),
    "instant": (120, 0.8),
    "duration": (96, 0.7),
    "date_range": (170, 1),
    "select": (136, 0.9),
    "stage": (130, 1),
    "multi_select": (190, 1.3),
    "email": (170, 1.3),
    "phone": (140, 1),
    "url": (140, 1),
    "rating": (100, 0.7),
    "file": (76, 0.5),
    "user": (150, 1),
    "link": (140, 1.2),
    "links": (160, 1.3),
    "auto_number": (96, 0.7),
}
"""Per field type: the least width in px and the share of the rest."""


def track(column: ColumnView, *, first: bool = False) -> tuple[int, float]:
    """The least width of a column and its share of what is left."""
    least, share = TRACKS.get(column.type, (130, 1))
    least = max(least, 200 if first else 0, 30 + 7 * min(len(column.label), 24))
    return least, max(share, 1.6) if first else share


def tracks(columns: Iterable[ColumnView]) -> str:
    """The CSS of a list's columns: grid tracks, and the width below which the list scrolls sideways."""
    sizes = []
    for index, column in enumerate(columns):
        sizes.append(track(column, first=index == 0))
    cols = " ".join(f"minmax({least}px, {share}fr)" for least, share in sizes)
    return f"--cols:{cols};--min:{sum(least for least, _ in sizes)}px"


def align(column: ColumnView) -> str:
    """The class that aligns a column's cells and head."""
    return " end" if column.type in NUMBERS else ""


class RowRenderer:
    """Turns records into rows of the grid; keep one per view and metadata version, it holds no data."""

    def __init__(self, columns: Iterable[ColumnView], module: str) -> None:
        self.columns = tuple(columns)
        self.module = module
        first, *others = self.columns
        # A link inside the row's own link is not allowed in HTML, so the first column shows links as text.
        self._first_key = first.key
        plain = (
            first
            if first.type not in {"email", "phone", "url", "link", "links"}
            else ColumnView(first.key, first.label, "any")
        )
        self._first = formatter(plain)
        self._first_links = first.type in {"link", "links"}
        self._cells = [
            (column.key, f'<div class="td{align(column)}" role="gridcell">', formatter(column), "." in column.key)
            for column in others
        ]

    def render(self, records: Iterable[Mapping[str, Any]], reader: Reader) -> Markup:
        """The rows of these records; the grid in the browser numbers them."""
        parts: list[str] = []
        add = parts.append
        module, first, first_key, cells = self.module, self._first, self._first_key, self._cells
        for record in records:
            record_id = escape(record["id"])
            value = pick(record, first_key)
            if self._first_links and isinstance(value, dict):
                value = value.get("title")
            if is_empty(value):
                value = record.get("title") or "—"
            title = first(value, reader)
            off = " off" if record.get("archived_at") else ""
            url, version = escape(record_url(module, record["id"])), escape(record.get("version", ""))
            hue = f' data-hue="{escape(record[HUE])}"' if HUE in record else ""
            add(f'<div class="row{off}" role="row"{hue} ')
            add(f'data-id="{record_id}" data-version="{version}">')
            add(f'<div class="td" role="rowheader"><a class="t" href="{url}">{title}</a></div>')
            for key, opening, show, dotted in cells:
                value = pick(record, key) if dotted else record.get(key)
                add(opening)
                if not is_empty(value):
                    shown = show(value, reader)
                    # Plain text needs an element of its own to be cut with an ellipsis.
                    add(shown if shown.startswith("<") else f"<span>{shown}</span>")
                add("</div>")
            add("</div>")
        return Markup("".join(parts))
