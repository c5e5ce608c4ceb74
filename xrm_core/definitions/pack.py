"""The manifest of a module pack."""

from __future__ import annotations

from pydantic import Field as Setting

from xrm_core.fields.base import LabelText, Model, NameText

VERSION_PATTERN = r"^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)$"


class Pack(Model):
    """`pack.json`: name, version, and what the pack needs."""

    schema_ref: str | None = Setting(default=None, alias="$schema", exclude=True)
    name: NameText
    version: str = Setting(pattern=VERSION_PATTERN)
    label: LabelText
    description: LabelText | None = None
    core: str = Setting(default=">=0.1", max_length=60, description="Range of engine versions.")
    requires: dict[NameText, str] = Setting(default_factory=dict, description="Other packs and their version ranges.")
    languages: tuple[str, ...] = ("en",)
    icon: str = Setting(default="package", pattern=r"^[a-z0-9-]{1,40}$")
