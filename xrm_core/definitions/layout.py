"""The layout of a module's record page and forms, and those that roles or pipelines have instead."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from pydantic import Field as Setting

from xrm_core.fields.base import LabelText, Model, NameText


class Section(Model):
    """A titled group of fields and links."""

    id: NameText = ""
    name: NameText
    label: LabelText
    columns: int = Setting(default=2, ge=1, le=2)
    fields: tuple[NameText, ...] = ()

    def model_post_init(self, context: Any) -> None:
        if not self.id:
            object.__setattr__(self, "id", self.name)


class Variant(Model):
    """A layout for certain roles or pipelines. What it leaves empty is as in the layout of the module."""

    id: NameText = ""
    name: NameText
    label: LabelText
    roles: tuple[NameText, ...] = Setting(default=(), max_length=50, description="Who gets it; empty: everybody.")
    pipelines: tuple[NameText, ...] = Setting(
        default=(), max_length=8, description="For records in a stage of these; empty: of all."
    )
    sections: tuple[Section, ...] = ()
    hidden: tuple[NameText, ...] = Setting(
        default=(), max_length=400, description="Left out of page and forms. This is no permission: roles hide fields."
    )
    quick_create: tuple[NameText, ...] = Setting(default=(), max_length=12)
    facts: tuple[NameText, ...] = Setting(default=(), max_length=8)

    def model_post_init(self, context: Any) -> None:
        if not self.id:
            object.__setattr__(self, "id", self.name)


class Layout(Model):
    """Sections in order, what quick-create asks for, the facts in the header, and variants of all that."""

    sections: tuple[Section, ...] = ()
    quick_create: tuple[NameText, ...] = Setting(default=(), max_length=12)
    facts: tuple[NameText, ...] = Setting(default=(), max_length=8)
    variants: tuple[Variant, ...] = Setting(
        default=(), max_length=40, description="Layouts of roles and pipelines; the first that fits is taken."
    )

    def variant(self, roles: Collection[str], pipeline: Collection[str]) -> Variant | None:
        """The first variant for one of these roles and this pipeline, given by its id and name."""
        return next(
            (
                one
                for one in self.variants
                if (not one.roles or not set(one.roles).isdisjoint(roles))
                and (not one.pipelines or not set(one.pipelines).isdisjoint(pipeline))
            ),
            None,
        )

    def shown(self, roles: Collection[str], pipeline: Collection[str]) -> Variant:
        """What somebody with these roles sees of a record in this pipeline; empty settings filled from the module's."""
        found = self.variant(roles, pipeline)
        if found is None:
            found = Variant(name="layout", label="Layout")
        return found.model_copy(
            update={
                "sections": found.sections or self.sections,
                "quick_create": found.quick_create or self.quick_create,
                "facts": found.facts or self.facts,
            }
        )


def narrowed(layout: Layout, rest: Callable[[tuple[str, ...]], tuple[str, ...]]) -> Layout:
    """The layout with `rest` of every list of names in it."""

    def lists(of: Layout | Variant) -> dict[str, Any]:
        sections = tuple(one.model_copy(update={"fields": rest(one.fields)}) for one in of.sections)
        return {"sections": sections, "quick_create": rest(of.quick_create), "facts": rest(of.facts)}

    variants = tuple(one.model_copy(update={**lists(one), "hidden": rest(one.hidden)}) for one in layout.variants)
    return layout.model_copy(update={**lists(layout), "variants": variants})
