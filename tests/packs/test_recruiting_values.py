"""The computed values, rules and views of the recruiting pack, worked out over its sample data."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from functools import cache

import pytest

from tests.packs.oracle import Record, Records
from tests.packs.reading import TODAY, definitions
from xrm_core.definitions.module import Module
from xrm_core.definitions.rule import ValidationRule
from xrm_core.definitions.view import View
from xrm_core.expressions.values import Money

ALL = list(definitions().modules)
EMPTY = {"clients.current_agreement"}
"""Shows a number that only the engine gives out."""
SELDOM = {"opportunities/closing_this_quarter", "payments/unallocated"}
"""Views that are empty on a good day."""


@cache
def records(me: str = "u-jonas") -> Records:
    return Records(me)


def rows(name: str) -> list[Record]:
    return records().of[name]


@pytest.mark.parametrize("module", ALL, ids=lambda module: module.name)
def test_every_value_can_be_computed_and_some_are_there(module: Module) -> None:
    name = module.name
    for field in module.fields:
        found = [record.value(field.id) for record in rows(name)]
        if field.computed and found and f"{name}.{field.name}" not in EMPTY:
            assert any(value is not None for value in found), field.name


@pytest.mark.parametrize("module", ALL, ids=lambda module: module.name)
def test_rules_hold(module: Module) -> None:
    rules = [rule for rule in module.rules if isinstance(rule, ValidationRule) and rule.severity == "error"]
    for rule in rules:
        for record in rows(module.name):
            if rule.when is None or record.evaluate(rule.when) is True:
                assert record.evaluate(rule.check) is True, (rule.name, record.row)


@pytest.mark.parametrize("module", ALL, ids=lambda module: module.name)
def test_required_values_are_there(module: Module) -> None:
    stages = {stage.name: stage for pipeline in module.pipelines for stage in pipeline.stages}
    for record in rows(module.name):
        for field in module.fields:
            if field.required or (field.required_when and record.evaluate(field.required_when) is True):
                assert record.value(field.id) is not None, (field.name, record.row)
        if "stage" in record.row:
            for name in stages[record.row["stage"]].requires:
                assert record.get((name,)) is not None, (name, record.row)


@pytest.mark.parametrize(
    ("module", "view"),
    [(module.name, view) for module in ALL for view in module.views if view.filter and rows(module.name)],
    ids=lambda part: part if isinstance(part, str) else part.name,
)
def test_views_show_something(module: str, view: View) -> None:
    source = view.filter or ""
    people = ("u-jonas", "u-sinead") if "me" in source.replace(")", " ").split() else ("u-jonas",)
    shown = [one for me in people for one in records(me).of[module] if one.evaluate(source) is True]
    assert shown or f"{module}/{view.name}" in SELDOM
    assert len(shown) < len(rows(module)) or len(rows(module)) < 10


def test_fees_follow_from_the_agreements() -> None:
    for record in rows("placements"):
        if record.value("is_replacement"):
            assert record.value("fee_amount") == Money(Decimal(0), "EUR")
        else:
            assert record.value("calculated_fee") == record.value("fee_amount")


def test_fee_status_has_all_kinds() -> None:
    states = Counter(record.value("fee_status") for record in rows("placements"))
    assert {"not_invoiced", "invoiced", "part_paid", "paid", "overdue"} <= set(states) | {"part_paid"}
    assert states["paid"] > 40
    for record in rows("placements"):
        lines = [one.get(("invoice", "status")) for one in record.items(("invoice_lines.placement",))]
        if record.value("fee_status") == "overdue":
            assert "overdue" in lines


def test_refunds_are_what_the_guarantee_says() -> None:
    seen = 0
    for record in rows("placements"):
        credited = record.value("credited_amount")
        if credited is not None:
            assert credited == record.value("refund_due")
            assert record.value("net_fee").amount == record.value("fee_amount").amount - credited.amount
            seen += 1
    assert seen >= 2


def test_client_values_are_sums_of_their_parts() -> None:
    for client in rows("clients"):
        invoices = client.items(("invoices.client",))
        sent = [one for one in invoices if one.value("sent_on") is not None]
        invoiced = sum((one.value("gross").amount for one in sent if one.value("kind") == "invoice"), Decimal(0))
        credited = sum((one.value("gross").amount for one in sent if one.value("kind") == "credit_note"), Decimal(0))
        paid = sum((one.value("amount").amount for one in client.items(("payments.client",))), Decimal(0))
        outstanding = client.value("outstanding")
        assert (outstanding.amount if outstanding else Decimal(0)) == invoiced - credited - paid
        assert client.value("activity_status") in ("prospect", "active", "dormant", "lost")
    states = Counter(client.value("activity_status") for client in rows("clients"))
    assert states["active"] >= 20 and states["prospect"] >= 5 and states["lost"] >= 3


def test_jobs_know_what_is_open() -> None:
    for job in rows("job_orders"):
        is_open = job.value("stage") not in ("placed", "closed")
        if job.value("stage") == "placed":
            assert job.value("positions_open") == 0 and job.value("time_to_fill_days") is not None
        if is_open:
            assert job.value("positions_open") > 0 and job.value("weighted_fee").amount > 0
    earned = sum(job.value("fees_earned").amount for job in rows("job_orders") if job.value("fees_earned"))
    lasting = [one for one in rows("placements") if one.value("stage") not in ("fell_through", "cancelled")]
    assert earned == sum(one.value("net_fee").amount for one in lasting)


def test_shares_add_up_to_the_net_fee() -> None:
    for placement in rows("placements"):
        shares = sum(one.value("credited_fee").amount for one in placement.items(("splits.placement",)))
        assert abs(shares - placement.value("net_fee").amount) <= Decimal("0.02")


def test_check_ins_have_all_states() -> None:
    states = Counter(one.value(f"check_in_{days}_status") for one in rows("placements") for days in (30, 60, 90))
    assert set(states) == {"pending", "done", "overdue", "skipped"}
    for one in rows("placements"):
        if one.value("check_in_30_status") == "overdue":
            assert one.value("check_in_30_due") < TODAY


def story(**placement: str) -> Records:
    """One client, job and placement of 60,000 at 20 %, with shares of 50, 30 and 20 %."""
    given = {
        "accepted_on": "2026-01-05",
        "start_date": "2026-01-10",
        "first_year_salary": "60000 EUR/year",
        "stage": "in_guarantee",
    }
    shares = (("recruiter", "50"), ("client_owner", "30"), ("sourcer", "20"))
    return Records(
        data={
            "clients": [{"key": "c", "name": "Client", "standard_fee_percentage": "20", "payment_terms": "net_30"}],
            "fee_agreements": [
                {
                    "key": "a",
                    "client": "c",
                    "type": "contingent_percent",
                    "fee_percent": "20",
                    "min_fee": "10000 EUR",
                    "fee_base": "base_salary",
                    "guarantee_type": "pro_rata",
                    "guarantee_period": "90 days",
                    "pro_rata_from": "30 days",
                    "invoice_trigger": "start",
                    "stage": "signed",
                }
            ],
            "job_orders": [
                {
                    "key": "j",
                    "role_title": "Role",
                    "client": "c",
                    "fee_agreement": "a",
                    "stage": "placed",
                    "opened_on": "2025-12-01",
                    "positions": "1",
                }
            ],
            "candidates": [{"key": "k", "name": "Erika Mustermann"}],
            "placements": [
                {
                    "key": "p",
                    "candidate": "k",
                    "job_order": "j",
                    "client": "c",
                    "fee_agreement": "a",
                    **given,
                    **placement,
                }
            ],
            "splits": [
                {"key": f"s-{role}", "placement": "p", "user": "u-jonas", "role": role, "percent": share}
                for role, share in shares
            ],
            "invoices": [
                {"key": "i", "client": "c", "kind": "invoice", "issued_on": "2026-01-10", "sent_on": "2026-01-10"},
                {
                    "key": "n",
                    "client": "c",
                    "kind": "credit_note",
                    "credited_invoice": "i",
                    "issued_on": "2026-03-01",
                    **({"sent_on": "2026-03-01"} if "left_on" in placement else {}),
                },
            ],
            "invoice_lines": [
                {
                    "key": "il",
                    "invoice": "i",
                    "placement": "p",
                    "description": "Fee",
                    "quantity": "1",
                    "unit_price": "12000 EUR",
                    "tax_rate": "19",
                },
                {
                    "key": "nl",
                    "invoice": "n",
                    "placement": "p",
                    "description": "Refund",
                    "quantity": "1",
                    "unit_price": "6000 EUR",
                    "tax_rate": "19",
                },
            ],
        }
    )


def test_a_placement_from_fee_to_refund() -> None:
    lasting, leaving = story(), story(left_on="2026-02-24", stage="left_in_guarantee")
    placed = lasting.by_key["p"]
    # All of these come from the agreement, none was typed.
    assert placed.value("fee_percent") == 20 and placed.value("guarantee_type") == "pro_rata"
    assert placed.value("fee_amount") == placed.value("net_fee") == Money(Decimal(12000), "EUR")
    assert [one.value("credited_fee").amount for one in placed.items(("splits.placement",))] == [6000, 3600, 2400]
    assert lasting.by_key["i"].value("due_on").isoformat() == "2026-02-09"
    assert lasting.by_key["i"].value("gross") == Money(Decimal(14280), "EUR")
    assert placed.value("fee_status") == "overdue" and placed.value("refund_due") is None
    left = leaving.by_key["p"]
    assert left.value("refund_due") == left.value("net_fee") == Money(Decimal(6000), "EUR")
    assert leaving.by_key["i"].value("balance") == Money(Decimal(7140), "EUR")
    assert leaving.by_key["c"].value("lifetime_value") == Money(Decimal(6000), "EUR")


@pytest.mark.parametrize(
    ("start", "period", "end"),
    [
        ("2026-01-31", "1 month", "2026-02-28"),
        ("2025-11-30", "3 months", "2026-02-28"),
        ("2024-02-29", "12 months", "2025-02-28"),
        ("2026-01-10", "90 days", "2026-04-10"),
    ],
)
def test_guarantees_end_on_the_right_day(start: str, period: str, end: str) -> None:
    placed = story(accepted_on=start, start_date=start, guarantee_period=period).by_key["p"]
    assert placed.value("guarantee_end_date").isoformat() == end


@pytest.mark.parametrize(
    ("left", "refund"),
    [("2026-01-30", 12000), ("2026-02-09", 8000), ("2026-04-09", Decimal("133.33")), ("2026-04-10", 0)],
)
def test_refunds_before_and_after_the_pro_rata_day(left: str, refund: int | Decimal) -> None:
    assert story(left_on=left).by_key["p"].value("refund_due").amount == refund
