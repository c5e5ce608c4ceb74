"""Names: reserved words, names taken twice, ids taken twice."""

from __future__ import annotations

import keyword
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from xrm_core.definitions.checks.base import Subject, at
from xrm_core.definitions.module import Module
from xrm_core.fields.base import RESERVED
from xrm_core.kernel.problem import Problem, pointer

_WORDS = RESERVED | frozenset(keyword.kwlist)


def check(subject: Subject) -> Iterator[Problem]:
    """All problems of names in the set."""
    definitions = subject.definitions
    live = [(pointer("modules", m.name), m) for m in definitions.modules if not m.archived]
    yield from _twice(live, "name", "module")
    yield from _twice([(pointer("modules", m.name), m) for m in definitions.modules], "id", "module")
    yield from _twice([(pointer("roles", r.name), r) for r in definitions.roles if not r.archived], "name", "role")
    yield from _twice([(pointer("roles", r.name), r) for r in definitions.roles], "id", "role")
    yield from _twice([(pointer("automations", a.name), a) for a in definitions.automations], "id", "automation")
    templates = [(pointer("mail_templates", one.name), one) for one in definitions.mail_templates]
    yield from _twice([entry for entry in templates if not entry[1].archived], "name", "mail template")
    yield from _twice(templates, "id", "mail template")
    for module in subject.modules():
        yield from _module(subject, module)


def _module(subject: Subject, module: Module) -> Iterator[Problem]:
    if module.name in _WORDS:
        yield Problem("reserved", at(module, "name"), f"'{module.name}' is a reserved word.", "Choose another name.")
    for key, nodes in (("fields", module.fields), ("links", module.links)):
        for index, node in enumerate(nodes):
            if node.name in _WORDS and not node.archived:
                yield Problem(
                    "reserved",
                    at(module, key, index, "name"),
                    f"'{node.name}' is a reserved word.",
                    f"For example {node.name}_value.",
                )
    yield from _members(subject, module)
    # Fields and links share one document, so their ids share one space, archived ones included.
    shared: list[tuple[str, Any]] = [(at(module, "fields", i), f) for i, f in enumerate(module.fields)]
    shared += [(at(module, "links", i), link) for i, link in enumerate(module.links)]
    yield from _twice(shared, "id", "field or link")
    lists: tuple[tuple[str, Sequence[Any]], ...] = (
        ("pipelines", module.pipelines),
        ("rules", module.rules),
        ("views", module.views),
        ("guest_pages", module.guest_pages),
        ("panels", module.panels),
        ("layout/sections", module.layout.sections),
        ("layout/variants", module.layout.variants),
    )
    for key, parts in lists:
        places = [(at(module, *key.split("/"), i), part) for i, part in enumerate(parts)]
        what = key.rsplit("/", 1)[-1][:-1]
        yield from _twice(
            [(place, part) for place, part in places if not getattr(part, "archived", False)], "name", what
        )
        yield from _twice(places, "id", what)
    for index, pipeline in enumerate(module.pipelines):
        stages = [(at(module, "pipelines", index, "stages", i), stage) for i, stage in enumerate(pipeline.stages)]
        yield from _twice([(place, stage) for place, stage in stages if not stage.archived], "name", "stage")
        yield from _twice(stages, "id", "stage")
    for index, link in enumerate(module.links):
        attributes = [(at(module, "links", index, "attributes", i), node) for i, node in enumerate(link.attributes)]
        yield from _twice(attributes, "name", "attribute")


def _members(subject: Subject, module: Module) -> Iterator[Problem]:
    taken: dict[str, str] = {}
    for member in subject.directory.all(module):
        if member.kind == "system":
            taken[member.name] = "a system field"
            continue
        what = {"field": "a field", "link": "a link"}.get(
            member.kind
        ) or f"the other side of {member.module.name}.{member.link.name if member.link else ''}"
        if member.name not in taken:
            taken[member.name] = what
            continue
        if member.kind != "inverse" and member.name in _WORDS:
            continue
        yield Problem(
            "duplicate_name",
            _place(member.module, member.kind, member.id),
            f"'{member.name}' of {module.name} is both {taken[member.name]} and {what}.",
            "Give one of them another name.",
        )


def _place(module: Module, kind: str, id: str) -> str:
    nodes: Sequence[Any] = module.fields if kind == "field" else module.links
    # The last one of that id: of two equal ones the second is the one too many.
    index = max((i for i, node in enumerate(nodes) if node.id == id), default=0)
    ending = ("inverse", "name") if kind == "inverse" else ("name",)
    return at(module, "fields" if kind == "field" else "links", index, *ending)


def _twice(nodes: Iterable[tuple[str, Any]], key: str, what: str) -> Iterator[Problem]:
    seen: set[str] = set()
    for path, node in nodes:
        value = getattr(node, key)
        if value in seen:
            code = "duplicate_name" if key == "name" else "duplicate_id"
            words = "name" if key == "name" else "id"
            yield Problem(
                code, f"{path}/{key}", f"Another {what} has the {words} '{value}' already.", "Choose another one."
            )
        seen.add(value)
