"""What a saved view remembers besides what a view of a definition says: widths, pinned columns, colours."""

from __future__ import annotations

from typing import Literal

from pydantic import Field as Setting

from xrm_core.definitions.view import PathText, View
from xrm_core.fields.base import ExpressionText, LabelText, Model, NameText
from xrm_core.fields.options import Hue


class ColorRule(Model):
    """Records that meet a condition are shown in a colour; the first rule that holds counts."""

    when: ExpressionText
    hue: Hue


class Look(Model):
    """How records are looked at: what people save, share and come back to."""

    layout: Literal["list", "board", "calendar", "timeline"] = "list"
    filter: ExpressionText | None = None
    sort: tuple[str, ...] = Setting(default=(), max_length=4)
    columns: tuple[PathText, ...] = Setting(default=(), max_length=200)
    widths: dict[PathText, int] = Setting(default={}, max_length=200, description="Width of columns in pixels.")
    pinned: tuple[PathText, ...] = Setting(default=(), max_length=20, description="Columns that stay when scrolling.")
    group_by: PathText | None = None
    card_fields: tuple[PathText, ...] = Setting(default=(), max_length=8)
    sum: NameText | None = None
    date_field: NameText | None = None
    end_field: NameText | None = None
    aggregates: dict[PathText, Literal["count", "sum", "avg", "min", "max"]] = Setting(default={}, max_length=200)
    color: tuple[ColorRule, ...] = Setting(default=(), max_length=20)
    limit: Literal[25, 50, 100] = 50

    def as_view(self, name: str, label: LabelText) -> View:
        """The part that a definition could say as well, for the same checks."""
        return View(
            name=name, label=label, layout=self.layout, filter=self.filter, sort=self.sort, columns=self.columns,
            group_by=self.group_by, card_fields=self.card_fields, sum=self.sum, date_field=self.date_field,
            end_field=self.end_field,
        )  # fmt: skip
