"""A role: what its holders may see and do."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field as Setting

from xrm_core.fields.base import LabelText, Model, NameText

Scope = Literal["all", "team", "own", "none"]
BUILT_IN_ROLES = frozenset({"admin", "member", "viewer"})
"""Roles that every workspace has, defined or not."""
MODULE_KEY_PATTERN = r"^(\*|[a-z][a-z0-9_]{0,47})$"


class Grants(Model):
    """Rights on one module; scopes say on whose records."""

    see: Scope = "none"
    create: bool = False
    edit: Scope = "none"
    archive: Scope = "none"
    erase: bool = False
    export: bool = False


class Role(Model):
    """Rights per module (`*` stands for all others), hidden and read-only fields, and workspace rights."""

    schema_ref: str | None = Setting(default=None, alias="$schema", exclude=True)
    id: NameText = ""
    name: NameText
    label: LabelText
    description: LabelText | None = None
    modules: dict[str, Grants] = Setting(default_factory=dict)
    hidden_fields: dict[str, tuple[NameText, ...]] = Setting(default_factory=dict)
    read_only_fields: dict[str, tuple[NameText, ...]] = Setting(default_factory=dict)
    design: bool = Setting(default=False, description="May change definitions.")
    manage_users: bool = False
    import_records: bool = Setting(default=False, alias="import")
    archived: bool = False

    def model_post_init(self, context: Any) -> None:
        if not self.id:
            object.__setattr__(self, "id", self.name)
