"""Where a column may go: a field or a part of its value, a link found by some key, an owner, a stage, a time, a key."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from xrm_core.catalog import Catalog, CompiledLink, CompiledModule
from xrm_core.definitions.names import did_you_mean
from xrm_core.fields.capabilities import HoldsUsers
from xrm_core.kernel.problem import Problem
from xrm_core.records.unit import Unit

TargetKind = Literal["field", "part", "user", "link", "owner", "stage", "reason", "created_at", "stage_entered_at", "key", "id"]
KEY = "external_id"
"""The key of a record in the system that a file comes from."""
AUTO = ""
"""Find a link's target by whatever the cell looks like: an id, a key, an e-mail address, a title."""
USER_KEYS = (AUTO, "email", "name", "id", KEY)
SYSTEM: dict[str, TargetKind] = {
    "owner": "owner", "created_at": "created_at", "id": "id", KEY: "key",
    "stage": "stage", "stage_entered_at": "stage_entered_at", "stage_reason": "reason",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Target:
    """One place for the cells of a column."""

    kind: TargetKind
    name: str
    detail: str = AUTO
    """The part of a value, or what tells a link's target apart."""
    module: str | None = None
    """The name of the link's target module, where a link leads to several."""

    @property
    def text(self) -> str:
        """How a mapping writes it: `email`, `name.last`, `company.domain`, `about.people.email`."""
        return ".".join(part for part in (self.name, self.module or "", self.detail) if part)

    @property
    def place(self) -> tuple[str, str]:
        """What two columns may not share."""
        return self.name, self.detail if self.kind == "part" else ""


def read_target(unit: Unit, module: CompiledModule, text: str) -> Target | Problem:
    """The target that a mapping names, if the module has it and the actor may write it."""
    name, _, rest = text.strip().partition(".")
    rights = unit.policy.module(module.id)
    known = module.fields.get(name)
    if known is not None and known.id not in rights.hidden:
        definition = known.definition
        if not known.writable or definition.read_only or known.id in rights.read_only:
            why = "is computed" if known.computed else "cannot be written"
            return Problem("not_writable", "", f"{name} {why}.", "Leave the column out.")
        if isinstance(definition, HoldsUsers):
            if rest in USER_KEYS:
                return Target("user", name, rest)
            return _unknown(text, [f"{name}.{key}" for key in USER_KEYS if key])
        if not rest:
            return Target("field", name)
        if rest in definition.attributes:
            return Target("part", name, rest)
        return _unknown(text, [name, *(f"{name}.{part}" for part in definition.attributes)])
    link = module.links.get(name)
    if link is not None and link.id not in rights.hidden:
        if link.definition.read_only or link.id in rights.read_only:
            return Problem("not_writable", "", f"{name} cannot be written.", "Leave the column out.")
        return _link(unit, link, text, name, rest)
    if name in SYSTEM and (name not in ("stage", "stage_entered_at", "stage_reason") or module.pipeline is not None):
        if not rest or (name == "owner" and rest in USER_KEYS):
            return Target(SYSTEM[name], name, rest)
    return _unknown(text, [*choices(unit, module), *SYSTEM])


def _link(unit: Unit, link: CompiledLink, text: str, name: str, rest: str) -> Target | Problem:
    target_module: str | None = None
    if link.polymorphic:
        first, _, after = rest.partition(".")
        if first in link.definition.to:
            target_module, rest = first, after
        elif rest:
            return _unknown(text, [name, *(f"{name}.{one}.email" for one in link.definition.to)])
    else:
        target_module = link.definition.to[0]
    shown = target_module if link.polymorphic else None
    if rest in (AUTO, KEY, "id", "title"):
        return Target("link", name, rest, shown)
    other = unit.catalog.find(target_module or "")
    if other is not None and rest in other.fields and other.fields[rest].id not in unit.policy.module(other.id).hidden:
        field = other.fields[rest]
        if not field.beside and not isinstance(field.definition, HoldsUsers):
            return Target("link", name, rest, shown)
    known = [KEY, "id", "title", *(other.fields if other is not None else ())]
    return _unknown(text, [f"{name}.{one}" for one in known])


def _unknown(text: str, known: list[str]) -> Problem:
    return Problem("unknown_target", "", f"There is nothing called {text[:60]!r} to import into.", did_you_mean(text, known))


def choices(unit: Unit, module: CompiledModule) -> Iterator[str]:
    """Every target of a module that the actor may write, as a mapping writes it."""
    rights = unit.policy.module(module.id)
    for field in module.fields.values():
        if field.writable and not field.definition.read_only and field.id not in rights.hidden | rights.read_only:
            yield field.name
            if not isinstance(field.definition, HoldsUsers):
                yield from (f"{field.name}.{part}" for part in field.definition.attributes)
    for link in module.links.values():
        if not link.definition.read_only and link.id not in rights.hidden | rights.read_only:
            yield link.name
    yield "owner"
    yield from ("stage",) if module.pipeline is not None else ()
    yield "created_at"
    yield KEY


def target_modules(catalog: Catalog, link: CompiledLink, chosen: str | None) -> list[CompiledModule]:
    """The modules that a link's target may be in."""
    found = [catalog.modules[one] for one in link.targets if one in catalog.modules]
    return [one for one in found if chosen is None or one.name == chosen]
