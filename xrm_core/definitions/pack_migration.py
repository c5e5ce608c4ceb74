"""What a new version of a pack does with stored values: options and stages that go over into others."""

from __future__ import annotations

from pydantic import Field as Setting

from xrm_core.definitions.pack import VERSION_PATTERN
from xrm_core.fields.base import ExpressionText, Model, NameText
from xrm_core.fields.options import OptionName


class Conversion(Model):
    """Old names of options (or, without a field, of stages) and the names that take their place."""

    module: NameText = Setting(description="The module, by the name it has in this version of the pack.")
    field: NameText | None = Setting(default=None, description="A field with options; left out: the stage.")
    map: dict[OptionName, OptionName] = Setting(default_factory=dict, description="Old name to new name.")
    when: ExpressionText | None = Setting(
        default=None, description="Only for records for which this holds; the first conversion that fits counts."
    )
    copy_from: NameText | None = Setting(
        default=None, description="Fill the field from this older field where it is empty, instead of mapping names."
    )


class PackMigration(Model):
    """`migrations/NAME.json`: the conversions on the way to a version."""

    schema_ref: str | None = Setting(default=None, alias="$schema", exclude=True)
    version: str = Setting(pattern=VERSION_PATTERN, description="The version that needs them.")
    conversions: tuple[Conversion, ...] = ()
