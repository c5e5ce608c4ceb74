"""What an expression depends on: the paths it reads, and whether it asks for the time or the actor."""

from __future__ import annotations

from dataclasses import dataclass

from xrm_core.expressions.typed import Apply, Over, Read, Typed, parts

IdPath = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reads:
    """All that an expression depends on."""

    paths: frozenset[IdPath]
    """(link, ..., field, attribute, ...) ids that are read; behind to-many links the links' ids come first."""
    over: frozenset[IdPath]
    """(link, ...) ids of the to-many links whose records are asked about."""
    uses_today: bool = False
    uses_now: bool = False
    uses_me: bool = False

    @property
    def constant(self) -> bool:
        """Whether the value is the same for every record."""
        return not self.paths and not self.over


def reads(typed: Typed) -> Reads:
    """What `typed` depends on."""
    paths: set[IdPath] = set()
    over: set[IdPath] = set()
    asked: set[str] = set()
    _collect(typed, (), paths, over, asked)
    return Reads(
        paths=frozenset(paths),
        over=frozenset(over),
        uses_today=bool(asked & {"today", "within"}),
        uses_now="now" in asked,
        uses_me="me" in asked,
    )


def _collect(node: Typed, before: IdPath, paths: set[IdPath], over: set[IdPath], asked: set[str]) -> None:
    if isinstance(node, Read):
        paths.add(node.ids if node.root else before + node.ids)
    elif isinstance(node, Apply):
        asked.add(node.function)
    elif isinstance(node, Over):
        over.add(before + node.ids)
        before = before + node.ids
    for part in parts(node):
        _collect(part, before, paths, over, asked)
