"""Boards: the records of a module by stage or another field with options, with the first cards of each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC
from typing import Any

import orjson
from litestar import Response
from markupsafe import Markup, escape

from xrm_core.kernel.errors import Malformed, NotFound
from xrm_core.kernel.problem import Problem
from xrm_core.records import board as boards
from xrm_core.records import read
from xrm_core.records.query import RecordQuery
from xrm_core.web import formats, render
from xrm_core.web.arranging import lane_names, sum_names
from xrm_core.web.describe import wanted_fields
from xrm_core.web.filters import address
from xrm_core.web.formatters import Formatter, Reader, formatter, is_empty, pick, record_url
from xrm_core.web.forms import FormBuilder
from xrm_core.web.frame import html, page
from xrm_core.web.hx import hx
from xrm_core.web.looking import Looking
from xrm_core.web.pages import BoardPage, CardView, ColumnView, LaneView, OptionView, Picker, Shell

CARDS = 25
FACTS = 4
SPEAKING = frozenset(
    {"text", "link", "links", "select", "multi_select", "user", "person_name", "email", "phone", "url", "any"}
)
"""Types whose values need no label on a card."""
LINKING = frozenset({"link", "links", "email", "phone", "url"})


async def board_answer(looking: Looking, frame: Shell) -> Response[bytes]:
    """The board, or its lanes alone for a partial request; with `heads=1` their counts and sums alone."""
    here, module = looking.here, looking.module
    await looking.name_records()
    by = lane_field(looking)
    columns = [column for column in _columns(looking) if column.key != by]
    total = sum_field(looking)
    heads = "heads" in dict(looking.parameters)
    try:
        body = await boards.board(
            here.unit,
            module.name,
            by=by,
            filter=looking.query_filter(),
            limit=0 if heads else CARDS,
            sum=total or None,
            sort=() if heads else looking.sort,
            fields=_fields(columns, by),
        )
        found = orjson.loads(body)["columns"]
    except Malformed as wrong:
        looking.filters.problem = " ".join(problem.message for problem in wrong.problems)
        found = []
    options = _options(looking, by)
    lanes = tuple(_lane(looking, by, options, columns, lane) for lane in found if lane["name"] in options)
    view = BoardPage(
        looking.view_model,
        lanes,
        looking.tabs(),
        looking.layouts(),
        looking.filters.bar(looking.url),
        sum(lane.count for lane in lanes),
        can_move=movable(looking, by),
        by=by,
        pickers=_pickers(looking, by, total),
    )
    said = hx(here.request.headers)
    if heads:
        counts = {lane.stage.name: [lane.count, lane.sum] for lane in lanes}
        return Response(
            orjson.dumps(counts), media_type="application/json", headers={"Cache-Control": "private, no-store"}
        )
    if said.partial and said.target_id == "results":
        return html(render.board_lanes(view, frame), frame.nonce)
    return page(here, view, frame)


def lane_field(looking: Looking) -> str:
    """The field whose options are the columns: the address says it, else the view, else the first that can."""
    names = lane_names(looking.describer, looking.module)
    view = looking.view.group_by if looking.view is not None and looking.view.layout == "board" else None
    wanted = (looking.given.get("by"), view)
    return next((name for name in wanted if name in names), names[0])


def sum_field(looking: Looking) -> str:
    """What the columns add up; nothing if the address says `-`."""
    given = looking.given.get("sum")
    own = looking.view.sum if looking.view is not None else None
    if given is None:
        return own or ""
    return given if given in sum_names(looking.describer, looking.module) or given == own else ""


def movable(looking: Looking, by: str) -> bool:
    """Whether cards may change column."""
    module, here = looking.module, looking.here
    if not here.unit.policy.allows(module.id, "edit"):
        return False
    return by == "stage" or FormBuilder(here, module).writable(by) is not None


def _options(looking: Looking, by: str) -> dict[str | None, OptionView]:
    describer, module = looking.describer, looking.module
    found: dict[str | None, OptionView] = {}
    if by == "stage":
        found.update(describer.stages(module))
        return found
    column = describer.column(module, by)
    found.update(column.options if column is not None else {})
    return found | {None: OptionView("", looking.here.t("No value"), "gray")}


def _pickers(looking: Looking, by: str, total: str) -> tuple[Picker, ...]:
    describer, module, t = looking.describer, looking.module, looking.here.t

    def named(names: Iterable[str]) -> tuple[tuple[str, str], ...]:
        return tuple((column.key, column.label) for column in describer.columns(module, names))

    lanes = named(lane_names(describer, module))
    sums = named(dict.fromkeys([*([total] if total else []), *sum_names(describer, module)]))
    found = [Picker("by", t("Columns"), by, lanes)] if len(lanes) > 1 else []
    return (*found, *([Picker("sum", t("Sum"), total or "-", (("-", t("Nothing")), *sums))] if sums else []))


async def lane_answer(looking: Looking, name: str, cursor: str | None) -> Response[bytes]:
    """Further cards of one lane."""
    by = lane_field(looking)
    options = _options(looking, by)
    if (name or None) not in options:
        raise NotFound(Problem("unknown_stage", "", "There is no such stage."))
    columns = [column for column in _columns(looking) if column.key != by]
    parts: list[dict[str, Any]] = [
        {"field": by, "op": "eq", "value": name} if name else {"field": by, "op": "is_empty"}
    ]
    variants = [one.name for one in looking.module.stages.values() if one.maps_to == name] if by == "stage" else []
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
        fields=_fields(columns, by),
    )
    listed = await read.find(looking.here.unit, query)
    rows = [orjson.loads(row) for row in listed.rows]
    cards = tuple(_cards(looking, columns, rows))
    lane = LaneView(options[name or None], "open", 0, cards, next_url=_more(looking, name, listed.next))
    frame = looking.shell()
    return html(render.lane_more(lane, frame), frame.nonce)


def _fields(columns: Iterable[ColumnView], by: str) -> tuple[str, ...]:
    fields, _ = wanted_fields(columns)
    return (*dict.fromkeys([*fields, by, "owner", "stage", "stage_entered_at"]),)


def _columns(looking: Looking) -> list[ColumnView]:
    describer, module, view = looking.describer, looking.module, looking.view
    if view is not None and view.card_fields:
        return describer.columns(module, view.card_fields)
    facts = module.definition.layout.facts or [
        name for name in describer.default_paths(module) if name not in ("title", "updated_at")
    ]
    return describer.columns(module, [name for name in facts if name not in ("stage", "owner")])[:FACTS]


def _lane(
    looking: Looking, by: str, options: Mapping[str | None, OptionView], columns: list[ColumnView], lane: dict[str, Any]
) -> LaneView:
    describer, option = looking.describer, options[lane["name"]]
    stage = looking.module.stages[option.name] if by == "stage" else None
    create = looking.view_model.create_url
    reasons = tuple(
        OptionView(one.name, describer.text(one.label), one.hue or "gray", one.archived)
        for one in (stage.reasons if stage is not None else ())
    )
    return LaneView(
        option,
        stage.category if stage is not None else "open",
        lane["count"],
        tuple(_cards(looking, columns, lane["cards"])),
        _sum(looking, lane.get("sum")),
        _more(looking, option.name, lane.get("next")),
        address(create, [(by, option.name)]) if create else None,
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
    shown = [("" if column.type in SPEAKING else column.label, column.key, _fact(column)) for column in columns]
    for row in rows:
        facts = tuple(
            (label, Markup(fact(value, reader))) for label, key, fact in shown if not is_empty(value := pick(row, key))
        )
        age, late = _age(looking, row)
        owner = here.users.get(str(row.get("owner", "")))
        url = record_url(looking.module.name, row["id"])
        yield CardView(row["id"], row.get("title") or "—", url, row.get("version", 1), facts, owner, age, late)


def _fact(column: ColumnView) -> Formatter:
    """How a value is shown on a card; links are text there, because the card itself is what one opens."""
    if column.type not in LINKING:
        return formatter(column)

    def titles(value: Any, reader: Reader) -> str:
        items = value if isinstance(value, list) else [value]
        names = (str(item.get("title") or "…") if isinstance(item, dict) else str(item) for item in items)
        return f"<span>{escape(', '.join(names))}</span>"

    return titles


def _age(looking: Looking, row: Mapping[str, Any]) -> tuple[int | None, bool]:
    entered = formats.parse_instant(str(row.get("stage_entered_at", "")))
    stage = looking.module.stages.get(str(row.get("stage", "")))
    if entered is None or stage is None or stage.category not in ("open", "hold"):
        return None, False
    days = max(0, (looking.here.unit.now.astimezone(UTC) - entered).days)
    return days, stage.age_limit_days is not None and days > stage.age_limit_days
