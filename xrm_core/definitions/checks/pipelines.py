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
