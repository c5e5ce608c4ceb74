"""A record enters a stage, or leaves one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from pydantic import Field as Setting

from xrm_core.definitions.triggers.base import EventTrigger, Happening, StageNames, Tell, listed


class _OfStage(EventTrigger):
    stages: StageNames = Setting(min_length=1, max_length=50)

    def stages_named(self) -> Iterable[tuple[str, str]]:
        return ((f"/stages/{place}", name) for place, name in enumerate(self.stages))

    def _said(self, tell: Tell) -> str:
        return listed((tell.stage(name) for name in self.stages), tell)


class StageEntered(_OfStage):
    """A record comes into one of these stages, also when it is created there."""

    kind: Literal["stage_entered"]

    def matches(self, happening: Happening) -> bool:
        return (
            happening.what in ("created", "changed")
            and "stage" in happening.names
            and happening.now("stage") in self.stages
            and happening.was("stage") != happening.now("stage")
        )

    def sentence(self, tell: Tell) -> str:
        return tell.pick(f"When stage {self._said(tell)} is entered", f"Wenn Stufe {self._said(tell)} erreicht wird")


class StageLeft(_OfStage):
    """A record goes out of one of these stages."""

    kind: Literal["stage_left"]

    def watches(self) -> frozenset[str] | None:
        return frozenset({"stage"})

    def matches(self, happening: Happening) -> bool:
        return (
            happening.what == "changed"
            and "stage" in happening.names
            and happening.was("stage") in self.stages
            and happening.now("stage") not in self.stages
        )

    def sentence(self, tell: Tell) -> str:
        return tell.pick(f"When stage {self._said(tell)} is left", f"Wenn Stufe {self._said(tell)} verlassen wird")
