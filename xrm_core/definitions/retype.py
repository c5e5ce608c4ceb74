"""Changes of a field's type: the new type gets a place of its own, and the old values stay where they are."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from xrm_core.definitions.collection import DefinitionSet
from xrm_core.definitions.link import Link
from xrm_core.definitions.module import Module
from xrm_core.definitions.names import free_name
from xrm_core.fields.base import Field, TakesFrom


def separate(base: DefinitionSet, wanted: DefinitionSet) -> DefinitionSet:
    """`wanted` with a new id for every field whose stored values mean something else than in `base`.

    The field as it was is kept as an archived one with its id and its values, so going back loses nothing; the new
    one says from which it takes its values over. The same goes for links that become one to many or many to one.
    """
    for module in wanted.modules:
        old = base.by_id.get(module.id)
        if old is None or old == module:
            continue
        changed = _module(old, module)
        if changed is not module:
            wanted = wanted.with_module(changed)
    return wanted


def stands_for(module: Module, node: Field | Link) -> Field | Link | None:
    """The archived field or link of a module whose values this one took over when its type changed."""
    source = node.takes_from.field if node.takes_from is not None else None
    nodes: tuple[Field | Link, ...] = (*module.fields, *module.links)
    return next((n for n in nodes if n.id == source and n.archived and n.name == node.name), None)


def _module(old: Module, module: Module) -> Module:
    taken = {node.id for part in (old, module) for node in (*part.fields, *part.links)}
    fields = _separated({f.id: f for f in old.fields}, module.fields, taken, _differs)
    links = _separated({k.id: k for k in old.links}, module.links, taken, lambda was, now: was.many != now.many)
    if len(fields) == len(module.fields) and len(links) == len(module.links):
        return module
    return module.model_copy(update={"fields": tuple(fields), "links": tuple(links)})


def _differs(was: Field, now: Field) -> bool:
    return not now.stores_like(was)


def _separated(before: dict[str, Any], nodes: Iterable[Any], taken: set[str], differs: Any) -> list[Any]:
    found = []
    for node in nodes:
        was = before.get(node.id)
        if was is None or not differs(was, node):
            found.append(node)
            continue
        key = free_name(re.sub(r"_\d+$", "", node.id), taken)
        taken.add(key)
        takes = _takes(was, node)
        found.append(was.model_copy(update={"archived": True, **_bare(was)}))
        found.append(node.model_copy(update={"id": key, "takes_from": takes}))
    return found


def _takes(was: Any, node: Any) -> TakesFrom | None:
    # What somebody says about the way the values are written is kept; whose values they are is clear.
    if node.takes_from is not None and (node.takes_from.expression or node.takes_from.field not in (None, was.id)):
        if was.takes_from != node.takes_from:
            return node.takes_from  # type: ignore[no-any-return]
    if getattr(node, "computed", False):
        return None
    said = {} if node.takes_from is None or node.takes_from == was.takes_from else node.takes_from.model_dump()
    return TakesFrom(**{**said, "field": was.id})


def _bare(was: Any) -> dict[str, Any]:
    # A link that is out of use has no name on the other side any more.
    return {"inverse": None} if isinstance(was, Link) else {}
