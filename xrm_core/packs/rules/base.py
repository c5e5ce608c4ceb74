"""What a pack rule is: a function from a pack's contents and the set it joins to problems."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from xrm_core.definitions.collection import DefinitionSet
from xrm_core.kernel.problem import Problem
from xrm_core.packs.layout import PackContents


@dataclass(frozen=True)
class PackSubject:
    """A pack, and the set of definitions that it would be installed into (empty for a check of the pack alone)."""

    contents: PackContents
    base: DefinitionSet
    joined: DefinitionSet
    core_version: str


PackRule = Callable[[PackSubject], Iterable[Problem]]
