"""Tasks, surveys, and the activities of two years."""

from __future__ import annotations

from bisect import bisect_left

from tests.packs.recruiting_sample.agency_words import CLIENT_NOTES, NOTES
from tests.packs.recruiting_sample.world import Client, Placement, World, at

ACTIVITIES = 5000
CADENCE = {"a": 15, "b": 32, "c": 90}


def make_tasks(world: World) -> None:
    """Check-ins of placements, guarantees that end soon, and what is to be done this week."""
    for placed in world.placements:
        if placed.stage not in ("fell_through", "cancelled"):
            for days in (30, 60, 90):
                _check_in(world, placed, days)
            ahead = placed.guarantee_end
            if placed.outcome == "pending" and 0 <= ahead <= 14:
                _task(
                    world,
                    f"Guarantee of {placed.candidate.name} ends in {ahead} days",
                    "guarantee",
                    min(2, ahead),
                    placed.job.recruiter,
                    "open",
                    placed.key,
                    placed.job.client.key,
                )
    subjects = (
        "Send salary overview to {}",
        "Ask {} for feedback on the short list",
        "Arrange interview dates with {}",
        "Prepare interview briefing for {}",
        "Call {} about new vacancies",
        "Update the profile of {}",
        "Reference call for {}",
        "Send the fee agreement to {}",
    )
    for days in (
        [0] * 12
        + [world.between(1, 12) for _ in range(34)]
        + [-world.between(1, 6) for _ in range(11)]
        + [-world.between(1, 60) for _ in range(70)]
    ):
        subject = world.pick(subjects)
        about, user, name = _whom(world, "profile" in subject or "Reference" in subject or "briefing" in subject)
        open_task = len(world.rows("tasks")) and days >= 0
        status = "open" if open_task or (days > -7 and world.maybe(0.25)) else "done"
        _task(world, subject.format(name), "follow_up", days, user, status, about)


def _whom(world: World, person: bool) -> tuple[str, str, str]:
    if person:
        candidate = world.pick([c for c in world.candidates if c.open_processes] or world.candidates)
        return candidate.key, candidate.owner, candidate.name
    client = world.pick([c for c in world.clients if c.lifecycle in ("client", "prospect")])
    return client.key, client.owner, client.name


def _check_in(world: World, placed: Placement, days: int) -> None:
    due = placed.start + days
    if due > 100 or (placed.left is not None and placed.left < due):
        return
    owner = placed.job.client.owner
    done = due < -1 and (due < -25 or world.maybe(0.72))
    status = ("done" if world.maybe(0.95) else "skipped") if done else "open"
    _task(
        world,
        f"{days}-day check-in: {placed.candidate.name} at {placed.job.client.name}",
        "check_in",
        due,
        owner,
        status,
        placed.key,
        placed.candidate.key,
        placed.job.client.key,
        milestone=days,
    )
    if status == "done":
        world.happened(
            min(-1, due + world.between(-1, 0)),
            world.between(9, 16),
            "check_in",
            f"{days}-day check-in: {placed.candidate.name}",
            owner,
            placed.key,
            placed.candidate.key,
            placed.job.client.key,
            direction="out",
            outcome=world.pick(("positive", "positive", "neutral")),
            minutes=world.between(8, 25),
            body=world.pick(CLIENT_NOTES) if world.maybe(0.3) else None,
        )


def _task(
    world: World, subject: str, kind: str, due: int, user: str, status: str, *about: str, milestone: int | None = None
) -> None:
    world.add(
        "tasks",
        subject=subject,
        kind=kind,
        due_at=at(due, 17 if kind != "check_in" else 9),
        assignee=user,
        status=status,
        milestone_days=milestone,
        completed_at=at(min(due, -1), 12, 30) if status == "done" else None,
        about=about,
        created_at=at(min(due - world.between(2, 10), -1), 8),
    )


def make_surveys(world: World) -> None:
    """Answers of clients and placed people, better for clients where placements last."""
    for placed in world.placements:
        if placed.start < -36 and placed.stage not in ("fell_through", "cancelled") and world.maybe(0.75):
            sent = placed.start + 31
            answered = world.maybe(0.72) and sent + 6 < 0
            good = placed.outcome != "failed"
            _survey(
                world,
                "client_nps",
                placed,
                placed.job.manager,
                sent,
                answered,
                world.between(7, 10) if good and world.maybe(0.8) else world.between(3, 7),
            )
            if world.maybe(0.5):
                _survey(world, "candidate_nps", placed, placed.candidate.key, sent, answered, world.between(6, 10))


def _survey(world: World, kind: str, placed: Placement, respondent: str, sent: int, answered: bool, score: int) -> None:
    comment = (
        ("Fast and honest, please keep it like that.", "Good candidates.", "It works.")
        if score >= 7
        else ("The first profiles did not fit.", "Took too long until the first profile.")
    )
    world.add(
        "surveys",
        kind=kind,
        client=placed.job.client.key if kind == "client_nps" else None,
        placement=placed.key,
        respondent=respondent,
        score=score if answered else None,
        comment=world.pick(comment) if answered and world.maybe(0.5) else None,
        sent_at=at(sent, 8),
        answered_at=at(sent + world.between(0, 5), 13) if answered else None,
        created_at=at(sent, 8),
    )


def make_activities(world: World) -> None:
    """All that happened, filled up with the daily calls, mails and notes to a fixed number."""
    for client in world.clients:
        _account_care(world, client)
    missing = ACTIVITIES - len(world.events)
    arrivals = [c.created for c in world.candidates]
    for _ in range(max(0, missing)):
        offset = -1 - int(44 * world.random.random() ** 1.6) if world.maybe(0.55) else -world.between(45, 730)
        candidate = world.candidates[world.between(0, max(0, bisect_left(arrivals, offset) - 1))]
        kind = world.weighted({"call": 4, "email": 4, "note": 2, "inmail": 1, "sms": 1})
        subject = {
            "call": "Call with {}",
            "email": "Mail to {}",
            "note": "Note on {}",
            "inmail": "Message to {}",
            "sms": "Text message to {}",
        }[kind].format(candidate.name)
        direction = "internal" if kind == "note" else world.weighted({"out": 3, "in": 1})
        outcome = (
            None
            if kind in ("note", "email")
            else world.weighted({"connected": 5, "no_answer": 3, "left_message": 2, "positive": 2})
        )
        world.happened(
            offset,
            world.between(8, 18),
            kind,
            subject,
            candidate.owner,
            candidate.key,
            direction=direction,
            outcome=outcome,
            minutes=world.between(2, 20) if kind == "call" else None,
            body=world.pick(NOTES) if kind == "note" or world.maybe(0.18) else None,
        )
    world.events.sort(key=lambda event: (event["day"], event["hour"], event["minute"], event["subject"]))
    for event in world.events[-ACTIVITIES:]:
        world.add(
            "activities",
            kind=event["kind"],
            subject=event["subject"],
            body=event.get("body"),
            occurred_at=at(event["day"], event["hour"], event["minute"]),
            duration_minutes=event.get("minutes"),
            direction=event.get("direction"),
            outcome=event.get("outcome"),
            participants=event["user"],
            about=list(dict.fromkeys(event["about"])),
            owner=event["user"],
            created_at=at(event["day"], event["hour"], event["minute"]),
        )


def _account_care(world: World, client: Client) -> None:
    if client.lifecycle not in ("client", "former"):
        return
    offset = max(-728, client.since)
    # Some clients have not been called for too long.
    stop = -world.between(22, 110) if world.maybe(0.3) else -world.between(1, CADENCE[client.tier])
    if client.lifecycle == "former":
        stop = -280
    while offset < stop:
        kind = world.weighted({"call": 6, "email": 3, "meeting": 2})
        about = [client.key, world.pick(client.staff)]
        subject = {"call": "Account call: {}", "email": "Market news for {}", "meeting": "Review meeting with {}"}[
            kind
        ].format(client.name)
        world.happened(
            offset,
            world.between(9, 17),
            kind,
            subject,
            client.owner,
            *about,
            direction="out",
            outcome=world.pick(("connected", "positive", "neutral")) if kind != "email" else None,
            minutes={"call": world.between(5, 30), "meeting": 60}.get(kind),
            body=world.pick(CLIENT_NOTES) if world.maybe(0.5) else None,
        )
        offset += max(5, round(CADENCE[client.tier] * world.random.uniform(0.6, 1.5)))
