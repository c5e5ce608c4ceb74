"""From parsed input to rows that may be stored: references resolved, defaults filled, values computed, rules checked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from xrm_core.catalog import CompiledModule
from xrm_core.catalog.computations import Computation
from xrm_core.expressions.typed import Typed
from xrm_core.expressions.values import to_json
from xrm_core.fields import ParseContext, Rejected
from xrm_core.kernel.ids import id_at, new_id
from xrm_core.kernel.kinds import Kind
from xrm_core.kernel.labels import label_text
from xrm_core.kernel.problem import Problem, pointer, under
from xrm_core.kernel.turns import in_turns
from xrm_core.records import computed, rules
from xrm_core.records.environment import RecordEnv, Targets, load_targets, python_of, sources_of, target_of
from xrm_core.records.inputs import Input, Reference
from xrm_core.records.references import resolve
from xrm_core.records.unit import Unit
from xrm_core.storage import links as link_store
from xrm_core.storage import members as member_store
from xrm_core.storage import records as store
from xrm_core.storage.database import Connection
from xrm_core.storage.hops import Source, link_key, readings
from xrm_core.storage.links import LinkRow
from xrm_core.storage.model import CompiledField, CompiledLink
from xrm_core.storage.rows import Row

NOBODY = str(UUID(int=0))
"""What `me` is when nobody in particular acts."""


@dataclass(slots=True)
class Draft:
    """One record on its way to be stored."""

    module_id: str
    given: Input
    row: Row
    before: Row | None = None
    changed: set[str] = field(default_factory=set)
    """Ids of everything that differs from before: values, links, owner, stage, and what was computed from them."""
    moved: set[str] = field(default_factory=set)
    """Ids of what was computed only after the record was stored, because it looks at lists of other records."""
    problems: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)
    many: dict[str, list[LinkRow]] = field(default_factory=dict)
    """Many-to-many links that the record shall have, by link id."""
    author: dict[str, str | None] | None = None
    """Who made the record, where that is not who writes it."""

    def set(self, key: str, value: Any, *, beside: bool = False) -> None:
        """Set or clear a stored value."""
        if beside:
            if (self.row.beside.get(key) or None) != value:
                self.row.beside[key] = value or ""
                self.changed.add(key)
        elif value is None:
            if self.row.data.pop(key, None) is not None:
                self.changed.add(key)
        elif self.row.data.get(key) != value or type(self.row.data.get(key)) is not type(value):
            self.row.data[key] = value
            self.changed.add(key)


def parse_context(unit: Unit) -> ParseContext:
    """What field types need to know of the workspace."""
    settings = unit.workspace.settings or {}
    return ParseContext(
        currency=unit.workspace.currency,
        region=str(settings.get("region") or "GB"),
        zone=unit.workspace.time_zone,
        language=unit.workspace.locale,
    )


def new_row(unit: Unit, created_at: datetime | None = None, identifier: UUID | None = None) -> Row:
    """An empty row of a new record; with `created_at` it takes its place among older records."""
    at = created_at or unit.now
    made = identifier or (id_at(created_at) if created_at else new_id())
    me = unit.actor.user_id
    return Row(made, 1, 0, me, None, None, at, me, at, me, None, "", {})


async def prepare_new(unit: Unit, connection: Connection, module: CompiledModule, drafts: Sequence[Draft]) -> Targets:
    """Make drafts of new records ready; what is wrong is in their `problems`. Returns the loaded link targets."""
    context = parse_context(unit)
    for draft in drafts:
        _apply(module, draft)
        _start_stage(unit, module, draft)
        _literal_defaults(module, draft, context)
    await _users(unit, connection, module, drafts)
    await _numbers(unit, connection, module, drafts)
    await _references(unit, connection, module, drafts)
    targets = await _targets(unit, connection, module, drafts, {}, None)
    await _many_targets(unit, connection, module, drafts)
    await _computed_defaults(unit, connection, module, drafts, context, targets)
    nodes = computed.of_module(unit.catalog, module)
    empty = _empty_rollups(module, nodes)
    values = computed.Repeated(unit.catalog, [node for node in nodes if not node.is_rollup])
    async for draft in in_turns(drafts):
        env = RecordEnv(unit, module, draft.row, targets)
        draft.row.data.update(empty)
        if draft.given.stage is None and module.definition.variants:
            draft.row.stage = rules.start(unit.catalog, module, env) or draft.row.stage
        values.evaluate(env)
        linked = {key for key, rows in draft.many.items() if rows}
        problems, warnings = rules.verify(unit.catalog, module, env, None, draft.changed, linked, unit.workspace.locale)
        draft.problems += problems
        draft.warnings += warnings
        stage = module.stages.get(draft.row.stage or "")
        if stage is not None:
            draft.problems += rules.may_enter(unit.catalog, module, env, stage, None, draft.given.reason, linked)
    return targets


async def prepare_changed(
    unit: Unit, connection: Connection, module: CompiledModule, drafts: Sequence[Draft], *, lock: bool
) -> Targets:
    """Make drafts of changed records ready; only what the change touches is computed and checked anew."""
    for draft in drafts:
        _apply(module, draft)
        _offered(module, draft)
    await _users(unit, connection, module, drafts)
    await _references(unit, connection, module, drafts)
    linked_now = {key for draft in drafts for key in draft.changed if key in module.links_by_id}
    targets: Targets = {}
    if linked_now:
        targets = await _targets(unit, connection, module, drafts, targets, linked_now)
    await _many_targets(unit, connection, module, drafts)
    touched = [_touched(unit, module, draft, linked_now) for draft in drafts]
    wanted: dict[tuple[str, ...], Source] = {}
    for draft, nodes in zip(drafts, touched, strict=True):
        moved = draft.changed | {node.key for node in nodes}
        for source in computed.sources(unit.catalog, module, nodes) + rules.rules_of(unit.catalog, module).needed(moved):
            wanted[source.ids] = source
    if wanted:
        names = {source.ids[0] for source in wanted.values()}
        rows = [draft.row for draft in drafts]
        targets = await load_targets(unit, connection, module, rows, list(wanted.values()), names, known=targets)
    linked_all = await _linked(unit, connection, module, drafts)
    async for draft, nodes, linked in in_turns(zip(drafts, touched, linked_all, strict=True)):
        env = RecordEnv(unit, module, draft.row, targets)
        for node in nodes:
            if computed.evaluate(unit.catalog, node, env):
                draft.changed.add(node.key)
        problems, warnings = rules.verify(
            unit.catalog, module, env, draft.before, draft.changed, linked, unit.workspace.locale
        )
        draft.problems += problems
        draft.warnings += warnings
        before = draft.before
        if before is not None and draft.row.stage != before.stage:
            stage = module.stages.get(draft.row.stage or "")
            draft.row.stage_entered_at = unit.now
            if stage is not None:
                draft.problems += rules.may_enter(
                    unit.catalog, module, env, stage, before.stage, draft.given.reason, linked
                )
    return targets


def _touched(unit: Unit, module: CompiledModule, draft: Draft, linked_now: set[str]) -> list[Computation]:
    """The computations of a changed record that have to be made anew, in their order."""
    moved = affected(unit.catalog.graph.local, module.id, draft.changed)
    return [
        node
        for node in computed.in_memory(unit.catalog, module)
        if node in moved or (draft.changed & linked_now and _reads_links(node, draft.changed))
    ]


async def _linked(
    unit: Unit, connection: Connection, module: CompiledModule, drafts: Sequence[Draft]
) -> list[set[str]]:
    """Which many-to-many links of each record have targets; asked only where a rule could need it."""
    asked: dict[UUID, list[CompiledLink]] = {}
    for draft in drafts:
        needed = [
            link
            for link in module.links.values()
            if link.many
            and link.id not in draft.many
            and (link.definition.required or _required_by_stage(module, draft, link.name))
        ]
        if needed:
            asked[draft.row.id] = needed
    keys = sorted({link_key(link) for links in asked.values() for link in links})
    known = await link_store.linked(connection, unit.schema, list(asked), keys) if asked else {}
    found = []
    for draft in drafts:
        there = known.get(draft.row.id, set())
        old = {link.id for link in asked.get(draft.row.id, ()) if link_key(link) in there}
        found.append(old | {key for key, rows in draft.many.items() if rows})
    return found


def _required_by_stage(module: CompiledModule, draft: Draft, name: str) -> bool:
    stage = module.stages.get(draft.row.stage or "")
    return stage is not None and name in stage.requires


def affected(local: dict[tuple[str, str], list[Any]], module_id: str, changed: Iterable[str]) -> set[Any]:
    """The computations of a record that a change of these keys moves, one through the other."""
    found: set[Any] = set()
    open_keys = list(changed)
    while open_keys:
        for node in local.get((module_id, open_keys.pop()), ()):
            if node not in found:
                found.add(node)
                open_keys.append(node.key)
    return found


def _reads_links(node: Any, changed: set[str]) -> bool:
    return any(
        reading.hops and reading.hops[0].kind == "forward" and reading.hops[0].link.id in changed
        for reading in node.readings
    )


# -- single steps -------------------------------------------------------------------------------------------------------


def _apply(module: CompiledModule, draft: Draft) -> None:
    given = draft.given
    draft.problems += given.problems
    beside = module.beside
    if draft.before is None and not draft.row.data:
        # Most of what is written are new records: all that they are given is new.
        data = {key: value for key, value in given.values.items() if value is not None and key not in beside}
        draft.row.data = data
        draft.changed.update(data)
        for key in beside & given.values.keys():
            draft.set(key, given.values[key], beside=True)
    else:
        for key, value in given.values.items():
            draft.set(key, value, beside=key in beside)
    if given.has_owner and given.owner != draft.row.owner:
        draft.row.owner = given.owner
        draft.changed.add("owner")
    if given.stage is not None and given.stage != draft.row.stage:
        draft.row.stage = given.stage
        draft.changed |= {"stage", "stage_entered_at"}
    for key, reference in given.links.items():
        if reference is None:
            draft.set(key, None)


def _offered(module: CompiledModule, draft: Draft) -> None:
    """An archived option stays where it is, but cannot be chosen anew."""
    for key in draft.changed & draft.given.values.keys() & module.with_archived_options.keys():
        definition = module.with_archived_options[key]
        value = draft.row.data.get(key)
        if value is not None:
            before = draft.before.data.get(key) if draft.before else None
            old = set(before) if isinstance(before, list) else {before}
            new = [item for item in (value if isinstance(value, list) else [value]) if item not in old]
            for item in new:
                if not definition.allows([item] if isinstance(value, list) else item):
                    draft.problems.append(
                        Problem(
                            "archived_option",
                            pointer(module.fields_by_id[key].name),
                            f"{item!r} is no longer offered.",
                            "Choose another value.",
                        )
                    )


def _start_stage(unit: Unit, module: CompiledModule, draft: Draft) -> None:
    _offered(module, draft)
    if module.pipeline is None:
        return
    if draft.row.stage is None:
        first = next((stage for stage in module.pipeline.stages if not stage.archived), None)
        draft.row.stage = first.name if first else None
    draft.row.stage_entered_at = draft.row.stage_entered_at or draft.row.created_at
    draft.changed |= {"stage", "stage_entered_at"}


def _literal_defaults(module: CompiledModule, draft: Draft, context: ParseContext) -> None:
    defaults: list[tuple[str, Any, bool]] | None = module.memo.get(("defaults", context))
    if defaults is None:
        defaults = []
        for known in module.fields.values():
            definition = known.definition
            if known.writable and definition.default is not None and definition.default_expression is None:
                defaults.append((known.id, definition.parse(definition.default, context), known.beside))
        module.memo["defaults", context] = defaults
    for key, value, beside in defaults:
        if key not in draft.given.values:
            draft.set(key, value, beside=beside)


async def _users(unit: Unit, connection: Connection, module: CompiledModule, drafts: Sequence[Draft]) -> None:
    """Owners and users named in fields must be members of the workspace."""
    holders = module.with_users
    named: set[UUID] = set()
    for draft in drafts:
        if draft.given.owner is not None and "owner" in draft.changed:
            named.add(draft.given.owner)
        for key, holder in holders.items():
            if key in draft.changed and key in draft.row.data:
                named.update(UUID(one) for one in holder.user_ids(draft.row.data[key]))
    if unit.actor.user_id is not None:
        named.discard(unit.actor.user_id)
    if not named:
        return
    members = await member_store.existing(connection, unit.schema, named)
    unknown = named - members
    if not unknown:
        return
    hint = "GET /api/v1/users lists the users."
    for draft in drafts:
        if draft.given.owner in unknown and "owner" in draft.changed:
            draft.problems.append(Problem("unknown_user", "/owner", "There is no such user.", hint))
        for key, holder in holders.items():
            if key in draft.changed and key in draft.row.data:
                if any(UUID(one) in unknown for one in holder.user_ids(draft.row.data[key])):
                    place = pointer(module.fields_by_id[key].name)
                    draft.problems.append(Problem("unknown_user", place, "There is no such user.", hint))


async def _numbers(unit: Unit, connection: Connection, module: CompiledModule, drafts: Sequence[Draft]) -> None:
    for key, definition in module.numbered.items():
        without = [draft for draft in drafts if draft.row.data.get(key) is None]
        if without:
            first = await store.next_numbers(connection, unit.schema, f"{module.id}.{key}", len(without))
            for offset, draft in enumerate(without):
                draft.set(key, definition.numbered(first + offset))


async def _references(unit: Unit, connection: Connection, module: CompiledModule, drafts: Sequence[Draft]) -> None:
    """Put the ids of link targets into the rows; targets named by a field are looked up, all at once."""
    by_field: list[tuple[Draft, Reference]] = []
    for draft in drafts:
        for reference in (*draft.given.links.values(), *(one for many in draft.given.many.values() for one in many)):
            if reference is not None and reference.by is not None:
                by_field.append((draft, reference))
    if by_field:
        await resolve(unit, connection, [reference for _, reference in by_field])
        for draft, reference in by_field:
            if reference.id is None:
                asked = ", ".join(f"{name} = {value!r}" for name, value in (reference.by or {}).items())[:200]
                found = "several records have" if reference.attributes == {"several": True} else "no record has"
                draft.problems.append(
                    Problem("unresolved", reference.path, f"In {reference.module}, {found} {asked}.", "")
                )
    for draft in drafts:
        for key, link_reference in draft.given.links.items():
            if link_reference is None or link_reference.id is None:
                continue
            link = module.links_by_id[key]
            target = unit.catalog.module(link_reference.module or "")
            value: Any = (
                {"module": target.id, "id": str(link_reference.id)} if link.polymorphic else str(link_reference.id)
            )
            draft.set(key, value)
        for key, references in draft.given.many.items():
            link = module.links_by_id[key]
            rows: dict[UUID, LinkRow] = {}
            for reference in references:
                if reference.id is not None:
                    target = unit.catalog.module(reference.module or "")
                    attributes = link_attributes(unit, link.definition.attributes, reference, draft.problems)
                    rows[reference.id] = LinkRow(link_key(link), draft.row.id, target.id, reference.id, attributes)
            draft.many[key] = list(rows.values())


def link_attributes(
    unit: Unit, definitions: Sequence[Any], reference: Reference, problems: list[Problem]
) -> dict[str, Any] | None:
    """The stored attributes of a many-to-many link."""
    known = {definition.name: definition for definition in definitions}
    found: dict[str, Any] = {}
    context = parse_context(unit)
    given = reference.attributes or {}
    for name, raw in given.items():
        path = reference.path + pointer("attributes", name)
        if name not in known:
            problems.append(
                Problem(
                    "unknown_field",
                    path,
                    f"The link has no attribute {name!r}.",
                    f"Known: {', '.join(known) or 'none'}.",
                )
            )
            continue
        try:
            value = known[name].parse(raw, context) if raw not in (None, "", []) else None
        except Rejected as rejected:
            problems.extend(under(path, rejected.problems))
            continue
        if value is not None:
            found[known[name].id] = value
    for name, definition in known.items():
        if definition.required and definition.id not in found:
            problems.append(
                Problem(
                    "required",
                    reference.path + pointer("attributes", name),
                    f"{label_text(definition.label)} is needed.",
                )
            )
    return found or None


async def _targets(
    unit: Unit,
    connection: Connection,
    module: CompiledModule,
    drafts: Sequence[Draft],
    known: Targets,
    links: set[str] | None,
) -> Targets:
    """Load and lock the targets of new links; targets that are missing, archived or not to be chosen become problems."""
    rows = [draft.row for draft in drafts]
    trees: list[Typed] = [typed for node in computed.in_memory(unit.catalog, module) for typed in node.trees()]
    wanted = {source.ids: source for source in sources_of(unit.catalog, module, trees)}
    wanted.update({source.ids: source for source in rules.rules_of(unit.catalog, module).sources})
    wanted.update({source.ids: source for source in sources_of(unit.catalog, module, _default_trees(unit, module))})
    chosen = links if links is not None else {link.id for link in module.links.values() if not link.many}
    targets = await load_targets(unit, connection, module, rows, list(wanted.values()), chosen, lock=True, known=known)
    for draft in drafts:
        for key in chosen & draft.changed:
            link = module.links_by_id[key]
            value = draft.row.data.get(key)
            if value is None:
                continue
            target_module, target_id = target_of(value, link.targets)
            target = targets.get((target_module, target_id)) if target_id else None
            visible = target_module in unit.catalog.modules and unit.policy.allows(target_module, "see")
            if target is None or not visible:
                draft.problems.append(
                    Problem(
                        "no_target",
                        pointer(link.name),
                        f"{label_text(link.definition.label)}: there is no such record.",
                    )
                )
            elif target.archived:
                draft.problems.append(
                    Problem(
                        "archived_target",
                        pointer(link.name),
                        f"{label_text(link.definition.label)}: {target.title} is archived.",
                        "Restore it first.",
                    )
                )
    return targets


async def _many_targets(unit: Unit, connection: Connection, module: CompiledModule, drafts: Sequence[Draft]) -> None:
    wanted: dict[str, set[UUID]] = {}
    grips: dict[str, set[store.Strength]] = {}
    for draft in drafts:
        for rows in draft.many.values():
            for row in rows:
                wanted.setdefault(row.target_module, set()).add(row.target_id)
                grips.setdefault(row.target_module, set()).add(unit.catalog.graph.grip(row.link_id))
    for module_id, ids in sorted(wanted.items()):
        found: dict[UUID, bool] = {}
        if unit.policy.allows(module_id, "see"):
            strength = max(grips[module_id], key=store.STRENGTHS.index)
            found = await store.exist(connection, unit.catalog.modules[module_id].table, ids, strength)
        for draft in drafts:
            for key, rows in draft.many.items():
                link = module.links_by_id[key]
                for index, row in enumerate(rows):
                    if row.target_module == module_id and found.get(row.target_id) is not False:
                        draft.problems.append(
                            Problem(
                                "no_target",
                                pointer(link.name, index),
                                f"{label_text(link.definition.label)}: there is no such record, or it is archived.",
                            )
                        )


def _default_trees(unit: Unit, module: CompiledModule) -> list[Typed]:
    return [typed for _, typed in _default_expressions(unit, module)]


def _default_expressions(unit: Unit, module: CompiledModule) -> list[tuple[Any, Typed]]:
    found: list[tuple[Any, Typed]] | None = module.memo.get("default_expressions")
    if found is None:
        found = []
        for part in module.parts:
            definition = part.definition
            source = (
                definition.default.expression
                if not isinstance(part, CompiledField) and definition.default
                else getattr(definition, "default_expression", None)
            )
            if source:
                typed, _ = unit.catalog.scopes.check(module.definition, source)
                if typed is not None:
                    found.append((part, typed))
        module.memo["default_expressions"] = found
    return found


async def _computed_defaults(
    unit: Unit,
    connection: Connection,
    module: CompiledModule,
    drafts: Sequence[Draft],
    context: ParseContext,
    targets: Targets,
) -> None:
    expressions = _default_expressions(unit, module)
    if not expressions:
        return
    node_keys = {node.key for node in computed.in_memory(unit.catalog, module)}
    reads_computed = any(
        reading.local and reading.key in node_keys
        for _, typed in expressions
        for reading in readings(typed, module.id, unit.catalog.modules)
    )
    # Links first: what the others read may lie behind them, also behind links that are themselves defaults.
    while True:
        new_links = _linking_defaults(unit, module, drafts, expressions, targets)
        if not new_links:
            break
        targets.update(await _targets(unit, connection, module, drafts, targets, new_links))
    for draft in drafts:
        env = RecordEnv(unit, module, draft.row, targets)
        if reads_computed:
            for node in computed.in_memory(unit.catalog, module):
                computed.evaluate(unit.catalog, node, env)
        for part, typed in expressions:
            if not isinstance(part, CompiledField) or part.id in draft.given.values or part.id in draft.row.data:
                continue
            value = python_of(unit.catalog, typed)(env)
            if value is None or value == NOBODY:
                continue
            try:
                parsed = part.definition.parse(to_json(typed.type.kind or Kind.TEXT, value), context)
                draft.set(part.id, parsed, beside=part.beside)
            except Rejected as rejected:
                draft.problems += under(pointer(part.name), rejected.problems)


def _linking_defaults(
    unit: Unit, module: CompiledModule, drafts: Sequence[Draft], expressions: Sequence[tuple[Any, Typed]], targets: Targets
) -> set[str]:
    """Set the links whose default can be told by now; which links those were. One may lead to what another's reads."""
    found: set[str] = set()
    for draft in drafts:
        env = RecordEnv(unit, module, draft.row, targets)
        for part, typed in expressions:
            if isinstance(part, CompiledField) or part.polymorphic or part.id in draft.given.links or part.id in draft.row.data:
                continue
            value = python_of(unit.catalog, typed)(env)
            if value is not None and value != NOBODY:
                draft.set(part.id, str(value))
                found.add(part.id)
    return found


def _empty_rollups(module: CompiledModule, nodes: Sequence[Computation]) -> dict[str, Any]:
    """What roll-ups over nothing are, as they are stored."""
    found: dict[str, Any] | None = module.memo.get("empty_rollups")
    if found is None:
        found = module.memo["empty_rollups"] = {}
        for node in nodes:
            if node.is_rollup and (node.function == "count" or (node.function == "sum" and node.type.kind is Kind.INTEGER)):
                found[node.key] = 0
            elif node.is_rollup and node.function == "sum" and node.type.kind is Kind.DECIMAL:
                found[node.key] = "0"
    return found


def file_ids(module: CompiledModule, row: Row) -> set[UUID]:
    """The uploaded files that a record refers to."""
    found: set[UUID] = set()
    for key, holder in module.with_files.items():
        if row.data.get(key):
            found.update(UUID(one) for one in holder.file_ids(row.data[key]))
    return found
