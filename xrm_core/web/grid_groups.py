"""Groups and sums of a list: heads with counts, rows below them, folded groups left out, and the line of sums over all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from urllib.parse import quote, unquote

import orjson
from markupsafe import Markup, escape

from xrm_core.kernel.text import fold
from xrm_core.records import aggregate, read
from xrm_core.records.query import RecordQuery
from xrm_core.web import formats
from xrm_core.web.assets import icon
from xrm_core.web.formatters import formatter, is_empty
from xrm_core.web.grid_look import Look
from xrm_core.web.looking import Looking
from xrm_core.web.pages import ColumnView
from xrm_core.web.rows import RowRenderer, align

Filter = dict[str, Any] | None


def _t(text: str) -> str:
    return text


LABELS = {"sum": _t("Sum"), "avg": _t("Average"), "min": _t("Smallest"), "max": _t("Largest")}
MOST = 12
MOST_LABELS = 60


@dataclass(slots=True)
class Group:
    """One group: its key, how many records it has, and their sums by column."""

    key: str
    count: int
    sums: Mapping[str, Any] = field(default_factory=dict)
    value: Any = None


def key_of(value: Any, column: ColumnView) -> str:
    """The text that tells the groups of a column apart; empty for records without a value."""
    if is_empty(value):
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        value = value.get("title") or ""
    if isinstance(value, int | Decimal):
        return str(value)
    return str(value) if column.type in ("user", "date") else fold(str(value))


def leaf_of(key: str, column: ColumnView) -> dict[str, Any]:
    """The condition that a record belongs to a group."""
    name = f"{column.key}.title" if column.type == "link" else column.key
    if not key:
        return {"field": column.key, "op": "is_empty"}
    value: Any = key
    if column.type == "boolean":
        value = key == "true"
    elif column.type in ("integer", "rating"):
        value = int(key) if key.lstrip("-").isdigit() else 0
    elif column.options:
        value = next((option for option in column.options if fold(option) == key), key)
    return {"field": name, "op": "eq", "value": value}


def read_keys(folded: Iterable[str]) -> frozenset[str]:
    """Keys out of an address."""
    return frozenset("" if part == "-" else unquote(part) for part in folded)


def write_keys(keys: Iterable[str]) -> str:
    """Keys for an address."""
    return "|".join(sorted(quote(key, safe="") or "-" for key in keys))


def measures(look: Look) -> list[dict[str, Any]]:
    """What is asked of the engine for the chosen sums."""
    return [
        {"function": how, "field": key, "as": f"m{n}"}
        for n, (key, how) in enumerate(list(look.aggregates.items())[: MOST - 1])
    ]


async def sums(looking: Looking, look: Look, given: Filter) -> dict[str, Any]:
    """The sums over everything that the filter finds, by column."""
    if not look.aggregates:
        return {}
    body = {"measures": measures(look), **({"filter": given} if given else {})}
    found = orjson.loads(await aggregate.aggregate(looking.here.unit, looking.module.name, body))["data"][0]
    return {key: found.get(f"m{n}") for n, key in enumerate(look.aggregates)}


async def groups(looking: Looking, look: Look, given: Filter) -> list[Group]:
    """All groups in the order in which their records come."""
    column = look.group
    assert column is not None
    body = {
        "group_by": [column.key],
        "measures": [{"function": "count"}, *measures(look)],
        **({"filter": given} if given else {}),
    }
    answer = orjson.loads(await aggregate.aggregate(looking.here.unit, looking.module.name, body))
    found = [
        Group(key_of(entry["group"][column.key], column), entry["count"], {
            key: entry.get(f"m{n}") for n, key in enumerate(look.aggregates)
        })
        for entry in answer["data"]
    ]  # fmt: skip
    if column.options:
        places = {fold(name): n for n, name in enumerate(column.options)}
        found.sort(key=lambda group: places.get(group.key, len(places)) if group.key else len(places) + 1)
    return found


async def unfold(
    looking: Looking, column: ColumnView, found: list[Group], given: Filter, fields: Sequence[str]
) -> None:
    """Give folded groups, of which no record is on the page, a value to show."""
    for group in found[:MOST_LABELS]:
        parts = [leaf_of(group.key, column), *([given] if given else [])]
        query = RecordQuery(looking.module.name, filter={"and": parts}, fields=tuple(fields), limit=1)
        rows = (await read.find(looking.here.unit, query)).rows
        group.value = orjson.loads(rows[0]).get(column.key) if rows else None


class GroupedRows:
    """Rows with the heads of their groups between them."""

    def __init__(self, looking: Looking, look: Look, renderer: RowRenderer, columns: Sequence[ColumnView]) -> None:
        assert look.group is not None
        self.looking, self.look, self.renderer, self.columns = looking, look, renderer, columns
        self.column: ColumnView = look.group
        self.folded = read_keys(look.folded)
        self.show = formatter(look.group)

    def render(
        self, found: list[Group], records: Sequence[Mapping[str, Any]], *, after: str | None, more: bool
    ) -> Markup:
        """Heads and rows; `after` is the last group of the page before, `more` says that further records follow."""
        by_key: dict[str, list[Mapping[str, Any]]] = {}
        for record in records:
            by_key.setdefault(key_of(record.get(self.column.key), self.column), []).append(record)
        known = {group.key for group in found}
        order = [*found, *(Group(key, len(rows)) for key, rows in by_key.items() if key not in known)]
        keys = [group.key for group in order]
        if after is not None and after not in keys:
            # The group has gone since: what is here is shown, what came before is not shown again.
            order = [group for group in order if group.key in by_key]
            keys = [group.key for group in order]
        first = keys.index(after) + 1 if after in keys else 0
        last = max((keys.index(key) for key in by_key), default=-1) if more else len(keys) - 1
        reader = self.looking.here.reader
        parts = [self.renderer.render(by_key.get(after, ()), reader)] if after in keys else []
        for group in order[first : last + 1]:
            rows = by_key.get(group.key, [])
            value = rows[0].get(self.column.key) if rows else group.value
            parts.append(self.head(group, value))
            parts.append(self.renderer.render(rows, reader))
        return Markup("").join(parts)

    def head(self, group: Group, value: Any) -> Markup:
        """The line above a group: what it is, how many, its sums."""
        here, closed = self.looking.here, group.key in self.folded
        text = (
            Markup(self.show(value, here.reader))
            if not is_empty(value)
            else escape(here.t("Without {field}", field=self.column.label))
        )
        keys = self.folded - {group.key} if closed else self.folded | {group.key}
        url = self.looking.with_(fold=write_keys(keys) or None)
        count = formats.number(str(group.count), None, here.locale)
        title = escape(here.t("Unfold this group") if closed else here.t("Fold this group"))
        cells = [
            Markup(
                '<div class="td" role="rowheader"><a class="fold" href="{}" aria-expanded="{}" title="{}">{}</a>{} <span class="count num">{}</span></div>'
            ).format(
                url,
                "false" if closed else "true",
                title,
                icon("chevron-right" if closed else "chevron-down"),
                _plain(text),
                count,
            )
        ]
        for column in self.columns[1:]:
            shown = shown_sum(column, group.sums.get(column.key), self.look, self.looking)
            cells.append(Markup('<div class="td{}" role="gridcell">{}</div>').format(align(column), shown))
        return Markup('<div class="row group" role="row" data-group="{}">{}</div>').format(
            group.key, Markup("").join(cells)
        )


def _plain(text: Markup) -> Markup:
    return text if text.startswith("<") else Markup("<span>{}</span>").format(text)


def shown_sum(column: ColumnView, value: Any, look: Look, looking: Looking) -> Markup:
    """A sum in the form of its column; nothing where none was asked for."""
    if column.key not in look.aggregates:
        return Markup("")
    here = looking.here
    if value is None:
        return Markup('<span class="muted">–</span>')
    how = look.aggregates[column.key]
    column = ColumnView(
        column.key, column.label, "decimal" if column.type == "rating" else column.type, column.options, {}
    )
    if how == "avg" and column.type != "money":
        value = str(round(Decimal(str(value)), 2))
    return Markup(formatter(column)(value, here.reader))


def sums_row(columns: Sequence[ColumnView], found: Mapping[str, Any], look: Look, looking: Looking) -> Markup:
    """The line below the list with the sums over everything that the filter finds."""
    if not look.aggregates:
        return Markup("")
    t = looking.here.t
    cells = []
    for n, column in enumerate(columns):
        how = look.aggregates.get(column.key)
        shown = shown_sum(column, found.get(column.key), look, looking) if how else Markup("")
        name = Markup('<span class="how">{}</span>').format(t(LABELS[how])) if how else Markup("")
        if n == 0 and not how:
            name = Markup('<span class="how">{}</span>').format(t("All that the filter finds"))
        role = "rowheader" if n == 0 else "gridcell"
        cells.append(
            Markup('<div class="td{}" role="{}" data-sum="{}">{}{}</div>').format(
                align(column), role, column.key, name, shown
            )
        )
    return Markup('<div class="row sums" role="row">{}</div>').format(Markup("").join(cells))
