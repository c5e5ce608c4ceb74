"""Generated candidates as an API client would send them: deterministic, with realistic lengths and distributions."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

_FIRST = (
    "Ana Ben Carla David Elena Farid Greta Henry Ines Jonas Katja Liam Mara Nils Olga Pavel Quinn Rosa Sven Tara Uwe Vera "
    "Wiktor Ximena Yusuf Zora Amélie Björn Chloé Dörte Émile Françoise Günter Håkon Íris José Käthe Łukasz Małgorzata"
).split()
_LAST = (
    "Adler Becker Costa Dahl Engel Fischer Graf Hoffmann Ivanov Jansen Keller Lang Meyer Novak Olsen Peters Quist Roth "
    "Schmidt Thoma Urban Vogel Weber Xavier Young Zimmer Böhm Çelik Dvořák Fernández Grønn Hübner Jiménez Kovačević Müller"
).split()
_TITLES = (
    "Software Engineer;Data Engineer;Financial Controller;Tax Manager;Nurse;Site Manager;Account Executive;Product Manager;"
    "Test Engineer;Buyer;HR Partner;Mechanical Engineer;Security Analyst;Head of Finance;Service Technician"
).split(";")
_EMPLOYERS = [f"{first} {last}" for first in ("North", "Alpha", "Delta", "Blue", "River", "Stone", "Iron", "Bright")
              for last in ("Systems", "Foods", "Bank", "Logistics", "Energy", "Clinics", "Works", "Media")]  # fmt: skip
_SKILLS = (
    "python java javascript typescript go rust csharp react nodejs dotnet sql postgresql kafka aws azure kubernetes docker "
    "linux machine_learning figma scrum sap salesforce accounting controlling ifrs tax audit payroll excel cad nursing"
).split()
_CITIES = ("Berlin", "Munich", "Hamburg", "Vienna", "Zurich", "London", "Paris", "Madrid", "Warsaw", "Amsterdam")
_INDUSTRIES = (
    "technology finance healthcare manufacturing engineering energy logistics retail construction other".split()
)
_SENIORITY = ("junior", "mid", "senior", "lead", "manager", "director")
_STATUS = ("new", "active", "active", "active", "passive", "passive", "in_process", "placed", "archived")
SOURCES = 12
CLIENTS = 500


def sources() -> list[dict[str, Any]]:
    """The sources that candidates come from."""
    channels = ("linkedin", "referral", "job_board")
    return [{"name": f"Source {number}", "channel": channels[number % 3]} for number in range(SOURCES)]


def clients() -> list[dict[str, Any]]:
    """The clients that candidates work for."""
    return [
        {"name": f"{_EMPLOYERS[number % len(_EMPLOYERS)]} {number}", "domain": f"client-{number}.example",
         "payment_terms": "net_30", "currency": "EUR"}
        for number in range(CLIENTS)
    ]  # fmt: skip


def candidates(start: int, count: int, source_ids: list[str], client_ids: list[str]) -> Iterator[dict[str, Any]]:
    """Candidates number `start` and following; each is the same whatever else is generated."""
    for number in range(start, start + count):
        yield candidate(number, source_ids, client_ids)


def candidate(number: int, source_ids: list[str], client_ids: list[str]) -> dict[str, Any]:
    """One candidate."""
    rng = random.Random(number)
    first, last = rng.choice(_FIRST), rng.choice(_LAST)
    title, employer, city = rng.choice(_TITLES), rng.choice(_EMPLOYERS), rng.choice(_CITIES)
    salary = rng.randrange(30, 180) * 1000
    day = date(2026, 1, 1) + timedelta(days=rng.randrange(540))
    found: dict[str, Any] = {
        "name": {"first": first, "last": f"{last} {number % 977}"},
        "email": f"candidate.{number}@mail.example.com",
        "phone": f"+49 30 {20_000_000 + number % 70_000_000}",
        "address": {
            "street": f"Street {number % 300}",
            "postcode": f"{10000 + number % 80000}",
            "city": city,
            "country": "DE",
        },
        "linkedin_url": f"https://www.linkedin.com/in/candidate-{number}",
        "preferred_channel": rng.choice(("email", "phone", "whatsapp")),
        "languages": rng.sample(("en", "de", "fr", "es", "pl"), 2),
        "time_zone": "Europe/Berlin",
        "headline": f"{title}, {rng.randrange(1, 30)} years, {city}",
        "current_employer": employer,
        "current_title": title,
        "industry": rng.choice(_INDUSTRIES),
        "seniority": rng.choice(_SENIORITY),
        "years_experience": str(rng.randrange(0, 300) / 10),
        "skills": rng.sample(_SKILLS, rng.randrange(3, 8)),
        "desired_salary": {"amount": f"{salary}.00", "currency": "EUR", "per": "year"},
        "notice_period": {"value": rng.choice((14, 30, 90)), "unit": "days"},
        "availability_status": rng.choice(("immediately", "notice", "not_looking")),
        "work_modes": rng.sample(("onsite", "hybrid", "remote"), 2),
        "desired_locations": rng.sample(_CITIES, 2),
        "employment_types": ["permanent"],
        "right_to_work": "citizen",
        "status": rng.choice(_STATUS),
        "rating": rng.randrange(1, 11),
        "willing_to_relocate": rng.random() < 0.3,
        "source": rng.choice(source_ids),
    }
    if rng.random() < 0.6:
        found["availability_date"] = day.isoformat()
    if rng.random() < 0.3:
        found["current_employer_client"] = rng.choice(client_ids)
    if rng.random() < 0.2:
        found["notes"] = f"Met in {city}. " + "Prefers short processes and clear feedback. " * rng.randrange(1, 8)
    return found
