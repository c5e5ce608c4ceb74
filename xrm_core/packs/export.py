"""The live set-up, or a part of it, as a pack: modules and roles whole, additions to other packs as extensions."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from typing import Any

from xrm_core.definitions.collection import DefinitionSet, body
from xrm_core.definitions.extension import Extension
from xrm_core.definitions.module import Module
from xrm_core.definitions.names import did_you_mean
from xrm_core.definitions.pack import Pack
from xrm_core.definitions.pack_contents import PackDefinition
from xrm_core.kernel.errors import Invalid
from xrm_core.kernel.problem import Problem

_PARTS = ("fields", "links", "pipelines", "rules", "views", "guest_pages")


def export(
    definitions: DefinitionSet,
    manifest: Pack,
    *,
    modules: Collection[str] | None = None,
    whole: bool = False,
    installed: Iterable[PackDefinition] = (),
) -> PackDefinition:
    """A pack of the live modules of these names (all if none are given).

    A module of an installed pack comes as an extension with what was added to it here; `whole` takes it as it is.
    """
    names = [module.name for module in definitions.modules if not module.archived]
    unknown = sorted(set(modules or ()) - set(names))
    if unknown:
        raise Invalid(
            Problem(
                "missing",
                f"/modules/{unknown[0]}",
                f"There is no module '{unknown[0]}'.",
                did_you_mean(unknown[0], names),
            )
        )
    own: list[Module] = []
    extensions: list[Extension] = []
    requires = dict(manifest.requires)
    for module in definitions.modules:
        if module.archived or (modules is not None and module.name not in modules):
            continue
        origin = definitions.origins.get(f"module/{module.id}")
        if whole or origin in (None, manifest.name):
            own.append(module)
            continue
        added = _added(definitions, module)
        if added is not None:
            extensions.append(added)
            requires.setdefault(str(origin), f">={definitions.packs.get(str(origin), '0.0.0')}")
    roles = tuple(
        role
        for role in definitions.roles
        if modules is None and not role.archived and (whole or f"role/{role.id}" not in definitions.origins)
    )
    automations = tuple(
        one
        for one in definitions.automations
        if modules is None and not one.archived and (whole or f"automation/{one.id}" not in definitions.origins)
    )
    templates = tuple(
        one
        for one in definitions.mail_templates
        if modules is None and not one.archived and (whole or f"mail_template/{one.id}" not in definitions.origins)
    )
    if not whole:
        for module in own:
            for target in {name for link in module.links for name in link.to}:
                there = definitions.module(target)
                origin = definitions.origins.get(f"module/{there.id}") if there is not None else None
                if origin is not None and origin != manifest.name:
                    requires.setdefault(origin, f">={definitions.packs.get(origin, '0.0.0')}")
    made = PackDefinition(
        manifest=manifest.model_copy(update={"requires": dict(sorted(requires.items()))}),
        modules=tuple(own),
        roles=roles,
        automations=automations,
        mail_templates=templates,
        extensions=tuple(extensions),
    )
    return _without_brought(made, installed)


def _added(definitions: DefinitionSet, module: Module) -> Extension | None:
    """What was added here to a module of a pack."""
    base = f"module/{module.id}"
    known = {key for key in definitions.origins if key.startswith(base + "/")}
    parts: dict[str, Any] = {}
    for part in _PARTS:
        nodes = [
            node
            for node in getattr(module, part)
            if f"{base}/{part}/{node.id}" not in known and not getattr(node, "archived", False)
        ]
        parts[part] = tuple(nodes)
    return Extension(module=module.name, **parts) if any(parts.values()) else None


def _without_brought(pack: PackDefinition, base: Iterable[PackDefinition]) -> PackDefinition:
    """The pack without what the installed packs brought themselves into the modules that it extends."""
    brought: dict[str, set[str]] = {}
    for other in base:
        for module in other.modules:
            ids = {f"{part}/{node.id}" for part in _PARTS for node in getattr(module, part)}
            brought.setdefault(module.id, set()).update(ids)
            brought.setdefault(module.name, set()).update(ids)
    extensions = []
    for extension in pack.extensions:
        there = brought.get(extension.module, set())
        parts = {
            part: tuple(node for node in getattr(extension, part) if f"{part}/{node.id}" not in there)
            for part in _PARTS
        }
        if any(parts.values()):
            extensions.append(extension.model_copy(update=parts))
    return pack.model_copy(update={"extensions": tuple(extensions)})


def files_of(pack: PackDefinition) -> dict[str, bytes]:
    """The files of a pack, as they are read again."""
    found = {"pack.json": body(pack.manifest)}
    found |= {f"modules/{module.name}.json": _plain(body(module)) for module in pack.modules}
    found |= {f"roles/{role.name}.json": _plain(body(role)) for role in pack.roles}
    found |= {f"automations/{one.name}.json": _plain(body(one)) for one in pack.automations}
    found |= {f"mail_templates/{one.name}.json": _plain(body(one)) for one in pack.mail_templates}
    found |= {f"extensions/{extension.module}.json": _plain(body(extension)) for extension in pack.extensions}
    found |= {f"migrations/to_{m.version.replace('.', '_')}.json": body(m) for m in pack.migrations}
    return {name: (json.dumps(data, indent=2, ensure_ascii=False) + "\n").encode() for name, data in found.items()}


def _plain(node: Any) -> Any:
    """Without ids that only repeat the name."""
    if isinstance(node, dict):
        return {key: _plain(value) for key, value in node.items() if key != "id" or value != node.get("name")}
    return [_plain(child) for child in node] if isinstance(node, list) else node
