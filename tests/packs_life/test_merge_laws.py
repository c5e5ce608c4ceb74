"""Laws of the three-way merge, over random bases and random edits on both sides."""

from __future__ import annotations

import os
import random
from typing import Any

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.definitions.sample import build
from tests.packs_life.edits import OTHERS, edited
from xrm_core.definitions.checks import check
from xrm_core.definitions.collection import DefinitionSet
from xrm_core.definitions.diff import Change, diff
from xrm_core.definitions.merge import merge
from xrm_core.definitions.merge_orders import merge_orders

seeds = st.integers(0, 10_000)
counts = st.integers(0, 7)
# The same examples in every run; XRM_TEST_ALL=1 looks for new ones.
law = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    derandomize=os.environ.get("XRM_TEST_ALL") != "1",
)
SAMPLE = build()


def _overlap(left: list[Change], right: list[Change]) -> bool:
    # A type and the settings that go with it are one property: whoever changes the type touches the whole field.
    here, there = ({change.path.removesuffix("/type") for change in part} for part in (left, right))
    return any(
        one == other or one.startswith(f"{other}/") or other.startswith(f"{one}/") for one in here for other in there
    )


def at(data: Any, path: str) -> Any:
    """The value at a path of a change, through lists by id."""
    kind, name, *rest = path.split("/")
    here = data.get(f"{kind}/{name}")
    for part in rest:
        if isinstance(here, list):
            here = next((node for node in here if node.get("id", node.get("name")) == part), None)
        else:
            here = here.get(part) if isinstance(here, dict) else None
    return here


@given(seeds, seeds, counts)
@law
def test_what_only_one_side_did_is_what_comes_out(first: int, second: int, count: int) -> None:
    base = edited(SAMPLE, first, 4, "b")
    changed = edited(base, second, count, "c")
    assert merge(base, base, changed).definitions == changed
    taken = merge(base, changed, base)
    assert taken.definitions.as_json() == changed.as_json() and taken.definitions.hash == changed.hash
    assert not taken.conflicts and not taken.problems


@given(seeds, seeds, seeds, counts, counts)
@example(0, 282, 7432, 1, 1)  # a field that is called like a setting
@example(6329, 1922, 1779, 5, 7)  # a right on a module that the other side archives
@example(3340, 7949, 2815, 4, 5)
@example(2201, 9325, 1033, 4, 1)  # a column that shows what the other side removes
@law
def test_edits_that_do_not_overlap_survive_in_either_order(first: int, one: int, two: int, n: int, m: int) -> None:
    base = edited(SAMPLE, first, 3, "b")
    theirs = edited(base, one, n, "t", OTHERS)
    mine = edited(base, two, m, "m", OTHERS)
    there, here = diff(base, theirs), diff(base, mine)
    if _overlap(there, here):
        return
    found = merge(base, theirs, mine)
    assert not found.conflicts
    if any(note.what in ("kept", "archived") for note in found.notes):
        return  # one side removed what the other began to use
    data = found.definitions.as_json()
    gone = {note.path for note in found.notes if note.what == "removed" and note.path.startswith("role/")}
    for side, changes in ((theirs, there), (mine, here)):
        whole = side.as_json()
        for change in changes:
            if change.kind == "removed":
                assert at(data, change.path) is None, change
            elif change.path in gone:
                # Rights on a module that the other side archives; nothing is lost without a word.
                assert any(c.path == f"module/{change.parts[3]}/archived" for c in (*there, *here)), change
            elif change.kind != "moved" and not _inside_removed(change):
                assert at(data, change.path) == at(whole, change.path), change
    turned = merge(base, mine, theirs)
    assert turned.definitions.as_json() == data


def _inside_removed(change: Change) -> bool:
    # A layout or column that names what the other side removed forgets it.
    return "layout" in change.parts or "columns" in change.parts


@given(seeds, seeds, seeds, counts, counts)
@law
def test_merging_again_changes_nothing(first: int, one: int, two: int, n: int, m: int) -> None:
    base = edited(SAMPLE, first, 3, "b")
    theirs, mine = edited(base, one, n, "t"), edited(base, two, m, "m")
    once = merge(base, theirs, mine)
    if any(conflict.clash == "moved" for conflict in once.conflicts):
        return
    again = merge(base, theirs, once.definitions)
    assert again.definitions.as_json() == once.definitions.as_json()
    assert merge(theirs, theirs, once.definitions).definitions == once.definitions


@given(seeds, seeds, seeds, counts, counts)
@law
def test_a_merged_set_is_right_or_says_what_is_wrong(first: int, one: int, two: int, n: int, m: int) -> None:
    base = edited(SAMPLE, first, 3, "b")
    theirs, mine = edited(base, one, n, "t"), edited(base, two, m, "m")
    found = merge(base, theirs, mine)
    assert set(check(found.definitions)) == set(found.problems)
    assert DefinitionSet.from_json(found.definitions.as_json()).as_json() == found.definitions.as_json()


@given(seeds, seeds, seeds, counts, counts)
@law
def test_going_back_restores_what_was(first: int, one: int, two: int, n: int, m: int) -> None:
    base = edited(SAMPLE, first, 3, "b")
    theirs, mine = edited(base, one, n, "t"), edited(base, two, m, "m")
    after = merge(base, theirs, mine).definitions
    assert merge(after, mine, after).definitions.hash == mine.hash


@given(st.randoms(use_true_random=False))
@settings(max_examples=400, deadline=None)
def test_orders_of_both_sides_are_kept_or_somebody_is_asked(chance: random.Random) -> None:
    base = list("abcdef")[: chance.randrange(7)]
    theirs, mine = _shuffled(base, chance, "t"), _shuffled(base, chance, "m")
    members = {key for key in (*theirs, *mine) if (key in theirs and key in mine) or key not in base}
    order, both = merge_orders(base, theirs, mine, members)
    assert sorted(order) == sorted(members)
    assert merge_orders(base, base, mine, set(mine)) == (mine, [])
    assert merge_orders(base, theirs, base, set(theirs)) == (theirs, [])
    if not both:
        assert merge_orders(base, mine, theirs, members)[0] == order
        again = {key for key in (*theirs, *order) if (key in theirs and key in order) or key not in base}
        assert merge_orders(base, theirs, order, again)[0] == order


def _shuffled(base: list[str], chance: random.Random, mark: str) -> list[str]:
    found = list(base)
    for step in range(chance.randrange(4)):
        what = chance.random()
        if what < 0.4:
            found.insert(chance.randrange(len(found) + 1), f"{chance.choice('ghijklm')}{mark}{step}")
        elif found and what < 0.7:
            found.remove(chance.choice(found))
        elif found:
            found.insert(chance.randrange(len(found)), found.pop(chance.randrange(len(found))))
    return found
