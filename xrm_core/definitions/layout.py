"""The layout of a module's record page and forms."""

from __future__ import annotations

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


class Layout(Model):
    """Sections in order, what quick-create asks for, and the facts in the header."""

    sections: tuple[Section, ...] = ()
    quick_create: tuple[NameText, ...] = Setting(default=(), max_length=12)
    facts: tuple[NameText, ...] = Setting(default=(), max_length=8)
