"""Titles: text with expressions inside."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

from tests.expressions.scopes import CUSTOMERS, JOBS
from xrm_core.expressions import Now, Scope, Symbol, Values, check_template, parse_template
from xrm_core.expressions.values import Duration, Money, Rate

MOMENT = Now(now=datetime(2026, 3, 31, 22, 30, tzinfo=UTC), today=date(2026, 4, 1), zone="Europe/Berlin")


def render(source: str, values: dict[tuple[str, ...], object], scope: Scope = JOBS) -> str:
    template, problems = parse_template(source)
    assert template is not None, problems
    typed, problems = check_template(template, scope)
    assert typed is not None, problems
    return typed.compile()(Values(values, MOMENT))


def test_parts_and_formats() -> None:
    values = {
        ("name",): "Baker",
        ("customer", "title"): "Acme",
        ("fee",): Money(Decimal("12.50"), "EUR"),
        ("pay",): Rate(Decimal("9"), "EUR", "hour"),
        ("notice",): Duration(1, "months"),
        ("seen_at",): datetime(2026, 3, 31, 22, 15, tzinfo=UTC),
        ("skills",): ["a", "b"],
        ("urgent",): True,
        ("score",): Decimal("1E+3"),
    }
    assert render("{{ name }} at {{ customer }}", values) == "Baker at Acme"
    assert render("{{fee}}, {{ pay }}, {{ notice }}", values) == "12.50 EUR, 9 EUR/hour, 1 month"
    assert render("{{ seen_at }} {{ skills }} {{ urgent }} {{ score }}", values) == "2026-04-01 00:15 a, b yes 1000"
    assert render("{{ concat(name, '}}', \"{{\") }}", values) == "Baker}}{{"


def test_empty_parts_leave_no_joints() -> None:
    assert render("{{ name }} - {{ customer.name }}", {("name",): "A"}) == "A"
    assert render("{{ name }} - {{ customer.name }}", {}) == ""
    assert render("a\n b", {}) == "a b"


def test_a_title_is_not_endless() -> None:
    assert len(render("{{ name }}", {("name",): "x" * 5000})) == 500


def test_problems() -> None:
    assert parse_template("a {{ b")[1][0].message.startswith("column 3")
    assert "column 3" in parse_template("a {{ b = 1 }}")[1][0].message
    assert parse_template("x" * 20_000)[1][0].code == "too_long"
    template, _ = parse_template("{{ nmae }} {{ name }}")
    assert template is not None
    assert "Did you mean name" in check_template(template, JOBS)[1][0].hint


def test_reads() -> None:
    template, _ = parse_template("{{ name }} {{ parent }} {{ year(today()) }}")
    assert template is not None and template.text == "{{ name }} {{ parent }} {{ year(today()) }}"
    typed, _ = check_template(template, CUSTOMERS)
    assert typed is not None
    assert typed.reads().paths == {("name",), ("parent", "title")} and typed.reads().uses_today


def test_symbols_are_compared_by_what_they_are() -> None:
    name = CUSTOMERS.resolve("name")
    assert name == Symbol("name", "name", name.type) if name else False
