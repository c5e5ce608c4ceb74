"""The page of a module: its records as a list or a board, filtered, sorted, a page at a time."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

import orjson
from litestar import Response, get

from xrm_core.kernel.errors import Malformed
from xrm_core.records import read
from xrm_core.records.query import RecordQuery
from xrm_core.storage.model import CompiledModule
from xrm_core.web import render
from xrm_core.web.boards import board_answer, lane_answer
from xrm_core.web.calendars import calendar_answer
from xrm_core.web.describe import wanted_fields
from xrm_core.web.filters import address
from xrm_core.web.frame import html, page, redirect
from xrm_core.web.grid_groups import Group, GroupedRows, key_of, leaf_of, read_keys, sums, sums_row, unfold
from xrm_core.web.grid_groups import groups as groups_of
from xrm_core.web.grid_look import Look, arranged, css
from xrm_core.web.grid_meta import meta_url
from xrm_core.web.hx import hx
from xrm_core.web.looking import Looking
from xrm_core.web.moneylines import money_answer
from xrm_core.web.pages import ColumnView, EmptyState, ListPage
from xrm_core.web.rows import HUE, RowRenderer
from xrm_core.web.services import Req, Visit, visit
from xrm_core.web.views_pages import bar_of, last_address, look_of

MOST_AGAIN = 60
MOST_ROWS = 1_000
"""Rows that one page holds; beyond them a filter finds more than eyes."""
MOST_RULES = 5


@get("/m/{module:str}")
async def module_page(request: Req) -> Response[bytes]:
    """Records of a module."""
    async with visit(request) as here:
        module = here.unit.module(request.path_params["module"])
        here.unit.policy.require(module.id, "see")
        looking = Looking(here, module)
        if "last" in looking.given:
            return redirect(await last_address(here, module))
        await looking.load()
        if looking.layout == "board":
            parameters = dict(looking.parameters)
            if "lane" in parameters:
                return await lane_answer(looking, parameters["lane"], parameters.get("cursor"))
            return await board_answer(looking, looking.shell())
        if looking.layout == "calendar":
            return await calendar_answer(looking, looking.shell())
        if looking.layout == "timeline":
            return await money_answer(looking, looking.shell())
        return await _list(looking)


async def _list(looking: Looking) -> Response[bytes]:
    here, module = looking.here, looking.module
    look = look_of(looking)
    columns = arranged(look)
    extra = [look.group] if look.group is not None else []
    fields, expand = wanted_fields((*columns, *extra))
    only = _only(looking)
    if only is not None:
        return await _rows(looking, look, columns, only)
    await looking.name_records()
    given = looking.query_filter()
    query = RecordQuery(
        module.name,
        filter=_unfolded(look, given),
        sort=_order(looking, look),
        limit=look.size,
        cursor=looking.cursor,
        fields=fields,
        expand=expand,
        count="none" if looking.cursor else "estimate",
    )
    groups: list[Group] = []
    found: dict[str, Any] = {}
    try:
        listed = await read.find(here.unit, query)
        if look.group is not None:
            groups = await groups_of(looking, look, given)
        if look.aggregates and not looking.more:
            found = await sums(looking, look, given)
    except Malformed as wrong:
        # A condition that cannot be is shown beside the filters; the page stays usable.
        looking.filters.problem = " ".join(problem.message for problem in wrong.problems)
        listed, look = read.Listed([]), replace(look, group=None, aggregates={})
    records = [orjson.loads(row) for row in listed.rows]
    await _color(looking, look, records)
    offset = int(looking.given["at"]) if looking.more and looking.given.get("at", "").isdecimal() else 0
    loaded = offset + len(records)
    renderer = _renderer(here, module, columns)
    if look.group is None:
        rows = renderer.render(records, here.reader)
    else:
        folded = read_keys(look.folded)
        await unfold(looking, look.group, [group for group in groups if group.key in folded], given, fields)
        grouped = GroupedRows(looking, look, renderer, columns)
        after = looking.given.get("after") if looking.cursor else None
        rows = grouped.render(groups, records, after="" if after == "-" else after, more=listed.next is not None)
    total = listed.count.value if listed.count else None
    if look.folded and total is not None:
        total = sum(group.count for group in groups)
    full = looking.more and loaded >= MOST_ROWS
    view = ListPage(
        looking.view_model,
        tuple(_sortable(looking, column) for column in columns),
        rows,
        len(records) + len(groups),
        looking.tabs(),
        looking.layouts(),
        looking.filters.bar(looking.url),
        total=total,
        total_exact=listed.count.exact if listed.count else True,
        next_url=None if full else _following(looking, look, listed.next, records, loaded),
        first_url=looking.with_() if looking.cursor and not looking.more else None,
        empty=_empty(looking),
        offset=offset,
        meta_url=meta_url(here, module),
        css=css(look, columns),
        sums=sums_row(columns, found, look, looking),
        views=bar_of(looking, look),
        limit=MOST_ROWS if full and listed.next else 0,
        data=_data(looking, look),
    )
    said = hx(here.request.headers)
    if said.partial and said.target_id in {"results", "list-rows"}:
        frame = looking.shell()
        if looking.more:
            return html(render.list_more(view, frame), frame.nonce)
        return html(render.list_results(view, frame), frame.nonce)
    return page(here, view, looking.shell())


def _data(looking: Looking, look: Look) -> dict[str, str]:
    """What the scripts of the grid need to know of the page, as attributes."""
    expression = looking.whole_filter()
    return {
        "group": look.group.key if look.group is not None else "",
        "pin": ",".join(look.pinned),
        "w": ",".join(f"{key}:{width}" for key, width in look.widths.items()),
        "agg": ",".join(f"{key}:{how}" for key, how in look.aggregates.items()),
        "sort": ",".join(looking.sort),
        "filter": expression,
    }


def _order(looking: Looking, look: Look) -> tuple[str, ...]:
    if look.group is None:
        return looking.sort
    key = look.group.key
    return (key, *(part for part in looking.sort if part.lstrip("-+") != key))[:4]


def _unfolded(look: Look, given: dict[str, Any] | None) -> dict[str, Any] | None:
    """The filter without the records of folded groups."""
    if look.group is None or not look.folded:
        return given
    folded = [{"not": leaf_of(key, look.group)} for key in sorted(read_keys(look.folded))]
    return {"and": [*([given] if given else []), *folded]}


async def _color(looking: Looking, look: Look, records: list[dict[str, Any]]) -> None:
    """Mark the records that a colour rule holds for; the first rule that does counts."""
    ids = [record["id"] for record in records]
    for hue, when in look.colors[:MOST_RULES]:
        if not ids:
            return
        asked = {"and": [{"field": "id", "op": "in", "value": ids}, {"expression": when}]}
        try:
            query = RecordQuery(looking.module.name, filter=asked, fields=("id",), limit=len(ids), archived="all")
            met = {orjson.loads(row)["id"] for row in (await read.find(looking.here.unit, query)).rows}
        except Malformed as wrong:
            looking.filters.problem = " ".join(problem.message for problem in wrong.problems)
            return
        for record in records:
            if record["id"] in met:
                record.setdefault(HUE, hue)


def _only(looking: Looking) -> list[str] | None:
    """The records that the grid asks for again after a change; None when the whole list is meant."""
    given = dict(looking.parameters).get("rows")
    return [part for part in given.split(",") if len(part) == 36][:MOST_AGAIN] if given is not None else None


async def _rows(looking: Looking, look: Look, columns: tuple[ColumnView, ...], ids: list[str]) -> Response[bytes]:
    """Rows as they are now, also those that the filter would not find any more: nothing moves under the pointer.

    Without ids the numbers alone: heads of groups and the line of sums.
    """
    here, module = looking.here, looking.module
    renderer = _renderer(here, module, columns)
    if not ids:
        given = looking.query_filter()
        parts = [sums_row(columns, await sums(looking, look, given), look, looking)]
        if look.group is not None:
            found = await groups_of(looking, look, given)
            await unfold(looking, look.group, found[:MOST_AGAIN], given, (look.group.key,))
            parts.append(GroupedRows(looking, look, renderer, columns).render(found, [], after=None, more=False))
        return html("".join(parts))
    fields, expand = wanted_fields(columns)
    asked = {"field": "id", "op": "in", "value": ids}
    query = RecordQuery(module.name, filter=asked, fields=fields, expand=expand, limit=MOST_AGAIN, archived="all")
    records = [orjson.loads(row) for row in (await read.find(here.unit, query)).rows]
    await _color(looking, look, records)
    return html(str(renderer.render(records, here.reader)))


def _following(
    looking: Looking, look: Look, cursor: str | None, records: list[dict[str, Any]], loaded: int
) -> str | None:
    if cursor is None:
        return None
    kept = [pair for pair in looking.parameters if pair[0] not in {"cursor", "more", "at", "after"}]
    after = []
    if look.group is not None and records:
        after = [("after", key_of(records[-1].get(look.group.key), look.group) or "-")]
    return address(looking.url, [*kept, ("cursor", cursor), ("at", str(loaded)), *after])


def _renderer(here: Visit, module: CompiledModule, columns: tuple[ColumnView, ...]) -> RowRenderer:
    """The renderer of these columns, kept with the module: a new version of the definitions brings new modules."""
    key = ("rows", here.locale, tuple((column.key, column.label, column.type) for column in columns))
    found = module.memo.get(key)
    if found is None:
        found = module.memo[key] = RowRenderer(columns, module.name)
    assert isinstance(found, RowRenderer)
    return found


def _sortable(looking: Looking, column: ColumnView) -> ColumnView:
    if not column.sortable:
        return column
    first = looking.sort[0] if looking.sort else ""
    now: Literal["", "asc", "desc"] = "asc" if first == column.key else "desc" if first == "-" + column.key else ""
    return replace(column, sort=now, sort_url=looking.with_(sort=("-" if now == "asc" else "") + column.key))


def _empty(looking: Looking) -> EmptyState:
    t, view = looking.here.t, looking.view_model
    if looking.filters.problem:
        return EmptyState(
            "search-x", t("This filter cannot be used"), looking.filters.problem, t("Clear all"), looking.url
        )
    bar = looking.filters
    if bar.conditions or bar.query or bar.expression:
        return EmptyState(
            "search-x",
            t("Nothing matches"),
            t("No {records} fit these filters.", records=view.label_plural),
            t("Clear all"),
            bar.bar(looking.url).clear_url,
        )
    label, url = (t("New {label}", label=view.label), view.create_url) if view.create_url else ("", "")
    if looking.view is not None and looking.view.filter:
        text = t("No {records} belong here at the moment.", records=view.label_plural)
        return EmptyState(view.icon, t("Nothing in this view"), text, label, url or "")
    text = looking.describer.text(looking.module.definition.description)
    return EmptyState(view.icon, t("No {records} yet", records=view.label_plural), text, label, url or "")


HANDLERS = [module_page]
