"""Names: the closest existing one for a hint, and a free one for a new node."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Collection, Iterable

LONGEST_NAME = 48
_SPELLED = str.maketrans({"æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th"})


def closest(name: str, choices: Iterable[str]) -> str | None:
    """The choice that looks most like `name`, None if none does."""
    found = difflib.get_close_matches(name, list(choices), n=1, cutoff=0.6)
    return found[0] if found else None


def did_you_mean(name: str, choices: Iterable[str]) -> str:
    """A hint that names the closest choice, else the first few choices."""
    known = sorted(set(choices))
    best = closest(name, known)
    if best is not None:
        return f"Did you mean '{best}'?"
    if not known:
        return ""
    return "Known: " + ", ".join(known[:12]) + (", …" if len(known) > 12 else "") + "."


def name_from(label: str) -> str:
    """A snake_case name made from a label: "First aid (2)" becomes "first_aid_2"."""
    spelled = label.casefold().translate(_SPELLED)
    plain = "".join(c for c in unicodedata.normalize("NFKD", spelled) if not unicodedata.combining(c))
    words = re.findall(r"[a-z0-9]+", plain)
    name = "_".join(words)[:LONGEST_NAME].rstrip("_")
    if not name:
        return "item"
    return name if name[0].isalpha() else f"n_{name}"[:LONGEST_NAME]


def free_name(wanted: str, taken: Collection[str]) -> str:
    """`wanted`, or `wanted_2`, `wanted_3` and so on when it is taken."""
    if wanted not in taken:
        return wanted
    number = 2
    while True:
        ending = f"_{number}"
        name = wanted[: LONGEST_NAME - len(ending)] + ending
        if name not in taken:
            return name
        number += 1
