"""What a pack brings, as data alone: the manifest with all definitions, extensions and migrations."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from xrm_core.definitions.automation import Automation
from xrm_core.definitions.collection import DefinitionSet, body
from xrm_core.definitions.extension import Extension, extended, nodes
from xrm_core.definitions.mail_template import MailTemplate
from xrm_core.definitions.module import Module
from xrm_core.definitions.pack import Pack
from xrm_core.definitions.pack_migration import PackMigration
from xrm_core.definitions.role import Role
from xrm_core.fields.base import Model


class PackDefinition(Model):
    """A pack without its files."""

    manifest: Pack
    modules: tuple[Module, ...] = ()
    roles: tuple[Role, ...] = ()
    automations: tuple[Automation, ...] = ()
    mail_templates: tuple[MailTemplate, ...] = ()
    extensions: tuple[Extension, ...] = ()
    migrations: tuple[PackMigration, ...] = ()

    @property
    def name(self) -> str:
        return self.manifest.name

    @property
    def version(self) -> str:
        return self.manifest.version

    def snapshot(self) -> dict[str, Any]:
        """Plain data that `model_validate` reads back."""
        return {
            "manifest": body(self.manifest),
            "modules": [body(module) for module in self.modules],
            "roles": [body(role) for role in self.roles],
            "automations": [body(automation) for automation in self.automations],
            "mail_templates": [body(template) for template in self.mail_templates],
            "extensions": [body(extension) for extension in self.extensions],
            "migrations": [body(migration) for migration in self.migrations],
        }

    def origins(self) -> dict[str, str]:
        """The paths of all nodes that the pack brings, with its name."""
        found = {f"module/{module.id}": self.name for module in self.modules}
        found |= {f"role/{role.id}": self.name for role in self.roles}
        found |= {f"automation/{automation.id}": self.name for automation in self.automations}
        found |= {f"mail_template/{template.id}": self.name for template in self.mail_templates}
        for extension in self.extensions:
            found |= {f"module/{extension.module}/{path}": self.name for path, _ in nodes(extension)}
        return found


def with_pack(definitions: DefinitionSet, pack: PackDefinition) -> DefinitionSet:
    """The set with everything of the pack in it, each node with its origin."""
    found = definitions
    for module in pack.modules:
        found = found.with_module(module)
    for role in pack.roles:
        found = found.with_role(role)
    for automation in pack.automations:
        found = found.with_automation(automation)
    for template in pack.mail_templates:
        found = found.with_mail_template(template)
    origins = {**found.origins, **pack.origins()}
    for extension in pack.extensions:
        target = found.module(extension.module)
        if target is not None:
            found = found.with_module(extended(target, extension))
    return found.having(origins=dict(sorted(origins.items())), packs={**found.packs, pack.name: pack.version})


def composed(packs: Iterable[PackDefinition]) -> DefinitionSet:
    """The set that these packs make together, whatever order they come in: what is required stands first."""
    found = DefinitionSet()
    for pack in ordered(packs):
        found = with_pack(found, pack)
    return found


def ordered(packs: Iterable[PackDefinition]) -> list[PackDefinition]:
    """Packs so that each comes after those it requires, by name where that leaves a choice."""
    waiting = {pack.name: pack for pack in packs}
    found: list[PackDefinition] = []
    while waiting:
        ready = [
            name for name, pack in waiting.items() if not (pack.manifest.requires.keys() & waiting.keys()) - {name}
        ]
        name = min(ready or waiting)
        found.append(waiting.pop(name))
    return found


def needed_by(pack: PackDefinition, packs: Iterable[PackDefinition]) -> list[PackDefinition]:
    """The packs that one requires, and those that they require."""
    known = {other.name: other for other in packs}
    found: dict[str, PackDefinition] = {}
    waiting = list(pack.manifest.requires)
    while waiting:
        name = waiting.pop()
        if name in known and name not in found and name != pack.name:
            found[name] = known[name]
            waiting += known[name].manifest.requires
    return list(found.values())
