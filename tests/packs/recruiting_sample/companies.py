"""Colleagues, sources, client companies, their people and their fee agreements."""

from __future__ import annotations

from tests.packs.recruiting_sample.agency_words import CLIENTS, DEPARTMENTS, MANAGER_TITLES, SOURCES, USERS
from tests.packs.recruiting_sample.people_words import CITIES, STREETS, ZONES
from tests.packs.recruiting_sample.persons import Persons
from tests.packs.recruiting_sample.world import Agreement, Client, World, at, day, euro

TERM_DAYS = {"on_receipt": 0, "net_7": 7, "net_14": 14, "net_30": 30, "net_45": 45, "net_60": 60}


def make_house(world: World) -> None:
    """Colleagues and sources with their monthly costs."""
    for key, name, roles in USERS:
        first, last = name.replace("ń", "n").lower().split()
        world.add("users", key=key, name=name, email=f"{first}.{last}@agency.example", roles=roles)
    for line in SOURCES.strip().splitlines():
        key, name, channel, cost = line.split("|")
        world.add("sources", key=key, name=name, channel=channel, active=key != "src-fair", created_at=at(-760, 9))
        if int(cost):
            for month in range(24):
                amount = round(int(cost) * world.random.uniform(0.85, 1.2))
                world.add(
                    "source_costs",
                    key=f"{key}-{month:02d}",
                    source=key,
                    month=day(-30 * month - 2),
                    amount=euro(amount),
                )


def make_clients(world: World, persons: Persons) -> None:
    """Client companies with contacts and agreements."""
    for number, line in enumerate(CLIENTS.strip().splitlines(), 1):
        name, legal, city, industry, size, tier, lifecycle, professions, fee, terms, guarantee = line.split("|")
        country, phones, codes = CITIES[city]
        if lifecycle == "prospect":
            since = -world.between(10, 150)
        else:
            since = -world.between(770, 1100) if number % 3 else -world.between(330, 640)
        if lifecycle in ("former", "blacklisted"):
            since = -world.between(900, 1300)
        postcode, street = world.pick(codes), world.pick(STREETS[country])
        number_street = (
            f"{street} {world.between(1, 120)}" if country == "Germany" else f"{world.between(1, 120)} {street}"
        )
        address = (
            f"{number_street}, {postcode} {city}, {country}"
            if country in ("Germany", "France")
            else f"{number_street}, {city} {postcode}, {country}"
        )
        owner = (
            "u-sinead"
            if country != "Germany" or number % 5 in (1, 3)
            else "u-katrin"
            if number % 5 in (0, 2)
            else "u-sinead"
        )
        client = Client(
            f"cl-{number:02d}",
            name,
            city,
            country,
            industry,
            tier,
            lifecycle,
            tuple(professions.split()),
            int(fee),
            terms,
            guarantee,
            owner,
            since,
            address,
        )
        world.clients.append(client)
        domain = persons.domain(name)
        _make_contacts(world, persons, client, domain)
        world.add(
            "clients",
            key=client.key,
            name=name,
            legal_name=f"{name} {legal}",
            domain=domain,
            industry=industry,
            size_band=size,
            website=f"https://www.{domain}",
            phone=phones.format(100 + number),
            address=address,
            registration_no=f"HRB {world.between(10000, 99999)}" if country == "Germany" else None,
            tax_no=f"DE{world.between(100000000, 999999999)}" if country == "Germany" else None,
            billing_contact=client.staff[-1] if lifecycle in ("client", "former") else None,
            invoice_email=f"invoices@{domain}" if lifecycle in ("client", "former") and world.maybe(0.7) else None,
            standard_fee_percentage=fee,
            payment_terms=terms,
            currency="EUR",
            po_required=size in ("s1001_5000", "s501_1000") and tier == "a",
            vat_treatment={"Germany": "domestic", "United Kingdom": "export"}.get(country, "reverse_charge"),
            account_owner=owner,
            tier=tier,
            client_since=day(since) if lifecycle in ("client", "former") else None,
            lifecycle=lifecycle,
            source=world.pick(("src-referral", "src-website", "src-linkedin", "src-fair", "src-database")),
            created_at=at(since - world.between(5, 60), 10, 15),
            notes="Cancelled two signed offers and did not pay the last invoice in full."
            if lifecycle == "blacklisted"
            else None,
        )
        if lifecycle in ("client", "former"):
            _make_agreements(world, client)
    _set_parents(world)


def _make_contacts(world: World, persons: Persons, client: Client, domain: str) -> None:
    department = DEPARTMENTS.get(client.industry, "Administration")
    people = [("hiring_manager", MANAGER_TITLES.get(client.industry, "Managing Director"), department, True)]
    if client.lifecycle == "client" and client.tier != "c":
        people.append(("hiring_manager", f"Team Lead {department}", department, False))
    if client.lifecycle != "prospect" or world.maybe(0.5):
        people.append(
            (
                "hr",
                world.pick(("Head of People", "HR Manager", "Talent Acquisition Manager")),
                "Human Resources",
                world.maybe(0.4),
            )
        )
    if client.lifecycle in ("client", "former"):
        people.append(("billing", world.pick(("Accounts Payable", "Head of Accounting")), "Finance", False))
    chief = ""
    for index, (role, title, where, decides) in enumerate(people):
        origin = {"Ireland": "ie", "United Kingdom": "gb", "France": "fr"}.get(
            client.country, "de" if world.maybe(0.85) else world.pick(("pl", "it", "es", "tr"))
        )
        first, last = persons.name(origin)
        key = f"co-{len(world.rows('contacts')) + 1:03d}"
        client.staff.append(key)
        if role == "hiring_manager":
            client.managers.append(key)
        phones = CITIES[client.city][1]
        world.add(
            "contacts",
            key=key,
            name=f"{first} {last}",
            email=f"{persons.ascii(first)}.{persons.ascii(last)}@{domain}",
            phone=phones.format(persons.line(phones)),
            job_title=title,
            department=where,
            role=role,
            clients=client.key,
            is_decision_maker=decides,
            reports_to=chief or None,
            preferred_language="de" if client.country == "Germany" else "en",
            status="left_company" if client.lifecycle == "former" and index == 0 else "active",
            legal_basis="contract" if client.lifecycle == "client" else "legitimate_interest",
            created_at=at(client.since - world.between(0, 20), 11, 30),
        )
        chief = chief or key


def _make_agreements(world: World, client: Client) -> None:
    days = {"full_refund": 60, "replacement": 90, "pro_rata": 90}[client.guarantee]
    if client.tier == "a" and client.guarantee == "pro_rata" and world.maybe(0.35):
        days = 120
    flat = 9500 if client.industry == "healthcare" and client.tier == "b" else None
    trigger = "accepted" if client.guarantee == "full_refund" else "start"
    split = (
        world.between(-420, -120) if client.lifecycle == "client" and client.since < -700 and world.maybe(0.6) else None
    )
    spans = [(client.since - 30, None)] if split is None else [(client.since - 30, split - 1), (split, None)]
    previous = None
    for revision, (start, end) in enumerate(spans, 1):
        percent = client.fee - (1 if revision < len(spans) else 0)
        former = client.lifecycle == "former"
        key = f"fa-{len(world.rows('fee_agreements')) + 1:03d}"
        kind = (
            "contingent_flat"
            if flat
            else ("exclusive" if client.tier == "a" and world.maybe(0.3) else "contingent_percent")
        )
        agreement = Agreement(
            key, kind, start, end, percent, flat, 8000 if percent >= 24 else 6000, client.guarantee, days, 30, trigger
        )
        client.agreements.append(agreement)
        world.add(
            "fee_agreements",
            key=key,
            client=client.key,
            type=kind,
            fee_percent=None if flat else percent,
            flat_fee=euro(flat) if flat else None,
            min_fee=None if flat else euro(agreement.minimum),
            fee_base="base_salary",
            guarantee_type=client.guarantee,
            guarantee_period=f"{days} days",
            pro_rata_from="30 days" if client.guarantee == "pro_rata" else None,
            payment_terms=client.terms,
            invoice_trigger=trigger,
            exclusivity=kind == "exclusive",
            valid_from=day(start),
            valid_to=day(end)
            if end is not None
            else (day(-250) if former else (day(world.between(12, 55)) if world.maybe(0.12) else None)),
            signed_on=day(start - world.between(1, 12)),
            signed_by=client.managers[0],
            notice="3 months",
            revision=revision,
            previous_version=previous,
            stage="signed" if end is None and not former else ("terminated" if former else "expired"),
            stage_entered_at=at(start, 9) if end is None and not former else at(end if end is not None else -250, 9),
            owner=client.owner,
            created_at=at(start - world.between(14, 40), 14),
        )
        previous = key


def draft_agreement(world: World, client: Client, sent: bool) -> None:
    """An agreement that a future client has not signed yet."""
    offset = -world.between(2, 20)
    world.add(
        "fee_agreements",
        key=f"fa-{len(world.rows('fee_agreements')) + 1:03d}",
        client=client.key,
        type="contingent_percent",
        fee_percent=client.fee,
        min_fee=euro(8000),
        fee_base="base_salary",
        guarantee_type=client.guarantee,
        guarantee_period="90 days",
        pro_rata_from="30 days" if client.guarantee == "pro_rata" else None,
        payment_terms=client.terms,
        invoice_trigger="start",
        valid_from=day(14),
        revision=1,
        stage="sent" if sent else "draft",
        stage_entered_at=at(offset, 15),
        owner=client.owner,
        created_at=at(offset - 3, 10),
    )


def _set_parents(world: World) -> None:
    by_name = {row["name"]: row for row in world.rows("clients")}
    by_name["Havelklinik Potsdamer Tor"]["parent"] = by_name["Elbmarsch Klinikum"]["key"]
    by_name["Pleiße Datenwerke"]["parent"] = by_name["Kranich Mobility"]["key"]


def zone(country: str) -> str:
    """The time zone of a country where the agency works."""
    return ZONES[country]
