"""The policy of one actor: what their roles together allow, asked in one place by every way in."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

from xrm_core.catalog import Catalog
from xrm_core.definitions import DefinitionSet, Grants, Module, Role
from xrm_core.definitions.role import Scope
from xrm_core.kernel.actor import Actor
from xrm_core.kernel.errors import Forbidden
from xrm_core.kernel.problem import Problem

Action = Literal["see", "create", "edit", "archive", "erase", "export"]

ScopedAction = Literal["see", "edit", "archive"]

_WIDTH: dict[Scope, int] = {"none": 0, "own": 1, "team": 2, "all": 3}
_EVERYTHING = Grants(see="all", create=True, edit="all", archive="all", erase=True, export=True)

BUILT_IN: tuple[Role, ...] = (
    Role(
        name="admin",
        label={"en": "Administrator", "de": "Administrator"},
        description={
            "en": "Sees and changes everything, designs modules, manages users.",
            "de": "Sieht und ändert alles, gestaltet Module, verwaltet Benutzer.",
        },
        modules={"*": _EVERYTHING},
        design=True,
        manage_users=True,
        **{"import": True},  # type: ignore[arg-type]
    ),
    Role(
        name="member",
        label={"en": "Member", "de": "Mitglied"},
        description={"en": "Works with all records.", "de": "Arbeitet mit allen Datensätzen."},
        modules={"*": Grants(see="all", create=True, edit="all", archive="all", export=True)},
        **{"import": True},  # type: ignore[arg-type]
    ),
    Role(
        name="viewer",
        label={"en": "Viewer", "de": "Betrachter"},
        description={"en": "Reads all records, changes nothing.", "de": "Liest alle Datensätze, ändert nichts."},
        modules={"*": Grants(see="all")},
    ),
)
"""Roles that every workspace has; a definition of the same name takes their place."""


@dataclass(frozen=True, slots=True)
class ModulePolicy:
    """What an actor may do with one module; scopes are "all", "team", "own" or "none"."""

    see: Scope
    create: bool
    edit: Scope
    archive: Scope
    erase: bool
    export: bool
    hidden: frozenset[str]
    """Ids of fields and links that do not exist for the actor."""
    read_only: frozenset[str]


_ALL = ModulePolicy("all", True, "all", "all", True, True, frozenset(), frozenset())


class Policy:
    """What one set of roles allows in one set of definitions. Immutable; made once per combination of roles."""

    def __init__(self, roles: tuple[Role, ...], definitions: DefinitionSet, *, everything: bool = False) -> None:
        self.everything = everything
        self.design = everything or any(role.design for role in roles)
        self.manage_users = everything or any(role.manage_users for role in roles)
        self.import_records = everything or any(role.import_records for role in roles)
        self._modules = {module.id: _ALL if everything else _combine(roles, module) for module in definitions.modules}
        self._hide_links(definitions)
        self._names = {module.id: module.plural() for module in definitions.modules}
        self.key = "everything" if everything else "|".join(sorted(role.id for role in roles))
        """Equal keys mean equal policies within one version of the definitions."""
        self.unlimited = all(rights.see in ("all", "none") for rights in self._modules.values())
        """Whether what the actor sees never depends on who they are."""

    def _hide_links(self, definitions: DefinitionSet) -> None:
        """A link that only leads to what the actor may not see does not exist for them either."""
        seen = {module.name for module in definitions.modules if self._modules[module.id].see != "none"}
        for module in definitions.modules:
            blind = frozenset(link.id for link in module.links if not seen.intersection(link.to))
            rights = self._modules[module.id]
            if blind - rights.hidden:
                self._modules[module.id] = replace(rights, hidden=rights.hidden | blind)

    def module(self, module_id: str) -> ModulePolicy:
        """The rights on a module."""
        return self._modules[module_id]

    def allows(self, module_id: str, action: Action) -> bool:
        """Whether the action is allowed on at least some records of the module."""
        granted = getattr(self._modules[module_id], action)
        return granted is True or (isinstance(granted, str) and granted != "none")

    def require(self, module_id: str, action: Action) -> ModulePolicy:
        """The rights on the module if the action is allowed; raises Forbidden."""
        if not self.allows(module_id, action):
            raise Forbidden(
                Problem(
                    "forbidden",
                    "",
                    f"You may not {_VERBS[action]} {self._names[module_id]}.",
                    "Ask an administrator for a role that allows it.",
                )
            )
        return self._modules[module_id]

    def require_design(self) -> None:
        """Raises Forbidden unless definitions may be changed."""
        if not self.design:
            raise Forbidden(Problem("forbidden", "", "You may not change definitions.", "Ask an administrator."))

    def require_manage_users(self) -> None:
        """Raises Forbidden unless users may be managed."""
        if not self.manage_users:
            raise Forbidden(Problem("forbidden", "", "You may not manage users.", "Ask an administrator."))

    def require_import(self) -> None:
        """Raises Forbidden unless files may be imported."""
        if not self.import_records:
            raise Forbidden(Problem("forbidden", "", "You may not import records.", "Ask an administrator."))


_VERBS: dict[Action, str] = {
    "see": "see",
    "create": "create",
    "edit": "change",
    "archive": "archive",
    "erase": "erase",
    "export": "export",
}


def _combine(roles: tuple[Role, ...], module: Module) -> ModulePolicy:
    grants = [role.modules.get(module.id) or role.modules.get(module.name) or role.modules.get("*") for role in roles]
    given = [grant for grant in grants if grant is not None]

    def widest(attribute: str) -> Scope:
        found: Scope = "none"
        for grant in given:
            scope: Scope = getattr(grant, attribute)
            if _WIDTH[scope] > _WIDTH[found]:
                found = scope
        return found

    # A field is hidden only if every role that lets the actor see the module hides it.
    seeing = [role for role, grant in zip(roles, grants, strict=True) if grant is not None and grant.see != "none"]
    hidden = _common(seeing, "hidden_fields", module)
    read_only = _common(seeing, "read_only_fields", module)
    return ModulePolicy(
        see=widest("see"),
        create=any(grant.create for grant in given),
        edit=widest("edit"),
        archive=widest("archive"),
        erase=any(grant.erase for grant in given),
        export=any(grant.export for grant in given),
        hidden=hidden,
        read_only=read_only,
    )


def _common(roles: Iterable[Role], attribute: str, module: Module) -> frozenset[str]:
    ids = {part.name: part.id for part in (*module.fields, *module.links)}
    found: frozenset[str] | None = None
    for role in roles:
        table: dict[str, tuple[str, ...]] = getattr(role, attribute)
        mine = frozenset(ids.get(name, name) for name in table.get(module.id, ()) or table.get(module.name, ()))
        found = mine if found is None else found & mine
    return found or frozenset()


def policy_of(catalog: Catalog, actor: Actor) -> Policy:
    """The policy of an actor; the same object for the same roles while the definitions stay."""
    # What automations and guest pages do was decided by designers; nothing else acts as one of them.
    everything = actor.is_system or actor.kind in ("automation", "guest")
    key = ("policy", actor.roles, everything)
    found = catalog.memo.get(key)
    if found is None:
        known = {role.name: role for role in BUILT_IN} | {
            role.name: role for role in catalog.definitions.roles if not role.archived
        }
        roles = tuple(known[name] for name in actor.roles if name in known)
        found = catalog.memo[key] = Policy(roles, catalog.definitions, everything=everything)
    assert isinstance(found, Policy)
    return found
