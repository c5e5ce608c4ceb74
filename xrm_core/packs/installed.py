"""The packs that a workspace has: what each of them brought, and whether they fit together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from xrm_core.definitions.collection import DefinitionSet
from xrm_core.definitions.pack import Pack
from xrm_core.definitions.pack_contents import PackDefinition
from xrm_core.kernel.problem import Problem
from xrm_core.packs.versions import in_range
from xrm_core.storage import packs as store
from xrm_core.storage.database import Connection

INSTALLED = "installed"
REMOVED = "removed"


async def installed_packs(
    connection: Connection, schema: str, definitions: DefinitionSet
) -> tuple[dict[str, PackDefinition], dict[str, store.StoredPack]]:
    """What is installed, by name, as its authors wrote it; and all packs that were ever here."""
    known = await store.packs(connection, schema)
    found: dict[str, PackDefinition] = {}
    for name, version in definitions.packs.items():
        row = known.get(name)
        if row is not None and row.state == INSTALLED and row.version == version:
            found[name] = PackDefinition.model_validate(row.contents)
        else:
            found[name] = _from_origins(definitions, name, version)
    return found, known


def _from_origins(definitions: DefinitionSet, name: str, version: str) -> PackDefinition:
    # A pack whose contents were not kept counts as unchanged since it was installed.
    mine = {key for key, origin in definitions.origins.items() if origin == name}
    return PackDefinition(
        manifest=Pack(name=name, version=version, label=name),
        modules=tuple(module for module in definitions.modules if f"module/{module.id}" in mine),
        roles=tuple(role for role in definitions.roles if f"role/{role.id}" in mine),
        automations=tuple(one for one in definitions.automations if f"automation/{one.id}" in mine),
        mail_templates=tuple(one for one in definitions.mail_templates if f"mail_template/{one.id}" in mine),
    )


def dependents(name: str, packs: Iterable[PackDefinition]) -> list[PackDefinition]:
    """The packs that require this one."""
    return [pack for pack in packs if name in pack.manifest.requires]


def refuse_removal(name: str, packs: Mapping[str, PackDefinition]) -> list[Problem]:
    """Why a pack cannot be taken away: others build on it."""
    return [
        Problem(
            "required_by",
            f"/packs/{pack.name}",
            f"The pack '{pack.name}' {pack.version} builds on '{name}'.",
            f"Uninstall {pack.name} first.",
        )
        for pack in dependents(name, packs.values())
    ]


def refuse_version(name: str, version: str, packs: Mapping[str, PackDefinition]) -> list[Problem]:
    """Why a pack cannot go to a version: others need another range."""
    return [
        Problem(
            "version",
            f"/packs/{pack.name}",
            f"The pack '{pack.name}' {pack.version} needs {name} {pack.manifest.requires[name]}, this is {version}.",
            f"Upgrade {pack.name} first, or uninstall it.",
        )
        for pack in dependents(name, packs.values())
        if not in_range(version, pack.manifest.requires[name])
    ]
