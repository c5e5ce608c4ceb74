"""Invoices, credit notes and payments for the placements."""

from __future__ import annotations

from decimal import Decimal

from tests.packs.recruiting_sample.companies import TERM_DAYS
from tests.packs.recruiting_sample.world import Placement, World, at, cents, day, euro


def refund(placed: Placement) -> Decimal:
    """What the guarantee gives back."""
    terms = placed.terms
    if placed.left is None or placed.left >= placed.guarantee_end or terms.guarantee == "replacement":
        return Decimal(0)
    worked = placed.left - placed.start
    if terms.guarantee == "full_refund" or worked < terms.pro_rata_from:
        return placed.fee
    return cents(placed.fee - placed.fee * worked / terms.guarantee_days)


def bill(world: World) -> None:
    slow = {"Neckartal Antriebe", "Rheinaue Pharma", "Weserbogen Bau", "Domblick Media", "Rheinterrasse Handel"}
    bills: list[tuple[int, int, Placement, str, Decimal]] = []
    receipts: list[tuple[int, Placement, str, Decimal]] = []
    for placed in world.placements:
        billed = placed.accepted if placed.terms.trigger == "accepted" else placed.start
        if placed.fee == 0 or billed > -1 or placed.stage in ("fell_through", "cancelled"):
            continue
        client, issued = placed.job.client, min(-1, billed + (world.between(0, 3) if billed < -8 else 0))
        tax = 19 if client.country == "Germany" else 0
        key = f"iv-{len(world.rows('invoices')) + 1:03d}"
        if issued in (-3, -4, -5):
            # Nobody has written this one yet.
            continue
        draft = issued >= -2
        _invoice(
            world,
            key,
            placed,
            issued,
            None if draft else issued,
            f"Placement of {placed.candidate.name}, {placed.job.title}",
            placed.fee,
            tax,
        )
        if draft:
            continue
        gross = placed.fee + cents(placed.fee * tax / 100)
        given = refund(placed)
        if given and placed.left is not None and placed.left + 6 < 0:
            credit = f"iv-{len(world.rows('invoices')) + 1:03d}"
            _invoice(
                world,
                credit,
                placed,
                placed.left + 5,
                placed.left + 5,
                f"Guarantee refund for {placed.candidate.name}",
                given,
                tax,
                credits=key,
            )
            gross -= given + cents(given * tax / 100)
        due = issued + TERM_DAYS[client.terms]
        paid_on = due + (world.between(4, 34) if client.name in slow else world.between(-9, 6))
        if given and placed.left is not None:
            paid_on = max(paid_on, placed.left + 12)
        if gross > 0:
            bills.append((due, paid_on, placed, key, gross))
    late = sorted((bill for bill in bills if -85 < bill[0] < 0), key=lambda bill: -bill[0])[:7]
    for bill in bills:
        due, paid_on, placed, key, gross = bill
        if bill in late[0:7:2]:
            # Reminders are under way; one client has paid a part.
            if bill is late[2]:
                receipts.append((due // 2, placed, key, cents(gross * Decimal("0.4"))))
        elif due < 0:
            receipts.append((min(paid_on, -1), placed, key, gross))
    world.rows("invoices").sort(key=lambda row: (int(row["issued_on"].removeprefix("today")), row["key"]))
    _receive(world, receipts)


def _invoice(
    world: World,
    key: str,
    placed: Placement,
    issued: int,
    sent: int | None,
    text: str,
    amount: Decimal,
    tax: int,
    credits: str = "",
) -> None:
    client = placed.job.client
    world.add(
        "invoices",
        key=key,
        kind="credit_note" if credits else "invoice",
        client=client.key,
        contact=client.staff[-1],
        credited_invoice=credits or None,
        issued_on=day(issued),
        payment_terms=client.terms,
        sent_on=day(sent) if sent is not None else None,
        po_number=f"45{world.between(10000000, 99999999)}" if client.tier == "a" else None,
        created_at=at(issued, 10),
    )
    world.add(
        "invoice_lines",
        key=f"il-{key}",
        invoice=key,
        placement=placed.key,
        description=text,
        quantity="1.00",
        unit_price=euro(amount),
        tax_rate=tax,
    )


def _receive(world: World, receipts: list[tuple[int, Placement, str, Decimal]]) -> None:
    receipts.sort(key=lambda receipt: (receipt[0], receipt[2]))
    waiting = list(receipts)
    while waiting:
        offset, placed, invoice, amount = waiting.pop(0)
        together = [(invoice, amount)]
        # A client who owes two invoices at about the same time pays both at once.
        for other in [r for r in waiting if r[1].job.client is placed.job.client and r[0] - offset <= 4]:
            waiting.remove(other)
            together.append((other[2], other[3]))
        key = f"pa-{len(world.rows('payments')) + 1:03d}"
        world.add(
            "payments",
            key=key,
            client=placed.job.client.key,
            received_on=day(offset),
            amount=euro(sum(part for _, part in together)),
            method="bank_transfer",
            reference=f"{placed.job.client.name} {world.between(100000, 999999)}",
            created_at=at(offset, 9),
        )
        for number, (paid, part) in enumerate(together, 1):
            world.add("payment_allocations", key=f"al-{key}-{number}", payment=key, invoice=paid, amount=euro(part))
