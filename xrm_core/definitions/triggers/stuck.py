"""A record stays in a stage for too long."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import Field as Setting

from xrm_core.definitions.hints import Means
from xrm_core.definitions.triggers.base import CLOCK, Due, Get, Offset, Tell, TimeTrigger, at_local, read_clock
from xrm_core.fields.base import NameText


class Stuck(TimeTrigger):
    """A record has been in a stage for this long, once each time it comes there."""

    kind: Literal["stuck"]
    stages: Annotated[dict[NameText, Offset], Means("stage-times")] = Setting(
        min_length=1, max_length=50, description="How long is too long, by stage."
    )
    at: str | None = Setting(default=None, pattern=CLOCK, description="Time of day, in the workspace's zone.")

    def reads(self) -> Iterable[tuple[str, str]]:
        return (("/stages", "stage"), ("/stages", "stage_entered_at"))

    def stages_named(self) -> Iterable[tuple[str, str]]:
        return ((f"/stages/{name}", name) for name in self.stages)

    def due(self, get: Get, zone: ZoneInfo) -> Iterator[Due]:
        stage, since = get("stage"), get("stage_entered_at")
        offset = self.stages.get(str(stage)) if stage else None
        if offset is None or not isinstance(since, datetime):
            return
        at = offset.after(since, zone)
        if at is not None and self.at is not None:
            at = at_local(at.astimezone(zone).date(), read_clock(self.at), zone)
        if at is not None:
            yield Due(str(stage), since.isoformat(), at)

    def sentence(self, tell: Tell) -> str:
        found = ", ".join(
            tell.pick(
                f"{offset.said(tell)} in stage {tell.stage(name)}", f"{offset.said(tell)} in Stufe {tell.stage(name)}"
            )
            for name, offset in self.stages.items()
        )
        return tell.pick(f"After {found}", f"Nach {found}")
