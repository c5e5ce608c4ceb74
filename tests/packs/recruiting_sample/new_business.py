"""Business development: opportunities in all stages, with what was said on the way."""

from __future__ import annotations

from tests.packs.recruiting_sample.agency_words import CLIENT_NOTES
from tests.packs.recruiting_sample.companies import draft_agreement
from tests.packs.recruiting_sample.world import Client, World, at, day, euro


def make_opportunities(world: World) -> None:
    """Business development in all stages: new clients open, old ones won and lost."""
    prospects = [c for c in world.clients if c.lifecycle == "prospect"]
    clients = [c for c in world.clients if c.lifecycle == "client"]
    stages = ["prospect"] * 6 + ["contacted"] * 6 + ["meeting"] * 5 + ["proposal"] * 5 + ["negotiation"] * 3
    for index, stage in enumerate(stages):
        client = prospects[index % len(prospects)] if index < len(prospects) * 2 else world.pick(clients)
        _opportunity(world, client, stage, -world.between(12, 75), None)
        if stage in ("proposal", "negotiation") and not client.agreements:
            draft_agreement(world, client, stage == "negotiation")
    for client in clients:
        if world.maybe(0.62):
            signed = max(-700, client.since + 2)
            _opportunity(world, client, "signed_agreement", signed - world.between(25, 80), signed)
    for _ in range(7):
        closed = -world.between(20, 600)
        _opportunity(world, world.pick(prospects + clients), "lost", closed - world.between(30, 90), closed)


def _opportunity(world: World, client: Client, stage: str, opened: int, ended: int | None) -> None:
    number = len(world.rows("opportunities")) + 1
    key = f"op-{number:03d}"
    kind = (
        "new_client"
        if client.lifecycle == "prospect" or stage == "signed_agreement"
        else world.pick(("upsell", "renewal", "project"))
    )
    positions = world.between(1, 6)
    ahead = {
        "prospect": (60, 170),
        "contacted": (45, 140),
        "meeting": (30, 100),
        "proposal": (14, 60),
        "negotiation": (4, 30),
    }
    step, due = None, None
    if stage in ahead:
        step = {
            "prospect": "Find the right contact",
            "contacted": "Call back about the current vacancies",
            "meeting": "Prepare market overview for the meeting",
            "proposal": "Ask for feedback on the proposal",
            "negotiation": "Agree on guarantee and payment terms",
        }[stage]
        due = world.between(-4, 12)
    entered = ended if ended is not None else max(opened + 1, -world.between(2, 40))
    what = {
        "new_client": "Framework agreement",
        "upsell": "More vacancies",
        "renewal": "Renewal of the agreement",
        "project": "Hiring project",
    }[kind]
    world.add(
        "opportunities",
        key=key,
        name=f"{what} {client.name}",
        client=client.key,
        contacts=client.managers[0],
        type=kind,
        service="project"
        if kind == "project"
        else "retained"
        if client.tier == "a" and world.maybe(0.2)
        else "permanent",
        expected_fee=euro(positions * world.between(24, 46) * 500),
        expected_positions=positions,
        expected_close=day(world.between(*ahead[stage])) if stage in ahead else day(entered),
        source=world.pick(("src-referral", "src-linkedin", "src-website", "src-fair", "src-database")),
        next_step=step,
        next_step_due=day(due) if due is not None else None,
        agreement=client.agreements[0].key if stage == "signed_agreement" else None,
        loss_reason=world.pick(("price", "competitor", "no_need", "timing", "in_house", "no_answer"))
        if stage == "lost"
        else None,
        stage=stage,
        stage_entered_at=at(entered, 17),
        owner=client.owner,
        created_at=at(opened, 9, 50),
    )
    until = ended if ended is not None else -world.between(1, 38)
    for count in range(world.between(2, 6)):
        offset = min(-1, opened + (until - opened) * count // 5)
        kind_of = world.pick(("call", "email", "meeting", "call"))
        world.happened(
            offset,
            world.between(9, 17),
            kind_of,
            f"{what}: {client.name}",
            client.owner,
            client.key,
            client.managers[0],
            key,
            direction="out",
            outcome=world.pick(("connected", "positive", "neutral", "left_message")),
            body=world.pick(CLIENT_NOTES) if world.maybe(0.4) else None,
        )
