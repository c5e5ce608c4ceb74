"""The pack fits into the set that it joins: everything it names exists, and its names are free."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from xrm_core.definitions.checks import check as check_set
from xrm_core.definitions.extension import Extension, nodes
from xrm_core.definitions.names import did_you_mean
from xrm_core.kernel.problem import Problem
from xrm_core.packs.files import place
from xrm_core.packs.rules.base import PackSubject


def check(subject: PackSubject) -> Iterator[Problem]:
    """The problems of the joined set that were not there before, and definitions that belong to another pack."""
    contents, base = subject.contents, subject.base
    kinds: tuple[tuple[str, Sequence[Any], Sequence[Any]], ...] = (
        ("module", contents.modules, base.modules),
        ("role", contents.roles, base.roles),
        ("automation", contents.automations, base.automations),
        ("mail_template", contents.mail_templates, base.mail_templates),
    )
    for kind, found, known in kinds:
        taken = {node.id for node in known}
        for node in found:
            origin = base.origins.get(f"{kind}/{node.id}", "")
            if node.id in taken and origin != contents.name:
                owner = f"the pack '{origin}'" if origin else "this workspace"
                file = contents.files.get(f"{kind}/{node.name}", "")
                yield Problem(
                    "taken",
                    place(file, "/name"),
                    f"There is already a {kind} '{node.name}' of {owner}.",
                    "Rename or remove one of them.",
                )
    for extension in contents.extensions:
        yield from _extension(subject, extension)
    before = set(check_set(base)) if base.modules or base.roles else set()
    for problem in check_set(subject.joined):
        if problem not in before:
            yield contents.located(problem)


def _extension(subject: PackSubject, extension: Extension) -> Iterator[Problem]:
    contents, base = subject.contents, subject.base
    file = contents.files.get(f"extension/{extension.module}", "")
    module = base.module(extension.module)
    if module is None:
        own = any(extension.module == node.name for node in contents.modules)
        yield Problem(
            "own_module" if own else "missing_module",
            place(file, "/module"),
            f"'{extension.module}' is a module of this pack itself."
            if own
            else f"There is no module '{extension.module}' to extend.",
            "Write it into the module's own file."
            if own
            else did_you_mean(extension.module, [m.name for m in base.modules]) or "Require the pack that brings it.",
        )
        return
    for name in extension.options:
        if not any(field.name == name and hasattr(field, "options") for field in module.fields):
            names = [field.name for field in module.fields if hasattr(field, "options")]
            yield Problem(
                "missing",
                place(file, f"/options/{name}"),
                f"{module.name} has no field with options called '{name}'.",
                did_you_mean(name, names),
            )
    for name in extension.stages:
        if not any(pipeline.name == name for pipeline in module.pipelines):
            yield Problem(
                "missing",
                place(file, f"/stages/{name}"),
                f"{module.name} has no pipeline '{name}'.",
                did_you_mean(name, [pipeline.name for pipeline in module.pipelines]),
            )
    for path, name in nodes(extension):
        origin = base.origins.get(f"module/{module.id}/{path}")
        if origin is not None and origin != contents.name:
            yield Problem(
                "taken",
                place(file),
                f"The pack '{origin}' already adds '{name}' to {module.name}.",
                f"Only one of {origin} and {contents.name} can be installed, until one of them takes another name.",
            )
