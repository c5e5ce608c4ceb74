"""What expressions mean: values, none, bounds, dates at month ends, money of two currencies."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from tests.expressions.scopes import JOBS
from xrm_core.expressions import Now, Values, check, compile, compile_condition, parse
from xrm_core.expressions.values import Duration, Money, Rate

MOMENT = Now(now=datetime(2026, 3, 31, 22, 30, tzinfo=UTC), today=date(2026, 4, 1), zone="Europe/Berlin", me="u1")
TASKS = [
    Values(
        {
            ("name",): "Call",
            ("hours",): Decimal("1.50"),
            ("count",): 2,
            ("done",): True,
            ("cost",): Money(Decimal(5), "EUR"),
        },
        MOMENT,
    ),
    Values({("name",): "Write", ("hours",): Decimal("2.25"), ("cost",): Money(Decimal(7), "EUR")}, MOMENT),
]
JOB: dict[tuple[str, ...], Any] = {
    ("name",): "Café Ünder",
    ("status",): "open",
    ("positions",): 7,
    ("score",): Decimal("2.5"),
    ("fee",): Money(Decimal("1000.00"), "EUR"),
    ("pay",): Rate(Decimal("50.5"), "EUR", "hour"),
    ("urgent",): True,
    ("start",): date(2026, 1, 31),
    ("seen_at",): datetime(2026, 3, 31, 22, 15, tzinfo=UTC),
    ("notice",): Duration(3, "months"),
    ("skills",): ["Python", "Go"],
    ("period", "start"): date(2026, 5, 1),
    ("customer", "name"): "ACME",
    ("customer", "rating"): 4,
    ("customer",): "c1",
    ("owner",): "u1",
}


def value(source: str, values: dict[tuple[str, ...], Any] | None = None) -> Any:
    node, problems = parse(source)
    assert node is not None, problems
    typed, problems = check(node, JOBS, source)
    assert typed is not None, problems
    return compile(typed)(Values(JOB if values is None else values, MOMENT, {("tasks",): TASKS}))


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        # the record itself, named where linked records are looked at
        ("count(tasks, hours < this.score)", 2),
        ("count(tasks, hours + 1 > this.score)", 1),
        ("any(tasks, this.customer.name == 'Acme' and name == 'Call')", True),
        ("this.positions + 1", 8),
        # text without case and accents
        ("name == 'CAFE under'", True),
        ("contains(name, 'FÉ Ü')", True),
        ("starts_with(name, 'cafe')", True),
        ("ends_with(name, 'DER')", True),
        ("customer.name in ['acme', 'x']", True),
        ("name < 'd'", True),
        ("upper(name) + '!'", "CAFÉ ÜNDER!"),
        ("substring(name, 1, 4)", "Café"),
        ("substring(name, 6)", "Ünder"),
        ("substring(name, -5, 2)", "Ca"),
        ("replace(name, 'é', 'ee')", "Cafee Ünder"),
        ("concat(name, none, ' ', positions, ' ', score, ' ', start)", "Café Ünder 7 2.5 2026-01-31"),
        ("concat(none)", None),
        ("len(name)", 10),
        ("trim('  a ')", "a"),
        # none
        ("end == none", True),
        ("end != none", False),
        ("end < '2030-01-01'", False),
        ("end >= '2030-01-01'", False),
        ("end + days(1)", None),
        ("not (end < '2030-01-01')", True),
        ("positions + none", None),
        ("coalesce(end, start)", date(2026, 1, 31)),
        ("end if urgent else start", None),
        ("1 if end == none else 2", 1),
        ("is_empty(end) and is_not_empty(start)", True),
        ("none == none", True),
        ("upper(none)", None),
        # numbers
        ("positions / 3", Decimal("2.333333333333")),
        ("-positions / 6", Decimal("-1.166666666667")),
        ("positions / 0", None),
        ("score * 0.1", Decimal("0.25")),
        ("round(score)", 3),
        ("round(-2.5)", -3),
        ("round(2.345, 2)", Decimal("2.35")),
        ("floor(-2.5)", -3),
        ("ceil(-2.5)", -2),
        ("min(positions, 3, none)", 3),
        ("max(start, today())", date(2026, 4, 1)),
        ("abs(-score)", Decimal("2.5")),
        ("999999999999999 + 1", None),
        ("positions in [1, 7.0]", True),
        ("positions not in [1, 2]", True),
        # money
        ("fee * 20 / 100", Money(Decimal(200), "EUR")),
        ("fee + money(1, 'USD')", None),
        ("fee > money(1, 'USD')", False),
        ("fee < money(1, 'USD')", False),
        ("fee == money(1000, 'EUR')", True),
        ("fee != money(1000, 'USD')", True),
        ("fee > 999", True),
        ("fee / money(500, 'EUR')", Decimal(2)),
        ("annual(pay)", Money(Decimal("105040.0"), "EUR")),
        ("per(pay) == 'hour' and currency(pay) == 'EUR'", True),
        ("pay * 2", Rate(Decimal("101.0"), "EUR", "hour")),
        ("round(fee / 3, 2)", Money(Decimal("333.33"), "EUR")),
        # dates
        ("start + months(1)", date(2026, 2, 28)),
        ("start + notice", date(2026, 4, 30)),
        ("start - years(2)", date(2024, 1, 31)),
        ("start + business_days(1)", date(2026, 2, 2)),
        ("start + days(3999999) + days(1)", None),
        ("add(start, weeks(2))", date(2026, 2, 14)),
        ("today() - start", Duration(60, "days")),
        ("today() - start > weeks(8)", True),
        ("months(12) == years(1)", True),
        ("notice * 2", Duration(6, "months")),
        ("days_between(start, '2026-02-01')", 1),
        ("months_between(start, '2026-04-30')", 2),
        ("years_between('2000-04-02', today())", 25),
        ("end_of_month(start + days(1))", date(2026, 2, 28)),
        ("start_of_week(today())", date(2026, 3, 30)),
        ("start_of_quarter(start) == start_of_year(start)", True),
        ("weekday(start)", 6),
        ("quarter(today()) * 100 + month(today())", 204),
        # instants are days in the workspace's zone: 22:15 UTC is the next day in Berlin
        ("date_of(seen_at) == today()", True),
        ("seen_at == today()", True),
        ("seen_at >= '2026-04-01'", True),
        ("seen_at > '2026-03-31T22:00:00Z'", True),
        ("seen_at < now()", True),
        ("hours_between(seen_at, now())", Decimal("0.25")),
        ("seen_at + hours(2)", datetime(2026, 4, 1, 0, 15, tzinfo=UTC)),
        ("within(seen_at, 'today')", True),
        ("within(start, 'last_quarter')", True),
        ("within(start, 'last_60_days')", True),
        ("within(start, 'last_59_days')", False),
        ("within(end, 'today')", False),
        ("between(start, '2026-01-01', '2026-01-31')", True),
        ("period.start == '2026-05-01'", True),
        # lists
        ("has_any(skills, ['python', 'rust'])", True),
        ("has_all(skills, ['go', 'python'])", True),
        ("has_none(skills, ['rust'])", True),
        ("'go' in skills", True),
        ("contains(skills, 'java')", False),
        ("len(skills)", 2),
        ("has_all(skills, [])", True),
        # links
        ("owner == me", True),
        ("any(tasks, done)", True),
        ("all(tasks, done)", False),
        ("none(tasks, hours > 5)", True),
        ("count(tasks)", 2),
        ("count(tasks, name == 'call')", 1),
        ("sum(tasks, hours)", Decimal("3.75")),
        ("sum(tasks, count)", 2),
        ("sum(tasks, cost)", Money(Decimal(12), "EUR")),
        ("sum(tasks, cost, done)", Money(Decimal(5), "EUR")),
        ("sum(tasks, hours, name == 'x')", Decimal(0)),
        ("is_empty(tasks)", False),
        ("customer.rating >= 4 and customer == customer", True),
        ("'yes' if positions > 3 else 'no' if positions > 1 else 'never'", "yes"),
    ],
)
def test_values(source: str, expected: Any) -> None:
    found = value(source)
    assert found == expected and type(found) is type(expected)


def test_of_an_empty_record() -> None:
    for source in ("urgent", "not urgent", "name == 'x'", "any(tasks, done)"):
        value(source, {})
    assert value("urgent == false", {}) is False
    assert value("not urgent", {}) is True
    assert value("has_none(skills, ['x'])", {}) is True
    assert value("has_any(skills, ['x'])", {}) is False
    assert value("contains(name, 'x')", {}) is False
    assert value("name != 'x'", {}) is True
    assert value("len(skills)", {}) is None


def test_condition_counts_none_as_false() -> None:
    node, _ = parse("urgent")
    assert node is not None
    typed, _ = check(node, JOBS)
    assert typed is not None
    assert compile_condition(typed)(Values({})) is False


def test_nobody_owns_nothing() -> None:
    node, _ = parse("owner == me")
    assert node is not None
    typed, _ = check(node, JOBS)
    assert typed is not None
    assert compile(typed)(Values({}, Now(me=None))) is False


def test_results_are_bounded() -> None:
    long = "x" * 90_000
    assert value("name + name", {("name",): long}) is None
    assert value("replace(name, 'x', name)", {("name",): long}) is None
    assert value("concat(name, name)", {("name",): long}) is None
    many = " * ".join(["score"] * 30)
    assert value(many, {("score",): Decimal(10**9)}) is None
    small = value(many, {("score",): Decimal("0.001")})
    assert small == 0
