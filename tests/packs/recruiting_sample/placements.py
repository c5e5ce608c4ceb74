"""Placements with fee, guarantee, stage and fee shares."""

from __future__ import annotations

from decimal import Decimal

from tests.packs.recruiting_sample.billing import bill
from tests.packs.recruiting_sample.jobs import Plan
from tests.packs.recruiting_sample.processes import add_winner, contenders
from tests.packs.recruiting_sample.world import Job, Placement, World, at, cents, day, euro, yearly

STARTED = (-1, -2, -4, 0)
"""On which days people started who are new in their jobs."""
SOON = (1, 3, 5, 8, 11, 13)
"""In how many days guarantees end that run out soon."""


def place(
    world: World, job: Job, accepted: int, stage: str = "", replaces: Placement | None = None
) -> Placement | None:
    """A candidate who accepted the job's offer; none when nobody is free."""
    found = contenders(world, job, 8)
    found = [c for c in found if c.open_processes == 0 and c.free_on(accepted) and c.key not in job.contenders]
    if not found:
        return None
    candidate = found[0]
    job.contenders.append(candidate.key)
    salary = min(max(round(candidate.salary * world.random.uniform(1.03, 1.12) / 500) * 500, job.low), job.high)
    sub_stage, reason, side = {
        "fell_through": ("withdrawn", "counter_offer", "candidate"),
        "cancelled": ("rejected", "position_cancelled", "client"),
    }.get(stage, ("placed", "", ""))
    key = add_winner(world, job, candidate, accepted, salary, sub_stage, reason, side)
    start = accepted + world.between(20, 85)
    fee = Decimal(0) if replaces is not None else fee_of(job, salary, accepted)
    placed = Placement(
        f"pl-{len(world.placements) + 1:03d}",
        candidate,
        job,
        key,
        accepted,
        start,
        salary,
        fee,
        stage,
        replaces=replaces,
    )
    world.placements.append(placed)
    candidate.placements.append(placed)
    return placed


def fee_of(job: Job, salary: int, accepted: int) -> Decimal:
    """The fee that the agreement gives."""
    terms = job.client.agreement_on(accepted)
    return cents(terms.flat) if terms.flat else max(cents(Decimal(salary) * terms.percent / 100), cents(terms.minimum))


def fall_through(world: World, job: Job, plan: Plan, stage: str) -> bool:
    """An accepted offer that came to nothing, some time before the one that lasted."""
    accepted = plan.accepted[0] - world.between(6, 14)
    return accepted > job.opened + 14 and place(world, job, accepted, stage) is not None


def settle(world: World) -> None:
    """Decides how every placement went, then writes them with shares and invoices."""
    _let_some_end_soon(world)
    lasting = [p for p in world.placements if not p.stage and p.replaces is None]
    leavers = [p for p in lasting if p.start < -120 and p.job.client.guarantee in ("pro_rata", "full_refund") and p.fee]
    for placed in world.random.sample(leavers, 5):
        placed.stage, placed.outcome = "left_in_guarantee", "failed"
        placed.left = placed.start + world.between(34, placed.terms.guarantee_days - 12)
        placed.left_reason = world.pick(("resigned", "resigned", "dismissed_performance", "role_changed"))
    replaced = 0
    for placed in [p for p in lasting if not p.stage and p.start < -190]:
        if replaced == 4:
            break
        left = placed.start + world.between(15, 60)
        successor = place(world, placed.job, left + world.between(18, 32), replaces=placed)
        if successor is not None:
            placed.stage, placed.outcome, placed.left, placed.left_reason = "replaced", "failed", left, "resigned"
            replaced += 1
    for placed in world.placements:
        _decide(placed)
    world.placements.sort(key=lambda p: (p.accepted, p.key))
    names = {placed: f"pl-{number:03d}" for number, placed in enumerate(world.placements, 1)}
    for placed, key in names.items():
        placed.key = key
    for placed in world.placements:
        _add_row(world, placed)
    bill(world)


def _let_some_end_soon(world: World) -> None:
    fresh = [p for p in world.placements if not p.stage and p.accepted <= -15 and p.start > 0]
    for placed, start in zip(fresh, STARTED, strict=False):
        placed.start = start
    for ahead in SOON:
        for placed in world.placements:
            start = ahead - placed.terms.guarantee_days
            if (
                not placed.stage
                and placed.accepted + 7 <= start <= placed.accepted + 125
                and placed.guarantee_end not in SOON
            ):
                placed.start = start
                break


def _decide(placed: Placement) -> None:
    if placed.stage in ("fell_through", "cancelled"):
        placed.outcome = "not_applicable"
    if placed.stage:
        return
    if placed.start > 0:
        placed.stage = "offer_accepted" if placed.accepted >= -6 else "pre_start"
    elif placed.guarantee_end < 0:
        placed.stage, placed.outcome = "guarantee_completed", "passed"
    else:
        placed.stage = "started" if placed.start >= -5 else "in_guarantee"


def _add_row(world: World, placed: Placement) -> None:
    job, terms = placed.job, placed.terms
    entered = {
        "offer_accepted": placed.accepted,
        "pre_start": placed.accepted + 2,
        "started": placed.start,
        "in_guarantee": placed.start + 1,
        "guarantee_completed": placed.guarantee_end + 1,
    }
    moved = entered.get(placed.stage, placed.left if placed.left is not None else min(-1, placed.accepted + 12))
    world.add(
        "placements",
        key=placed.key,
        candidate=placed.candidate.key,
        job_order=job.key,
        client=job.client.key,
        submission=placed.submission,
        fee_agreement=terms.key,
        placement_type="retained" if job.engagement == "retained" else "permanent",
        accepted_on=day(placed.accepted),
        start_date=day(placed.start),
        first_year_salary=yearly(placed.salary),
        fee_percent=None if terms.flat else terms.percent,
        fee_amount=euro(placed.fee),
        fee_override_reason="Free replacement under the guarantee" if placed.replaces is not None else None,
        invoice_trigger=terms.trigger,
        guarantee_type=terms.guarantee,
        guarantee_period=f"{terms.guarantee_days} days",
        pro_rata_from=f"{terms.pro_rata_from} days" if terms.guarantee == "pro_rata" else None,
        guarantee_outcome=placed.outcome,
        left_on=day(placed.left) if placed.left is not None else None,
        left_reason=placed.left_reason or None,
        is_replacement=placed.replaces is not None,
        replaces=placed.replaces.key if placed.replaces is not None else None,
        stage=placed.stage,
        stage_entered_at=at(min(moved, 0), 8),
        created_at=at(placed.accepted, 16, 45),
        owner=job.recruiter,
    )
    shares = [
        (job.recruiter, "recruiter", 50),
        (job.client.owner, "client_owner", 30),
        (placed.candidate.owner, "candidate_owner", 20),
    ]
    if placed.candidate.owner == job.recruiter:
        shares = [(job.recruiter, "recruiter", 70), (job.client.owner, "client_owner", 30)]
    for user, role, percent in shares:
        world.add("splits", key=f"sp-{placed.key}-{role}", placement=placed.key, user=user, role=role, percent=percent)
    who, at_client = placed.candidate.name, job.client.key
    world.happened(
        placed.accepted if placed.accepted < 0 else -1,
        16,
        "email",
        f"{who} accepted the offer",
        job.recruiter,
        placed.candidate.key,
        at_client,
        placed.key,
        job.key,
        direction="in",
        outcome="positive",
    )
    if placed.start < 0 and placed.stage not in ("fell_through", "cancelled"):
        world.happened(
            placed.start,
            9,
            "call",
            f"First day of {who}",
            job.recruiter,
            placed.candidate.key,
            placed.key,
            direction="out",
            outcome="connected",
            minutes=6,
        )
