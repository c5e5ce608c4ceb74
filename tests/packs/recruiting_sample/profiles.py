"""The rows of the candidates, written when it is known what happened to them: profile, history, consents, pools."""

from __future__ import annotations

from tests.packs.recruiting_sample.agency_words import SENIORITY, job_title
from tests.packs.recruiting_sample.companies import zone
from tests.packs.recruiting_sample.people_words import (
    CITIES,
    CITIZENS,
    EMPLOYERS_A,
    EMPLOYERS_B,
    LANGUAGE,
    SCHOOLS,
    STREETS,
)
from tests.packs.recruiting_sample.persons import Persons
from tests.packs.recruiting_sample.world import Candidate, Placement, World, at, day, yearly

NOTICES = {"1 month": 3, "3 months": 5, "14 days": 2, "42 days": 2, "6 months": 1}
POOLS = (
    (
        "tp-java",
        "Senior Java and Python",
        "Developers we know well and call first",
        "u-jonas",
        ("backend", "python"),
        2,
    ),
    (
        "tp-cloud",
        "Cloud and platform",
        "DevOps, data and security people for platform teams",
        "u-jonas",
        ("devops", "data_engineer", "security"),
        1,
    ),
    (
        "tp-finance",
        "Finance bench",
        "Accountants and controllers who can start soon",
        "u-amelie",
        ("accounting", "controlling", "tax"),
        0,
    ),
    ("tp-sales", "Sales hunters", "Key account managers with a book of business", "u-amelie", ("sales",), 1),
    ("tp-care", "Intensive care", "Nurses with a valid registration", "u-tomasz", ("nursing",), 0),
    (
        "tp-engineering",
        "Mechanical and automation",
        "Engineers for machine builders in the south",
        "u-tomasz",
        ("mechanical", "automation", "embedded"),
        1,
    ),
    ("tp-leaders", "Future leaders", "Leads and heads for confidential searches", "u-katrin", (), 3),
)


def arrive(world: World) -> None:
    """Decides when each candidate became known: before anything happened with the person."""
    for candidate in world.candidates:
        if candidate.needed:
            candidate.created = candidate.needed - (world.between(0, 3) if world.maybe(0.55) else world.between(4, 220))
        else:
            candidate.created = -round(900 * world.random.random() ** 1.8) - 1
    world.candidates.sort(key=lambda c: (c.created, c.key))


def write_candidates(world: World, persons: Persons) -> None:
    """One row per candidate with everything below it."""
    for candidate in world.candidates:
        current = next((p for p in reversed(candidate.placements) if p.lasts), None)
        _add_row(world, persons, candidate, current)
        _add_history(world, candidate, current)
        _add_consent(world, candidate)
        _add_certificates(world, candidate)
    _add_pools(world)


def _status(world: World, candidate: Candidate, current: Placement | None) -> tuple[str, str]:
    if current is not None or any(p.stage in ("offer_accepted", "pre_start") for p in candidate.placements):
        return "placed", "placed"
    if candidate.open_processes:
        return "in_process", world.weighted({"notice": 6, "immediately": 2, "from_date": 2})
    if candidate.created > -21:
        return "new", world.weighted({"notice": 5, "immediately": 3, "from_date": 2})
    status = world.weighted({"active": 42, "passive": 47, "archived": 8, "do_not_use": 2})
    if status == "active":
        return status, world.weighted({"notice": 5, "immediately": 3, "from_date": 3})
    return status, world.weighted({"not_looking": 5, "notice": 5, "from_date": 1})


def _add_row(world: World, persons: Persons, candidate: Candidate, current: Placement | None) -> None:
    created = candidate.created
    status, availability = _status(world, candidate, current)
    profession, level = candidate.profession, candidate.level
    employer = (
        current.job.client.name if current is not None else f"{world.pick(EMPLOYERS_A)} {world.pick(EMPLOYERS_B)}"
    )
    title = current.job.title if current is not None else job_title(profession, level)
    source: str | None = _source(world, candidate)
    earlier = [c.key for c in world.candidates if c.profession is profession and c.created < created]
    source = source if world.maybe(0.98) else None
    referrer = world.pick(earlier) if source == "src-referral" and earlier else None
    pounds = candidate.country == "United Kingdom"
    skills = [*profession.must, *world.random.sample(profession.nice, min(len(profession.nice), world.between(1, 4)))]
    if len(skills) > 3 and world.maybe(0.3):
        skills.remove(world.pick(profession.must))
    postcode, street = world.pick(CITIES[candidate.city][2]), world.pick(STREETS[candidate.country])
    german = candidate.country == "Germany"
    home = (
        f"{street} {world.between(1, 140)}, {postcode} {candidate.city}, Germany"
        if german
        else f"{world.between(1, 140)} {street}, {candidate.city} {postcode}, {candidate.country}"
    )
    if candidate.country == "France":
        home = f"{world.between(1, 140)} {street}, {postcode} {candidate.city}, France"
    eu = candidate.origin in CITIZENS
    permit = "citizen" if eu else world.weighted({"permanent": 5, "permit": 4, "unknown": 1})
    first, last = candidate.name.split(" ", 1)
    raised = round(candidate.salary * world.random.uniform(1.04, 1.16) / 500) * 500
    world.add(
        "candidates",
        key=candidate.key,
        name=candidate.name,
        email=candidate.email,
        phone=candidate.phone if world.maybe(0.94) else None,
        address=home if world.maybe(0.7) else None,
        linkedin_url=f"https://www.linkedin.com/in/{persons.ascii(first)}-{persons.ascii(last)}-{candidate.key.removeprefix('ca-')}-example"
        if world.maybe(0.55)
        else None,
        preferred_channel=world.weighted({"email": 5, "phone": 4, "whatsapp": 1}),
        languages=list(
            dict.fromkeys(
                [LANGUAGE[candidate.origin], *(["de"] if german else []), *(["en"] if world.maybe(0.75) else [])]
            )
        ),
        time_zone=zone(candidate.country),
        headline=f"{title}, {candidate.years} years"
        + (f", {world.pick(profession.must).replace('_', ' ')}" if world.maybe(0.5) else ""),
        current_employer=employer,
        current_employer_client=current.job.client.key if current is not None else None,
        current_title=title,
        industry=current.job.client.industry if current is not None else profession.industry,
        seniority=SENIORITY[level][0],
        years_experience=f"{candidate.years}.0",
        skills=skills,
        current_salary=yearly(round(candidate.salary * 0.86 / 500) * 500, "GBP")
        if pounds
        else yearly(candidate.salary),
        desired_salary=yearly(raised),
        desired_salary_max=yearly(raised + world.between(2, 14) * 500) if world.maybe(0.4) else None,
        notice_period=world.weighted(NOTICES) if availability != "immediately" else None,
        availability_date=day(world.between(0, 4))
        if availability == "immediately"
        else day(world.between(8, 150))
        if availability == "from_date"
        else None,
        availability_status=availability,
        willing_to_relocate=world.maybe(0.3),
        work_modes=["onsite"]
        if profession.industry in ("healthcare", "manufacturing")
        else world.pick((["hybrid", "remote"], ["hybrid"], ["remote"], ["onsite", "hybrid"])),
        desired_locations=list(
            dict.fromkeys(
                [candidate.city, *([world.pick(("Berlin", "Hamburg", "Munich", "Remote"))] if world.maybe(0.4) else [])]
            )
        ),
        employment_types=["permanent", "contract"]
        if profession.industry == "technology" and world.maybe(0.2)
        else ["permanent"],
        right_to_work=permit,
        work_permit_expiry=day(world.between(20, 900)) if permit == "permit" else None,
        recruiter_owner=candidate.owner,
        status=status,
        source=source,
        referred_by=referrer,
        rating=world.between(4, 10) if candidate.needed and world.maybe(0.8) else None,
        do_not_contact=True if status == "do_not_use" or (status == "archived" and world.maybe(0.4)) else None,
        legal_basis="consent" if world.maybe(0.45) else "contract" if candidate.placements else "legitimate_interest",
        legal_basis_at=day(created),
        privacy_notice_sent_at=at(min(-1, created + world.between(0, 12)), 8) if world.maybe(0.93) else None,
        marketing_opt_out=True if world.maybe(0.06) else None,
        created_at=at(created, world.between(8, 18), 5),
    )


def _source(world: World, candidate: Candidate) -> str:
    weights = {
        "src-linkedin": 26,
        "src-referral": 14,
        "src-website": 12,
        "src-database": 8,
        "src-linkedin-ad": 6,
        "src-walk-in": 5,
        "src-fair": 3,
        "src-partner": 3,
        "src-campus": 8 if candidate.level == 0 else 1,
    }
    desk = {"u-jonas": {"src-board-it": 14}, "u-tomasz": {"src-board-north": 8}}.get(
        candidate.profession.desk, {"src-board-north": 12}
    )
    if candidate.profession.industry == "healthcare":
        desk = {"src-board-health": 24}
    return world.weighted({**weights, **desk})


def _add_history(world: World, candidate: Candidate, current: Placement | None) -> None:
    begin = current.start if current is not None else -world.between(120, 1500)
    row = world.rows("candidates")[-1]
    world.add(
        "work_history",
        candidate=candidate.key,
        employer=row["current_employer"],
        client=row["current_employer_client"],
        job_title=row["current_title"],
        started_on=day(begin),
        is_current=True,
    )
    for _ in range(world.between(0, 2) if candidate.years > 2 else 0):
        ended = begin - world.between(0, 90)
        begin = ended - world.between(400, 1500)
        if -begin > (candidate.years + 1) * 365:
            break
        title = job_title(candidate.profession, max(0, candidate.level - 1))
        world.add(
            "work_history",
            candidate=candidate.key,
            employer=f"{world.pick(EMPLOYERS_A)} {world.pick(EMPLOYERS_B)}",
            job_title=title,
            started_on=day(begin),
            ended_on=day(ended),
        )
    if world.maybe(0.85):
        ended = -candidate.years * 365 - world.between(30, 300)
        degree = (
            "Vocational training"
            if candidate.profession.industry == "healthcare" or world.maybe(0.2)
            else world.pick(("Bachelor", "Master", "Master", "Diploma"))
        )
        world.add(
            "education",
            candidate=candidate.key,
            institution=world.pick(SCHOOLS),
            degree=degree,
            field_of_study=candidate.profession.field,
            started_on=day(ended - world.between(1000, 1800)),
            ended_on=day(ended),
        )


def _add_consent(world: World, candidate: Candidate) -> None:
    row = world.rows("candidates")[-1]
    if row["legal_basis"] != "consent":
        return
    given = candidate.created
    while True:
        channel = (
            "web_form"
            if row["source"] in ("src-website", "src-board-it", "src-board-north", "src-board-health")
            else "email"
        )
        withdrawn = row["status"] == "archived" and given + 300 < 0
        world.add(
            "consents",
            person=candidate.key,
            purpose="talent_pool",
            wording_version="2",
            channel=channel,
            given_at=at(given, 9),
            expires_at=day(given + 730),
            withdrawn_at=at(given + 280, 9) if withdrawn else None,
        )
        if given + 730 > 0 or withdrawn or world.maybe(0.2):
            return
        given += 715


def _add_certificates(world: World, candidate: Candidate) -> None:
    for name, issuer, valid in candidate.profession.certificates:
        if world.maybe(0.9 if valid == 0 else 0.55):
            issued = -world.between(60, 1500) if valid == 0 else -world.between(40, valid + 60)
            checked = world.maybe(0.6)
            world.add(
                "certifications",
                candidate=candidate.key,
                name=name,
                issuer=issuer,
                licence_no=f"{name[:2].upper()}-{world.between(10000, 99999)}",
                issued_on=day(issued),
                expires_on=day(issued + valid) if valid else None,
                verified_by=candidate.owner if checked else None,
                verified_at=day(min(-1, issued + world.between(5, 50))) if checked else None,
            )


def _add_pools(world: World) -> None:
    rows = {row["key"]: row for row in world.rows("candidates")}
    for key, name, purpose, owner, professions, level in POOLS:
        members = [
            c.key
            for c in world.candidates
            if (not professions or c.profession.key in professions)
            and c.level >= level
            and rows[c.key]["status"] in ("active", "passive", "new")
            and world.maybe(0.8)
        ]
        world.add(
            "talent_pools",
            key=key,
            name=name,
            purpose=purpose,
            kind="manual",
            owner=owner,
            candidates=members[:70],
            created_at=at(-world.between(200, 600), 12),
        )
