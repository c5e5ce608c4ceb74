"""What uses a field, link, module or stage: everything that would follow if it had another name."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from xrm_core.definitions.collection import DefinitionSet
from xrm_core.definitions.diff import diff
from xrm_core.definitions.rewrite import follow_renames
from xrm_core.kernel.problem import Problem

_LISTS = {
    "fields",
    "links",
    "pipelines",
    "stages",
    "rules",
    "views",
    "guest_pages",
    "panels",
    "sections",
    "variants",
    "options",
    "attributes",
    "reasons",
}


@dataclass(frozen=True, slots=True)
class Use:
    """A place that mentions something: the path of the setting, in ids, and what is written there."""

    path: str
    kind: str
    text: str

    def as_dict(self) -> dict[str, str]:
        """Plain JSON data."""
        return {"path": self.path, "kind": self.kind, "text": self.text}


Place = tuple[str, str, str]
"""(module id, "fields" or "links", id) of a field or link; (module id, "", "") of a module."""
_MARK = re.compile(r"zq(\d+)qz")


def uses(definitions: DefinitionSet, module_id: str, part: str = "", node_id: str = "") -> list[Use]:
    """Every mention of a module, or of one of its fields or links."""
    place = (module_id, part, node_id)
    return uses_of(definitions, [place])[place]


def uses_of(definitions: DefinitionSet, places: Iterable[Place]) -> dict[Place, list[Use]]:
    """Every mention of these modules, fields and links.

    Found by giving each another name in thought: where that would be written is where it is used.
    """
    wanted = list(dict.fromkeys(places))
    found: dict[Place, list[Use]] = {place: [] for place in wanted}
    names = {place: f"zq{number}qz" for number, place in enumerate(wanted)}
    modules = []
    for module in definitions.modules:
        changes: dict[str, Any] = {}
        if (module.id, "", "") in names:
            changes["name"] = names[module.id, "", ""]
        for part in ("fields", "links"):
            nodes: tuple[Any, ...] = getattr(module, part)
            renamed = tuple(
                node.model_copy(update={"name": names[module.id, part, node.id]})
                if (module.id, part, node.id) in names and not node.archived
                else node
                for node in nodes
            )
            if renamed != nodes:
                changes[part] = renamed
        modules.append(module.model_copy(update=changes) if changes else module)
    own = {"/".join(("module", *(part for part in place if part), "name")) for place in wanted}
    for change in diff(definitions, follow_renames(definitions, definitions.having(modules=tuple(modules)))):
        if change.path in own:
            continue
        written = json.dumps([change.path, change.after], ensure_ascii=False)
        for number in dict.fromkeys(_MARK.findall(written)):
            place = wanted[int(number)]
            path = _MARK.sub(lambda m: _name(definitions, wanted[int(m[1])]), change.path)
            text = _shown(change.before) if change.before is not None else _name(definitions, place)
            found[place].append(Use(path, _kind(change.parts), text))
    return found


def _name(definitions: DefinitionSet, place: Place) -> str:
    module = definitions.by_id[place[0]]
    nodes: tuple[Any, ...] = getattr(module, place[1]) if place[1] else ()
    return next((str(node.name) for node in nodes if node.id == place[2]), module.name)


def _kind(parts: list[str]) -> str:
    if parts[0] != "module":
        return parts[0]
    words = {
        "fields": "field", "links": "link", "rules": "rule", "views": "view", "guest_pages": "guest_page", "layout": "layout", "panels": "panel",
        "pipelines": "pipeline", "title": "title", "subtitle": "title", "task": "task", "event": "event",
        "reachable": "reachable",
    }  # fmt: skip
    kind = words.get(parts[2], "module") if len(parts) > 2 else "module"
    if kind == "field" and len(parts) > 4:
        return {"formula": "formula", "link": "rollup", "where": "rollup", "order_by": "rollup"}.get(parts[4], "field")
    return kind


def _shown(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return ", ".join(str(item) for item in value)[:300]
    return str(value)[:300]


def located(definitions: DefinitionSet, problem: Problem) -> dict[str, str]:
    """A problem as JSON, with the definition it is about (a path of ids) and the setting in it, for forms."""
    found = problem.as_dict()
    node, setting = place_of(definitions, problem.path)
    if node:
        found |= {"node": node, "setting": setting}
    return found


def place_of(definitions: DefinitionSet, path: str) -> tuple[str, str]:
    """(path of ids, rest) of a pointer such as `/modules/customers/fields/3/formula`; ("", "") where nothing is."""
    parts = [part.replace("~1", "/").replace("~0", "~") for part in path.split("/")[1:]]
    if len(parts) < 2 or parts[0].rstrip("s") not in ("module", "role", "automation", "mail_template"):
        return "", ""
    kind = parts[0].rstrip("s")
    nodes: tuple[Any, ...] = getattr(definitions, f"{kind}s")
    here: Any = next((n for n in nodes if n.name == parts[1] and not n.archived), None)
    here = here or next((n for n in nodes if parts[1] in (n.id, n.name)), None)
    if here is None:
        return "", ""
    way, index = [kind, here.id], 2
    while index < len(parts):
        if parts[index] == "layout":
            here, index = here.layout, index + 1
            way.append("layout")
            continue
        if parts[index] not in _LISTS or index + 1 >= len(parts):
            break
        members = getattr(here, parts[index], ())
        known = _member(members, parts[index + 1])
        if known is None:
            break
        way += [parts[index], known.id]
        here, index = known, index + 2
    return "/".join(way), "/".join(parts[index:])


def _member(members: Any, key: str) -> Any:
    if key.isdigit() and int(key) < len(members):
        found = members[int(key)]
        return found if hasattr(found, "id") else None
    return next((node for node in members if key in (getattr(node, "id", None), getattr(node, "name", None))), None)
