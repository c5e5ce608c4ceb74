"""The engine and the other packs that a pack needs are there in a fitting version."""

from __future__ import annotations

from collections.abc import Iterator

from xrm_core.kernel.problem import Problem
from xrm_core.packs.files import place
from xrm_core.packs.layout import MANIFEST
from xrm_core.packs.rules.base import PackSubject
from xrm_core.packs.versions import in_range, is_range


def check(subject: PackSubject) -> Iterator[Problem]:
    """Problems of version ranges."""
    manifest = subject.contents.manifest
    if not is_range(manifest.core):
        yield Problem(
            "range",
            place(MANIFEST, "/core"),
            f"'{manifest.core}' is no range of versions.",
            "For example >=0.1 or >=1.0,<2.",
        )
    elif not in_range(subject.core_version, manifest.core):
        yield Problem(
            "version",
            place(MANIFEST, "/core"),
            f"The pack needs the engine {manifest.core}, this is {subject.core_version}.",
            "Upgrade the engine, or take another version of the pack.",
        )
    for name, wanted in manifest.requires.items():
        path = place(MANIFEST, f"/requires/{name}")
        if not is_range(wanted):
            yield Problem("range", path, f"'{wanted}' is no range of versions.", "For example >=1.0 or >=1.0,<2.")
            continue
        there = subject.base.packs.get(name)
        if name == manifest.name:
            yield Problem("cycle", path, "A pack cannot require itself.", "Remove it.")
        elif there is None:
            yield Problem(
                "missing_pack",
                path,
                f"The pack '{name}' ({wanted}) is needed and not installed.",
                f"Install {name} first.",
            )
        elif not in_range(there, wanted):
            yield Problem(
                "version",
                path,
                f"The pack '{name}' is needed in {wanted}, installed is {there}.",
                f"Upgrade {name} first.",
            )
