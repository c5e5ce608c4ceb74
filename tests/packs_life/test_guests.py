"""Guests of the packs: hours approved by a link, a shift answered, and the client's room."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from tests.packs_life.conftest import Life
from tests.packs_life.test_repository_packs import add, base, eur, job
from xrm_core.kernel.actor import SYSTEM
from xrm_core.kernel.errors import Conflict, Invalid
from xrm_core.records import guests
from xrm_core.records.guests import Opened


async def link(life: Life, module: str, identifier: str, page: str) -> str:
    async def work(unit: Any) -> str:
        return (await guests.issue(unit, module, UUID(identifier), page))[1]

    return str(await life.units.run(life.workspace, life.actor, work))


async def act(life: Life, secret: str, choice: str, answers: dict[str, Any] | None = None, **more: Any) -> None:
    await life.units.run(life.workspace, SYSTEM, lambda unit: guests.act(unit, secret, choice, answers or {}, **more))


async def shown(life: Life, secret: str) -> tuple[Opened, dict[str, Any], dict[str, list[dict[str, Any]]]]:
    async def work(unit: Any) -> Any:
        found = await guests.opened(unit, secret)
        assert found is not None
        if found.page is None:
            return found, {}, {}
        return found, await guests.record(unit, found), {
            one.name: await guests.rows(unit, found, one) for one in found.page.lists
        }  # fmt: skip

    found: tuple[Opened, dict[str, Any], dict[str, list[dict[str, Any]]]]
    found = await life.units.run(life.workspace, SYSTEM, work)
    return found


async def test_hours_are_approved_and_shifts_answered_without_an_account(life: Life) -> None:
    await add(life, "recruiting", "temp_staffing")
    ids = await base(life)
    boss = await life.create("contacts", name="Chris Poe", clients=[ids["client"]])
    order = await job(life, ids, engagement_type="temp", opened_on="2026-03-01")
    values: dict[str, Any] = {
        "candidate": ids["candidate"], "job_order": order, "client": ids["client"], "placement_type": "temp",
        "accepted_on": "2026-03-01", "start_date": "2026-03-02", "end_date": "2026-06-30", "fee_amount": eur("0"),
        "first_year_salary": {"amount": "20", "currency": "EUR", "per": "hour"},
    }  # fmt: skip
    placement = await life.create("placements", **values)
    term = await life.create(
        "assignment_terms", placement=placement, pay=eur("20"), bill=eur("30"), valid_from="2026-03-02"
    )
    sheet = await life.create("timesheets", placement=placement, week_start="2026-03-09")
    entry = {"timesheet": sheet, "date": "2026-03-09", "hours": "8", "term": term}
    await life.create("timesheet_entries", **entry)
    with pytest.raises(Invalid):  # not handed in yet
        await link(life, "timesheets", sheet, "client_approval")
    await life.update("timesheets", sheet, stage="submitted", submitted_at="2026-03-15T18:00:00Z")
    with pytest.raises(Invalid):  # nobody to approve it
        await link(life, "timesheets", sheet, "client_approval")
    await life.update("placements", placement, supervisor=boss)
    first, second = [await link(life, "timesheets", sheet, "client_approval") for _ in range(2)]
    found, record, lists = await shown(life, first)
    assert found.link.recipient == "Chris Poe" and record["hours_total"] == "8.00"
    assert not {"pay_amount", "bill_amount", "gross_profit", "margin"} & record.keys()
    assert [row["hours"] for row in lists["days"]] == ["8.00"] and "pay_amount" not in lists["days"][0]
    await act(life, first, "approve")
    approved = await life.get("timesheets", sheet)
    assert approved["stage"] == "approved" and approved["approved_by"]["id"] == boss and approved["approved_at"]
    for secret in (first, second):
        with pytest.raises(Conflict):
            await act(life, secret, "reject", {"reject_reason": "No"})
    assert [(await shown(life, secret))[0].standing for secret in (first, second)] == ["used", "closed"]
    # Two are offered one shift: whoever answers first has it, and the other link closes.
    times = {"date": "2026-04-07", "starts_at": "2026-04-07T06:00:00Z", "ends_at": "2026-04-07T14:00:00Z"}
    shift = await life.create("shifts", job_order=order, headcount_required=1, **times)
    other = await life.create(
        "candidates", name="Lee Roe", source=ids["source"], legal_basis="contract", legal_basis_at="2026-01-01"
    )
    offers = [await life.create("shift_bookings", shift=shift, candidate=one) for one in (ids["candidate"], other)]
    secrets = [await link(life, "shift_bookings", one, "answer") for one in offers]
    await act(life, secrets[1], "accept")
    assert (await life.get("shift_bookings", offers[1]))["status"] == "accepted"
    assert (await shown(life, secrets[0]))[0].standing == "closed"


async def test_a_client_sees_the_search_in_their_room_and_rates(life: Life) -> None:
    await add(life, "recruiting", "exec_search")
    ids = await base(life)
    contact = await life.create("contacts", name="Sam Poe", clients=[ids["client"]])
    search = await job(life, ids, engagement_type="retained", opened_on="2026-01-05", kickoff_on="2026-01-12")
    common = {"job_order": search, "source": ids["source"]}
    hidden = await life.create(
        "candidates", name="Lee Roe", source=ids["source"], legal_basis="contract", legal_basis_at="2026-01-01"
    )
    values = {"list": "shortlist", "motivation": "Keep this inside", "fit_summary": "Strong"}
    seen = await life.create("submissions", candidate=ids["candidate"], client_visible=True, **common, **values)
    unseen = await life.create("submissions", candidate=hidden, **common, **values)
    await life.create("status_reports", search=search, date="2026-02-01", commentary="Well", published_to_portal=True)
    await life.create("status_reports", search=search, date="2026-02-15", commentary="Draft")
    access = await life.create("portal_access", contact=contact, search=search, rights="view", expires_on="2026-04-30")
    secret = await link(life, "portal_access", access, "client_room")
    found, record, lists = await shown(life, secret)
    assert found.link.recipient == "Sam Poe" and record["search"]["kickoff_on"] == "2026-01-12"
    (row,) = lists["shortlist"]
    assert row["id"] == seen and row["fit_summary"] == "Strong" and "motivation" not in row
    assert [one["date"] for one in lists["reports"]] == ["2026-02-01"]
    answers = {"client_rating": 4, "client_feedback": "Good talk", "motivation": "Hacked"}
    room: dict[str, Any] = {"of_list": "shortlist", "target_id": UUID(seen)}
    for rights, allowed in (("view", ()), ("comment", ("comment",)), ("rate", ("rate",))):
        await life.update("portal_access", access, rights=rights)
        for choice in ("comment", "rate"):
            if choice in allowed:
                await act(life, secret, choice, answers, **room)
            else:
                with pytest.raises(Exception, match="does not offer"):
                    await act(life, secret, choice, answers, **room)
    with pytest.raises(Exception, match="does not offer"):
        await act(life, secret, "rate", answers, of_list="shortlist", target_id=UUID(unseen))
    rated = await life.get("submissions", seen)
    assert (rated["client_rating"], rated["client_feedback"]) == (4, "Good talk")
    assert rated["motivation"] == "Keep this inside" and "client_rating" not in await life.get("submissions", unseen)
    await life.update("portal_access", access, expires_on="2026-03-30")
    assert (await shown(life, secret))[0].standing in ("closed", "expired")
