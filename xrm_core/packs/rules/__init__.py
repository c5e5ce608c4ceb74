"""The rules of packs: one per file, all problems at once."""

from __future__ import annotations

from xrm_core.packs.rules import file_names, languages, references, requires, sample_data
from xrm_core.packs.rules.base import PackRule, PackSubject

PACK_RULES: tuple[PackRule, ...] = (
    requires.check,
    file_names.check,
    languages.check,
    references.check,
    sample_data.check,
)

__all__ = ["PACK_RULES", "PackRule", "PackSubject"]
