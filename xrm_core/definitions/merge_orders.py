"""Merging two orders of things that are known by a key: what one side moved or put in stays where that side put it."""

from __future__ import annotations

from collections.abc import Sequence

from xrm_core.definitions.diff import longest_rising


def merge_orders(
    base: Sequence[str], theirs: Sequence[str], mine: Sequence[str], members: set[str]
) -> tuple[list[str], list[str]]:
    """The order of `members`, and which of them both sides moved to different places (mine counts for those)."""
    base, theirs, mine = ([key for key in keys if key in members] for keys in (base, theirs, mine))
    found, both = _combined(base, theirs, mine)
    if not both and any(
        _combined(base, *sides)[0] != found for sides in ((mine, theirs), (theirs, found), (mine, found))
    ):
        # The moves cannot be told apart: whose order counts is for somebody to say.
        both = sorted(_moved(base, theirs) | _moved(base, mine))
    return (_inserted(mine, theirs, set(theirs) - set(mine), set(mine) - set(theirs)) if both else found), both


def _combined(base: Sequence[str], theirs: Sequence[str], mine: Sequence[str]) -> tuple[list[str], list[str]]:
    shared = set(theirs) & set(mine)
    if [key for key in theirs if key in shared] == [key for key in mine if key in shared]:
        return _inserted(mine, theirs, set(theirs) - shared, set(mine) - shared), []
    moved_there, moved_here = _moved(base, theirs), _moved(base, mine)
    both = sorted(key for key in moved_there & moved_here if _before(theirs, key, shared) != _before(mine, key, shared))
    new_there = set(theirs) - set(base)
    place_there = (moved_there - moved_here) | (new_there - set(mine))
    placed_here = moved_here | (set(mine) - set(theirs))
    return _inserted([key for key in mine if key not in place_there], theirs, place_there, placed_here), both


def _moved(before: Sequence[str], after: Sequence[str]) -> set[str]:
    """The fewest members that must move to turn one order into the other."""
    left, right = [key for key in before if key in set(after)], [key for key in after if key in set(before)]
    if left == right:
        return set()
    rank = {key: number for number, key in enumerate(left)}
    stay = longest_rising([rank[key] for key in right])
    return {key for key in right if rank[key] not in stay}


def _before(order: Sequence[str], key: str, shared: set[str]) -> str:
    found = ""
    for other in order:
        if other == key:
            return found
        if other in shared:
            found = other
    return found


def _inserted(order: Sequence[str], other: Sequence[str], wanted: set[str], placed: set[str]) -> list[str]:
    """`order` with the wanted members of `other` put behind what stands in front of them there.

    `placed` are the members that the side of `order` put where they are.
    """
    found = list(order)
    present = set(found)
    front = ""
    # Where both sides put something into one gap, the names decide: neither side comes first because it is a side.
    for key in other:
        if key in wanted and key not in present:
            place = found.index(front) + 1 if front else 0
            while place < len(found) and found[place] in placed and found[place] < key:
                place += 1
            found.insert(place, key)
            present.add(key)
        if key in present and key not in placed:
            front = key
    return found
