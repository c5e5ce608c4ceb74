"""Parsing a record of 25 fields takes microseconds; the limit is wide for the sake of busy machines."""

from __future__ import annotations

import time

from tests.fields.shared import HERE, make

RECORD = [
    (make("person_name"), {"first": "Erika", "last": "Mustermann"}),
    (make("email"), "erika@example.org"),
    (make("phone"), "+442079460000"),
    (make("url"), "https://www.example.org/about"),
    (make("address"), {"street": "Hauptstraße 5", "postcode": "10827", "city": "Berlin", "country": "DE"}),
    (make("money"), {"amount": "12000.00", "currency": "EUR"}),
    (make("money_rate"), {"amount": "60000.00", "currency": "EUR", "per": "year"}),
    (make("multi_select", open=True), ["Python", "SQL", "Go"]),
    (make("select", options=[{"name": "new", "label": "New"}]), "new"),
    (make("duration"), {"value": 90, "unit": "days"}),
    (make("datetime"), "2026-03-31T14:30:00Z"),
    (make("percent"), "22.50"),
    *[(make("date"), "2026-03-31")] * 3,
    *[(make("integer"), 5)] * 3,
    *[(make("boolean"), True)] * 2,
    *[(make("text"), "Senior accountant")] * 5,
]


def test_a_record_is_parsed_quickly() -> None:
    assert len(RECORD) == 25
    best = float("inf")
    for _ in range(40):
        before = time.perf_counter()
        for _ in range(20):
            for field, raw in RECORD:
                field.parse(raw, HERE)
        best = min(best, (time.perf_counter() - before) / 20)
    assert best < 250e-6, f"{best * 1e6:.0f} µs"
