"""Layouts: sections, quick-create and facts name what the module has, each field in one place."""

from __future__ import annotations

from collections.abc import Iterator

from xrm_core.definitions.checks.base import Subject, at, missing
from xrm_core.definitions.module import Module
from xrm_core.kernel.problem import Problem


def check(subject: Subject) -> Iterator[Problem]:
    """All problems of layouts in the set."""
    for module in subject.modules():
        yield from _layout(subject, module)


def _layout(subject: Subject, module: Module) -> Iterator[Problem]:
    members = subject.directory.of(module)
    placed: dict[str, str] = {}
    for index, section in enumerate(module.layout.sections):
        for number, name in enumerate(section.fields):
            path = at(module, "layout", "sections", index, "fields", number)
            if name not in members:
                yield missing(subject, module, name, path)
            elif name in placed:
                yield Problem(
                    "duplicate", path, f"'{name}' is already in the section '{placed[name]}'.", "Show each field once."
                )
            else:
                placed[name] = section.name
    for number, name in enumerate(module.layout.facts):
        if name not in members:
            yield missing(subject, module, name, at(module, "layout", "facts", number))
    for number, name in enumerate(module.layout.quick_create):
        path = at(module, "layout", "quick_create", number)
        member = members.get(name)
        if member is None:
            yield missing(subject, module, name, path)
        elif member.kind == "inverse" or (member.field is not None and member.field.computed):
            yield Problem("not_writable", path, f"'{name}' cannot be entered.", "Take it out of quick_create.")
