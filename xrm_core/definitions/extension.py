"""An extension: what a pack adds to a module of another pack. It only adds, so packs fit together in any order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from pydantic import Field as Setting

from xrm_core.definitions.guest_page import GuestPage
from xrm_core.definitions.layout import Layout
from xrm_core.definitions.link import Link
from xrm_core.definitions.module import Module
from xrm_core.definitions.pipeline import Pipeline, Stage
from xrm_core.definitions.rule import Rule
from xrm_core.definitions.view import View
from xrm_core.fields import AnyField
from xrm_core.fields.base import Model, NameText
from xrm_core.fields.options import Option


class Extension(Model):
    """`extensions/MODULE.json`: fields, links, options, stages, rules, views, guest pages and layout entries for that module."""

    schema_ref: str | None = Setting(default=None, alias="$schema", exclude=True)
    module: NameText = Setting(description="The module that is extended, of a pack that this one requires.")
    fields: tuple[AnyField, ...] = ()
    links: tuple[Link, ...] = ()
    options: dict[NameText, tuple[Option, ...]] = Setting(
        default_factory=dict, description="More options for select fields of the module, by field name."
    )
    stages: dict[NameText, tuple[Stage, ...]] = Setting(
        default_factory=dict, description="More stages at the end of pipelines of the module, by pipeline name."
    )
    pipelines: tuple[Pipeline, ...] = Setting(
        default=(), description="Pipelines of variants: each says with 'when' which records it is for."
    )
    rules: tuple[Rule, ...] = ()
    views: tuple[View, ...] = ()
    guest_pages: tuple[GuestPage, ...] = ()
    layout: Layout = Setting(
        default=Layout(), description="New sections, and more entries for sections that are there."
    )


def extended(module: Module, extension: Extension) -> Module:
    """The module with everything of the extension at the ends of its lists."""
    fields = [_with_options(field, extension.options.get(field.name, ())) for field in module.fields]
    pipelines = [_with_stages(pipeline, extension.stages.get(pipeline.name, ())) for pipeline in module.pipelines]
    sections = {section.id: section for section in module.layout.sections}
    for section in extension.layout.sections:
        known = sections.get(section.id)
        if known is None:
            sections[section.id] = section
        else:
            more = tuple(name for name in section.fields if name not in known.fields)
            sections[section.id] = known.model_copy(update={"fields": (*known.fields, *more)})
    layout = module.layout.model_copy(
        update={
            "sections": tuple(sections.values()),
            "quick_create": _joined(module.layout.quick_create, extension.layout.quick_create),
            "facts": _joined(module.layout.facts, extension.layout.facts),
            "variants": (*module.layout.variants, *extension.layout.variants),
        }
    )
    return module.model_copy(
        update={
            "fields": (*fields, *extension.fields),
            "links": (*module.links, *extension.links),
            "pipelines": (*pipelines, *extension.pipelines),
            "rules": (*module.rules, *extension.rules),
            "views": (*module.views, *extension.views),
            "guest_pages": (*module.guest_pages, *extension.guest_pages),
            "layout": layout,
        }
    )


def nodes(extension: Extension) -> Iterator[tuple[str, str]]:
    """(path below the module, name) of every node that the extension adds."""
    for part in ("fields", "links", "pipelines", "rules", "views", "guest_pages"):
        for node in getattr(extension, part):
            yield f"{part}/{node.id}", node.name
    for field, options in extension.options.items():
        for option in options:
            yield f"fields/{field}/options/{option.id}", option.name
    for pipeline, stages in extension.stages.items():
        for stage in stages:
            yield f"pipelines/{pipeline}/stages/{stage.id}", stage.name


def _with_options(field: Any, options: Iterable[Option]) -> Any:
    more = [option for option in options if option.id not in {known.id for known in getattr(field, "options", ())}]
    return field.model_copy(update={"options": (*field.options, *more)}) if more else field


def _with_stages(pipeline: Pipeline, stages: Iterable[Stage]) -> Pipeline:
    more = [stage for stage in stages if pipeline.stage(stage.id) is None]
    return pipeline.model_copy(update={"stages": (*pipeline.stages, *more)}) if more else pipeline


def _joined(names: tuple[str, ...], more: tuple[str, ...]) -> tuple[str, ...]:
    return (*names, *(name for name in more if name not in names))
