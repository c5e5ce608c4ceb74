"""Links: their targets exist, both sides have a name, and their settings do not contradict each other."""

from __future__ import annotations

from collections.abc import Iterator

from xrm_core.definitions.checks.base import Subject, at
from xrm_core.definitions.link import Link
from xrm_core.definitions.module import Module
from xrm_core.definitions.names import did_you_mean
from xrm_core.fields.base import RESERVED
from xrm_core.kernel.problem import Problem


def check(subject: Subject) -> Iterator[Problem]:
    """All problems of links in the set."""
    for module in subject.modules():
        for index, link in enumerate(module.links):
            if not link.archived:
                yield from _targets(subject, module, index, link)
                yield from _settings(module, index, link)
        yield from _owner(module)


def _targets(subject: Subject, module: Module, index: int, link: Link) -> Iterator[Problem]:
    names = subject.definitions.by_name
    for place, name in enumerate(link.to):
        path = at(module, "links", index, "to", place)
        target = names.get(name)
        if target is None:
            yield Problem("missing", path, f"There is no module '{name}'.", did_you_mean(name, names))
        elif target.archived:
            yield Problem(
                "archived", path, f"The module '{name}' is archived.", "Restore it, or archive this link too."
            )
        elif name in link.to[:place]:
            yield Problem("duplicate", path, f"'{name}' is named twice.", "Name each module once.")


def _settings(module: Module, index: int, link: Link) -> Iterator[Problem]:
    path = at(module, "links", index)
    if link.inverse is None and not link.polymorphic:
        yield Problem(
            "required",
            f"{path}/inverse",
            f"The link '{link.name}' needs a name for the other side.",
            'For example "inverse": {"name": "...", "label": "..."}.',
        )
    if link.inverse is not None and link.inverse.name in RESERVED:
        yield Problem(
            "reserved", f"{path}/inverse/name", f"'{link.inverse.name}' is a reserved word.", "Choose another name."
        )
    if link.attributes and not link.many:
        yield Problem(
            "contradiction",
            f"{path}/attributes",
            "Only a many-to-many link has attributes.",
            'Set "many": true, or make them fields of this module.',
        )
    for place, attribute in enumerate(link.attributes):
        if attribute.computed or attribute.beside:
            yield Problem(
                "contradiction",
                f"{path}/attributes/{place}",
                f"An attribute cannot be of the type {attribute.type}.",
                "Use a plain type.",
            )
    if link.many and link.unique:
        yield Problem(
            "contradiction", f"{path}/unique", "A many-to-many link cannot be unique.", "Leave out one of the two."
        )
    if link.many and link.owner:
        yield Problem("contradiction", f"{path}/owner", "A record has one owner, so a many-to-many link cannot be it.")
    if link.many and link.default is not None:
        yield Problem("contradiction", f"{path}/default", "A many-to-many link has no default.")


def _owner(module: Module) -> Iterator[Problem]:
    owners = [index for index, link in enumerate(module.links) if link.owner and not link.archived]
    if module.kind == "child" and not owners:
        yield Problem(
            "required",
            at(module, "links"),
            f"The child module '{module.name}' needs a link to the record that owns it.",
            'Set "owner": true on one link.',
        )
    for index in owners[1:]:
        yield Problem(
            "contradiction", at(module, "links", index, "owner"), "A module has at most one owner link.", "Keep one."
        )
