"""The sample data of the recruiting pack: readable, complete in itself, consistent, and the same on every run."""

from __future__ import annotations

from collections import Counter, defaultdict
from decimal import Decimal

import pytest

from tests.packs.make_recruiting_sample import FOLDER, make
from tests.packs.reading import absolute, definitions, offset, sample
from xrm_core.fields.base import ParseContext, Rejected

FILES = [name for name in sample() if name != "users"]
SYSTEM = {"key", "stage", "stage_entered_at", "created_at", "owner"}
COUNTS = {
    "clients": 40,
    "candidates": 800,
    "job_orders": 120,
    "submissions": 1500,
    "placements": 90,
    "activities": 5000,
}


def amount(row: dict[str, str], name: str) -> Decimal:
    return Decimal(row[name].removesuffix(" EUR"))


def by_key(name: str) -> dict[str, dict[str, str]]:
    return {row["key"]: row for row in sample()[name]}


def test_the_script_makes_these_files() -> None:
    files = make()
    assert set(files) == {path.name for path in FOLDER.glob("*.csv")}
    for name, text in files.items():
        assert (FOLDER / name).read_bytes() == text.encode(), (
            f"{name} differs: run python -m tests.packs.make_recruiting_sample"
        )


def test_size() -> None:
    assert {name: len(sample()[name]) for name in COUNTS} == COUNTS
    assert 60 <= len(sample()["contacts"]) <= 140
    assert sum(path.stat().st_size for path in FOLDER.glob("*.csv")) < 3_000_000


def test_keys_are_unique_everywhere() -> None:
    keys = [row["key"] for rows in sample().values() for row in rows]
    assert len(set(keys)) == len(keys)


@pytest.mark.parametrize("name", FILES)
def test_cells_are_values_of_known_fields(name: str) -> None:
    module = next(module for module in definitions().modules if module.name == name)
    fields = {field.name: field for field in module.fields}
    links = {link.name: link for link in module.links}
    stages = {stage.name for pipeline in module.pipelines for stage in pipeline.stages}
    users = by_key("users")
    keys = {table: set(by_key(table)) for table in FILES}
    context, seen = ParseContext(currency="EUR", region="DE", zone="Europe/Berlin"), set()
    for row in sample()[name]:
        for column, cell in row.items():
            if column in links:
                targets = cell.split("|") if links[column].many else [cell]
                assert all(any(target in keys[to] for to in links[column].to) for target in targets), (column, cell)
            elif column == "stage":
                assert cell in stages
            elif column == "owner":
                assert cell in users
            elif column in SYSTEM:
                assert column == "key" or offset(cell) <= 0
            else:
                field = fields[column]
                assert not field.computed, column
                if field.type == "user":
                    assert set(cell.split("|")) <= set(users)
                elif (column, cell) not in seen:
                    seen.add((column, cell))
                    try:
                        assert field.parse_text(absolute(cell), context) is not None
                    except Rejected as rejected:
                        pytest.fail(f"{row['key']} {column} {cell!r}: {rejected}")
        required = {f.name for f in module.fields if f.required and f.default is None} | {
            link.name for link in module.links if link.required
        }
        assert required <= set(row)


def test_nobody_gets_mail_or_calls() -> None:
    for name in ("candidates", "contacts", "users"):
        for row in sample()[name]:
            assert row["email"].rsplit(".", 1)[-1] == "example" or row["email"].rsplit("@", 1)[-1] in (
                "example.com",
                "example.org",
                "example.net",
            )
    assert all(row["domain"].endswith(".example") for row in sample()["clients"])
    safe = (
        "+49 30 23125 ",
        "+49 40 66969 ",
        "+49 89 99998 ",
        "+49 69 90009 ",
        "+49 221 4710 ",
        "+44 20 7946 0",
        "+33 1 99 00 ",
    )
    for name in ("candidates", "contacts", "clients"):
        assert all(row["phone"].startswith(safe) for row in sample()[name] if "phone" in row)
    mails = [row["email"] for name in ("candidates", "contacts") for row in sample()[name]]
    assert len(set(mails)) == len(mails)


def test_jobs_are_in_all_stages_and_processes_fit() -> None:
    jobs = by_key("job_orders")
    assert {row["stage"] for row in jobs.values()} == {
        "intake",
        "sourcing",
        "submitting",
        "interviewing",
        "offer",
        "placed",
        "closed",
    }
    processes: dict[str, list[str]] = defaultdict(list)
    pairs = Counter((row["candidate"], row["job_order"]) for row in sample()["submissions"])
    assert max(pairs.values()) == 1
    for row in sample()["submissions"]:
        processes[row["job_order"]].append(row["stage"])
        assert offset(row["created_at"]) >= offset(jobs[row["job_order"]]["created_at"])
        if "submitted_at" in row:
            assert (
                offset(row["created_at"])
                <= offset(row["consent_to_submit_at"])
                <= offset(row["submitted_at"])
                <= offset(row["stage_entered_at"])
            )
        if row["stage"] in ("submitted", "client_review", "interviewing", "offer", "placed"):
            assert "submitted_at" in row
        if row["stage"] in ("rejected", "withdrawn"):
            assert row["reject_reason"] and row["reject_side"]
    running = {"identified", "contacted", "screened", "submitted", "client_review", "interviewing", "offer"}
    for key, job in jobs.items():
        stages = set(processes[key])
        if job["stage"] in ("placed", "closed"):
            assert not stages & running
            assert "close_reason" in job or job["stage"] == "placed"
        if job["stage"] == "offer":
            assert "offer" in stages
        if job["stage"] == "interviewing":
            assert "interviewing" in stages and "offer" not in stages
        if job["stage"] in ("intake", "sourcing"):
            assert not stages & {"submitted", "client_review", "interviewing", "offer"}
        assert job["fee_agreement"] in {a["key"] for a in sample()["fee_agreements"] if a["client"] == job["client"]}


def test_positions_are_filled_where_jobs_are_placed() -> None:
    filled = Counter(
        row["job_order"]
        for row in sample()["placements"]
        if row["stage"] not in ("fell_through", "cancelled") and row["is_replacement"] == "false"
    )
    for job in sample()["job_orders"]:
        open_positions = int(job["positions"]) - filled[job["key"]]
        assert open_positions == 0 if job["stage"] == "placed" else open_positions > 0
        if job["stage"] == "closed":
            assert offset(job["opened_on"]) < offset(job["closed_on"]) <= 0


def test_placements_are_consistent() -> None:
    jobs, submissions, agreements, candidates = (
        by_key("job_orders"),
        by_key("submissions"),
        by_key("fee_agreements"),
        by_key("candidates"),
    )
    shares: dict[str, Decimal] = defaultdict(Decimal)
    for row in sample()["splits"]:
        shares[row["placement"]] += Decimal(row["percent"])
    for row in sample()["placements"]:
        job, submission, agreement = (
            jobs[row["job_order"]],
            submissions[row["submission"]],
            agreements[row["fee_agreement"]],
        )
        accepted, start = offset(row["accepted_on"]), offset(row["start_date"])
        assert row["client"] == job["client"] == agreement["client"]
        assert (submission["candidate"], submission["job_order"]) == (row["candidate"], row["job_order"])
        assert offset(job["opened_on"]) < accepted <= start and accepted < 0
        assert offset(agreement["valid_from"]) <= accepted and (
            "valid_to" not in agreement or accepted <= offset(agreement["valid_to"])
        )
        assert offset(candidates[row["candidate"]]["created_at"]) <= offset(submission["created_at"])
        end = start + int(row["guarantee_period"].removesuffix(" days"))
        match row["stage"]:
            case "offer_accepted" | "pre_start":
                assert start > 0
            case "started" | "in_guarantee":
                assert start <= 0 <= end and row["guarantee_outcome"] == "pending"
            case "guarantee_completed":
                assert end < 0 and row["guarantee_outcome"] == "passed"
            case "left_in_guarantee" | "replaced":
                assert start <= offset(row["left_on"]) < min(end, 0) and row["guarantee_outcome"] == "failed"
            case "fell_through" | "cancelled":
                assert row["guarantee_outcome"] == "not_applicable"
        salary = Decimal(row["first_year_salary"].removesuffix(" EUR/year"))
        if row["is_replacement"] == "true":
            assert amount(row, "fee_amount") == 0 and row["replaces"]
        elif "flat_fee" in agreement:
            assert row["fee_amount"] == agreement["flat_fee"]
        else:
            percent = (salary * Decimal(agreement["fee_percent"]) / 100).quantize(Decimal("0.01"))
            assert amount(row, "fee_amount") == max(percent, amount(agreement, "min_fee"))
        assert shares[row["key"]] == 100
    soon = [
        offset(row["start_date"]) + int(row["guarantee_period"].split()[0])
        for row in sample()["placements"]
        if row["stage"] == "in_guarantee"
    ]
    assert sum(0 < end <= 14 for end in soon) >= 4


def test_invoices_and_payments_add_up() -> None:
    invoices, payments, placements = by_key("invoices"), by_key("payments"), by_key("placements")
    gross: dict[str, Decimal] = defaultdict(Decimal)
    for line in sample()["invoice_lines"]:
        net = amount(line, "unit_price")
        gross[line["invoice"]] += net + (net * Decimal(line["tax_rate"]) / 100).quantize(Decimal("0.01"))
        assert invoices[line["invoice"]]["client"] == placements[line["placement"]]["client"]
        assert amount(placements[line["placement"]], "fee_amount") >= net
    paid: dict[str, Decimal] = defaultdict(Decimal)
    allocated: dict[str, Decimal] = defaultdict(Decimal)
    for row in sample()["payment_allocations"]:
        paid[row["invoice"]] += amount(row, "amount")
        allocated[row["payment"]] += amount(row, "amount")
        assert invoices[row["invoice"]]["client"] == payments[row["payment"]]["client"]
        assert offset(invoices[row["invoice"]]["issued_on"]) <= offset(payments[row["payment"]]["received_on"]) < 0
    assert all(allocated[key] == amount(row, "amount") for key, row in payments.items())
    credited = {row["credited_invoice"]: gross[key] for key, row in invoices.items() if row["kind"] == "credit_note"}
    states: Counter[str] = Counter()
    for key, row in invoices.items():
        if row["kind"] == "credit_note":
            assert invoices[row["credited_invoice"]]["client"] == row["client"]
            continue
        balance = gross[key] - paid[key] - credited.get(key, Decimal(0))
        assert balance >= 0
        days = 0 if row["payment_terms"] == "on_receipt" else int(row["payment_terms"].removeprefix("net_"))
        late = offset(row["issued_on"]) + days < 0
        states[
            "draft"
            if "sent_on" not in row
            else "paid"
            if balance == 0
            else "overdue"
            if late
            else "part_paid"
            if paid[key]
            else "sent"
        ] += 1
    assert states["paid"] > 40 and states["overdue"] >= 2 and states["sent"] >= 2


def test_days_are_alive() -> None:
    activities = [offset(row["occurred_at"]) for row in sample()["activities"]]
    assert max(activities) == -1 and min(activities) < -650
    assert sum(day >= -30 for day in activities) > 4 * sum(-395 <= day < -365 for day in activities)
    due = [offset(row["due_at"]) for row in sample()["tasks"] if row["status"] == "open"]
    assert (
        sum(day == 0 for day in due) >= 8 and sum(day < 0 for day in due) >= 5 and sum(0 < day < 8 for day in due) >= 10
    )
    assert {row["stage"] for row in sample()["opportunities"]} == {
        "prospect",
        "contacted",
        "meeting",
        "proposal",
        "negotiation",
        "signed_agreement",
        "lost",
    }
    upcoming = [row for row in sample()["interviews"] if offset(row["starts_at"]) >= 0]
    assert len(upcoming) >= 20 and any(offset(row["starts_at"]) == 0 for row in upcoming)
    assert all(row["status"] in ("scheduled", "rescheduled", "proposed") for row in upcoming)
    expiring = [offset(row["expires_on"]) for row in sample()["certifications"] if "expires_on" in row]
    assert sum(0 <= day <= 60 for day in expiring) >= 3


def test_rows_stand_after_the_rows_of_the_same_file_they_name() -> None:
    for module in definitions().modules:
        for link in module.links:
            if link.to == (module.name,) and not link.many:
                seen: set[str] = set()
                for row in sample().get(module.name, []):
                    assert row.get(link.name) is None or row[link.name] in seen, (module.name, row["key"])
                    seen.add(row["key"])
