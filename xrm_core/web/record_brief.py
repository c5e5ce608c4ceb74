"""The brief of a record: the panels that its module declares, in the reader's language and formats."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import orjson
from markupsafe import Markup

from xrm_core.records.brief import brief
from xrm_core.storage.model import CompiledModule
from xrm_core.web.describe import Describer
from xrm_core.web.formatters import NUMBERS, is_empty, pick, record_url, show
from xrm_core.web.pages import ColumnView, OptionView
from xrm_core.web.services import Visit
from xrm_core.web.views_record import PanelRow, PanelView

LONG = frozenset({"long_text", "rich_text"})


async def panels_of(here: Visit, module: CompiledModule, identity: UUID) -> tuple[PanelView, ...]:
    """The panels; none for modules that declare none."""
    if not module.definition.panels:
        return ()
    told = orjson.loads(await brief(here.unit, module.name, identity))
    labels = {panel.name: panel.label for panel in module.definition.panels}
    describer = Describer(here)
    return tuple(_panel(here, describer, entry, describer.text(labels[entry["name"]])) for entry in told["panels"])


def _panel(here: Visit, describer: Describer, entry: dict[str, Any], label: str) -> PanelView:
    module = here.unit.catalog.find(entry["module"])
    assert module is not None
    count = entry.get("count") or {}
    many, exact = count.get("value"), bool(count.get("exact", True))
    if entry["kind"] == "facts":
        columns = describer.columns(module, entry["columns"])
        facts = [(column.label, show(column, entry["facts"], here.reader, full=False)) for column in columns]
        return PanelView(entry["name"], label, "facts", facts=tuple(facts))
    if entry["kind"] == "count":
        return PanelView(entry["name"], label, "count", many, exact, groups=_groups(here, describer, module, entry))
    columns = describer.columns(module, entry["columns"])
    rows = tuple(_row(here, module, columns, row) for row in entry["data"])
    return PanelView(entry["name"], label, "list", many, exact, rows)


def _groups(
    here: Visit, describer: Describer, module: CompiledModule, entry: dict[str, Any]
) -> tuple[tuple[OptionView, int], ...]:
    """The numbers by value; the values of a stage or select field with their labels."""
    panels = [panel for one in here.unit.catalog.modules.values() for panel in one.definition.panels]
    path = next((panel.group_by for panel in panels if panel.name == entry["name"] and panel.group_by), None)
    column = describer.column(module, path) if path else None
    options = column.options if column is not None else {}
    found = []
    for group in entry["groups"]:
        value = group["value"]
        text = here.t("None") if value is None else str(value)
        found.append((options.get(text) or OptionView(text, text), int(group["count"])))
    order = {name: at for at, name in enumerate(options)}
    return tuple(sorted(found, key=lambda one: order.get(one[0].name, len(order))))


def _row(here: Visit, module: CompiledModule, columns: list[ColumnView], row: dict[str, Any]) -> PanelRow:
    filled = [column for column in columns if not is_empty(pick(row, column.key))]
    long = next((column for column in filled if column.type in LONG), None)
    plain = [column for column in filled if column.type not in LONG]
    first = plain[0] if plain else None
    title = Markup("{}").format(row.get("title") or "…")
    if first is not None and first.type in ("link", "text", "title", "auto_number"):
        value = pick(row, first.key)
        title = Markup("{}").format((value.get("title") if isinstance(value, dict) else value) or "…")
        plain = plain[1:]
    else:
        plain = [column for column in plain if pick(row, column.key) != row.get("title")]
    facts: dict[Markup, tuple[str, Markup]] = {}
    for column in plain:
        value = show(column, row, here.reader, full=False)
        # A bare number says nothing; the same person twice says it twice.
        named = Markup('<span class="muted">{}</span> {}').format(column.label, value)
        number = column.type in NUMBERS
        facts.setdefault(named if number else value, (column.label, named if number else value))
    text = show(long, row, here.reader, full=False) if long is not None else None
    return PanelRow(record_url(module.name, row["id"]), title, tuple(facts.values()), text)
