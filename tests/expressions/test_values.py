"""Stored JSON becomes Python values and goes back unchanged; spans of days are what their names say."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from xrm_core.expressions.spans import EXAMPLES, is_span, span_of
from xrm_core.expressions.values import Duration, Money, Rate, approximate_days, from_json, to_json
from xrm_core.kernel.kinds import Kind


@pytest.mark.parametrize(
    ("kind", "stored", "value"),
    [
        (Kind.TEXT, "é", "é"),
        (Kind.INTEGER, 3, 3),
        (Kind.DECIMAL, "12.50", Decimal("12.50")),
        (Kind.BOOLEAN, False, False),
        (Kind.DATE, "2024-02-29", date(2024, 2, 29)),
        (Kind.INSTANT, "2024-02-29T10:00:00.000000Z", datetime(2024, 2, 29, 10, tzinfo=UTC)),
        (Kind.DURATION, {"value": 90, "unit": "days"}, Duration(90, "days")),
        (Kind.MONEY, {"amount": "12000.00", "currency": "EUR"}, Money(Decimal("12000.00"), "EUR")),
        (Kind.RATE, {"amount": "50.00", "currency": "EUR", "per": "hour"}, Rate(Decimal("50.00"), "EUR", "hour")),
        (Kind.LIST, ["a", "b"], ["a", "b"]),
        (Kind.REFERENCE, "0190-x", "0190-x"),
        (Kind.OBJECT, {"a": [1]}, {"a": [1]}),
    ],
)
def test_there_and_back(kind: Kind, stored: Any, value: Any) -> None:
    found = from_json(kind, stored)
    assert found == value and type(found) is type(value)
    assert to_json(kind, found) == stored


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("garbage", ["", [], None, {}, {"amount": "x"}, True, 3.5, "x", ["a", 1], object()])
def test_garbage_does_not_break(kind: Kind, garbage: Any) -> None:
    from_json(kind, garbage)


def test_polymorphic_reference() -> None:
    assert from_json(Kind.REFERENCE, {"module": "jobs", "id": "j1"}) == "j1"


def test_durations_in_days() -> None:
    assert approximate_days(Duration(12, "months")) == Decimal("365.2425")
    assert approximate_days(Duration(5, "business_days")) == 7
    assert approximate_days(Duration(36, "hours")) == Decimal("1.5")


TODAY = date(2026, 1, 31)  # a Saturday


@pytest.mark.parametrize(
    ("name", "start", "end"),
    [
        ("today", "2026-01-31", "2026-01-31"),
        ("yesterday", "2026-01-30", "2026-01-30"),
        ("tomorrow", "2026-02-01", "2026-02-01"),
        ("this_week", "2026-01-26", "2026-02-01"),
        ("next_week", "2026-02-02", "2026-02-08"),
        ("last_month", "2025-12-01", "2025-12-31"),
        ("next_month", "2026-02-01", "2026-02-28"),
        ("this_quarter", "2026-01-01", "2026-03-31"),
        ("last_quarter", "2025-10-01", "2025-12-31"),
        ("next_year", "2027-01-01", "2027-12-31"),
        ("next_30_days", "2026-01-31", "2026-03-02"),
        ("last_7_days", "2026-01-24", "2026-01-31"),
        ("last_2_weeks", "2026-01-17", "2026-01-31"),
        ("next_1_months", "2026-01-31", "2026-02-28"),
        ("last_12_months", "2025-01-31", "2026-01-31"),
    ],
)
def test_spans(name: str, start: str, end: str) -> None:
    found = span_of(name, TODAY)
    assert found is not None
    assert (found.start.isoformat(), found.end.isoformat()) == (start, end)


def test_span_names() -> None:
    assert all(is_span(name) for name in EXAMPLES)
    assert not any(is_span(name) for name in ("", "someday", "next_0_days", "next_99999_days", "this_3_days"))


def test_the_calendar_ends() -> None:
    for name in EXAMPLES:
        for day in (date.min, date.max):
            span_of(name, day)
