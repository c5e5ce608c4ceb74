"""The report of a record: what belongs to it over a period, counted by stage and added up, on a page that prints."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import orjson
from litestar import Response, get
from markupsafe import Markup

from xrm_core.kernel.kinds import Kind
from xrm_core.records import read
from xrm_core.records.aggregate import aggregate
from xrm_core.records.query import RecordQuery
from xrm_core.storage.model import CompiledInverse, CompiledModule
from xrm_core.web import formats
from xrm_core.web.arranging import money_names, reported, visible
from xrm_core.web.calendars import parsed_day
from xrm_core.web.describe import Describer
from xrm_core.web.editing import record_id
from xrm_core.web.filters import address
from xrm_core.web.formatters import record_url, show
from xrm_core.web.forms import with_many
from xrm_core.web.frame import page, shell
from xrm_core.web.pages import OptionView, TabView
from xrm_core.web.records import RecordView
from xrm_core.web.services import Req, Visit, visit
from xrm_core.web.views_report import ReportLine, ReportPage, ReportPart, ReportRow

ROWS = 40
PACED = 1_000
"""Of so many records at most the time they took is averaged: the last ones."""


@dataclass(frozen=True, slots=True)
class Span:
    """The days from `first` to `last`, both included."""

    first: date
    last: date


@get("/m/{module:str}/{id:str}/report")
async def record_report(request: Req) -> Response[bytes]:
    """The report of one record over the period that the address names, else over the last twelve months."""
    identity = record_id(request)
    async with visit(request) as here:
        module = here.unit.module(request.path_params["module"])
        found = await read.get(here.unit, module.name, identity)
        record: dict[str, Any] = await with_many(here, module, orjson.loads(found.json))
        view = await Report(here, module, record, asked(here)).page(identity)
        return page(here, view, shell(here, f"{view.title}: {here.t('Report')}", module=module.name))


def asked(here: Visit) -> Span:
    """The period of the address; what is no date or ends before it begins counts as the usual one."""
    given = here.request.query_params
    usual = spans_of(here)["year"]
    first, last = parsed_day(given.get("first")), parsed_day(given.get("last"))
    span = Span(first or usual.first, last or usual.last)
    return span if span.first <= span.last else usual


def spans_of(here: Visit) -> dict[str, Span]:
    """The periods that are one click away."""
    today = here.unit.today
    quarter = date(today.year, (today.month - 1) // 3 * 3 + 1, 1)
    before = quarter - timedelta(days=1)
    return {
        "year": Span(date(today.year - 1, today.month, 1), today),
        "quarter": Span(quarter, today),
        "before": Span(date(before.year, (before.month - 1) // 3 * 3 + 1, 1), before),
        "this": Span(date(today.year, 1, 1), today),
        "last": Span(date(today.year - 1, 1, 1), date(today.year - 1, 12, 31)),
    }


class Report:
    """Makes the report of one record."""

    def __init__(self, here: Visit, module: CompiledModule, record: dict[str, Any], span: Span) -> None:
        self.here, self.module, self.record, self.span = here, module, record, span
        self.describer = Describer(here)

    async def page(self, identity: UUID) -> ReportPage:
        """Everything that the page shows."""
        here, span = self.here, self.span
        parts, empty = [], []
        for inverse, other in sorted(reported(self.describer, self.module), key=lambda one: one[1].definition.order):
            label = self.describer.text(inverse.label)
            part = await self.part(inverse, other, identity, label)
            if part is None:
                empty.append(label)
            else:
                parts.append(part)
        view = self.describer.module(self.module)
        url = f"{view.url}/{identity}"
        facts = tuple(value for value in RecordView(here, self.module, self.record).facts() if not value.empty)
        t = here.t
        labels = {
            "year": t("Last 12 months"), "quarter": t("This quarter"), "before": t("Last quarter"),
            "this": t("This year"), "last": t("Last year"),
        }  # fmt: skip
        presets = [
            TabView(labels[name], address(f"{url}/report", _days(one)), one == span)
            for name, one in spans_of(here).items()
        ]
        return ReportPage(
            view, self.record.get("title") or "—", url, facts, span.first.isoformat(), span.last.isoformat(),
            f"{self._day(span.first)} – {self._day(span.last)}", self._day(here.unit.today),
            tuple(presets), tuple(parts), tuple(empty),
        )  # fmt: skip

    def _day(self, day: date) -> str:
        return formats.day(day.isoformat(), self.here.locale)

    def day_field(self, other: CompiledModule) -> str:
        """By which date records are counted: one that every record has, else that of the module's own views, else the first."""
        names = [field.name for field in visible(self.describer, other) if field.kind in (Kind.DATE, Kind.INSTANT)]
        views = [view.date_field for view in other.definition.views if view.date_field and not view.archived]
        needed = [name for name in names if other.fields[name].definition.required]
        return next((name for name in [*needed, *views, *names] if name in names), "created_at")

    def money_field(self, other: CompiledModule) -> str:
        """The amount that is added up: that of the module's own views, else the first."""
        names = money_names(self.describer, other)
        views = [view.sum for view in other.definition.views if view.sum and not view.archived]
        return next((name for name in [*views, *names] if name in names), "")

    async def part(
        self, inverse: CompiledInverse, other: CompiledModule, identity: UUID, label: str
    ) -> ReportPart | None:
        """One module's records of the period; None without any."""
        unit, describer = self.here.unit, self.describer
        day, money = self.day_field(other), self.money_field(other)
        bounds = self.bounds(other, day)
        limits = {"and": [
            {"field": inverse.link.name, "op": "eq", "value": str(identity)},
            *({"field": day, "op": op, "value": value} for op, value in bounds),
        ]}  # fmt: skip
        stage = ["stage"] if other.pipeline is not None else []
        measures: list[dict[str, Any]] = [{"function": "count", "as": "count"}]
        groups: list[Any] = list(stage)
        if money:
            groups.append({"field": money, "by": "currency"})
            measures.append({"function": "sum", "field": money, "as": "sum"})
        body = {"filter": limits, "measures": measures, **({"group_by": groups} if groups else {})}
        found = orjson.loads(await aggregate(unit, other.name, body))["data"]
        if not sum(entry["count"] for entry in found):
            return None
        options = describer.stages(other) if stage else {}
        conditions = [
            ("f", f"{inverse.link.name}~eq~{identity}"),
            *(("f", f"{day}~{op}~{value}") for op, value in bounds),
        ]
        lines = [
            self.line(other, [entry for entry in found if entry["group"]["stage"] == name], conditions, option)
            for name, option in options.items()
            if any(entry["group"]["stage"] == name for entry in found)
        ]
        fields = tuple(dict.fromkeys(["title", day, *stage, *([money] if money else [])]))
        listed = await read.find(
            unit, RecordQuery(other.name, filter=limits, fields=fields, sort=(f"-{day}",), limit=ROWS)
        )
        return ReportPart(
            inverse.name, label, describer.module(other), self.label(other, day), self.label(other, money) if money else "",
            tuple(lines), self.line(other, found, conditions), await self.pace(other, limits, day, options),
            tuple(self.row(other, orjson.loads(one), day, money, options) for one in listed.rows),
        )  # fmt: skip

    def bounds(self, other: CompiledModule, day: str) -> list[tuple[str, str]]:
        """The period as two comparisons, in the form in which the field stores days or instants."""
        field = other.fields.get(day)
        if field is not None and field.kind is Kind.DATE:
            return [("gte", self.span.first.isoformat()), ("lte", self.span.last.isoformat())]
        zone = formats.zone_of(self.here.unit.zone)
        begin, end = (
            datetime.combine(one, time(), zone).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
            for one in (self.span.first, self.span.last + timedelta(days=1))
        )
        return [("gte", begin), ("lt", end)]

    def label(self, other: CompiledModule, name: str) -> str:
        """What a field is called."""
        column = self.describer.column(other, name)
        return column.label if column is not None else ""

    def line(
        self,
        other: CompiledModule,
        entries: Iterable[dict[str, Any]],
        conditions: list[tuple[str, str]],
        stage: OptionView | None = None,
    ) -> ReportLine:
        """Counts and sums of some groups; amounts of different currencies stay apart."""
        count, sums = 0, dict[str, Decimal]()
        for entry in entries:
            count += entry["count"]
            if entry.get("sum"):
                currency = entry["sum"]["currency"]
                sums[currency] = sums.get(currency, Decimal(0)) + Decimal(entry["sum"]["amount"])
        more = [("f", f"stage~eq~{stage.name}")] if stage is not None else []
        url = address(self.describer.module(other).url, [("layout", "list"), *conditions, *more])
        texts = (formats.money(str(sums[currency]), currency, self.here.locale) for currency in sorted(sums))
        return ReportLine(count, url, tuple(texts), stage)

    async def pace(
        self, other: CompiledModule, limits: dict[str, Any], day: str, options: dict[str, OptionView]
    ) -> str:
        """The average time from the date to the stage that is the goal."""
        goals = [name for name, stage in other.stages.items() if stage.category == "won"] if options else []
        if not goals:
            return ""
        won = {"and": [limits, {"field": "stage", "op": "in", "value": goals}]}
        query = RecordQuery(
            other.name, filter=won, fields=(day, "stage_entered_at"), sort=("-stage_entered_at",), limit=PACED
        )
        took = []
        zone = formats.zone_of(self.here.unit.zone)
        for row in (await read.find(self.here.unit, query)).rows:
            one = orjson.loads(row)
            begun, reached = str(one.get(day) or ""), formats.parse_instant(str(one.get("stage_entered_at") or ""))
            if not begun or reached is None:
                continue
            start = formats.parse_instant(begun) if len(begun) > 10 else None
            since = start.astimezone(zone).date() if start is not None else date.fromisoformat(begun[:10])
            took.append((reached.astimezone(zone).date() - since).days)
        counted = [days for days in took if days >= 0]
        if not counted:
            return ""
        average = round(sum(counted) / len(counted))
        text = self.here.plural("{count} day", "{count} days", average)
        names = ", ".join(options[name].label for name in goals)
        return self.here.t(
            "From {day} to {stage}: {days} on average ({count})",
            day=self.label(other, day), stage=names, days=text, count=len(counted),
        )  # fmt: skip

    def row(
        self, other: CompiledModule, one: dict[str, Any], day: str, money: str, options: dict[str, OptionView]
    ) -> ReportRow:
        """One record of a part."""
        column = self.describer.column(other, day)
        amount = self.describer.column(other, money) if money else None
        return ReportRow(
            str(one.get("title") or "—"), record_url(other.name, one["id"]),
            show(column, one, self.here.reader) if column is not None and one.get(day) else "",
            options.get(str(one.get("stage"))),
            show(amount, one, self.here.reader) if amount is not None and one.get(money) else Markup(""),
        )  # fmt: skip


def _days(span: Span) -> list[tuple[str, str]]:
    return [("first", span.first.isoformat()), ("last", span.last.isoformat())]


HANDLERS = [record_report]
