"""The pack fits into the set that it joins: everything it names exists, and its names are free."""

from __future__ import annotations

from collections.abc import Iterator

from xrm_core.definitions.checks import check as check_set
from xrm_core.kernel.problem import Problem
from xrm_core.packs.files import place
from xrm_core.packs.rules.base import PackSubject


def check(subject: PackSubject) -> Iterator[Problem]:
    """The problems of the joined set that were not there before, and definitions that belong to another pack."""
    contents, base = subject.contents, subject.base
    for kind, nodes in (("module", contents.modules), ("role", contents.roles)):
        taken = {node.id for node in (base.modules if kind == "module" else base.roles)}
        for node in nodes:
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
    before = set(check_set(base)) if base.modules or base.roles else set()
    for problem in check_set(subject.joined):
        if problem not in before:
            yield contents.located(problem)
