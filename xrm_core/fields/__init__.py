"""The field types: one class in one file each, and this one list."""

from __future__ import annotations

from xrm_core.fields.base import Default, Field, ParseContext, Rejected
from xrm_core.fields.text import Text

FIELD_TYPES: tuple[type[Field], ...] = (Text,)

__all__ = ["FIELD_TYPES", "Default", "Field", "ParseContext", "Rejected"]
