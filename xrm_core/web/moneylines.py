"""Timelines of money: amounts by month or quarter of a date, stacked by stage or option, never adding up currencies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import orjson
from babel.dates import format_skeleton
from litestar import Response

from xrm_core.kernel.errors import Malformed
from xrm_core.records import read
from xrm_core.records.aggregate import aggregate
from xrm_core.records.query import RecordQuery
from xrm_core.web import charts, formats, render
from xrm_core.web.arranging import day_names, group_names, lane_names, money_names, pattern, spans
from xrm_core.web.calendars import Times, and_, parsed_day
from xrm_core.web.formats import HUES
from xrm_core.web.formatters import record_url
from xrm_core.web.forms import FormBuilder
from xrm_core.web.frame import html, page
from xrm_core.web.hx import hx
from xrm_core.web.looking import Looking
from xrm_core.web.pages import OptionView, Picker, Shell
from xrm_core.web.views_moneyline import MoneyCard, MoneyPage, MoneyRow, MoneyTable, Period

PERIODS: tuple[tuple[str, str], ...] = (("month", "Months"), ("quarter", "Quarters"))
SHOWN = {"month": 12, "quarter": 8}
BEFORE = {"month": 3, "quarter": 3}
CARDS = 12
MOST = 1_000
MOST_ROWS = 40


@dataclass(frozen=True, slots=True)
class Plan:
    """What the page arranges by."""

    money: str
    day: str
    stack: str
    period: str
    group: str
    starts: tuple[date, ...]
    after: date


def plan_of(looking: Looking) -> Plan:
    """What the address says, else the view, else the first that can."""
    describer, module, given = looking.describer, looking.module, looking.given
    view = pattern(looking.view, module, "timeline")

    def first(names: list[str], *wanted: str | None) -> str:
        return next((name for name in wanted if name in names), names[0] if names else "")

    days = [name for name in day_names(describer, module) if not spans(module.fields[name])]
    lanes = lane_names(describer, module)
    groups = group_names(describer, module)
    period = given.get("period", "month")
    period = period if period in SHOWN else "month"
    months = 3 if period == "quarter" else 1
    anchor = parsed_day(given.get("from"))
    start = (
        _begin(anchor, months) if anchor else _shift(_begin(looking.here.unit.today, months), -BEFORE[period] * months)
    )
    starts = tuple(_shift(start, n * months) for n in range(SHOWN[period]))
    return Plan(
        first(money_names(describer, module), given.get("money"), view.sum if view else None),
        first(days, given.get("date"), view.date_field if view else None),
        "" if given.get("stack") == "-" else first(lanes, given.get("stack"), view.group_by if view else None),
        period,
        given.get("group", "") if given.get("group", "") in groups else "",
        starts,
        _shift(starts[-1], months),
    )


def _begin(day: date, months: int) -> date:
    return date(day.year, (day.month - 1) // months * months + 1, 1)


def _shift(day: date, months: int) -> date:
    index = day.year * 12 + day.month - 1 + months
    return date(index // 12, index % 12 + 1, 1)


async def money_answer(looking: Looking, frame: Shell) -> Response[bytes]:
    """The timeline, or its content alone for a partial request."""
    here, module = looking.here, looking.module
    await looking.name_records()
    plan = plan_of(looking)
    times = Times(looking.describer, module, plan.day)
    given = looking.query_filter()
    both = [times.between(plan.starts[0], plan.after), {"field": plan.money, "op": "is_not_empty"}]
    limits = {"and": [*both, *([given] if given else [])]}
    keys = [{"field": plan.day, "by": plan.period}, {"field": plan.money, "by": "currency"}]
    body: dict[str, Any] = {
        "filter": limits,
        "group_by": [*keys, *([plan.stack] if plan.stack else [])],
        "measures": [{"function": "sum", "field": plan.money, "as": "sum"}, {"function": "count", "as": "count"}],
    }
    notice = ""
    try:
        answer = orjson.loads(await aggregate(here.unit, module.name, body))
        fields = tuple(
            dict.fromkeys(
                [
                    "title",
                    "version",
                    plan.day,
                    plan.money,
                    *([plan.stack] if plan.stack else []),
                    *([plan.group] if plan.group else []),
                ]
            )
        )
        listed = await read.find(
            here.unit, RecordQuery(module.name, filter=limits, fields=fields, sort=(plan.day,), limit=MOST)
        )
    except Malformed as wrong:
        looking.filters.problem = " ".join(problem.message for problem in wrong.problems)
        answer, listed = {"data": [], "complete": True}, read.Listed([])
    if listed.next or not answer["complete"]:
        notice = here.t(
            "Only the first {count} cards are shown; the sums are those of all.",
            count=formats.number(MOST, 0, here.locale),
        )
    options = _options(looking, plan)
    rows = [orjson.loads(row) for row in listed.rows]
    found = MoneyPage(
        looking.view_model,
        f"{_label(looking, plan, plan.starts[0])} – {_label(looking, plan, plan.starts[-1])}",
        tuple(_tables(looking, plan, options, answer["data"])),
        tuple(_rows(looking, plan, times, options, answer["data"], rows)),
        plan.day,
        looking.with_(**{"from": _shift(plan.starts[0], -_months(plan) * 3).isoformat()}),
        looking.with_(**{"from": None}),
        looking.with_(**{"from": _shift(plan.starts[0], _months(plan) * 3).isoformat()}),
        _months(plan),
        notice,
        looking.tabs(),
        looking.layouts(),
        looking.filters.bar(looking.url),
        _pickers(looking, plan),
        here.unit.policy.allows(module.id, "edit") and FormBuilder(here, module).writable(plan.day) is not None,
    )
    said = hx(here.request.headers)
    if said.partial and said.target_id == "results":
        return html(render.fragment("fragments/moneyline.html.jinja", found, frame), frame.nonce)
    return page(here, found, frame)


def _months(plan: Plan) -> int:
    return 3 if plan.period == "quarter" else 1


def _label(looking: Looking, plan: Plan, start: date) -> str:
    locale = formats.known_locale(looking.here.locale)
    return str(format_skeleton("yQQQ" if plan.period == "quarter" else "yMMM", start, locale=locale))


def _options(looking: Looking, plan: Plan) -> dict[str, OptionView]:
    column = looking.describer.column(looking.module, plan.stack) if plan.stack else None
    none = OptionView(
        "", looking.here.t("No value") if plan.stack else looking.here.t("All"), "gray" if plan.stack else "blue"
    )
    used: set[str] = set()
    found: dict[str, OptionView] = {}
    for name, option in (column.options if column is not None else {}).items():
        # Parts of one bar that had the same colour could not be told apart.
        hue = option.hue if option.hue not in used else next((one for one in HUES if one not in used), option.hue)
        used.add(hue)
        # The engine groups by folded names; definitions keep these apart.
        found[name.casefold()] = replace(option, hue=hue)
    return {**found, "": none}


def _money(looking: Looking, amount: Decimal, currency: str) -> str:
    return formats.money(
        str(amount.quantize(Decimal(1))) if abs(amount) >= 1000 else format(amount, "f"), currency, looking.here.locale
    )


def _limits(plan: Plan, start: date) -> str:
    after = _shift(start, _months(plan))
    return f"{plan.day} >= '{start}' and {plan.day} <= '{after - timedelta(days=1)}' and is_not_empty({plan.money})"


def _list_url(looking: Looking, *conditions: str) -> str:
    gone = {
        name: None
        for name in ("f", "f_field", "f_op", "f_value", "money", "date", "stack", "period", "group", "from", "sort")
    }
    return looking.with_(**{**gone, "layout": "list", "filter": and_(looking.filters.text, *conditions)})


def _tables(
    looking: Looking, plan: Plan, options: Mapping[str, OptionView], data: list[dict[str, Any]]
) -> list[MoneyTable]:
    sums: dict[str, dict[tuple[str, str], Decimal]] = {}
    for entry in data:
        group = entry["group"]
        if entry["sum"] is None:
            continue
        part = str(group.get(plan.stack) or "").casefold() if plan.stack else ""
        own = sums.setdefault(entry["sum"]["currency"], {})
        key = (group[plan.day], part if part in options else "")
        own[key] = own.get(key, Decimal(0)) + Decimal(entry["sum"]["amount"])
    return [_table(looking, plan, options, currency, sums[currency]) for currency in sorted(sums)]


def _table(
    looking: Looking,
    plan: Plan,
    options: Mapping[str, OptionView],
    currency: str,
    sums: Mapping[tuple[str, str], Decimal],
) -> MoneyTable:
    used = [name for name in options if any(part == name for _, part in sums)]
    heads = [_label(looking, plan, start) for start in plan.starts]
    totals = [
        sum((sums.get((start.isoformat(), part), Decimal(0)) for part in used), Decimal(0)) for start in plan.starts
    ]
    step = charts.nice(max([*totals, Decimal(0)]))
    lines = [step * n for n in range(0, 6) if step * (n - 1) < max([*totals, Decimal(0)])]
    bars = []
    for start, head, total in zip(plan.starts, heads, totals, strict=True):
        segments = tuple(
            charts.Segment(
                options[part].name, options[part].label, options[part].hue, amount, _money(looking, amount, currency),
                _list_url(looking, _limits(plan, start), f"currency({plan.money}) == '{currency}'", _part(plan, options[part])),
            )
            for part in used
            if (amount := sums.get((start.isoformat(), part))) is not None
        )  # fmt: skip
        bars.append(charts.Bar(start.isoformat(), head, segments, _money(looking, total, currency)))
    rows = tuple(
        (
            options[part].label,
            tuple(_cell(looking, sums.get((start.isoformat(), part)), currency) for start in plan.starts),
        )
        for part in used
    )
    label = looking.here.t("{label} in {currency}", label=_named(looking, plan.money), currency=currency)
    chart = charts.stacked(bars, label, [(line, _money(looking, line, currency)) for line in lines])
    return MoneyTable(
        currency,
        chart,
        tuple(options[part] for part in used),
        tuple(heads),
        rows,
        tuple(_cell(looking, total, currency) for total in totals),
    )


def _part(plan: Plan, option: OptionView) -> str:
    if not plan.stack:
        return ""
    # A stage means those that stand for it, too; in a list of one value only that one counts.
    return f"{plan.stack} in ['{option.name}']" if option.name else f"is_empty({plan.stack})"


def _cell(looking: Looking, amount: Decimal | None, currency: str) -> str:
    """Exact, as the table is what people check the chart by."""
    return "" if amount is None else formats.money(format(amount, "f"), currency, looking.here.locale)


def _named(looking: Looking, name: str) -> str:
    column = looking.describer.column(looking.module, name)
    return column.label if column is not None else name


def _rows(
    looking: Looking,
    plan: Plan,
    times: Times,
    options: Mapping[str, OptionView],
    data: list[dict[str, Any]],
    records: list[dict[str, Any]],
) -> list[MoneyRow]:
    groups: dict[str, str] = {}
    cards: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in records:
        start, _ = times.of(row)
        if start is None:
            continue
        key, label = _group(looking, plan, row)
        groups[key] = label
        cards.setdefault((key, _begin(start, _months(plan)).isoformat()), []).append(row)
    if not plan.group:
        groups = {"": ""}
    named = sorted(groups.items(), key=lambda item: (item[0] == "", item[1].casefold()))[:MOST_ROWS]
    return [
        MoneyRow(
            label,
            tuple(
                _period(looking, plan, times, options, data, key, start, cards.get((key, start.isoformat()), []))
                for start in plan.starts
            ),
        )
        for key, label in named
    ]


def _group(looking: Looking, plan: Plan, row: Mapping[str, Any]) -> tuple[str, str]:
    if not plan.group:
        return "", ""
    value = row.get(plan.group)
    if isinstance(value, dict):
        return str(value["id"]), str(value.get("title") or "—")
    user = looking.here.users.get(str(value or ""))
    return (user.id, user.name) if user is not None else ("", looking.here.t("No value"))


def _period(
    looking: Looking,
    plan: Plan,
    times: Times,
    options: Mapping[str, OptionView],
    data: list[dict[str, Any]],
    key: str,
    start: date,
    records: list[dict[str, Any]],
) -> Period:
    locale = looking.here.locale
    sums: dict[str, Decimal] = {}
    count = len(records)
    if plan.group:
        for row in records:
            value = row[plan.money]
            sums[value["currency"]] = sums.get(value["currency"], Decimal(0)) + Decimal(value["amount"])
    else:
        mine = [entry for entry in data if entry["group"][plan.day] == start.isoformat()]
        count = sum(entry["count"] for entry in mine)
        for entry in mine:
            if entry["sum"] is not None:
                currency = entry["sum"]["currency"]
                sums[currency] = sums.get(currency, Decimal(0)) + Decimal(entry["sum"]["amount"])
    shown = []
    for row in records[:CARDS]:
        day, _ = times.of(row)
        option = options.get(str(row.get(plan.stack) or "").casefold() if plan.stack else "", options[""])
        value, iso = row[plan.money], (day.isoformat()[:10] if day is not None else "")
        shown.append(
            MoneyCard(
                row["id"], row.get("title") or "—", record_url(looking.module.name, row["id"]), row["version"], iso,
                formats.day(iso, locale, False), formats.money(value["amount"], value["currency"], locale), option.hue,
                option.label if plan.stack else "",
            )
        )  # fmt: skip
    today = looking.here.unit.today
    url = _list_url(looking, _limits(plan, start), _of_group(looking, plan, key)) if count > len(shown) else ""
    return Period(
        start.isoformat(),
        _label(looking, plan, start),
        tuple(_money(looking, amount, currency) for currency, amount in sorted(sums.items())),
        count,
        tuple(shown),
        url,
        start <= today < _shift(start, _months(plan)),
    )


def _of_group(looking: Looking, plan: Plan, key: str) -> str:
    if not plan.group:
        return ""
    return f"{plan.group} == '{key}'" if key else f"is_empty({plan.group})"


def _pickers(looking: Looking, plan: Plan) -> tuple[Picker, ...]:
    describer, module, t = looking.describer, looking.module, looking.here.t

    def named(names: list[str], none: str = "") -> tuple[tuple[str, str], ...]:
        found = tuple((column.key, column.label) for column in describer.columns(module, names))
        return ((("-", none), *found)) if none else found

    days = [name for name in day_names(describer, module) if not spans(module.fields[name])]
    return (
        Picker("money", t("Amount"), plan.money, named(money_names(describer, module))),
        Picker("date", t("Date"), plan.day, named(days)),
        Picker("stack", t("Stack by"), plan.stack or "-", named(lane_names(describer, module), t("Nothing"))),
        Picker("group", t("Group by"), plan.group or "-", named(group_names(describer, module), t("Nothing"))),
        Picker("period", t("Period"), plan.period, tuple((name, t(label)) for name, label in PERIODS)),
    )
