"""Conditions of automations in words."""

from __future__ import annotations

import pytest

from tests.automation.conftest import Make
from xrm_core.automation.in_words import in_words
from xrm_core.automation.telling import tell_of
from xrm_core.kernel.actor import SYSTEM

SAID = (
    ("stage in ['open', 'running']", "stage is Open or Running", "Stufe ist Open oder Running"),
    ("stage not in ['open', 'full']", "stage is neither Open nor Full", "Stufe ist weder Open noch Full"),
    ("stage != 'lost' and seats > 3", "stage is not Lost and Seats is more than 3", "Stufe ist nicht Lost und Seats ist größer als 3"),
    ("members_count >= seats", "Taken is at least Seats", "Taken ist mindestens Seats"),
    ("starts_on < today() - days(60)", "Starts on is more than 60 days ago", "Starts on liegt mehr als 60 Tage zurück"),
    ("meets_at >= now() + hours(2)", "Meets at is at least 2 hours ahead", "Meets at liegt mindestens 2 Stunden voraus"),
    ("starts_on == today() - days(7)", "Starts on is 7 days ago", "Starts on ist vor 7 Tagen"),
    ("starts_on <= created_at", "Starts on is not after created", "Starts on ist nicht nach angelegt"),
    ("active != true or is_empty(mail)", "Active is no or Mail is empty", "Active ist nein oder Mail ist leer"),
    ("note == none and active", "Note is empty and Active is yes", "Note ist leer und Active ist ja"),
    (
        "none(bookings, cancelled and who == 'Ann') and client.opted_out == false",
        "there are no Bookings for which Cancelled is yes and Who is “Ann” and Client → Opted out is no",
        "es gibt keine Bookings, für die gilt: Cancelled ist ja und Who ist „Ann“ und Client → Opted out ist nein",
    ),
    ("any(bookings)", "there are Bookings", "es gibt Bookings"),
    ("contains(note, 'urgent')", "Note contains “urgent”", "Note enthält „urgent“"),
    ("count(bookings) == 2 and owner == me", "the number of Bookings is 2 and owner is me", "die Zahl der Bookings ist 2 und Besitzer ist ich"),
    ("not (active and seats == 1)", "not (Active is yes and Seats is 1)", "nicht (Active ist ja und Seats ist 1)"),
    ("(", "(", "("),
    ("length(name) > 3", "length(name) is more than 3", "length(name) ist größer als 3"),
    ("nothing_known == 'x'", "nothing known is “x”", "nothing known ist „x“"),
)  # fmt: skip


async def test_conditions_read_as_words(bureau: Make) -> None:
    house = await bureau()
    async with house.units.begin(house.workspace, SYSTEM) as unit:
        catalog = unit.catalog
    module = catalog.find("projects")
    for text, english, german in SAID:
        assert in_words(catalog, module, text, "en") == english
        assert in_words(catalog, module, text, "de") == german
    assert in_words(catalog, None, "stage == 'open'", "en") == "stage == 'open'"
    assert tell_of(catalog, "projects", "en").condition("active") == "Active is yes"


@pytest.mark.parametrize("text", ["", "'" * 50, "a.b.c.d == e.f", "before.stage == 'open'", "any(clients.x, y)", "1 + 1", "me"])
async def test_nothing_that_is_typed_breaks_it(bureau: Make, text: str) -> None:
    house = await bureau()
    async with house.units.begin(house.workspace, SYSTEM) as unit:
        assert isinstance(in_words(unit.catalog, unit.catalog.find("projects"), text, "de"), str)
