"""A module: a kind of record with its fields, links, pipelines, rules, layout and views."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Literal

from pydantic import Field as Setting

from xrm_core.definitions.guest_page import GuestPage
from xrm_core.definitions.layout import Layout, Variant
from xrm_core.definitions.link import Link
from xrm_core.definitions.pipeline import Pipeline, Stage
from xrm_core.definitions.rule import Rule
from xrm_core.definitions.view import View
from xrm_core.definitions.work import Event, Log, Panel, Reachable, Task
from xrm_core.fields import AnyField
from xrm_core.fields.base import LabelText, Model, NameText
from xrm_core.fields.options import Hue
from xrm_core.kernel.labels import label_text


class Module(Model):
    """A module definition."""

    schema_ref: str | None = Setting(default=None, alias="$schema", exclude=True)
    id: NameText = ""
    name: NameText
    label: LabelText
    label_plural: LabelText
    description: LabelText | None = None
    icon: str = Setting(default="box", pattern=r"^[a-z0-9-]{1,40}$", description="A Lucide icon name.")
    hue: Hue | None = None
    order: int = Setting(default=1000, ge=0, le=100000, description="Place in the navigation, low first.")
    shortcut: str | None = Setting(
        default=None, pattern=r"^[a-z]$", description="The letter after G that opens the module."
    )
    kind: Literal["main", "child"] = Setting(
        default="main", description="A child lives inside the record that owns it."
    )
    title: str = Setting(
        default="{{ name }}", min_length=1, max_length=1000, description="Template of a record's title."
    )
    subtitle: str | None = Setting(default=None, max_length=1000)
    searchable: bool = True
    fields: tuple[AnyField, ...] = Setting(default=(), max_length=4000)
    links: tuple[Link, ...] = Setting(default=(), max_length=400)
    pipelines: tuple[Pipeline, ...] = Setting(
        default=(), max_length=8, description="The main pipeline, and those of variants with a 'when'."
    )
    rules: tuple[Rule, ...] = Setting(default=(), max_length=200)
    layout: Layout = Layout()
    views: tuple[View, ...] = Setting(default=(), max_length=200)
    task: Task | None = None
    event: Event | None = None
    log: Log | None = None
    reachable: Reachable | None = None
    panels: tuple[Panel, ...] = Setting(default=(), max_length=30)
    guest_pages: tuple[GuestPage, ...] = Setting(default=(), max_length=30)
    archived: bool = False

    def model_post_init(self, context: Any) -> None:
        if not self.id:
            object.__setattr__(self, "id", self.name)

    @property
    def pipeline(self) -> Pipeline | None:
        """The module's main pipeline, if it has stages."""
        main = next((pipeline for pipeline in self.pipelines if pipeline.when is None), None)
        return main or (self.pipelines[0] if self.pipelines else None)

    @property
    def variants(self) -> tuple[Pipeline, ...]:
        """The pipelines of variants, of which the first whose condition holds is a record's own."""
        return tuple(pipeline for pipeline in self.pipelines if pipeline.when is not None and self.pipeline != pipeline)

    @property
    def stages(self) -> tuple[Stage, ...]:
        """The stages of all pipelines, those of the main one first."""
        main = self.pipeline
        return tuple(stage for part in (main, *self.variants) if part is not None for stage in part.stages)

    def layout_for(self, roles: Collection[str], stage: str | None = None) -> Variant:
        """The layout of a record in a stage, or of a new one, for somebody with these roles."""
        found = next((one for one in self.pipelines if stage and any(s.name == stage for s in one.stages)), self.pipeline)
        return self.layout.shown(roles, (found.id, found.name) if found is not None else ())

    def text(self, language: str = "en") -> str:
        """The label in a language."""
        return label_text(self.label, language)

    def plural(self, language: str = "en") -> str:
        """The plural label in a language."""
        return label_text(self.label_plural, language)
