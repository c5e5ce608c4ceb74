"""Laws of packs over random work of an admin: what comes goes again, and the order does not matter."""

from __future__ import annotations

import os
from itertools import permutations
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.packs_life.edits import edited
from tests.packs_life.family import contents, events, fines, library
from xrm_core.definitions.collection import DefinitionSet
from xrm_core.definitions.merge import merge
from xrm_core.definitions.pack_contents import PackDefinition, composed

seeds, counts = st.integers(0, 10_000), st.integers(0, 6)
law = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    derandomize=os.environ.get("XRM_TEST_ALL") != "1",
)

with TemporaryDirectory() as _folder:
    LIBRARY, LATER, FINES, EVENTS = (
        contents(Path(_folder), files).definition for files in (library(), library("2.0.0"), fines(), events())
    )
BASE = composed([LIBRARY])


def put_in(live: DefinitionSet, pack: PackDefinition) -> DefinitionSet:
    return merge(BASE, composed([LIBRARY, pack]), live).definitions


def taken_out(live: DefinitionSet, pack: PackDefinition) -> DefinitionSet:
    return merge(composed([LIBRARY, pack]), BASE, live, gone="archive").definitions


@given(seeds, counts)
@law
def test_what_comes_goes_again(seed: int, count: int) -> None:
    live = edited(BASE, seed, count, "a")
    for pack in (FINES, EVENTS):
        back = taken_out(put_in(live, pack), pack)
        assert back.as_json() == live.as_json() and back.hash == live.hash and back.origins == live.origins


@given(seeds, counts)
@law
def test_any_order_gives_the_same_and_removing_one_leaves_the_other(seed: int, count: int) -> None:
    live = edited(BASE, seed, count, "a")
    found = set()
    for first, second in permutations((FINES, EVENTS)):
        both = put_in(put_in(live, first), second)
        found.add(both.hash)
        assert taken_out(both, first).as_json() == put_in(live, second).as_json()
    assert len(found) == 1


@given(seeds, counts)
@law
def test_an_upgrade_below_reaches_both_and_can_be_taken_back(seed: int, count: int) -> None:
    live = edited(put_in(put_in(BASE, FINES), EVENTS), seed, count, "a")
    after = merge(BASE, composed([LATER]), live)
    assert merge(after.definitions, live, after.definitions).definitions.hash == live.hash
    if not after.conflicts and not after.problems:
        books = after.definitions.by_id["books"]
        assert books.archived or {"isbn"} <= {field.id for field in books.fields}


def test_all_orders_of_what_is_composed_agree() -> None:
    assert len({composed(order).hash for order in permutations((LIBRARY, FINES, EVENTS))}) == 1
