"""Labels that are given by language are given in every language of the pack."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from xrm_core.definitions.collection import body
from xrm_core.kernel.problem import Problem
from xrm_core.packs.files import place
from xrm_core.packs.layout import MANIFEST
from xrm_core.packs.rules.base import PackSubject

_LABELS = frozenset({"label", "label_plural", "description", "help", "message"})

_FOREIGN = frozenset({"schema", "default", "requires"})
"""Values that are not definitions, whatever their keys are called."""


def check(subject: PackSubject) -> Iterator[Problem]:
    """A problem for every label that lacks one of the pack's languages."""
    contents = subject.contents
    languages = contents.manifest.languages
    yield from _walk(body(contents.manifest), MANIFEST, "", languages)
    for kind, nodes in (
        ("modules", contents.modules),
        ("roles", contents.roles),
        ("automations", contents.automations),
        ("mail_templates", contents.mail_templates),
    ):
        for node in nodes:
            for problem in _walk(body(node), "", f"/{kind}/{node.name}", languages):
                yield contents.located(problem)
    for extension in contents.extensions:
        file = contents.files[f"extension/{extension.module}"]
        yield from _walk(body(extension), file, "", languages)


def _walk(value: Any, file: str, path: str, languages: tuple[str, ...]) -> Iterator[Problem]:
    if isinstance(value, dict):
        for key, child in value.items():
            here = f"{path}/{key}"
            if key in _LABELS and isinstance(child, dict):
                lacking = [language for language in languages if not child.get(language)]
                if lacking:
                    where = place(file, here) if file else here
                    yield Problem(
                        "language",
                        where,
                        f"The text for {', '.join(lacking)} is missing.",
                        "Add it, or make the label one plain text.",
                    )
            elif key not in _FOREIGN:
                yield from _walk(child, file, here, languages)
    elif isinstance(value, list):
        for index, child in enumerate(value):
            yield from _walk(child, file, f"{path}/{index}", languages)
