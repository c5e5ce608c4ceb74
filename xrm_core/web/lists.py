"""The page of a module: its records as a list or a board, filtered, sorted, a page at a time."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import orjson
from litestar import Response, get

from xrm_core.kernel.errors import Malformed
from xrm_core.records import read
from xrm_core.records.query import RecordQuery
from xrm_core.storage.model import CompiledModule
from xrm_core.web import render
from xrm_core.web.boards import board_answer, lane_answer
from xrm_core.web.describe import wanted_fields
from xrm_core.web.filters import address
from xrm_core.web.frame import html, page
from xrm_core.web.grid_meta import meta_url
from xrm_core.web.hx import hx
from xrm_core.web.looking import Looking
from xrm_core.web.pages import ColumnView, EmptyState, ListPage
from xrm_core.web.rows import RowRenderer
from xrm_core.web.services import Req, Visit, visit

PAGE_SIZE = 50
MOST_AGAIN = 60


@get("/m/{module:str}")
async def module_page(request: Req) -> Response[bytes]:
    """Records of a module."""
    async with visit(request) as here:
        module = here.unit.module(request.path_params["module"])
        here.unit.policy.require(module.id, "see")
        looking = Looking(here, module)
        if looking.layout == "board":
            parameters = dict(looking.parameters)
            if "lane" in parameters:
                return await lane_answer(looking, parameters["lane"], parameters.get("cursor"))
            return await board_answer(looking, looking.shell())
        return await _list(looking)


async def _list(looking: Looking) -> Response[bytes]:
    here, module, describer = looking.here, looking.module, looking.describer
    paths = (looking.view.columns if looking.view and looking.view.columns else None) or describer.default_paths(module)
    columns = describer.list_columns(module, paths)
    fields, expand = wanted_fields(columns)
    only = _only(looking)
    if only is not None:
        return await _rows(looking, columns, only)
    await looking.name_records()
    query = RecordQuery(
        module.name,
        filter=looking.query_filter(),
        sort=looking.sort,
        limit=PAGE_SIZE,
        cursor=looking.cursor,
        fields=fields,
        expand=expand,
        count="none" if looking.cursor else "estimate",
    )
    try:
        listed = await read.find(here.unit, query)
    except Malformed as wrong:
        # A condition that cannot be is shown beside the filters; the page stays usable.
        looking.filters.problem = " ".join(problem.message for problem in wrong.problems)
        listed = read.Listed([])
    records = [orjson.loads(row) for row in listed.rows]
    view = ListPage(
        looking.view_model,
        tuple(_sortable(looking, column) for column in columns),
        _renderer(here, module, columns).render(records, here.reader),
        len(records),
        looking.tabs(),
        looking.layouts(),
        looking.filters.bar(looking.url),
        total=listed.count.value if listed.count else None,
        total_exact=listed.count.exact if listed.count else True,
        next_url=_following(looking, listed.next),
        first_url=looking.with_() if looking.cursor and not looking.more else None,
        empty=_empty(looking),
        meta_url=meta_url(here, module),
    )
    said = hx(here.request.headers)
    if said.partial and said.target_id in {"results", "list-rows"}:
        frame = looking.shell()
        if looking.more:
            return html(render.list_more(view, frame), frame.nonce)
        return html(render.list_results(view, frame), frame.nonce)
    return page(here, view, looking.shell())


def _only(looking: Looking) -> list[str] | None:
    """The records that the grid asks for again after a change; None when the whole list is meant."""
    given = dict(looking.parameters).get("rows")
    return [part for part in given.split(",") if len(part) == 36][:MOST_AGAIN] if given is not None else None


async def _rows(looking: Looking, columns: tuple[ColumnView, ...], ids: list[str]) -> Response[bytes]:
    """Rows as they are now, also those that the filter would not find any more: nothing moves under the pointer."""
    here, module = looking.here, looking.module
    fields, expand = wanted_fields(columns)
    records = []
    if ids:
        asked = {"field": "id", "op": "in", "value": ids}
        query = RecordQuery(
            module.name, filter=asked, fields=fields, expand=expand, limit=MOST_AGAIN, archived="all"
        )
        records = [orjson.loads(row) for row in (await read.find(here.unit, query)).rows]
    return html(str(_renderer(here, module, columns).render(records, here.reader)))


def _following(looking: Looking, cursor: str | None) -> str | None:
    if cursor is None:
        return None
    kept = [pair for pair in looking.parameters if pair[0] not in {"cursor", "more"}]
    return address(looking.url, [*kept, ("cursor", cursor)])


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
