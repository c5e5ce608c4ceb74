"""The packs of the repository together: any order, one taken away, and their worked examples to the cent."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.packs_life.conftest import ADMIN, Life
from xrm_core.kernel.errors import Conflict, Invalid
from xrm_core.packs import sample
from xrm_core.packs.install import install
from xrm_core.packs.layout import PackContents
from xrm_core.packs.read import read_pack

ROOT = Path(__file__).parents[2] / "module_packs"


def pack(name: str) -> PackContents:
    found, problems = read_pack(ROOT / name)
    assert found is not None and problems == []
    return found


async def add(life: Life, *names: str) -> None:
    for name in names:
        await install(life.units, life.workspace, ADMIN, pack(name))


def eur(amount: str) -> dict[str, str]:
    return {"amount": amount, "currency": "EUR"}


async def base(life: Life) -> dict[str, str]:
    """A client with a job order and a candidate."""
    await life.become_member()
    source = await life.create("sources", name="Own network")
    client = await life.create("clients", name="Acme", payment_terms="net_30", currency="EUR")
    candidate = await life.create(
        "candidates", name="Kim Doe", source=source, legal_basis="contract", legal_basis_at="2026-01-01"
    )
    return {"source": source, "client": client, "candidate": candidate}


async def job(life: Life, ids: dict[str, str], **values: Any) -> str:
    if values["engagement_type"] == "retained":
        values["partner"] = str(life.actor.user_id)
    return await life.create("job_orders", client=ids["client"], role_title="Role", positions=1, **values)


async def test_orders_agree_and_one_goes_without_the_other(life: Life) -> None:
    for name in ("temp_staffing", "exec_search"):
        with pytest.raises(Invalid) as refused:
            await add(life, name)
        assert "missing_pack" in {p.code for p in refused.value.problems}
    await add(life, "recruiting")
    alone = (await life.live()).hash
    await add(life, "temp_staffing")
    with_temp = (await life.live()).hash
    ids = await base(life)
    await add(life, "exec_search")
    both = (await life.live()).hash
    with pytest.raises(Conflict):
        await life.uninstall("recruiting")
    retained = await job(life, ids, engagement_type="retained", opened_on="2026-01-05")
    retainer = await life.create(
        "retainers", client=ids["client"], search=retained, fee_percent="33", estimated_compensation=eur("300000")
    )
    await life.uninstall("exec_search")
    assert (await life.live()).hash == with_temp
    assert (await life.get("job_orders", retained))["stage"] == "intake"
    await life.uninstall("temp_staffing")
    assert (await life.live()).hash == alone
    await add(life, "exec_search", "temp_staffing")
    assert (await life.live()).hash == both
    assert (await life.get("retainers", retainer))["estimated_fee"]["amount"] == "99000.00"
    assert (await life.get("job_orders", retained))["stage"] == "mandate_won"
    for name in ("temp_staffing", "exec_search"):
        assert await sample.load(life.units, life.workspace, pack(name)) > 0


async def test_temporary_work_across_a_rate_change(life: Life) -> None:
    await add(life, "recruiting", "temp_staffing")
    ids = await base(life)
    contact = await life.create("contacts", name="Sam Roe", clients=[ids["client"]])
    order = await job(
        life, ids, engagement_type="temp", opened_on="2026-03-01", pay_rate=eur("20"), bill_rate=eur("30")
    )
    placement = await life.create(
        "placements", candidate=ids["candidate"], job_order=order, client=ids["client"], placement_type="temp",
        accepted_on="2026-03-01", start_date="2026-03-02", end_date="2026-06-30", burden_percent="15",
        fee_amount=eur("0"), first_year_salary={"amount": "20", "currency": "EUR", "per": "hour"},
    )  # fmt: skip
    found = await life.get("placements", placement)
    assert found["stage"] == "offered"
    assert (found["markup"], found["gross_margin"], found["net_margin"]) == ("50.00", "33.33", "23.33")
    assert found["net_spread"]["amount"] == "7.00"

    async def term(code: str, pay: str, bill: str, start: str, end: str | None) -> str:
        values = {"valid_to": end} if end else {}
        return await life.create(
            "assignment_terms",
            placement=placement,
            earn_code=code,
            pay=eur(pay),
            bill=eur(bill),
            valid_from=start,
            **values,
        )

    old = await term("standard", "20", "30", "2026-03-02", "2026-03-11")
    old_over = await term("overtime", "30", "45", "2026-03-02", "2026-03-11")
    new = await term("standard", "22", "33", "2026-03-12", None)
    sheet = await life.create("timesheets", placement=placement, week_start="2026-03-09")
    for day, hours, line in (("09", "8", old), ("09", "2", old_over), ("12", "8", new)):
        await life.create("timesheet_entries", timesheet=sheet, date=f"2026-03-{day}", hours=hours, term=line)
    found = await life.get("timesheets", sheet)
    assert (found["hours_total"], found["overtime_hours"]) == ("18.00", "2.00")
    # Pay 160 + 60 + 176, bill 240 + 90 + 264, burden 15 % of the pay.
    amounts = {key: found[key]["amount"] for key in ("pay_amount", "bill_amount", "burden_amount", "gross_profit")}
    assert amounts == {
        "pay_amount": "396.00",
        "bill_amount": "594.00",
        "burden_amount": "59.40",
        "gross_profit": "138.60",
    }
    with pytest.raises(Invalid) as refused:
        await life.create("timesheet_entries", timesheet=sheet, date="2026-03-13", hours="8", term=old)
    assert [p.path for p in refused.value.problems] == ["/term"] or refused.value.problems
    assert contact


async def test_a_retainer_settles_and_off_limits_are_kept(life: Life) -> None:
    await add(life, "recruiting", "exec_search")
    ids = await base(life)
    search = await job(life, ids, engagement_type="retained", opened_on="2026-01-05")
    retainer = await life.create(
        "retainers", client=ids["client"], search=search, fee_percent="33", estimated_compensation=eur("300000")
    )
    rates = [
        await life.create(
            "instalments", retainer=retainer, sequence=n, label=label, share_percent=share, is_final=n == 3
        )
        for n, (label, share) in enumerate((("Start", "34"), ("Shortlist", "33"), ("Completion", "33")), 1)
    ]

    async def amounts() -> list[str]:
        return [(await life.get("instalments", one))["amount"]["amount"] for one in rates]

    assert (await life.get("retainers", retainer))["estimated_fee"]["amount"] == "99000.00"
    assert await amounts() == ["33660.00", "32670.00", "32670.00"]
    await life.update("retainers", retainer, final_compensation=eur("330000"))
    found = await life.get("retainers", retainer)
    assert (found["final_fee"]["amount"], found["true_up"]["amount"]) == ("108900.00", "9900.00")
    assert await amounts() == ["33660.00", "32670.00", "42570.00"]
    await _off_limits(life, ids, search)


async def _off_limits(life: Life, ids: dict[str, str], search: str) -> None:
    """Who is off limits cannot be approached, whichever way."""
    submission = await life.create("submissions", candidate=ids["candidate"], job_order=search, source=ids["source"])
    assert (await life.get("submissions", submission))["stage"] == "s_identified"
    await life.create(
        "off_limits_policies",
        scope="placed_candidate",
        behaviour="block",
        reason="Placed there",
        candidates=[ids["candidate"]],
    )
    assert (await life.get("submissions", submission))["off_limits_result"] == "block"
    for values in ({"stage": "approached"}, {"approach_status": "approached"}):
        with pytest.raises(Invalid):
            await life.update("submissions", submission, **values)
    await life.update("submissions", submission, stage="researched")
