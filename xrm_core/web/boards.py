"""Boards: the records of a module by stage, with the first cards of each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC
from typing import Any

import orjson
from litestar import Response
from markupsafe import Markup

from xrm_core.kernel.errors import Malformed, NotFound
from xrm_core.kernel.problem import Problem
from xrm_core.records import board as boards
from xrm_core.records import read
from xrm_core.records.query import RecordQuery
from xrm_core.web import formats, render
from xrm_core.web.describe import wanted_fields
from xrm_core.web.filters import address
from xrm_core.web.formatters import Reader, is_empty, pick, record_url, show
from xrm_core.web.frame import html, page
from xrm_core.web.hx import hx
from xrm_core.web.looking import Looking
from xrm_core.web.pages import BoardPage, CardView, ColumnView, LaneView, OptionView, Shell

CARDS = 25
FACTS = 4
SPEAKING = frozenset(
    {"text", "link", "links", "select", "multi_select", "user", "person_name", "email", "phone", "url", "any"}
)
"""Types whose values need no label on a card."""
LINKING = frozenset({"link", "links", "email", "phone", "url"})


async def board_answer(looking: Looking, frame: Shell) -> Response[bytes]:
    """The board, or its lanes alone for a partial request."""
    here, module = looking.here, looking.module
    await looking.name_records()
    columns = _columns(looking)
    total = looking.view.sum if looking.view else None
    fields = _fields(columns)
    try:
        body = await boards.board(
            here.unit,
            module.name,
            filter=looking.query_filter(),
            limit=CARDS,
            sum=total,
            sort=looking.sort,
            fields=fields,
        )
        found = orjson.loads(body)["columns"]
    except Malformed as wrong:
        looking.filters.problem = " ".join(problem.message for problem in wrong.problems)
        found = []
    stages = looking.describer.stages(module)
    lanes = tuple(_lane(looking, stages, columns, lane) for lane in found if lane["name"] in stages)
    view = BoardPage(
        looking.view_model,
        lanes,
        looking.tabs(),
        looking.layouts(),
        looking.filters.bar(looking.url),
        sum(lane.count for lane in lanes),
        can_move=here.unit.policy.allows(module.id, "edit"),
    )
    said = hx(here.request.headers)
    if said.partial and said.target_id == "results":
        return html(render.board_lanes(view, frame), frame.nonce)
    return page(here, view, frame)


async def lane_answer(looking: Looking, stage: str, cursor: str | None) -> Response[bytes]:
    """Further cards of one lane."""
    stages = looking.describer.stages(looking.module)
    if stage not in stages:
        raise NotFound(Problem("unknown_stage", "", "There is no such stage."))
    columns = _columns(looking)
    parts: list[dict[str, Any]] = [{"field": "stage", "op": "eq", "value": stage}]
    variants = [one.name for one in looking.module.stages.values() if one.maps_to == stage]
    if variants:
        # A comparison with a stage means those that stand for it, too; they have lanes of their own.
        parts.append({"field": "stage", "op": "not_in", "value": variants})
    given = looking.query_filter()
    if given is not None:
        parts.append(given)
    query = RecordQuery(
        looking.module.name,
        filter={"and": parts},
        sort=looking.sort,
        limit=CARDS,
        cursor=cursor,
        fields=_fields(columns),
    )
    listed = await read.find(looking.here.unit, query)
    rows = [orjson.loads(row) for row in listed.rows]
    cards = tuple(_cards(looking, columns, rows))
    lane = LaneView(stages[stage], "open", 0, cards, next_url=_more(looking, stage, listed.next))
    frame = looking.shell()
    return html(render.lane_more(lane, frame), frame.nonce)


def _fields(columns: Iterable[ColumnView]) -> tuple[str, ...]:
    fields, _ = wanted_fields(columns)
    return (*dict.fromkeys([*fields, "owner", "stage", "stage_entered_at"]),)


def _columns(looking: Looking) -> list[ColumnView]:
    describer, module, view = looking.describer, looking.module, looking.view
    if view is not None and view.card_fields:
        return describer.columns(module, view.card_fields)
    facts = module.definition.layout.facts or [
        name for name in describer.default_paths(module) if name not in ("title", "updated_at")
    ]
    return describer.columns(module, [name for name in facts if name not in ("stage", "owner")])[:FACTS]


def _lane(
    looking: Looking, stages: Mapping[str, OptionView], columns: list[ColumnView], lane: dict[str, Any]
) -> LaneView:
    describer, module = looking.describer, looking.module
    stage = module.stages[lane["name"]]
    create = looking.view_model.create_url
    reasons = tuple(
        OptionView(one.name, describer.text(one.label), one.hue or "gray", one.archived) for one in stage.reasons
    )
    return LaneView(
        stages[stage.name],
        stage.category,
        lane["count"],
        tuple(_cards(looking, columns, lane["cards"])),
        _sum(looking, lane.get("sum")),
        _more(looking, stage.name, lane.get("next")),
        f"{create}?stage={stage.name}" if create else None,
        reasons,
    )


def _sum(looking: Looking, amount: Any) -> str:
    locale = looking.here.locale
    if isinstance(amount, dict):
        return formats.money(str(amount["amount"]).split(".")[0], amount["currency"], locale)
    return formats.number(str(amount), None, locale) if amount is not None else ""


def _more(looking: Looking, stage: str, cursor: str | None) -> str | None:
    if cursor is None:
        return None
    kept = [pair for pair in looking.parameters if pair[0] not in {"cursor", "more", "lane", "layout"}]
    return address(looking.url, [*kept, ("layout", "board"), ("lane", stage), ("cursor", cursor)])


def _cards(looking: Looking, columns: list[ColumnView], rows: Iterable[dict[str, Any]]) -> Iterable[CardView]:
    here, reader = looking.here, looking.here.reader
    for row in rows:
        facts = tuple(
            ("" if column.type in SPEAKING else column.label, _fact(column, row, reader))
            for column in columns
            if not is_empty(pick(row, column.key))
        )
        age, late = _age(looking, row)
        owner = here.users.get(str(row.get("owner", "")))
        url = record_url(looking.module.name, row["id"])
        yield CardView(row["id"], row.get("title") or "—", url, row.get("version", 1), facts, owner, age, late)


def _fact(column: ColumnView, row: Mapping[str, Any], reader: Reader) -> Markup:
    """A value on a card; links are text there, because the card itself is what one opens."""
    if column.type not in LINKING:
        return show(column, row, reader, full=False)
    value = pick(row, column.key)
    items = value if isinstance(value, list) else [value]
    return Markup("<span>{}</span>").format(
        ", ".join(str(item.get("title") or "…") if isinstance(item, dict) else str(item) for item in items)
    )


def _age(looking: Looking, row: Mapping[str, Any]) -> tuple[int | None, bool]:
    entered = formats.parse_instant(str(row.get("stage_entered_at", "")))
    stage = looking.module.stages.get(str(row.get("stage", "")))
    if entered is None or stage is None or stage.category not in ("open", "hold"):
        return None, False
    days = max(0, (looking.here.unit.now.astimezone(UTC) - entered).days)
    return days, stage.age_limit_days is not None and days > stage.age_limit_days
