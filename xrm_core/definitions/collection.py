"""A whole set of definitions: everything that one workspace runs on, with where each definition came from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from functools import cache, cached_property
from typing import Any

from xrm_core.definitions.automation import Automation
from xrm_core.definitions.mail_template import MailTemplate
from xrm_core.definitions.module import Module
from xrm_core.definitions.reading import read
from xrm_core.definitions.role import Role
from xrm_core.fields.base import Model, NameText
from xrm_core.kernel.errors import Invalid
from xrm_core.kernel.problem import Problem

KINDS: dict[str, type[Model]] = {
    "module": Module,
    "role": Role,
    "automation": Automation,
    "mail_template": MailTemplate,
}
"""Kinds of definitions that live in a workspace, by name."""


class DefinitionSet(Model):
    """Modules, roles, automations and mail templates. `origins` maps "module/companies" and the like to the pack that brought it."""

    modules: tuple[Module, ...] = ()
    roles: tuple[Role, ...] = ()
    automations: tuple[Automation, ...] = ()
    mail_templates: tuple[MailTemplate, ...] = ()
    origins: dict[str, str] = {}
    packs: dict[NameText, str] = {}
    """Installed packs and their versions."""

    @cached_property
    def by_id(self) -> dict[str, Module]:
        return {module.id: module for module in self.modules}

    @cached_property
    def by_name(self) -> dict[str, Module]:
        return {module.name: module for module in self.modules}

    @classmethod
    def from_json(
        cls,
        data: Mapping[str, Any],
        *,
        origins: Mapping[str, str] | None = None,
        packs: Mapping[str, str] | None = None,
    ) -> DefinitionSet:
        """The set that `as_json` wrote; raises `Invalid` with every problem, paths such as `/module/x/fields/3`."""
        found: dict[str, list[Any]] = {kind: [] for kind in KINDS}
        problems: list[Problem] = []
        for key in sorted(data):
            kind, _, name = key.partition("/")
            if kind not in KINDS or not name:
                problems.append(
                    Problem(
                        "unknown_kind", f"/{key}", f"'{key}' is no kind of definition.", f"Known: {', '.join(KINDS)}."
                    )
                )
                continue
            try:
                found[kind].append(read(KINDS[kind], data[key], f"/{key}"))
            except Invalid as invalid:
                problems += invalid.problems
        if problems:
            raise Invalid(problems)
        return cls(
            modules=tuple(found["module"]),
            roles=tuple(found["role"]),
            automations=tuple(found["automation"]),
            mail_templates=tuple(found["mail_template"]),
            origins=dict(origins or {}),
            packs=dict(packs or {}),
        )

    def snapshot(self) -> dict[str, Any]:
        """Everything as plain data that `DefinitionSet.model_validate` reads back; lists keep their order."""
        return {
            "modules": [body(module) for module in self.modules],
            "roles": [body(role) for role in self.roles],
            "automations": [body(automation) for automation in self.automations],
            "mail_templates": [body(template) for template in self.mail_templates],
            "origins": dict(sorted(self.origins.items())),
            "packs": dict(sorted(self.packs.items())),
        }

    def having(self, **changes: Any) -> DefinitionSet:
        """A copy with other modules, roles, origins or packs."""
        parts = {name: getattr(self, name) for name in type(self).model_fields}
        return DefinitionSet(**{**parts, **changes})

    def with_module(self, module: Module) -> DefinitionSet:
        """A copy with this module in place of the one with its id, or added."""
        if module.id in self.by_id:
            return self.having(modules=tuple(module if m.id == module.id else m for m in self.modules))
        return self.having(modules=(*self.modules, module))

    def with_role(self, role: Role) -> DefinitionSet:
        """A copy with this role in place of the one with its id, or added."""
        if any(r.id == role.id for r in self.roles):
            return self.having(roles=tuple(role if r.id == role.id else r for r in self.roles))
        return self.having(roles=(*self.roles, role))

    def with_automation(self, automation: Automation) -> DefinitionSet:
        """A copy with this automation in place of the one with its id, or added."""
        if any(one.id == automation.id for one in self.automations):
            kept = tuple(automation if one.id == automation.id else one for one in self.automations)
            return self.having(automations=kept)
        return self.having(automations=(*self.automations, automation))

    def with_mail_template(self, template: MailTemplate) -> DefinitionSet:
        """A copy with this mail template in place of the one with its id, or added."""
        if any(one.id == template.id for one in self.mail_templates):
            kept = tuple(template if one.id == template.id else one for one in self.mail_templates)
            return self.having(mail_templates=kept)
        return self.having(mail_templates=(*self.mail_templates, template))

    def mail_template(self, name: str) -> MailTemplate | None:
        """The live mail template of that name."""
        return next((one for one in self.mail_templates if one.name == name and not one.archived), None)

    def automation(self, name: str) -> Automation | None:
        """The live automation of that name."""
        return next((one for one in self.automations if one.name == name and not one.archived), None)

    def module(self, name: str) -> Module | None:
        """The module of that name (or id)."""
        return self.by_name.get(name) or self.by_id.get(name)

    def items(self) -> Iterator[tuple[str, str, Module | Role | Automation | MailTemplate]]:
        """(kind, id, definition) of everything in the set, in a fixed order."""
        for module in sorted(self.modules, key=lambda m: m.id):
            yield "module", module.id, module
        for role in sorted(self.roles, key=lambda r: r.id):
            yield "role", role.id, role
        for automation in sorted(self.automations, key=lambda a: a.id):
            yield "automation", automation.id, automation
        for template in sorted(self.mail_templates, key=lambda t: t.id):
            yield "mail_template", template.id, template

    def as_json(self) -> dict[str, Any]:
        """Plain data, without what is default, keys in a fixed order."""
        return {f"{kind}/{key}": body(node) for kind, key, node in self.items()}

    @cached_property
    def hash(self) -> str:
        """SHA-256 over the canonical JSON: equal hashes mean equal behaviour."""
        text = json.dumps(
            [self.as_json(), dict(sorted(self.packs.items()))],
            sort_keys=True,
            ensure_ascii=False,
            separators=(",", ":"),
        )
        return hashlib.sha256(text.encode()).hexdigest()


def body(node: Model) -> dict[str, Any]:
    """A definition as plain JSON data: what differs from the defaults, plus its type tags."""
    found: dict[str, Any] = _keep_tags(node, node.model_dump(mode="json", by_alias=True, exclude_defaults=True))
    return found


def _keep_tags(node: Any, data: Any) -> Any:
    # exclude_defaults drops the discriminators (type, kind) because they equal their default; put them back.
    if isinstance(node, Model):
        names, tags = _shape(type(node))
        for tag in tags:
            if tag not in data:
                data = {tag: getattr(node, tag), **data}
        for key, value in data.items():
            if isinstance(value, (dict, list)) and key in names:
                data[key] = _keep_tags(getattr(node, names[key]), value)
        return data
    if isinstance(node, (tuple, list)) and isinstance(data, list):
        return [
            _keep_tags(child, part) if isinstance(part, (dict, list)) else part
            for child, part in zip(node, data, strict=True)
        ]
    if isinstance(node, dict) and isinstance(data, dict):
        return {key: _keep_tags(node[key], part) for key, part in data.items()}
    return data


@cache
def _shape(model: type[Model]) -> tuple[dict[str, str], tuple[str, ...]]:
    """JSON key to attribute, and the tags that tell which class it is."""
    names = {info.alias or name: name for name, info in model.model_fields.items()}
    tags = tuple(tag for tag in ("type", "kind") if tag in model.model_fields and _is_discriminator(model, tag))
    return names, tags


def _is_discriminator(model: type[Model], tag: str) -> bool:
    return (tag == "type" and hasattr(model, "parse")) or (tag == "kind" and model.__name__.endswith("Rule"))
