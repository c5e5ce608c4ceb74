"""Finding what cells refer to: records by id, key, e-mail address, title or field, and users; for many cells at once."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from xrm_core.catalog import CompiledModule
from xrm_core.fields.email import Email
from xrm_core.importing.convert import Ask
from xrm_core.importing.targets import AUTO, KEY, target_modules
from xrm_core.kernel.text import fold
from xrm_core.records.inputs import Reference, read_uuid
from xrm_core.records.references import SEVERAL, resolve
from xrm_core.records.unit import Unit
from xrm_core.storage import imports as store
from xrm_core.storage import members as member_store
from xrm_core.storage import records as record_store
from xrm_core.storage.database import Connection

_ONE_FIELD = re.compile(r"\{\{\s*([a-z][a-z0-9_]*)\s*\}\}")
_REMEMBERED = 200_000

Wanted = tuple[str, str, str]
"""(name of the link or user field, module or "", what it is found by)."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a cell refers to; without an id it is a record that a dry run promised."""

    module: str
    id: UUID | None


MANY = "many"
"""In place of what was found, when several records fit."""


class Lookups:
    """Remembers what was found, so that each key is asked for once; what was missing is asked again."""

    def __init__(self, source: str) -> None:
        self.source = source
        self._known: dict[tuple[Wanted, str], Found] = {}
        self._promised: dict[tuple[str, str], set[str]] = {}
        self._users: dict[str, UUID | str] | None = None

    def forget(self) -> None:
        """Ask for everything again: somebody else may have changed it."""
        self._known.clear()
        self._users = None

    async def find(
        self, unit: Unit, connection: Connection, module: CompiledModule, asks: Iterable[Ask]
    ) -> dict[Ask, Found | str]:
        """What each ask leads to; those that lead nowhere are not in the answer."""
        answer: dict[Ask, Found | str] = {}
        open_: dict[Wanted, list[Ask]] = {}
        if len(self._known) > _REMEMBERED:
            self._known.clear()
        for ask in asks:
            wanted = (ask.target.name, ask.target.module or "", ask.target.detail)
            known = self._known.get((wanted, ask.text))
            if known is not None:
                answer[ask] = known
            else:
                open_.setdefault(wanted, []).append(ask)
        for wanted, waiting in open_.items():
            texts = list(dict.fromkeys(ask.text for ask in waiting))
            target = waiting[0].target
            if target.kind == "link":
                link = module.links[target.name]
                modules = target_modules(unit.catalog, link, target.module)
                found = await self._records(unit, connection, modules, target.detail, texts)
            else:
                found = await self._members(unit, connection, target.detail, texts)
            for text, one in found.items():
                # Records of the module itself may be made in this very transaction, which may still be undone.
                if isinstance(one, Found) and one.id is not None and one.module != module.name:
                    self._known[wanted, text] = one
            for ask in waiting:
                if ask.text in found:
                    answer[ask] = found[ask.text]
        return answer

    # -- records ------------------------------------------------------------------------------------------------------

    async def _records(
        self, unit: Unit, connection: Connection, modules: Sequence[CompiledModule], by: str, texts: Sequence[str]
    ) -> dict[str, Found | str]:
        found: dict[str, Found | str] = {}
        for module in modules:
            if not unit.policy.allows(module.id, "see"):
                continue
            for step in _ways(module) if by == AUTO else (by,):
                rest = [text for text in texts if text not in found]
                if not rest:
                    return found
                found |= await self._by(unit, connection, module, step, rest, plain=by != AUTO)
        for text in texts:
            if text not in found:
                promise = self._promise(modules, by, text)
                if promise is not None:
                    found[text] = promise
        return found

    async def _by(
        self, unit: Unit, connection: Connection, module: CompiledModule, by: str, texts: Sequence[str], *, plain: bool
    ) -> dict[str, Found | str]:
        if by == KEY:
            known = await store.by_keys(connection, module.table, self.source, texts)
            return {text: Found(module.name, one) for text, one in (await _visible(unit, connection, module, known)).items()}
        if by == "id":
            ids = {text: one for text in texts if (one := read_uuid(text.lower())) is not None}
            there = await record_store.exist(connection, module.table, ids.values()) if ids else {}
            live = {text: one for text, one in ids.items() if there.get(one) is False}
            return {text: Found(module.name, one) for text, one in (await _visible(unit, connection, module, live)).items()}
        definition = module.fields[by].definition if by in module.fields else None
        if isinstance(definition, Email) and not plain:
            texts = [text for text in texts if "@" in text]
        if not texts:
            return {}
        references = [Reference(module.name, None, by={by: text}) for text in texts]
        await resolve(unit, connection, references)
        found: dict[str, Found | str] = {}
        for text, reference in zip(texts, references, strict=True):
            if reference.id is not None:
                found[text] = Found(module.name, reference.id)
            elif reference.attributes == SEVERAL:
                found[text] = MANY
        return found

    # -- users --------------------------------------------------------------------------------------------------------

    async def _members(
        self, unit: Unit, connection: Connection, by: str, texts: Sequence[str]
    ) -> dict[str, Found | str]:
        if self._users is None:
            self._users = await _directory(unit, connection)
        keys = (
            await store.users_by_keys(connection, unit.schema, self.source, texts) if by in (AUTO, KEY) else {}
        )
        found: dict[str, Found | str] = {}
        for text in texts:
            key = fold(" ".join(text.split()))
            ways = {"email": (f"e:{key}",), "name": (f"n:{key}",), "id": (f"i:{key}",), KEY: ()}
            for way in ways.get(by, (f"e:{key}", f"i:{key}", f"n:{key}")):
                one = self._users.get(way)
                if one is not None:
                    found[text] = Found(store.USERS, one) if isinstance(one, UUID) else MANY
                    break
            if text in keys:
                found[text] = Found(store.USERS, keys[text])
            elif text not in found and key in self._promised.get((store.USERS, AUTO), ()):
                found[text] = Found(store.USERS, None)
        return found

    # -- what a dry run would have made ---------------------------------------------------------------------------------

    def promise(self, module: CompiledModule, by: str, text: str) -> None:
        """A dry run would make a record of the module that is found by this text."""
        self._promised.setdefault((module.name, by), set()).add(fold(text) if by not in (KEY, "id") else text)

    def promise_user(self, *names: str) -> None:
        """A dry run would let somebody in who is found by any of these."""
        known = self._promised.setdefault((store.USERS, AUTO), set())
        known.update(fold(" ".join(name.split())) for name in names if name)

    def promised(self, modules: Sequence[CompiledModule], by: str, text: str) -> bool:
        """Whether a dry run would have made a record that this text leads to."""
        return self._promise(modules, by, text) is not None

    def _promise(self, modules: Sequence[CompiledModule], by: str, text: str) -> Found | None:
        if not self._promised:
            return None
        for module in modules:
            for step in _ways(module) if by == AUTO else (by,):
                known = self._promised.get((module.name, step))
                if known and (text if step in (KEY, "id") else fold(text)) in known:
                    return Found(module.name, None)
        return None


def _ways(module: CompiledModule) -> list[str]:
    """How a record is looked for when nobody said how: by key, id, e-mail address, then by its title."""
    found: list[str] | None = module.memo.get("import_ways")
    if found is None:
        found = [KEY, "id", *(name for name, known in module.fields.items() if isinstance(known.definition, Email))]
        # A title that is one field is found by that field, which has an index more often than not.
        single = _ONE_FIELD.fullmatch(module.definition.title.strip())
        name = single[1] if single else ""
        found.append(name if name in module.fields and module.fields[name].column is not None else "title")
        module.memo["import_ways"] = found
    return found


def title_way(module: CompiledModule) -> str:
    """What stands for the title when records are looked for by it."""
    return _ways(module)[-1]


async def _visible(
    unit: Unit, connection: Connection, module: CompiledModule, found: dict[str, UUID]
) -> dict[str, UUID]:
    scope = unit.scope(module, "see")
    if scope is None or not found:
        return found
    seen = await record_store.within_scope(connection, module.table, list(found.values()), scope)
    return {text: one for text, one in found.items() if one in seen}


async def _directory(unit: Unit, connection: Connection) -> dict[str, UUID | str]:
    found: dict[str, UUID | str] = {}
    for member in await member_store.members(connection, unit.schema):
        if member.disabled_at is not None:
            continue
        found[f"e:{fold(member.email)}"] = member.id
        found[f"i:{member.id}"] = member.id
        name = f"n:{fold(' '.join(member.name.split()))}"
        found[name] = MANY if name in found else member.id
    return found
