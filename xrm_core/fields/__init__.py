"""The field types: one class in one file each, and this one list."""

from __future__ import annotations

from typing import Annotated, get_args

from pydantic import Field as Setting
from pydantic import TypeAdapter

from xrm_core.fields.base import Default, Field, ParseContext, Rejected
from xrm_core.fields.formula import Formula
from xrm_core.fields.lookup import Lookup
from xrm_core.fields.rollup import Rollup
from xrm_core.fields.stored import Stored, field_of_kind

Types = Stored | Formula | Rollup | Lookup
FIELD_TYPES: tuple[type[Field], ...] = get_args(Types)

AnyField = Annotated[Types, Setting(discriminator="type")]
"""Any field, read by its `type`."""
field_adapter: TypeAdapter[Field] = TypeAdapter(AnyField)

__all__ = ["FIELD_TYPES", "AnyField", "Default", "Field", "ParseContext", "Rejected", "field_adapter", "field_of_kind"]
