"""Moving records through the stages of their pipeline."""

from __future__ import annotations

import difflib
from typing import Any
from uuid import UUID

from xrm_core.kernel.errors import Invalid
from xrm_core.kernel.labels import label_text
from xrm_core.kernel.problem import Problem
from xrm_core.records.inputs import Input, read_input
from xrm_core.records.prepare import parse_context
from xrm_core.records.unit import Unit
from xrm_core.records.write import Stored, change


async def move(
    unit: Unit,
    module_name: str,
    identifier: UUID,
    stage_name: str,
    *,
    reason: str | None = None,
    values: dict[str, Any] | None = None,
    expected_version: int | None = None,
) -> Stored:
    """Bring a record into a stage, together with the values that the stage needs; raises Invalid naming what is missing."""
    module = unit.module(module_name)
    rights = unit.policy.require(module.id, "edit")
    if module.pipeline is None:
        raise Invalid(Problem("no_pipeline", "/stage", f"{label_text(module.definition.label_plural)} have no stages."))
    stage = module.stages.get(stage_name) if isinstance(stage_name, str) else None
    if stage is None or stage.archived:
        known = [one.name for one in module.stages.values() if not one.archived]
        close = difflib.get_close_matches(str(stage_name), known, n=1)
        hint = f"Did you mean {close[0]!r}?" if close else f"Stages: {', '.join(known)}."
        raise Invalid(Problem("unknown_stage", "/stage", f"There is no stage {str(stage_name)[:50]!r}.", hint))
    given = read_input(module, values, parse_context(unit), rights, by_system=unit.actor.is_engine) if values else Input()
    given.stage = stage.name
    given.reason = reason
    return await change(unit, module, identifier, given, expected_version, "moved")
