"""Every ordered pair of field types: the review's counts are what happens, and going back restores every stored value."""

from __future__ import annotations

import os
import random
from typing import Any

import pytest

from tests.contracts.field_variants import VARIANTS
from tests.publishing.conftest import Place
from xrm_core.definitions import edit
from xrm_core.definitions.collection import DefinitionSet, body
from xrm_core.definitions.module import Module
from xrm_core.definitions.reading import read
from xrm_core.fields import Field, ParseContext, Rejected, field_adapter

SEEDS = range(8) if os.environ.get("XRM_TEST_ALL") == "1" else range(1)
RECORDS = 12
CONTEXT = ParseContext(zone="Europe/Berlin")
# What is typed into one field and makes sense in another.
TEXTS = [
    "new", "In Prüfung", "2026-03-31", "31.3.2026", "12", "12.50", "1,250.00 EUR", "yes", "0", "+44 20 7946 0000", "5",
    "ada@example.org", "https://example.org", "Ada Lovelace", "5 days", "new; in_review", "0192d3a0-0000-7000-8000-0000000000aa",
    '{"a": 1}', "2026-03-31 14:30", "1 High Street, Anytown", "80 EUR per day", "x" * 300, "2026-01-01 – 2026-02-01",
]  # fmt: skip


def settings(type_: str, chance: random.Random) -> dict[str, Any]:
    return chance.choice([v for v in VARIANTS[type_][0] if "default" not in v and not v.get("required")])


def a_field(type_: str, name: str, chance: random.Random) -> Field:
    return field_adapter.validate_python(
        {**settings(type_, chance), "type": type_, "name": name, "label": name.title()}
    )


def value_of(field: Field, chance: random.Random) -> Any:
    """A stored value of a field, or None."""
    for _ in range(20):
        raw = chance.choice([*VARIANTS[field.type][1], *TEXTS, field.example()])
        for parse in (field.parse, field.parse_text):
            try:
                found = parse(raw, CONTEXT) if parse == field.parse or isinstance(raw, str) else None
            except Rejected:
                continue
            if found is not None:
                return found
    return None


STORED = [type_ for type_ in VARIANTS if not a_field(type_, "x", random.Random(0)).computed]


@pytest.mark.parametrize("seed", SEEDS)
async def test_counts_are_what_happens_and_back_restores_everything(place: Place, seed: int) -> None:
    chance = random.Random(seed)
    pairs = [(source, target) for source in STORED for target in STORED if source != target]
    sources = {f"f{n}": a_field(pair[0], f"f{n}", chance) for n, pair in enumerate(pairs)}
    module = {"name": "things", "label": "Thing", "label_plural": "Things", "title": "{{ id }}"}
    first = {**module, "fields": [body(field) for field in sources.values()]}
    await place.publish(lambda old: edit.add_module(old, first))
    for _ in range(RECORDS):
        data = {key: value_of(field, chance) for key, field in sources.items() if chance.random() < 0.8}
        texts = {key: value for key, value in data.items() if sources[key].beside and value is not None}
        await place.insert("things", {k: v for k, v in data.items() if not sources[k].beside and v is not None}, texts)
    before = await place.stored("things")
    number, start = await place.live()

    def retyped(old: DefinitionSet) -> DefinitionSet:
        fields = [
            {**body(a_field(pair[1], f"f{n}", chance)), "id": f"f{n}"} for n, pair in enumerate(pairs)
        ]  # fmt: skip
        return old.with_module(read(Module, {**body(old.by_id["things"]), "fields": fields}))

    made, _ = await place.publish(retyped)
    _, now = await place.live()
    fields = {f.name: f for f in now.by_id["things"].fields if not f.archived}
    after = await place.stored("things")
    converted = failed = 0
    for n, pair in enumerate(pairs):
        target = fields[f"f{n}"]
        review = made.details[f"module/things/fields/{target.id}"]["takes_over"]
        there = sum(f"f{n}" in data or f"f{n}" in texts for data, texts in before.values())
        values = [
            texts[target.id] if target.id in texts else data[target.id]
            for data, texts in after.values()
            if target.id in data or target.id in texts
        ]
        assert review["records"] == there and review["exact"], (pair, review)
        assert review["fits"] == len(values), (pair, review, values)
        assert review["fails"] + review["empty"] == there - len(values)
        for value in values:
            assert target.parse(value, CONTEXT) == value, (pair, value)
        converted, failed = converted + len(values), failed + review["fails"]
    assert converted > 500 and failed > 500
    # Not a single old value has moved.
    for key, (data, texts) in before.items():
        assert {k: v for k, v in after[key][0].items() if k in data} == data
        assert {k: v for k, v in after[key][1].items() if k in texts} == texts
    await place.back(number)
    restored = await place.stored("things")
    _, again = await place.live()
    assert again.hash == start.hash
    known = {f.id for f in start.by_id["things"].fields}
    for key, (data, texts) in before.items():
        assert {k: v for k, v in restored[key][0].items() if k in known} == data
        assert {k: v for k, v in restored[key][1].items() if k in known} == texts
