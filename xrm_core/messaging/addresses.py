"""Mail addresses: one name, one address, nothing that could become a second header or a second recipient."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from email.headerregistry import Address
from typing import Any

from email_validator import EmailNotValidError, validate_email

from xrm_core.kernel.problem import Problem

LONGEST_NAME = 120
MOST = 100
_DECORATED = re.compile(r"\s*(?:\"?(?P<name>[^\"<>]*)\"?\s*)?<(?P<address>[^<>\s]+)>\s*")
_IN_NAMES = re.compile(r"[@<>;]|[\x00-\x1f\x7f\u2028\u2029]")


@dataclass(frozen=True, slots=True)
class Mailable:
    """Somebody who can be written to; the address is in lower case, its domain in ASCII."""

    address: str
    name: str = ""

    def header(self) -> Address:
        """As the email package writes it."""
        return Address(self.name, addr_spec=self.address)

    def as_dict(self, kind: str | None = None) -> dict[str, Any]:
        """As messages store it."""
        found = {"name": self.name, "address": self.address}
        return {**found, "kind": kind} if kind else found


def normal(address: str) -> str | None:
    """The one form of an address under which it is compared; None if it is none."""
    try:
        checked = validate_email(
            address.strip(), check_deliverability=False, globally_deliverable=False, test_environment=True
        )
    except (EmailNotValidError, ValueError):
        return None
    return f"{checked.local_part}@{checked.ascii_domain}".lower()


def parse(given: Any, place: str) -> tuple[Mailable | None, list[Problem]]:
    """Somebody from `name@example.org`, `Name <name@example.org>` or `{"name", "address"}`, or what is wrong."""
    name, address = "", given
    if isinstance(given, dict):
        name, address = given.get("name") or "", given.get("address")
    elif isinstance(given, str) and (match := _DECORATED.fullmatch(given)) is not None:
        name, address = match["name"] or "", match["address"]
    if not isinstance(address, str) or not isinstance(name, str) or len(address) > 320:
        return None, [Problem("address", place, "This is no mail address.", "Write it like name@example.org.")]
    name = unicodedata.normalize("NFC", name).strip()
    problems = []
    if len(name) > LONGEST_NAME or _IN_NAMES.search(name):
        message = "A name has no address, bracket, semicolon or line break in it."
        problems.append(Problem("name", place, message, f"At most {LONGEST_NAME} characters."))
    found = normal(address) if not re.search(r"[\s,;]", address.strip()) else None
    if found is None:
        problems.append(
            Problem("address", place, f"{address[:80]!r} is not one mail address.", "Write it like name@example.org.")
        )
    elif not found.isascii():
        problems.append(Problem("address", place, "The part before @ has letters that mail servers refuse."))
    return (Mailable(found, name), []) if found is not None and not problems else (None, problems)


def parse_all(given: Any, place: str) -> tuple[list[Mailable], list[Problem]]:
    """A list of people, each once, or everything that is wrong."""
    if given is None:
        return [], []
    if not isinstance(given, list) or len(given) > MOST:
        return [], [Problem("type", place, f"This is a list of at most {MOST} addresses.")]
    found: dict[str, Mailable] = {}
    problems: list[Problem] = []
    for index, one in enumerate(given):
        person, wrong = parse(one, f"{place}/{index}")
        problems += wrong
        if person is not None:
            found.setdefault(person.address, person)
    return list(found.values()), problems


def domain_of(address: str) -> str:
    """What stands after the @."""
    return address.rpartition("@")[2]
