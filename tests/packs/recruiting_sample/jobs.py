"""Job orders in all stages, and who contends for each of them."""

from __future__ import annotations

from dataclasses import dataclass

from tests.packs.recruiting_sample.agency_words import BY_KEY, SENIORITY, job_title
from tests.packs.recruiting_sample.world import Client, Job, World, at, day

FIRST_DAY = -700
OCCASIONS = (
    "New position in a growing team.",
    "Successor wanted, handover included.",
    "The team is being doubled this year.",
    "Replacement for a colleague who moves abroad.",
)


@dataclass
class Plan:
    """What a job is to become: its stage, size, and the days of its acceptances."""

    stage: str
    positions: int
    opened: int
    accepted: list[int]
    closed: int | None = None
    reason: str = ""


def plan_jobs(world: World) -> list[Plan]:
    """The 120 jobs of two years, oldest first."""
    plans: list[Plan] = []
    sizes = [1] * 36 + [2] * 8 + [3] * 4
    world.random.shuffle(sizes)
    for index, size in enumerate(sizes):
        last = min(-2, round(FIRST_DAY * (1 - (index + 0.5) / len(sizes)) ** 1.1) + world.between(-5, 5))
        accepted = sorted(last - (0 if extra == 0 else world.between(3, 28)) for extra in range(size))
        plans.append(Plan("placed", size, accepted[0] - world.between(21, 68), accepted))
    for index in range(16):
        closed = round(-690 + index * 45) + world.between(-8, 8)
        partial = {3: (5, 4), 8: (2, 1), 13: (3, 2)}.get(index)
        opened = closed - world.between(40, 110)
        size, filled = partial or (1, 0)
        accepted = sorted(world.between(opened + 24, closed - 3) for _ in range(filled))
        reason = (
            "client_cancelled",
            "filled_by_client",
            "filled_by_competitor",
            "client_cancelled",
            "on_hold_expired",
            "we_withdrew",
        )[index % 6]
        plans.append(Plan("closed", size, opened, accepted, closed, "client_cancelled" if partial else reason))
    ages = {
        "intake": (8, 1, 7),
        "sourcing": (13, 4, 26),
        "submitting": (14, 14, 42),
        "interviewing": (14, 24, 62),
        "offer": (7, 36, 75),
    }
    partials = {"submitting": 2, "interviewing": 3, "offer": 2}
    for stage, (count, youngest, oldest) in ages.items():
        for index in range(count):
            opened = -world.between(youngest, oldest)
            positions, accepted = (2 if world.maybe(0.15) else 1), []
            if index < partials.get(stage, 0):
                opened, positions = -world.between(70, 110), world.between(2, 3)
                accepted = [-world.between(4, 34)]
            elif stage == "sourcing" and index > 10:
                opened = -world.between(48, 80)
            plans.append(Plan(stage, positions, opened, accepted))
    return sorted(plans, key=lambda plan: plan.opened)


def make_job(world: World, plan: Plan) -> Job:
    """One job with a client, a profession and terms that were in force."""
    client = _client_for(world, plan)
    profession = BY_KEY[world.pick(client.professions)]
    level = world.random.choices((0, 1, 2, 3, 4), (6, 40, 36, 12, 6))[0]
    title = job_title(profession, level)
    middle = profession.base * SENIORITY[level][2]
    low, high = round(middle * 0.92) * 1000, round(middle * 1.1) * 1000
    number = len(world.jobs) + 1
    engagement = "retained" if level == 4 and world.maybe(0.4) else "permanent"
    ended = plan.closed if plan.closed is not None else (max(plan.accepted) if plan.stage == "placed" else None)
    agreement = client.agreement_on(max(plan.opened, client.agreements[0].start))
    job = Job(
        f"jo-{number:03d}",
        plan.stage,
        client,
        profession,
        level,
        title,
        plan.positions,
        plan.opened,
        ended,
        low,
        high,
        profession.desk,
        world.pick(client.managers),
        agreement,
        engagement,
    )
    world.jobs.append(job)
    _add_row(world, job, plan)
    return job


def _client_for(world: World, plan: Plan) -> Client:
    recent = plan.opened > -330
    able = [
        c
        for c in world.clients
        if c.agreements
        and plan.opened > c.since + 10
        and (c.lifecycle == "client" or (c.lifecycle == "former" and not recent))
    ]
    if plan.positions > 3:
        able = [c for c in able if c.tier == "a"] or able
    weights = [{"a": 6, "b": 3, "c": 2}[c.tier] * (4 if c.lifecycle == "former" else 1) for c in able]
    # A client with many jobs already is a little less likely to get the next one.
    counts = [sum(job.client is c for job in world.jobs) for c in able]
    return world.random.choices(
        able, [weight / (1 + 0.15 * count) for weight, count in zip(weights, counts, strict=True)]
    )[0]


def _requirements(world: World, job: Job, must: list[str]) -> str:
    known = ", ".join(must).replace("_", " ")
    years = max(1, job.level * 3)
    return f"{years}+ years as {job.profession.title}. Must have: {known}. Team of {world.between(4, 18)}."


def _add_row(world: World, job: Job, plan: Plan) -> None:
    critical = job.client.tier == "a" and job.stage in ("interviewing", "offer", "submitting") and world.maybe(0.35)
    urgency = "critical" if critical else world.weighted({"low": 1, "normal": 6, "high": 3})
    target = plan.opened + world.between(45, 80)
    open_job = job.ended is None
    expected = target
    if open_job:
        ahead = {
            "intake": (50, 130),
            "sourcing": (40, 110),
            "submitting": (25, 80),
            "interviewing": (10, 50),
            "offer": (3, 18),
        }[job.stage]
        expected = world.between(*ahead)
        target = max(target, expected - 30) if world.maybe(0.75) else target
    must = list(job.profession.must)
    nice = world.random.sample(job.profession.nice, min(3, len(job.profession.nice)))
    entered = {
        "intake": plan.opened,
        "sourcing": plan.opened + 3,
        "submitting": -world.between(3, 18),
        "interviewing": -world.between(2, 20),
        "offer": -world.between(1, 8),
    }
    entered_on = job.ended if job.ended is not None else max(plan.opened, entered[job.stage])
    world.add(
        "job_orders",
        key=job.key,
        role_title=job.title,
        client=job.client.key,
        hiring_manager=job.manager,
        fee_agreement=job.agreement.key,
        stage=job.stage,
        stage_entered_at=at(entered_on, 16) if entered_on < 0 else at(-1, 16),
        requirements=_requirements(world, job, must),
        description=f"{job.client.name} in {job.client.city} is looking for a {job.title}. {world.pick(OCCASIONS)}",
        must_have_skills=must,
        nice_to_have_skills=nice,
        compensation_min=f"{job.low} EUR/year",
        compensation_max=f"{job.high} EUR/year",
        bonus=world.pick(("10 % on targets", "Company car", "One monthly salary"))
        if job.level >= 3 or job.profession.key == "sales"
        else None,
        location=job.client.address,
        work_mode="onsite"
        if job.profession.industry in ("healthcare", "manufacturing")
        else world.weighted({"hybrid": 6, "remote": 2, "onsite": 2}),
        urgency=urgency,
        engagement_type=job.engagement,
        employment_type="part_time" if job.profession.industry == "healthcare" and world.maybe(0.25) else "full_time",
        positions=job.positions,
        opened_on=day(plan.opened),
        target_fill_date=day(target),
        target_start_date=day(target + world.between(30, 75)),
        closed_on=day(plan.closed) if plan.closed is not None else None,
        close_reason=plan.reason or None,
        recruiter=job.recruiter,
        sourcers=[user for user in ("u-jonas", "u-amelie", "u-tomasz") if user != job.recruiter and world.maybe(0.15)],
        fee_percent=None if job.agreement.flat else job.agreement.percent,
        expected_close=day(expected),
        exclusive=job.agreement.kind == "exclusive" or job.engagement == "retained",
        published=open_job and job.stage != "intake" and world.maybe(0.7),
        client_job_ref=f"REQ-{world.between(1000, 9999)}" if job.client.tier == "a" and world.maybe(0.6) else None,
        created_at=at(plan.opened, world.between(8, 17), 20),
        owner=job.client.owner,
    )
    if job.stage in ("sourcing", "submitting") and plan.opened < -30 and world.maybe(0.45):
        world.add(
            "hold_periods",
            key=f"hp-{job.key}",
            job_order=job.key,
            starts_on=day(-world.between(4, 20)),
            reason="Budget is being reviewed",
        )
    elif job.ended is not None and job.ended - plan.opened > 60 and world.maybe(0.3):
        start = plan.opened + world.between(8, 20)
        world.add(
            "hold_periods",
            key=f"hp-{job.key}",
            job_order=job.key,
            starts_on=day(start),
            ends_on=day(start + world.between(7, 21)),
            reason="Works council agreement",
        )
    if job.stage in ("interviewing", "offer") or (job.ended is not None and world.maybe(0.3)):
        for number, (name, kind) in enumerate(
            (("First talk with the hiring manager", "video"), ("Meeting the team", "onsite")), 1
        ):
            world.add(
                "interview_rounds",
                key=f"ir-{job.key}-{number}",
                job_order=job.key,
                round=number,
                name=name,
                kind=kind,
                interviewers=job.manager,
            )
