"""Steps from record to record, and the paths that expressions read along them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from xrm_core.expressions.scope import Path, Symbol
from xrm_core.expressions.typed import Over, Read, Typed, parts
from xrm_core.kernel.kinds import Kind
from xrm_core.storage.model import CompiledLink, CompiledModule

HopKind = Literal["forward", "inverse", "many", "many_back"]


@dataclass(frozen=True, slots=True)
class Hop:
    """One step: along a many-to-one link (forward), against it (inverse), or over a many-to-many link either way."""

    kind: HopKind
    link: CompiledLink
    start: str
    """Module id of the records the step leaves."""
    ends: tuple[str, ...]
    """Module ids of the records it reaches."""

    @property
    def link_key(self) -> str:
        """The id under which many-to-many links are stored."""
        return link_key(self.link)


def link_key(link: CompiledLink) -> str:
    """The id of a link that is unique in the workspace."""
    return f"{link.module_id}.{link.id}"


@dataclass(frozen=True, slots=True)
class Reading:
    """One value that an expression reads: the steps to the record, and the key of the value there."""

    hops: tuple[Hop, ...]
    key: str

    @property
    def local(self) -> bool:
        return not self.hops


def hop_of(symbol: Symbol, start: str, modules: Mapping[str, CompiledModule]) -> Hop:
    """The step that a link symbol stands for, taken from a record of module `start`."""
    module_id, _, link_id = symbol.id.rpartition(".")
    if module_id:
        link = modules[module_id].links_by_id[link_id]
        return Hop("many_back" if link.many else "inverse", link, start, (module_id,))
    link = modules[start].links_by_id[symbol.id]
    return Hop("many" if link.many else "forward", link, start, link.targets)


def hops_of(path: Path, start: str, modules: Mapping[str, CompiledModule]) -> tuple[Hop, ...]:
    """The steps along a path that consists of links only."""
    found: list[Hop] = []
    here = start
    for symbol in path:
        hop = hop_of(symbol, here, modules)
        found.append(hop)
        here = hop.ends[0]
    return tuple(found)


def reading_of(path: Path, start: str, modules: Mapping[str, CompiledModule]) -> Reading:
    """What a path reads; attributes at its end belong to the value, a link at its end is read as the reference itself."""
    symbols = [symbol for symbol in path if symbol.kind != "attribute"]
    return Reading(hops_of(tuple(symbols[:-1]), start, modules), symbols[-1].id)


def readings(
    typed: Typed,
    start: str,
    modules: Mapping[str, CompiledModule],
    before: tuple[Hop, ...] = (),
    root: tuple[str, tuple[Hop, ...]] | None = None,
) -> Iterator[Reading]:
    """Everything that an expression over records of module `start` reads, also inside any(), sum() and the like.

    `root` is where the whole expression begins, if this is a part of it.
    """
    root = root or (start, before)
    if isinstance(typed, Read):
        if typed.root:
            start, before = root
        reading = reading_of(typed.path, start, modules)
        yield Reading(before + reading.hops, reading.key)
        return
    if isinstance(typed, Over):
        hops = hops_of(typed.path, start, modules)
        end = hops[-1].ends[0]
        # Whether there is a record at all depends on the links and on whether it is archived.
        yield Reading(before + hops, "archived_at")
        for part in parts(typed):
            yield from readings(part, end, modules, before + hops, root)
        return
    for part in parts(typed):
        yield from readings(part, start, modules, before, root)


@dataclass(frozen=True, slots=True)
class Source:
    """Where a value that an expression names is found: steps, key, and the part of the stored value that is meant."""

    ids: tuple[str, ...]
    hops: tuple[Hop, ...]
    key: str
    inside: tuple[str, ...]
    kind: Kind


def source_of(path: Path, start: str, modules: Mapping[str, CompiledModule]) -> Source:
    """The source of a `Read`, whose steps are all many-to-one."""
    reading = reading_of(path, start, modules)
    kind = path[-1].type.kind or Kind.TEXT
    ids = tuple(symbol.id for symbol in path)
    if path[-1].kind == "attribute":
        return Source(ids, reading.hops, reading.key, (path[-1].id,), kind)
    end = reading.hops[-1].ends[0] if reading.hops else start
    known = modules[end].fields_by_id.get(reading.key) if end in modules else None
    inside = known.definition.json_path if known is not None and not known.computed else ()
    return Source(ids, reading.hops, reading.key, inside, kind)


def sources(typed: Typed, start: str, modules: Mapping[str, CompiledModule]) -> Iterator[Source]:
    """The sources of everything an expression reads, except inside questions about lists of records."""
    if isinstance(typed, Read):
        yield source_of(typed.path, start, modules)
    elif not isinstance(typed, Over):
        for part in parts(typed):
            yield from sources(part, start, modules)
