"""How a list is looked at: what the view says, and over it what the address says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from xrm_core.storage.model import CompiledModule
from xrm_core.web.describe import Describer
from xrm_core.web.grid_meta import functions_of, groupable
from xrm_core.web.pages import ColumnView
from xrm_core.web.rows import track

PARAMETERS = ("cols", "w", "pin", "group", "fold", "agg", "n", "color")
"""Parameters of the address that say how a list looks; filters and order have their own."""
SIZES = (25, 50, 100)
MOST_COLUMNS = 60
NARROWEST, WIDEST = 60, 900
NONE = "-"
"""Says that something the view asks for is not wanted: `group=-`."""


@dataclass(frozen=True, slots=True)
class Look:
    """The layout of one list."""

    columns: tuple[ColumnView, ...]
    widths: Mapping[str, int]
    pinned: tuple[str, ...]
    group: ColumnView | None
    folded: frozenset[str]
    aggregates: Mapping[str, str]
    colors: tuple[tuple[str, str], ...]
    """(hue, condition); the first that holds counts."""
    size: int


def read_look(
    describer: Describer,
    module: CompiledModule,
    view: Mapping[str, Any],
    given: Mapping[str, str],
    default: Sequence[str],
) -> Look:
    """The look that a view's definition and the parameters of an address make together; what does not exist is left out."""
    paths = _names(given, "cols") if "cols" in given else view.get("columns") or default
    columns = describer.list_columns(module, list(paths)[:MOST_COLUMNS])
    known = {column.key: column for column in columns}
    widths = _widths(given["w"]) if "w" in given else dict(view.get("widths") or {})
    pinned = _names(given, "pin") if "pin" in given else list(view.get("pinned") or ())
    name = given.get("group", view.get("group_by") or "")
    group = describer.column(module, name) if name and name != NONE else None
    chosen = _pairs(given["agg"]) if "agg" in given else dict(view.get("aggregates") or {})
    colors = [(rule["hue"], rule["when"]) for rule in view.get("color") or ()]
    if "color" in given:
        hue, _, when = given["color"].partition("~")
        colors = [(hue, when)] if when and hue.isalpha() else []
    size = int(given["n"]) if given.get("n", "").isascii() and given.get("n", "").isdigit() else view.get("limit") or 50
    return Look(
        columns,
        {key: max(NARROWEST, min(WIDEST, width)) for key, width in widths.items() if key in known},
        tuple(key for key in pinned if key in known),
        group if group is not None and groupable(group) else None,
        frozenset(part for part in given.get("fold", "").split("|") if part),
        {key: how for key, how in chosen.items() if key in known and how in functions_of(known[key])},
        tuple(colors),
        size if size in SIZES else 50,
    )


def _names(given: Mapping[str, str], name: str) -> list[str]:
    return [part for part in given[name].split(",") if part]


def _pairs(text: str) -> dict[str, str]:
    return dict(pair for part in text.split(",") if len(pair := part.split(":")) == 2)


def _widths(text: str) -> dict[str, int]:
    return {
        key: int(width) for key, width in _pairs(text).items() if width.isascii() and width.isdigit() and len(width) < 5
    }


def arranged(look: Look) -> tuple[ColumnView, ...]:
    """The columns in the order in which they stand: the first one names the record, then those that stay."""
    first, *others = look.columns
    stay = [column for key in look.pinned for column in others if column.key == key]
    return (first, *stay, *(column for column in others if column.key not in look.pinned))


def css(look: Look, columns: Sequence[ColumnView]) -> str:
    """The rules that give the columns their widths and let some of them stay while the others scroll."""
    sizes = [track(column, first=n == 0) for n, column in enumerate(columns)]
    staying = 1 + sum(column.key in look.pinned for column in columns[1:])
    parts, rules, least, offset = [], [], 0, 0
    for n, (column, (narrow, share)) in enumerate(zip(columns, sizes, strict=True)):
        width = look.widths.get(column.key) or (narrow if staying > 1 and n < staying else None)
        parts.append(f"{width}px" if width else f"minmax({narrow}px, {share}fr)")
        if 0 < n < staying:
            rules.append(
                f".grid :is(.head,.row)>:nth-child({n + 1}){{position:sticky;inset-inline-start:{offset}px;z-index:1}}"
            )
        offset += width or narrow
        least += width or narrow
    if all(column.key in look.widths for column in columns):
        parts[-1] = f"minmax({look.widths[columns[-1].key]}px, 1fr)"
    wide = f"@media (min-width: 761px){{{''.join(rules)}}}" if rules else ""
    return f"#results{{--cols:{' '.join(parts)};--min:{least}px}}{wide}"


def definition_of(look: Look, layout: str, filter_text: str | None, sort: Sequence[str]) -> dict[str, Any]:
    """The same as a saved view remembers it."""
    found: dict[str, Any] = {
        "layout": layout,
        "columns": [column.key for column in look.columns],
        "sort": list(sort),
        "limit": look.size,
    }
    if filter_text:
        found["filter"] = filter_text
    if look.widths:
        found["widths"] = dict(look.widths)
    if look.pinned:
        found["pinned"] = list(look.pinned)
    if look.group is not None:
        found["group_by"] = look.group.key
    if look.aggregates:
        found["aggregates"] = dict(look.aggregates)
    if look.colors:
        found["color"] = [{"hue": hue, "when": when} for hue, when in look.colors]
    return found
