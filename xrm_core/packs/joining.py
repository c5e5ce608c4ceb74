"""Joining a pack to a set of definitions."""

from __future__ import annotations

from xrm_core.definitions.collection import DefinitionSet
from xrm_core.packs.layout import PackContents


def joined(definitions: DefinitionSet, contents: PackContents) -> DefinitionSet:
    """The set with everything of the pack in it, each definition with its origin."""
    found = definitions
    for module in contents.modules:
        found = found.with_module(module)
    for role in contents.roles:
        found = found.with_role(role)
    origins = {**found.origins}
    origins |= {f"module/{module.id}": contents.name for module in contents.modules}
    origins |= {f"role/{role.id}": contents.name for role in contents.roles}
    return found.having(origins=origins, packs={**found.packs, contents.name: contents.version})
