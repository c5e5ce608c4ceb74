"""Invented people: names, addresses, telephone lines, and the candidates of the agency."""

from __future__ import annotations

import re
import unicodedata

from tests.packs.recruiting_sample.agency_words import PROFESSIONS, SENIORITY
from tests.packs.recruiting_sample.people_words import CITIES, FIRST, HOMES, LAST, MAIL_DOMAINS, ORIGINS
from tests.packs.recruiting_sample.world import Candidate, World

COUNT = 800


class Persons:
    """Gives out names, mail addresses and telephone lines, each pair and line once."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.names: set[str] = set()
        self.mails: set[str] = set()
        self.lines: dict[str, list[int]] = {}

    def name(self, origin: str) -> tuple[str, str]:
        """A first and last name that nobody else has."""
        while True:
            first = self.world.pick(FIRST[origin][self.world.between(0, 1)])
            last = self.world.pick(LAST[origin])
            if f"{first} {last}" not in self.names:
                self.names.add(f"{first} {last}")
                return first, last

    def mail(self, first: str, last: str) -> str:
        """A private address at a domain that belongs to nobody."""
        ending = ""
        while True:
            address = f"{self.ascii(first)}.{self.ascii(last)}{ending}@{self.world.pick(MAIL_DOMAINS)}"
            if address not in self.mails:
                self.mails.add(address)
                return address
            ending = str(self.world.between(2, 99))

    def line(self, pattern: str) -> int:
        """A free line of a range of numbers that are kept out of use."""
        free = self.lines.get(pattern)
        if free is None:
            # Lines 100 to 199 are the switchboards of the clients.
            free = self.lines[pattern] = [number for number in range(1000) if not 100 <= number < 200]
            self.world.random.shuffle(free)
        return free.pop() if free else self.world.between(0, 999)

    def domain(self, company: str) -> str:
        """The web domain of a company, under the ending that no registry gives out."""
        return re.sub(r"[^a-z0-9]+", "-", self.ascii(company)) + ".example"

    @staticmethod
    def ascii(text: str) -> str:
        """Small letters without accents."""
        for letter, plain in (("ä", "ae"), ("ö", "oe"), ("ü", "ue"), ("ß", "ss"), ("ı", "i"), ("ł", "l"), ("'", "")):
            text = text.lower().replace(letter, plain)
        plain_text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
        return plain_text.replace(" ", "-")


def make_candidates(world: World, persons: Persons) -> None:
    """Who the candidates are; their rows are written when all that happened to them is known."""
    weights = [profession.weight for profession in PROFESSIONS]
    total = sum(weights)
    counts = [max(26, COUNT * weight // total) for weight in weights]
    counts[0] += COUNT - sum(counts)
    professions = [profession for profession, count in zip(PROFESSIONS, counts, strict=True) for _ in range(count)]
    world.random.shuffle(professions)
    for number, profession in enumerate(professions, 1):
        origin = world.pick(ORIGINS)
        first, last = persons.name(origin)
        city = {"gb": "London", "ie": "Dublin", "fr": "Paris"}.get(origin, "") if world.maybe(0.55) else ""
        city = city or world.pick(HOMES)
        country, phones, _ = CITIES[city]
        level = world.random.choices((0, 1, 2, 3, 4), (16, 36, 31, 11, 6))[0]
        years = SENIORITY[level][3] - 2 + world.between(0, 5)
        salary = round(profession.base * SENIORITY[level][2] * world.random.uniform(0.88, 1.12) * 2) * 500
        owner = profession.desk if world.maybe(0.86) else world.pick(("u-jonas", "u-amelie", "u-tomasz"))
        mail = persons.mail(first, last)
        phone = phones.format(persons.line(phones))
        world.candidates.append(
            Candidate(
                f"ca-{number:03d}",
                f"{first} {last}",
                origin,
                profession,
                level,
                years,
                city,
                country,
                salary,
                mail,
                phone,
                owner,
            )
        )
