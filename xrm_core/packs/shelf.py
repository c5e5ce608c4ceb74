"""The packs at hand: those that came with the product, and those that somebody put beside them."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

from xrm_core.definitions.names import did_you_mean
from xrm_core.definitions.pack_contents import PackDefinition, composed
from xrm_core.kernel.errors import Invalid, NotFound
from xrm_core.kernel.problem import Problem
from xrm_core.packs.archive import unpack
from xrm_core.packs.layout import MANIFEST, PackContents
from xrm_core.packs.read import read_pack
from xrm_core.packs.validate import validate

GROUP = "xrm.packs"
"""The entry points by which installed distributions name a package whose folder is a pack, or holds packs."""


def distributed() -> dict[str, Path]:
    """The folders of packs that installed distributions bring."""
    found: dict[str, Path] = {}
    for entry in entry_points(group=GROUP):
        spec = find_spec(entry.module)
        for place in (spec.submodule_search_locations or []) if spec is not None else []:
            here = Path(place)
            if (here / MANIFEST).is_file():
                found[entry.name] = here
            elif here.is_dir():
                found |= {one.name: one for one in sorted(here.iterdir()) if (one / MANIFEST).is_file()}
    return found


def folders(shelves: Iterable[Path]) -> dict[str, Path]:
    """The folder of every pack by its name; of two with one name the later shelf's counts."""
    found: dict[str, Path] = distributed()
    for shelf in shelves:
        if shelf.is_dir():
            places = (place for place in sorted(shelf.iterdir()) if not place.name.startswith("."))
            found |= {place.name: place for place in places if (place / MANIFEST).is_file()}
    return found


def shelve(shelf: Path, data: bytes, others: Iterable[Path] = ()) -> PackContents:
    """Put a pack from a zip file on a shelf, in place of one of its name; `Invalid` with everything that is wrong.

    `others` are further shelves, on which packs may lie that it requires.
    """
    shelf.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=".new-", dir=shelf) as place:
        root = unpack(data, Path(place))
        found, problems = read_pack(root)
        if found is None or problems:
            raise Invalid(problems)
        _refuse_unsound(found, [*others, shelf])
        target = shelf / found.name
        if target.is_symlink() or (target.exists() and not (target / MANIFEST).is_file()):
            raise Invalid(Problem("taken", "", f"Something else is called {found.name} there.", "Rename the pack."))
        if target.exists():
            target.rename(Path(place) / ".old")
        root.rename(target)
    again, _ = read_pack(target)
    assert again is not None
    return again


def _refuse_unsound(pack: PackContents, shelves: list[Path]) -> None:
    """Raises Invalid for a pack that could never be installed beside what is at hand."""
    ring = _ring(pack, shelves)
    if ring:
        way = [*ring, ring[0]]
        said = " requires ".join(way)
        raise Invalid(Problem("cycle", f"{MANIFEST}#/requires/{way[1]}", f"{said}: none could be installed first."))
    known = folders(shelves)
    if all(name in known for name in pack.manifest.requires):
        needed = [one for one in with_required(shelves, pack) if one.name != pack.name]
        problems = validate(pack, composed(needed) if needed else None)
        if problems:
            raise Invalid(problems)


def _ring(pack: PackContents, shelves: list[Path]) -> list[str]:
    """The packs that lead from this one back to it, if there are any."""
    known = folders(shelves)
    waiting = [[pack.name, name] for name in pack.manifest.requires]
    seen: set[str] = set()
    while waiting:
        way = waiting.pop()
        if way[-1] == pack.name:
            return way[:-1]
        if way[-1] in seen or way[-1] not in known:
            continue
        seen.add(way[-1])
        found, _ = read_pack(known[way[-1]])
        waiting += [[*way, name] for name in (found.manifest.requires if found is not None else ())]
    return []


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


def with_required(shelves: Iterable[Path], pack: PackContents) -> list[PackDefinition]:
    """A pack and those that it requires, from the shelves."""
    shelves = list(shelves)
    found = {pack.name: pack.definition}
    waiting = list(pack.manifest.requires)
    while waiting:
        name = waiting.pop()
        if name not in found:
            other = contents(shelves, name)
            found[name] = other.definition
            waiting += other.manifest.requires
    return list(found.values())
