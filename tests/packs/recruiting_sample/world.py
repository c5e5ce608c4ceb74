"""What all parts of the sample share: one seeded source of chance, the tables, and how days and amounts are written."""

from __future__ import annotations

import csv
import io
import random
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from tests.packs.recruiting_sample.agency_words import Profession

CENT = Decimal("0.01")


def day(offset: int) -> str:
    """A day relative to the one on which the data is loaded."""
    return f"today{offset:+d}"


def at(offset: int, hour: int, minute: int = 0) -> str:
    """A time of day relative to the one on which the data is loaded."""
    return f"{day(offset)}T{hour:02d}:{minute:02d}"


def cents(value: Decimal | int | float | str) -> Decimal:
    """An amount rounded half up to the cent."""
    return Decimal(str(value)).quantize(CENT, rounding=ROUND_HALF_UP)


def euro(value: Decimal | int | float | str) -> str:
    """An amount of money as it is typed."""
    return f"{cents(value)} EUR"


def yearly(value: int, currency: str = "EUR") -> str:
    """A yearly pay as it is typed."""
    return f"{value} {currency}/year"


@dataclass(eq=False)
class Client:
    """A client company while the sample is made."""

    key: str
    name: str
    city: str
    country: str
    industry: str
    tier: str
    lifecycle: str
    professions: tuple[str, ...]
    fee: int
    terms: str
    guarantee: str
    owner: str
    since: int
    address: str
    managers: list[str] = field(default_factory=list)
    staff: list[str] = field(default_factory=list)
    agreements: list[Agreement] = field(default_factory=list)

    def agreement_on(self, offset: int) -> Agreement:
        """The fee agreement in force on a day."""
        return next(a for a in self.agreements if a.start <= offset and (a.end is None or offset <= a.end))


@dataclass(eq=False)
class Agreement:
    """A fee agreement while the sample is made."""

    key: str
    kind: str
    start: int
    end: int | None
    percent: int
    flat: int | None
    minimum: int
    guarantee: str
    guarantee_days: int
    pro_rata_from: int
    trigger: str


@dataclass(eq=False)
class Candidate:
    """A candidate while the sample is made."""

    key: str
    name: str
    origin: str
    profession: Profession
    level: int
    years: int
    city: str
    country: str
    salary: int
    email: str
    phone: str
    owner: str
    needed: int = 0
    """The earliest day on which something happened with this person."""
    created: int = 0
    open_processes: int = 0
    placements: list[Placement] = field(default_factory=list)

    def free_on(self, offset: int) -> bool:
        """Whether the person may be proposed on a day: not within a year and a half of a placement that lasted."""
        return all(offset < placed.accepted - 400 or offset > placed.accepted + 540 for placed in self.placements)


@dataclass(eq=False)
class Job:
    """A job order while the sample is made."""

    key: str
    stage: str
    client: Client
    profession: Profession
    level: int
    title: str
    positions: int
    opened: int
    ended: int | None
    """The day of the last acceptance or of closing; none while the job is open."""
    low: int
    high: int
    recruiter: str
    manager: str
    agreement: Agreement
    engagement: str
    contenders: list[str] = field(default_factory=list)


@dataclass(eq=False)
class Placement:
    """A placement while the sample is made."""

    key: str
    candidate: Candidate
    job: Job
    submission: str
    accepted: int
    start: int
    salary: int
    fee: Decimal
    stage: str = ""
    outcome: str = "pending"
    left: int | None = None
    left_reason: str = ""
    replaces: Placement | None = None

    @property
    def terms(self) -> Agreement:
        """The agreement in force when the offer was accepted."""
        return self.job.client.agreement_on(self.accepted)

    @property
    def guarantee_end(self) -> int:
        return self.start + self.terms.guarantee_days

    @property
    def lasts(self) -> bool:
        """Whether the person works there today."""
        return self.start <= 0 and self.stage in ("started", "in_guarantee", "guarantee_completed")


class World:
    """Tables and chance."""

    def __init__(self, seed: int = 20) -> None:
        self.random = random.Random(seed)
        self.tables: dict[str, list[dict[str, Any]]] = {}
        self.clients: list[Client] = []
        self.candidates: list[Candidate] = []
        self.jobs: list[Job] = []
        self.placements: list[Placement] = []
        self.events: list[dict[str, Any]] = []

    def add(self, table: str, **row: Any) -> dict[str, Any]:
        """A new row; empty values are left out."""
        rows = self.tables.setdefault(table, [])
        rows.append({"key": f"{table}-{len(rows) + 1}", **row})
        return rows[-1]

    def rows(self, table: str) -> list[dict[str, Any]]:
        return self.tables.setdefault(table, [])

    def maybe(self, chance: float) -> bool:
        return self.random.random() < chance

    def pick(self, choices: Any) -> Any:
        return self.random.choice(choices)

    def between(self, low: int, high: int) -> int:
        return self.random.randint(low, max(low, high))

    def weighted(self, choices: dict[str, int]) -> str:
        return self.random.choices(list(choices), list(choices.values()))[0]

    def happened(self, offset: int, hour: int, kind: str, subject: str, user: str, *about: str, **more: Any) -> None:
        """Something that people did; it becomes an activity."""
        self.events.append(
            {
                "day": offset,
                "hour": hour,
                "minute": self.between(0, 11) * 5,
                "kind": kind,
                "subject": subject,
                "user": user,
                "about": about,
                **more,
            }
        )

    def files(self) -> dict[str, str]:
        """The finished CSV files by name."""
        return {f"{name}.csv": _csv(rows) for name, rows in sorted(self.tables.items()) if rows}


def _csv(rows: list[dict[str, Any]]) -> str:
    columns = list(dict.fromkeys(column for row in rows for column in row))
    columns = [column for column in columns if any(row.get(column) not in (None, "") for row in rows)]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_cell(row.get(column)) for column in columns])
    return out.getvalue()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (list, tuple)):
        return "|".join(str(part) for part in value)
    return str(value)
