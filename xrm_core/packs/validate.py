"""Checking a pack: the same for `xrm pack check` and for an installation."""

from __future__ import annotations

from pathlib import Path

from xrm_core import __version__
from xrm_core.definitions.collection import DefinitionSet
from xrm_core.kernel.problem import Problem
from xrm_core.packs.joining import joined
from xrm_core.packs.layout import PackContents
from xrm_core.packs.read import read_pack
from xrm_core.packs.rules import PACK_RULES, PackSubject


def validate(contents: PackContents, base: DefinitionSet | None = None) -> list[Problem]:
    """Every problem of a pack, alone or on its way into a set; places are `file#/pointer`."""
    into = base if base is not None else DefinitionSet()
    subject = PackSubject(contents, into, joined(into, contents), __version__)
    return list(dict.fromkeys(problem for rule in PACK_RULES for problem in rule(subject)))


def check_folder(root: Path, base: DefinitionSet | None = None) -> tuple[PackContents | None, list[Problem]]:
    """The pack in a folder and every problem of it."""
    contents, problems = read_pack(root)
    if contents is None:
        return None, problems
    # What could not be read is missing for the rest: its consequences would only hide the cause.
    return contents, problems or validate(contents, base)
