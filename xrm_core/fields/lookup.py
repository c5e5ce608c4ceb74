"""A value of a linked record."""

from __future__ import annotations

from typing import Literal

from pydantic import Field as Setting

from xrm_core.fields.base import NameText
from xrm_core.fields.computed import ComputedField, LinkPath


class Lookup(ComputedField):
    """A field of the record that a link leads to, shown here."""

    type: Literal["lookup"] = "lookup"
    link: LinkPath = Setting(description="The many-to-one link, or several joined with dots.")
    field: NameText = Setting(description="The field of the linked record.")
