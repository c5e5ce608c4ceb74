"""Linked records in full inside the records that link to them: one query per link of each level, never per row."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

import orjson

from xrm_core.catalog import CompiledInverse, CompiledModule
from xrm_core.kernel.errors import Malformed
from xrm_core.kernel.problem import Problem
from xrm_core.records.query import context_of, restrict
from xrm_core.records.unit import Unit
from xrm_core.storage.database import Connection
from xrm_core.storage.hops import link_key
from xrm_core.storage.model import CompiledLink
from xrm_core.storage.sql.queries import source_of
from xrm_core.storage.sql.rows import row_json
from xrm_core.storage.sql.values import Sql, joined, sql

DEEPEST = 3
MOST_PATHS = 20
MOST_EACH = 50
"""So many records of a list are shown with each record; `related` has all of them."""

Tree = dict[str, "Tree"]


def tree_of(unit: Unit, module: CompiledModule, paths: Sequence[str]) -> Tree:
    """The paths as a tree of link names; raises Malformed if one of them is not a path of links the actor may follow."""
    if len(paths) > MOST_PATHS:
        raise Malformed(Problem("too_many", "/expand", f"At most {MOST_PATHS} links can be expanded at once."))
    tree: Tree = {}
    for path in paths:
        names = path.split(".")
        if len(names) > DEEPEST:
            raise Malformed(
                Problem("too_deep", "/expand", f"{path[:80]!r} has more than {DEEPEST} links.", "Ask in two steps.")
            )
        branch = tree
        here: CompiledModule | None = module
        for name in names:
            if here is None:
                raise Malformed(
                    Problem("polymorphic", "/expand", f"The link before {name[:60]!r} leads to several modules.", "")
                )
            here = _after(unit, here, name)
            branch = branch.setdefault(name, {})
    return tree


def _after(unit: Unit, module: CompiledModule, name: str) -> CompiledModule | None:
    """The module behind a link; None if there are several."""
    found = module.links.get(name) or module.inverses.get(name)
    ends: tuple[str, ...] = ()
    if isinstance(found, CompiledInverse):
        if found.link.id not in unit.policy.module(found.module_id).hidden:
            ends = (found.module_id,)
    elif found is not None and found.id not in unit.policy.module(module.id).hidden:
        ends = tuple(one for one in found.targets if one in unit.catalog.modules)
    if not ends or not all(unit.policy.allows(end, "see") for end in ends):
        known = ", ".join([*module.links, *module.inverses][:20])
        raise Malformed(
            Problem("unknown_link", "/expand", f"{module.name} has no link {name[:60]!r}.", f"Links: {known}.")
        )
    return unit.catalog.modules[ends[0]] if len(ends) == 1 else None


def with_links(module: CompiledModule, tree: Tree, fields: Sequence[str] | None) -> tuple[str, ...] | None:
    """The wanted fields with the links that are to be expanded: their ids are needed to find the records."""
    if fields is None:
        return None
    own = [name for name in tree if name in module.links and not module.links[name].many]
    return tuple(dict.fromkeys([*fields, *own]))


async def expanded(
    unit: Unit, connection: Connection, module: CompiledModule, rows: Sequence[bytes], tree: Tree
) -> list[bytes]:
    """The rows with the records of the tree's links in them."""
    if not tree or not rows:
        return list(rows)
    documents = [orjson.loads(row) for row in rows]
    await _level(unit, connection, module, documents, tree)
    return [orjson.dumps(document) for document in documents]


async def _level(
    unit: Unit, connection: Connection, module: CompiledModule, documents: list[dict[str, Any]], tree: Tree
) -> None:
    for name, below in tree.items():
        found = module.links.get(name) or module.inverses[name]
        if isinstance(found, CompiledLink) and not found.many:
            for target_id in found.targets:
                if target_id in unit.catalog.modules:
                    await _single(unit, connection, unit.catalog.modules[target_id], documents, name, below)
        else:
            await _lists(unit, connection, found, documents, name, below)


async def _single(
    unit: Unit, connection: Connection, target: CompiledModule, documents: list[dict[str, Any]], name: str, below: Tree
) -> None:
    holders = [one for one in documents if isinstance(one.get(name), dict) and one[name]["module"] == target.name]
    ids = sorted({one[name]["id"] for one in holders})
    if not ids:
        return
    context = context_of(unit, target)
    selected = row_json(context, unit.policy.module(target.id).hidden)
    where = joined(" and ", [Sql("t.id = any(%s::uuid[])", ([UUID(one) for one in ids],)), *_visible(unit, target)])
    statement = sql("select t.id, {} from {} where {}", selected, source_of(target, context), where)
    cursor = connection.cursor()
    await cursor.execute(statement.text, statement.bound(unit))
    found = {str(identifier): orjson.loads(row) for identifier, row in await cursor.fetchall()}
    if below:
        await _level(unit, connection, target, list(found.values()), below)
    for holder in holders:
        # What the actor may not see stays the bare reference that it was.
        holder[name] = found.get(holder[name]["id"], holder[name])


async def _lists(
    unit: Unit,
    connection: Connection,
    link: CompiledLink | CompiledInverse,
    documents: list[dict[str, Any]],
    name: str,
    below: Tree,
) -> None:
    near = link.link if isinstance(link, CompiledInverse) else link
    ids = [UUID(one) for one in sorted({document["id"] for document in documents})]
    lists: dict[str, list[dict[str, Any]]] = {str(one): [] for one in ids}
    targets = [link.module_id] if isinstance(link, CompiledInverse) else list(link.targets)
    for target_id in targets:
        if target_id not in unit.catalog.modules:
            continue
        target = unit.catalog.modules[target_id]
        rows = await _listed(unit, connection, target, near, ids, back=isinstance(link, CompiledInverse))
        if below:
            await _level(unit, connection, target, [row for _, row in rows], below)
        for owner, row in rows:
            lists[owner].append(row)
    for document in documents:
        document[name] = lists[document["id"]][:MOST_EACH]


async def _listed(
    unit: Unit, connection: Connection, target: CompiledModule, link: CompiledLink, ids: list[UUID], *, back: bool
) -> list[tuple[str, dict[str, Any]]]:
    """(record, linked record) for all these records, the newest first, in one statement."""
    context = context_of(unit, target)
    selected = row_json(context, unit.policy.module(target.id).hidden)
    source = source_of(target, context)
    parts = [Sql("t.archived_at is null"), *_visible(unit, target)]
    attributes = Sql("null::jsonb")
    if link.many:
        near, far = ("target_id", "source_id") if back else ("source_id", "target_id")
        source = sql("{} join {}.link a on a.{} = t.id", source, unit.schema, far)
        parts += [Sql(f"a.{near} = s.id"), Sql(f"a.link_id = '{link_key(link)}'")]
        attributes = Sql("a.attributes")
    else:
        parts.append(Sql(f"t.{link.column} = s.id"))
    inner = sql(
        "select {} as row, {} as attributes from {} where {} order by t.id desc limit {}",
        selected,
        attributes,
        source,
        joined(" and ", parts),
        str(MOST_EACH),
    )
    statement = sql("select s.id, x.row, x.attributes from unnest(%s::uuid[]) s(id) cross join lateral ({}) x", inner)
    cursor = connection.cursor()
    await cursor.execute(statement.text, [ids, *statement.bound(unit)])
    names = {definition.id: definition.name for definition in link.definition.attributes}
    found = []
    for owner, row, given in await cursor.fetchall():
        document = orjson.loads(row)
        if names:
            stored = orjson.loads(given) if isinstance(given, bytes) else given
            document["link"] = {names[key]: value for key, value in (stored or {}).items() if key in names}
        found.append((str(owner), document))
    return found


def _visible(unit: Unit, module: CompiledModule) -> Iterable[Sql]:
    allowed = restrict(unit)(module, "t")
    return [] if allowed is None else [allowed]
