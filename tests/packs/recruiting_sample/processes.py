"""The processes of candidates for jobs: submissions with all their steps, and interviews."""

from __future__ import annotations

from tests.packs.recruiting_sample.agency_words import FEEDBACK, NOTES, REJECTED_BY_CLIENT, REJECTED_BY_US, WITHDREW
from tests.packs.recruiting_sample.world import Candidate, Job, World, at, day, yearly

STEPS = ("identified", "contacted", "screened", "submitted", "client_review", "interviewing", "offer", "placed")
OPEN_STEPS = {
    "intake": {"identified": 6, "contacted": 4},
    "sourcing": {"identified": 4, "contacted": 4, "screened": 3},
    "submitting": {"identified": 2, "contacted": 3, "screened": 3, "submitted": 4, "client_review": 3},
    "interviewing": {"contacted": 1, "screened": 2, "submitted": 2, "client_review": 3, "interviewing": 5},
    "offer": {"screened": 1, "client_review": 2, "interviewing": 3},
}
ENDED_STEPS = {
    "identified": 8,
    "contacted": 26,
    "screened": 22,
    "submitted": 14,
    "client_review": 12,
    "interviewing": 15,
    "offer": 2,
}
LEVEL_GAP = 1


def contenders(world: World, job: Job, count: int) -> list[Candidate]:
    """Candidates of the job's profession who may be proposed for it, the closest in experience first."""
    free = [
        c
        for c in world.candidates
        if c.profession is job.profession and c.free_on(job.opened) and not any(p.job is job for p in c.placements)
    ]
    if job.ended is None:
        # Nobody is in more than three processes at a time.
        free = [c for c in free if c.open_processes < 3]
    world.random.shuffle(free)
    free.sort(key=lambda c: abs(c.level - job.level) > LEVEL_GAP)
    return free[:count]


def add_winner(
    world: World,
    job: Job,
    candidate: Candidate,
    accepted: int,
    salary: int,
    stage: str = "placed",
    reason: str = "",
    side: str = "",
) -> str:
    """A process that led to an accepted offer; returns its key."""
    created = max(job.opened + 1, accepted - world.between(20, 44))
    return _add(world, job, candidate, created, accepted, len(STEPS) - 1, stage, salary, reason, side)


def add_loser(world: World, job: Job, candidate: Candidate) -> str:
    """A process that ended without a placement, in a job that is over or still open."""
    over = job.ended if job.ended is not None else -1
    created = min(over, world.between(job.opened + 1, over - 4))
    ended = min(over, created + world.between(4, 32))
    allowed = dict(ENDED_STEPS)
    if job.ended is None:
        latest = max(STEPS.index(step) for step in OPEN_STEPS[job.stage])
        allowed = {step: weight for step, weight in allowed.items() if STEPS.index(step) <= latest}
    # An offer takes its time.
    reached = STEPS.index(world.weighted(allowed)) if ended - created >= 12 else world.between(0, 2)
    if reached < 3:
        side = "us" if world.maybe(0.6) else "candidate"
    else:
        side = "client" if world.maybe(0.78) and reached < 6 else "candidate"
    stage = "withdrawn" if side == "candidate" else "rejected"
    reason = world.pick({"us": REJECTED_BY_US, "client": REJECTED_BY_CLIENT, "candidate": WITHDREW}[side])
    return _add(world, job, candidate, created, ended, reached, stage, candidate.salary, reason, side)


def add_running(world: World, job: Job, candidate: Candidate, step: str) -> str:
    """A process that is in a stage today."""
    entered = min(-1, max(job.opened + 1, -world.between(1, 11)))
    reached = STEPS.index(step)
    created = max(job.opened, entered - world.between(reached * 2, reached * 4 + 1))
    candidate.open_processes += 1
    return _add(world, job, candidate, created, entered, reached, step, candidate.salary, "", "")


def _add(
    world: World,
    job: Job,
    candidate: Candidate,
    created: int,
    ended: int,
    reached: int,
    stage: str,
    salary: int,
    reason: str,
    side: str,
) -> str:
    key = f"su-{len(world.rows('submissions')) + 1:04d}"
    candidate.needed = min(candidate.needed, created)
    span = max(0, ended - created)
    last = max(1, reached)
    # The day on which each step was reached; the last one is the end of what is known.
    days = [created + span * index // last for index in range(reached + 1)]
    submitted = days[3] if reached >= 3 else None
    offered = days[6] if reached >= 6 else None
    terminal = stage in ("placed", "rejected", "withdrawn")
    row = world.add(
        "submissions",
        key=key,
        candidate=candidate.key,
        job_order=job.key,
        recruiter=job.recruiter,
        source=None,
        stage=stage,
        stage_entered_at=at(min(ended, -1) if not terminal else ended, 15, 10),
        consent_to_submit_at=at(submitted, 9, 30) if submitted is not None else None,
        submitted_at=at(submitted, 11) if submitted is not None else None,
        submitted_to=job.manager if submitted is not None else None,
        pitch=_pitch(candidate) if submitted is not None else None,
        expected_salary=yearly(candidate.salary) if reached >= 2 else None,
        proposed_start=day(ended + world.between(30, 95)) if submitted is not None else None,
        client_feedback=world.pick(FEEDBACK) if reached >= 5 else None,
        client_rating=world.between(2, 5) if reached >= 5 else None,
        reject_side=side or None,
        reject_reason=reason or None,
        offer_salary=yearly(salary) if offered is not None else None,
        offer_made_on=day(offered) if offered is not None else None,
        offer_expires_on=day(offered + 10) if offered is not None else None,
        offer_status=_offer(stage, side) if offered is not None else None,
        created_at=at(created, world.between(8, 17), 40),
    )
    _tell(world, job, candidate, row["key"], days, reached, stage)
    if reached >= 5:
        _interviews(world, job, candidate, key, days, ended, stage)
    return key


def _pitch(candidate: Candidate) -> str:
    first = candidate.name.split()[0]
    experience = f"{candidate.years} years as {candidate.profession.title}"
    return f"{first} brings {experience}; available as agreed, pay within the range."


def _offer(stage: str, side: str) -> str:
    if stage == "offer":
        return "made"
    if stage == "placed":
        return "accepted"
    return "declined" if side == "candidate" else "withdrawn"


def _tell(world: World, job: Job, candidate: Candidate, key: str, days: list[int], reached: int, stage: str) -> None:
    if reached >= 1:
        connected = reached > 1 or world.maybe(0.4)
        world.happened(
            min(days[1], -1),
            world.between(9, 17),
            "call" if world.maybe(0.6) else "inmail",
            f"{job.title}: first contact with {candidate.name}",
            job.recruiter,
            candidate.key,
            key,
            direction="out",
            outcome=("connected" if connected else world.pick(("no_answer", "left_message"))),
            minutes=world.between(2, 15),
            body=world.pick(NOTES) if connected and world.maybe(0.35) else None,
        )
    if reached >= 2 and world.maybe(0.75):
        world.happened(
            min(days[2], -1),
            world.between(9, 18),
            "call",
            f"Screening {candidate.name}",
            job.recruiter,
            candidate.key,
            key,
            direction="out",
            outcome="positive",
            minutes=world.between(20, 50),
            body=world.pick(NOTES),
        )
    if reached >= 3:
        world.happened(
            min(days[3], -1),
            11,
            "email",
            f"Profile of {candidate.name} for {job.title}",
            job.recruiter,
            job.client.key,
            job.manager,
            candidate.key,
            job.key,
            key,
            direction="out",
        )
    if reached >= 4 and world.maybe(0.5):
        world.happened(
            min(days[4], -1),
            world.between(9, 17),
            "email",
            f"Feedback on {candidate.name}",
            job.recruiter,
            job.client.key,
            job.manager,
            key,
            direction="in",
            outcome="neutral",
        )
    if reached >= 6:
        world.happened(
            min(days[6], -1),
            16,
            "call",
            f"Offer for {candidate.name}",
            job.recruiter,
            candidate.key,
            job.client.key,
            key,
            direction="out",
            outcome="positive",
            minutes=25,
            body="Went through the offer point by point.",
        )
    if stage == "rejected" and reached >= 3:
        world.happened(
            min(days[-1], -1),
            15,
            "call",
            f"Rejection passed on to {candidate.name}",
            job.recruiter,
            candidate.key,
            key,
            direction="out",
            outcome="connected",
            minutes=8,
        )


def _interviews(
    world: World, job: Job, candidate: Candidate, key: str, days: list[int], ended: int, stage: str
) -> None:
    start, running = days[4], stage == "interviewing"
    rounds = 1 if running or world.maybe(0.35) else 2
    if running:
        plan = (
            [(min(-1, days[5]), "completed", "advance"), (world.between(0, 8), "scheduled", "")]
            if world.maybe(0.55)
            else [(world.between(0, 8), "scheduled", "")]
        )
        if world.maybe(0.15):
            plan[-1] = (plan[-1][0], "rescheduled", "")
    else:
        finish = days[6] if len(days) > 6 else ended
        last = "reject" if stage == "rejected" and len(days) <= 6 else "advance"
        plan = [
            (start + (finish - start) * (number + 1) // (rounds + 1), "completed", "advance")
            for number in range(rounds)
        ]
        plan = [
            (min(-1, offset), status, outcome if number < rounds - 1 else last)
            for number, (offset, status, outcome) in enumerate(plan)
        ]
        if world.maybe(0.05):
            plan[-1] = (plan[-1][0], world.pick(("cancelled", "no_show")), "")
    for number, (offset, status, outcome) in enumerate(plan, 1):
        hour, video = world.between(9, 16), number == 1
        name = f"in-{len(world.rows('interviews')) + 1:04d}"
        world.add(
            "interviews",
            key=name,
            submission=key,
            round=number,
            kind="video" if video else world.pick(("onsite", "onsite", "panel")),
            starts_at=at(offset, hour, 30 * world.between(0, 1)),
            ends_at=at(offset, hour + 1, 30),
            time_zone="Europe/Berlin",
            location=f"https://meet.example/{name}" if video else job.client.address,
            interviewers=job.manager,
            status=status,
            outcome=outcome or None,
            prep_sent_at=at(offset - 1, 10) if offset <= 0 and status in ("completed", "scheduled") else None,
            candidate_feedback=world.pick(
                (
                    "Good talk, would like to continue.",
                    "Friendly team, the role is a bit narrower than expected.",
                    "Very interested, asked for the next step.",
                )
            )
            if status == "completed" and world.maybe(0.5)
            else None,
            client_feedback=world.pick(FEEDBACK) if status == "completed" else None,
            created_at=at(min(offset, 0) - world.between(2, 6), 14),
        )
        if status == "completed":
            world.happened(
                offset,
                min(18, hour + 2),
                "call",
                f"After the interview: {candidate.name}",
                job.recruiter,
                candidate.key,
                key,
                direction="in",
                outcome="positive" if outcome == "advance" else "neutral",
                minutes=world.between(8, 25),
                body=world.pick(NOTES) if world.maybe(0.4) else None,
            )
            for criterion in ("Experience", "Motivation", "Team fit") if world.maybe(0.3) else ():
                world.add(
                    "scorecards",
                    key=f"sc-{name}-{criterion[:3].lower()}",
                    interview=name,
                    criterion=criterion,
                    score=world.between(3, 5) if outcome == "advance" else world.between(1, 4),
                )
