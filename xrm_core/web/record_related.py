"""Records around a record: the lists of its page, adding to them by choosing several, taking out of them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import orjson
from litestar import Response, delete, post

from xrm_core.fields.capabilities import HoldsUsers
from xrm_core.kernel.errors import Invalid, Malformed, NotFound
from xrm_core.kernel.problem import Problem
from xrm_core.records import read, relating, write
from xrm_core.records.unit import Unit
from xrm_core.storage.model import CompiledInverse, CompiledLink, CompiledModule
from xrm_core.web.describe import Describer
from xrm_core.web.filters import address
from xrm_core.web.fragments import answer, change
from xrm_core.web.pages import RelatedView
from xrm_core.web.rows import RowRenderer
from xrm_core.web.services import Req, Visit, caller_of

ROWS = 6
COLUMNS = 5
MOST_PICKED = 50
AnyLink = CompiledInverse | CompiledLink


async def related_views(here: Visit, module: CompiledModule, record: dict[str, Any], edits: bool) -> list[RelatedView]:
    """Records that link here, and those that many-to-many links lead to; what has records comes first."""
    found = []
    links: list[AnyLink] = list(module.inverses.values())
    links += [link for link in module.links.values() if link.many and not link.polymorphic]
    for link in links:
        view = await _related(here, module, record, link, edits)
        if view is not None:
            found.append(view)
    return sorted(found, key=lambda one: one.count == 0)


async def _related(
    here: Visit, module: CompiledModule, record: dict[str, Any], link: AnyLink, edits: bool
) -> RelatedView | None:
    unit, describer = here.unit, Describer(here)
    inverse = isinstance(link, CompiledInverse)
    own = link.link if isinstance(link, CompiledInverse) else link
    if own.id in unit.policy.module(own.module_id).hidden:
        return None
    other = unit.catalog.modules[own.module_id if inverse else own.targets[0]]
    if not describer.sees(other):
        return None
    identity = UUID(record["id"])
    paths = [path for path in describer.default_paths(other) if path != own.name or not inverse]
    stage = ["stage"] if other.pipeline is not None else []
    columns = describer.list_columns(other, dict.fromkeys([paths[0], *stage, *paths[1:]]))[:COLUMNS]
    listed = await read.related(unit, module.name, identity, link.name, limit=ROWS)
    rows = [orjson.loads(row) for row in listed.rows]
    count = len(rows)
    if listed.next is not None:
        # Most lists are short: only those that go on are counted.
        more = await read.related(unit, module.name, identity, link.name, limit=1, count="capped")
        count = more.count.value if more.count is not None else count
    view = describer.module(other)
    label = describer.text(link.label if isinstance(link, CompiledInverse) else link.definition.label)
    value = f"{module.name}:{identity}" if own.polymorphic else str(identity)
    back = ("back", f"/m/{module.name}/{identity}")
    add = address(view.create_url, [(own.name, value), back]) if inverse and view.create_url else None
    every = None
    if inverse and not own.many and not own.polymorphic and count > len(rows):
        every = address(view.url, [("layout", "list"), ("f", f"{own.name}~eq~{identity}")])
    rendered = RowRenderer(columns, other.name).render(rows, here.reader)
    name = link.name if inverse else f"own-{link.name}"
    loose = edits and not own.definition.read_only and own.id not in unit.policy.module(own.module_id).read_only
    return RelatedView(
        name, label, view, columns, rendered, count, add, every,
        pick=pick_of(describer, own, other, inverse=inverse) if loose else None,
        unlink=loose and (own.many or (inverse and not own.definition.required and unit.policy.allows(other.id, "edit"))),
    )  # fmt: skip


def partner_of(describer: Describer, own: CompiledLink, other: CompiledModule) -> CompiledLink | None:
    """For records that tie this one to another, such as a membership: the link to that other one."""
    hidden = describer.hidden(other)
    for link in other.links.values():
        if link.id == own.id or link.many or link.polymorphic or link.id in hidden or not link.definition.required:
            continue
        return link if describer.sees(describer.unit.catalog.modules[link.targets[0]]) else None
    return None


def pick_of(
    describer: Describer, own: CompiledLink, other: CompiledModule, *, inverse: bool
) -> tuple[str, str, str] | None:
    """What can be chosen to be added: existing records, or for each chosen one a new record that ties it to this one."""
    policy = describer.unit.policy
    if own.many:
        return (other.name, describer.text(other.definition.label), "link")
    if not inverse:
        return None
    if own.definition.required:
        partner = partner_of(describer, own, other)
        if partner is None or not policy.allows(other.id, "create") or _asks_more(other):
            return None
        target = describer.unit.catalog.modules[partner.targets[0]]
        return (target.name, describer.text(target.definition.label), "new")
    return (other.name, describer.text(other.definition.label), "link") if policy.allows(other.id, "edit") else None


def _asks_more(module: CompiledModule) -> bool:
    """Whether a record cannot be made of its links alone: then there is a form, and nothing to choose."""
    return any(
        known.definition.required
        and known.writable
        and known.definition.default is None
        and not isinstance(known.definition, HoldsUsers)
        for known in module.fields.values()
    )


def _link(module: CompiledModule, name: str) -> AnyLink:
    found = module.inverses.get(name) or module.links.get(name.removeprefix("own-"))
    if found is None:
        raise NotFound(Problem("unknown_link", "", "There is no such link."))
    return found


@post("/m/{module:str}/{id:str}/related/{link:str}", status_code=200)
async def add_related(request: Req) -> Response[bytes]:
    """Add several records at once: one change, one undo."""
    caller = await caller_of(request)
    path = request.path_params
    try:
        body = orjson.loads(await request.body())
        chosen = [UUID(str(one)) for one in body["ids"]][: MOST_PICKED + 1]
        identity = UUID(path["id"])
    except (ValueError, KeyError, TypeError):
        raise Malformed(Problem("body", "", "Send the ids of the records.", '{"ids": ["…"]}')) from None
    if not 1 <= len(chosen) <= MOST_PICKED:
        raise Invalid(Problem("too_many", "/ids", f"Between 1 and {MOST_PICKED} records at once."))

    async def work(unit: Unit, here: Visit) -> dict[str, Any]:
        module = unit.module(path["module"])
        link = _link(module, path["link"])
        own = link.link if isinstance(link, CompiledInverse) else link
        other = unit.catalog.modules[own.module_id if isinstance(link, CompiledInverse) else own.targets[0]]
        describer = Describer(here)
        pick = pick_of(describer, own, other, inverse=isinstance(link, CompiledInverse))
        if pick is None:
            raise NotFound(Problem("unknown_link", "", "Nothing can be added here."))
        made = []
        for one in chosen:
            if pick[2] == "link":
                await relating.link(unit, module.name, identity, link.name, one, None)
                continue
            partner = partner_of(describer, own, other)
            assert partner is not None
            values: dict[str, Any] = {own.name: str(identity), partner.name: str(one)}
            values |= _me(unit, other)
            made.append(str((await write.create(unit, other.name, values)).id))
        label = describer.text(other.definition.label if len(chosen) == 1 else other.definition.label_plural)
        text = here.t("{count} {label} added", count=len(chosen), label=label)
        return {"text": text, "made": made, "module": other.name}

    return answer(*await change(request, caller, work))


def _me(unit: Unit, module: CompiledModule) -> dict[str, Any]:
    """Whoever adds is the person of what needs one."""
    return {
        known.name: [unit.me] if getattr(known.definition, "multiple", False) else unit.me
        for known in module.fields.values()
        if isinstance(known.definition, HoldsUsers) and known.definition.required and known.definition.default is None
    }


@delete("/m/{module:str}/{id:str}/related/{link:str}/{other:str}", status_code=200)
async def remove_related(request: Req) -> Response[bytes]:
    """Take one record out of a list; it stays itself."""
    caller = await caller_of(request)
    path = request.path_params
    try:
        identity, other = UUID(path["id"]), UUID(path["other"])
    except ValueError:
        raise NotFound(Problem("not_found", "", "There is no such record.")) from None

    async def work(unit: Unit, here: Visit) -> dict[str, Any]:
        module = unit.module(path["module"])
        link = _link(module, path["link"])
        await relating.unlink(unit, module.name, identity, link.name, other)
        return {"text": here.t("Taken out")}

    return answer(*await change(request, caller, work))


HANDLERS = [add_related, remove_related]
