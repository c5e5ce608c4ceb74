"""Layouts in the designer: that of the module and those of roles and pipelines; what stands where, and what is hidden."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from xrm_core.access.policy import BUILT_IN
from xrm_core.definitions.collection import DefinitionSet
from xrm_core.definitions.layout import Section, Variant
from xrm_core.definitions.module import Module
from xrm_core.definitions.names import free_name, name_from
from xrm_core.definitions.operations import Operation
from xrm_core.definitions.role import Role
from xrm_core.kernel.errors import NotFound
from xrm_core.kernel.labels import label_text
from xrm_core.kernel.problem import Problem
from xrm_core.web.views_design import Group, Part

HIDDEN = "hidden"
REST = "rest"
MARK = "/layout/variants/"
MakePart = Callable[[str, Any, int, str, str], Part]


def all_roles(definitions: DefinitionSet) -> tuple[Role, ...]:
    """The roles that people can have: those of every workspace and those of this one."""
    known = {role.name: role for role in BUILT_IN} | {role.name: role for role in definitions.roles if not role.archived}
    return tuple(known.values())


def role_choices(definitions: DefinitionSet, language: str) -> tuple[tuple[str, str], ...]:
    """Names and labels of the roles."""
    return tuple((role.name, label_text(role.label, language)) for role in all_roles(definitions))


def pipeline_choices(module: Module, language: str) -> tuple[tuple[str, str], ...]:
    """Ids and labels of the pipelines."""
    return tuple((one.id, label_text(one.label, language) if one.label else one.name) for one in module.pipelines)


def variant_of(module: Module, path: str) -> Variant | None:
    """The variant that a path leads to or into."""
    key = path.partition(MARK)[2].split("/")[0]
    return next((one for one in module.layout.variants if one.id == key), None) if key else None


def groups(module: Module, node: str, part: MakePart, words: tuple[str, str, str], language: str) -> tuple[Group, ...]:
    """All layouts, then the sections of the chosen one; `words` name the module's layout, the rest, and what is hidden."""
    root = f"module/{module.id}/layout"
    own = part(root, Variant(name="layout", label=words[0]), 0, "layout-list", "")
    parts = (
        part(f"{root}/variants/{one.id}", one, index, "users", ", ".join((*one.roles, *one.pipelines)))
        for index, one in enumerate(module.layout.variants)
    )
    found = [Group("", "", (own,)), Group("", f"{root}/variants", tuple(parts))]
    variant = variant_of(module, node)
    if variant is None:
        return tuple(found)
    nodes = {one.name: (kind, one) for kind in ("fields", "links") for one in getattr(module, kind) if not one.archived}
    base = f"{root}/variants/{variant.id}"

    def members(names: Sequence[str]) -> tuple[Part, ...]:
        there = [(name, *nodes[name]) for name in names if name in nodes]
        return tuple(
            part(f"module/{module.id}/{kind}/{one.id}", one, index, "link-2" if kind == "links" else "box", name)
            for index, (name, kind, one) in enumerate(there)
        )

    shown = variant.sections or module.layout.sections
    placed = {name for section in shown for name in section.fields}
    for section in shown:
        names = [name for name in section.fields if name not in variant.hidden]
        found.append(Group(label_text(section.label, language), f"{base}/sections/{section.id}", members(names)))
    rest = [name for name in nodes if name not in placed and name not in variant.hidden]
    found.append(Group(words[1], f"{base}/{REST}", members(rest)))
    found.append(Group(words[2], f"{base}/{HIDDEN}", members(variant.hidden)))
    return tuple(found)


def place(module: Module, name: str, where: str, index: int) -> list[Operation]:
    """The operation that puts a field or link into a section of a variant, out of all sections, or out of sight."""
    variant = variant_of(module, where)
    if variant is None:
        raise NotFound(Problem("missing", "/section", "There is no such layout."))
    shown = variant.sections or module.layout.sections
    names = {section.id: [other for other in section.fields if other != name] for section in shown}
    hidden = [other for other in variant.hidden if other != name]
    goal = where.rpartition("/")[2]
    if goal == HIDDEN:
        # Hidden ones keep their place in the section for the day they are shown again.
        hidden.insert(min(index, len(hidden)), name)
        return [_patch(module, variant, {"hidden": hidden})]
    if goal in names and "/sections/" in where:
        seen = [other for other in names[goal] if other not in hidden]
        before = seen[index] if index < len(seen) else None
        names[goal].insert(names[goal].index(before) if before is not None else len(names[goal]), name)
    elif goal != REST:
        raise NotFound(Problem("missing", "/section", "There is no such section."))
    changes: dict[str, Any] = {"hidden": hidden}
    if any(list(section.fields) != names[section.id] for section in shown):
        changes["sections"] = _sections(shown, names)
    return [_patch(module, variant, changes)]


def add_section(module: Module, node: str, label: str) -> list[Operation]:
    """The operation that gives a variant one more section."""
    variant = variant_of(module, node)
    if variant is None:
        raise NotFound(Problem("missing", "/node", "There is no such layout."))
    shown = variant.sections or module.layout.sections
    name = free_name(name_from(label), {section.name for section in shown})
    sections = [*_sections(shown, {}), {"name": name, "label": label, "fields": []}]
    return [_patch(module, variant, {"sections": sections})]


def _sections(shown: Sequence[Section], names: dict[str, list[str]]) -> list[dict[str, Any]]:
    return [{**one.model_dump(mode="json"), "fields": names.get(one.id, list(one.fields))} for one in shown]


def _patch(module: Module, variant: Variant, changes: dict[str, Any]) -> Operation:
    return {"op": "patch", "path": f"module/{module.id}{MARK}{variant.id}", "changes": changes}
