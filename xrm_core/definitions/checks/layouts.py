"""Layouts: sections, quick-create and facts name what the module has, each field in one place."""

from __future__ import annotations

from collections.abc import Iterator

from xrm_core.definitions.checks.base import Subject, at, missing
from xrm_core.definitions.layout import Variant
from xrm_core.definitions.module import Module
from xrm_core.definitions.names import did_you_mean
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
    yield from _quick(subject, module, module.layout.quick_create, "layout", "quick_create")
    for index, variant in enumerate(module.layout.variants):
        yield from _variant(subject, module, index, variant)


def _variant(subject: Subject, module: Module, index: int, variant: Variant) -> Iterator[Problem]:
    here = ("layout", "variants", index)
    members = subject.directory.of(module)
    lists = [(("sections", n, "fields"), section.fields) for n, section in enumerate(variant.sections)]
    for key, names in (*lists, (("facts",), variant.facts), (("hidden",), variant.hidden)):
        for number, name in enumerate(names):
            if name not in members:
                yield missing(subject, module, name, at(module, *here, *key, number))
    for number, name in enumerate(variant.hidden):
        member = members.get(name)
        node = member.field or member.link if member is not None else None
        if node is not None and node.required and node.default is None:
            message = f"'{name}' has to be filled in: a form without it could not be saved."
            yield Problem("required", at(module, *here, "hidden", number), message, "Show it, or give it a default.")
    yield from _quick(subject, module, variant.quick_create, *here, "quick_create")
    roles = subject.roles()
    for number, role in enumerate(variant.roles):
        if role not in roles:
            path = at(module, *here, "roles", number)
            yield Problem("missing", path, f"There is no role '{role}'.", did_you_mean(role, roles))
    pipelines = {word for one in module.pipelines for word in (one.id, one.name)}
    for number, pipeline in enumerate(variant.pipelines):
        if pipeline not in pipelines:
            path = at(module, *here, "pipelines", number)
            yield Problem("missing", path, f"There is no pipeline '{pipeline}'.", did_you_mean(pipeline, pipelines))


def _quick(subject: Subject, module: Module, names: tuple[str, ...], *where: str | int) -> Iterator[Problem]:
    members = subject.directory.of(module)
    for number, name in enumerate(names):
        path = at(module, *where, number)
        member = members.get(name)
        if member is None:
            yield missing(subject, module, name, path)
        elif member.kind == "inverse" or (member.field is not None and member.field.computed):
            yield Problem("not_writable", path, f"'{name}' cannot be entered.", "Take it out of quick_create.")
