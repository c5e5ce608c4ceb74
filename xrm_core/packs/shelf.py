"""The packs at hand: those that came with the product, and those that somebody put beside them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from xrm_core.definitions.names import did_you_mean
from xrm_core.kernel.errors import Invalid, NotFound
from xrm_core.kernel.problem import Problem
from xrm_core.packs.layout import MANIFEST, PackContents
from xrm_core.packs.read import read_pack


def folders(shelves: Iterable[Path]) -> dict[str, Path]:
    """The folder of every pack by its name; of two with one name the later shelf's counts."""
    found: dict[str, Path] = {}
    for shelf in shelves:
        if shelf.is_dir():
            found |= {place.name: place for place in sorted(shelf.iterdir()) if (place / MANIFEST).is_file()}
    return found


def contents(shelves: Iterable[Path], name: str) -> PackContents:
    """What the pack of that name brings; raises NotFound, or Invalid with every problem of its files."""
    known = folders(shelves)
    if name not in known:
        raise NotFound(Problem("unknown_pack", "", f"There is no pack {name[:60]!r}.", did_you_mean(name, known)))
    found, problems = read_pack(known[name])
    if found is None or problems:
        raise Invalid(problems)
    return found


def everything(shelves: Iterable[Path]) -> list[PackContents]:
    """All packs that can be read, by name."""
    found = (read_pack(folder)[0] for _, folder in sorted(folders(shelves).items()))
    return [one for one in found if one is not None]
