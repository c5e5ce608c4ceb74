"""Pipelines: stages that can be entered, and entry requirements that exist."""

from __future__ import annotations

from collections.abc import Iterator

from xrm_core.definitions.checks.base import Subject, at, missing
from xrm_core.definitions.module import Module
from xrm_core.definitions.names import did_you_mean
from xrm_core.definitions.pipeline import Pipeline
from xrm_core.kernel.problem import Problem, pointer


def check(subject: Subject) -> Iterator[Problem]:
    """All problems of pipelines in the set."""
    for module in subject.modules():
        yield from _together(module)
        for index, pipeline in enumerate(module.pipelines):
            yield from _pipeline(subject, module, pipeline, at(module, "pipelines", index))


def _pipeline(subject: Subject, module: Module, pipeline: Pipeline, path: str) -> Iterator[Problem]:
    names = {stage.name for stage in pipeline.stages if not stage.archived}
    if not names:
        yield Problem("required", f"{path}/stages", "A pipeline needs a stage that is not archived.", "Restore one.")
    members = subject.directory.of(module)
    for index, stage in enumerate(pipeline.stages):
        if stage.archived:
            continue
        place = path + pointer("stages", index)
        for number, name in enumerate(stage.requires):
            member = members.get(name)
            if member is None:
                yield missing(subject, module, name, f"{place}/requires/{number}")
            elif member.name == "stage":
                yield Problem("contradiction", f"{place}/requires/{number}", "A stage cannot require itself.")
        for number, name in enumerate(stage.moves_to or ()):
            if name not in names:
                yield Problem(
                    "missing", f"{place}/moves_to/{number}", f"There is no stage '{name}'.", did_you_mean(name, names)
                )
        seen: set[str] = set()
        for number, reason in enumerate(stage.reasons):
            if reason.name in seen:
                yield Problem(
                    "duplicate_name",
                    f"{place}/reasons/{number}/name",
                    f"The reason '{reason.name}' is listed twice.",
                    "Remove one.",
                )
            seen.add(reason.name)


def _together(module: Module) -> Iterator[Problem]:
    """One main pipeline; names of stages are told apart over all pipelines, since one column holds them."""
    mains = [index for index, pipeline in enumerate(module.pipelines) if pipeline.when is None]
    if module.pipelines and len(mains) != 1:
        place = at(module, "pipelines", mains[1] if mains else 0, "when")
        yield Problem(
            "required" if mains else "contradiction",
            place,
            "A module has one pipeline without a condition; the others say for which records they are.",
            'Give it a condition: "when": "...".' if mains else "Leave out the condition of the main one.",
        )
        return
    base = {stage.name for stage in module.pipelines[mains[0]].stages if not stage.archived} if mains else set()
    seen: dict[str, str] = {}
    for index, pipeline in enumerate(module.pipelines):
        for number, stage in enumerate(pipeline.stages):
            place = at(module, "pipelines", index, "stages", number)
            if seen.setdefault(stage.name, pipeline.name) != pipeline.name:
                yield Problem(
                    "duplicate_name",
                    f"{place}/name",
                    f"The pipeline '{seen[stage.name]}' has a stage '{stage.name}', too.",
                    "Choose another name.",
                )
            if stage.maps_to is not None and (stage.maps_to not in base or stage.maps_to == stage.name):
                hint = did_you_mean(stage.maps_to, base)
                message = f"The main pipeline has no other stage '{stage.maps_to}'."
                yield Problem("missing", f"{place}/maps_to", message, hint)
