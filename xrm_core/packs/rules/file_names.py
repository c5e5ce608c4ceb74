"""Every file is called like the definition in it."""

from __future__ import annotations

from collections.abc import Iterator

from xrm_core.kernel.problem import Problem
from xrm_core.packs.files import place
from xrm_core.packs.rules.base import PackSubject


def check(subject: PackSubject) -> Iterator[Problem]:
    """A problem for every file with another name."""
    for key, file in subject.contents.files.items():
        name = key.rsplit("/", 1)[-1]
        stem = file.rsplit("/", 1)[-1].removesuffix(".json")
        if stem != name:
            yield Problem(
                "file_name",
                place(file, "/name"),
                f"The file is called '{stem}' and holds '{name}'.",
                f"Rename it to {name}.json.",
            )
