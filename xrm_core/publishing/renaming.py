"""Names that records store (options and stages) do not change under the records that have them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from xrm_core.definitions.diff import Change
from xrm_core.kernel.problem import Problem

StoredName = tuple[str, str, str]
"""(module id, field id or "stage", name): what a record stores."""


def stored_names(
    changes: Iterable[Change], concerned: Mapping[str, int], converted: Collection[StoredName] = ()
) -> list[Problem]:
    """Problems of changes that would leave records with an option or stage that does not exist.

    What is `converted` along with the change leaves none.
    """
    problems: list[Problem] = []
    for change in changes:
        count = concerned.get(change.path, 0)
        parts = change.parts
        if not count or len(parts) < 6 or parts[4] not in ("options", "stages"):
            continue
        what = "option" if parts[4] == "options" else "stage"
        name = change.before.get("name", parts[5]) if isinstance(change.before, dict) else str(change.before)
        if (parts[1], parts[3] if what == "option" else "stage", name) in converted:
            continue
        if len(parts) == 7 and parts[6] == "name":
            problems.append(
                Problem(
                    "in_use",
                    f"/{change.path}",
                    f"{count} records have the {what} '{change.before}', whose name is what they store.",
                    "Change its label instead; that is what people see.",
                )
            )
        elif len(parts) == 6 and change.kind == "removed" and what == "stage":
            problems.append(
                Problem(
                    "in_use",
                    f"/{change.path}",
                    f"{count} records are in the stage '{parts[5]}'.",
                    "Archive the stage instead, or move the records first.",
                )
            )
    return problems
