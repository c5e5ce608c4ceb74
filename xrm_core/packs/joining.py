"""Joining a pack to a set of definitions."""

from __future__ import annotations

from xrm_core.definitions.collection import DefinitionSet
from xrm_core.definitions.pack_contents import with_pack
from xrm_core.packs.layout import PackContents


def joined(definitions: DefinitionSet, contents: PackContents) -> DefinitionSet:
    """The set with everything of the pack in it, each node with its origin."""
    return with_pack(definitions, contents.definition)
