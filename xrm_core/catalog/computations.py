"""What is computed: formulas, lookups, roll-ups and titles as one graph, and which changes move which of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from xrm_core.definitions.rule import ValidationRule
from xrm_core.definitions.scope import Calculation, Scopes
from xrm_core.expressions.typed import Apply, Over, Typed, walk
from xrm_core.expressions.types import BOOLEAN, TEXT, Type
from xrm_core.fields.lookup import Lookup
from xrm_core.storage.hops import Hop, Reading, hops_of, readings
from xrm_core.storage.model import CompiledModule
from xrm_core.storage.sql.computed import Aggregate

TITLE = "title"
GUARD = "guard"


@dataclass(eq=False)
class Computation:
    """One computed value of a module: a field, or the title.

    A roll-up has `path`, and its `value`, `condition` and `order` belong to the module at the end of it; all others
    have `value` (or, for titles, `pieces`) over the record itself.
    """

    module_id: str
    key: str
    function: str
    type: Type
    value: Typed | None = None
    condition: Typed | None = None
    order: Typed | None = None
    descending: bool = True
    path: tuple[Hop, ...] = ()
    pieces: tuple[str | Typed, ...] = ()
    readings: frozenset[Reading] = frozenset()
    uses_today: bool = False
    uses_now: bool = False
    rank: int = 0

    @property
    def is_rollup(self) -> bool:
        return bool(self.path)

    @property
    def is_guard(self) -> bool:
        """Whether it is no value but a rule: `value` must hold wherever `condition` does."""
        return self.function == GUARD

    @cached_property
    def by_sql(self) -> bool:
        """Whether only the database can tell the value: it looks at lists of other records."""
        return self.is_rollup or any(isinstance(part, Over) for typed in self.trees() for part in walk(typed))

    @cached_property
    def begins_elsewhere(self) -> bool:
        """Whether it looks at lists that do not begin at the record itself, so that they may be full before it has any links."""
        return self.by_sql and any(
            reading.hops and reading.hops[0].kind == "forward" and any(hop.kind != "forward" for hop in reading.hops)
            for reading in self.readings
        )

    @property
    def local(self) -> bool:
        """Whether the record alone is enough to know the value."""
        return not self.is_rollup and all(reading.local for reading in self.readings)

    @cached_property
    def aggregate(self) -> Aggregate:
        """What the database is asked for."""
        return Aggregate(self.key, self.function, self.type, self.value, self.condition, self.order, self.descending)

    def trees(self) -> Iterable[Typed]:
        """The typed expressions of the computation."""
        found = [self.value, self.condition, self.order, *self.pieces]
        return [part for part in found if part is not None and not isinstance(part, str)]


@dataclass(frozen=True, slots=True)
class Trigger:
    """What has to be recomputed when `key` of a record changes.

    `start` says which records the way back begins with: the changed record itself, or the old and new targets of its
    link `key`; `back` leads from them to the records of the computation.
    """

    computation: Computation
    start: Literal["self", "targets"]
    link: str
    back: tuple[Hop, ...]


@dataclass
class Graph:
    """All computations of a workspace in an order in which each comes after what it reads."""

    computations: list[Computation] = field(default_factory=list)
    of_module: dict[str, list[Computation]] = field(default_factory=dict)
    by_change: dict[tuple[str, str], list[Trigger]] = field(default_factory=dict)
    """(module id, key) to what a change of that key moves beyond the record itself."""
    by_link: dict[str, list[tuple[Literal["source", "target"], Trigger]]] = field(default_factory=dict)
    """Many-to-many link key to what adding or removing a link moves, starting at its source or its target."""
    local: dict[tuple[str, str], list[Computation]] = field(default_factory=dict)
    """(module id, key) to the computations of the same record that read it."""

    held: dict[tuple[str, str], list[Computation]] = field(default_factory=dict)
    """(module id, key) of what is computed from a record's own lists, to the guards of the record that read it."""
    elsewhere: set[tuple[str, str]] = field(default_factory=set)
    """(module id, key) of what is computed from lists that begin at a record that is linked to."""
    crossed: set[tuple[str, str]] = field(default_factory=set)
    """(module id, link id) of the many-to-one links that computations follow: what they compute depends on the target."""

    _moved_by: dict[str, frozenset[str]] = field(default_factory=dict)

    def grip(self, link_key: str) -> Literal["key share", "share", "no key update"]:
        """How the target of a new many-to-many link is locked: it moves itself, something computed reads it, or neither."""
        sides = {side for side, _ in self.by_link.get(link_key, ())}
        return "no key update" if "target" in sides else "share" if sides else "key share"

    def moved_by(self, module_id: str) -> frozenset[str]:
        """The modules whose computed values a write to records of this module can move."""
        found = self._moved_by.get(module_id)
        if found is None:
            triggers = (one for (here, _), known in self.by_change.items() if here == module_id for one in known)
            found = self._moved_by[module_id] = frozenset(one.computation.module_id for one in triggers)
        return found

    def touched(self, module_id: str, keys: Iterable[str]) -> bool:
        """Whether changing these keys of a record of the module moves anything beyond its own local formulas."""
        return any((module_id, key) in self.by_change for key in keys)


def build_graph(scopes: Scopes, modules: dict[str, CompiledModule]) -> Graph:
    """The graph of a set of definitions that has passed the checks (so it has no cycles)."""
    graph = Graph()
    nodes: dict[tuple[str, str], Computation] = {}
    for module in modules.values():
        for known in module.fields.values():
            if known.computed:
                calculation, _ = scopes.calculation(module.definition, known.definition)
                if calculation is not None:
                    nodes[module.id, known.id] = _computation(calculation, module, scopes, modules)
        pieces, _ = scopes.template(module.definition, module.definition.title)
        nodes[module.id, TITLE] = _finish(Computation(module.id, TITLE, "title", TEXT, pieces=pieces), modules)
    graph.computations = _in_order(nodes)
    for rank, node in enumerate(graph.computations):
        node.rank = rank
        graph.of_module.setdefault(node.module_id, []).append(node)
    for node in graph.computations:
        _register(graph, node)
    _guard(graph, scopes, modules)
    return graph


def _guard(graph: Graph, scopes: Scopes, modules: dict[str, CompiledModule]) -> None:
    """Register the rules that speak of a record's own lists: a change in a list has to be held against them, too."""
    own: set[tuple[str, str]] = set()
    for node in graph.computations:
        here = {(node.module_id, one.key) for one in node.readings if one.local}
        if node.begins_elsewhere or here & graph.elsewhere:
            graph.elsewhere.add((node.module_id, node.key))
        if node.by_sql and not node.begins_elsewhere or here & own:
            own.add((node.module_id, node.key))
    for module in modules.values():
        for rule in module.definition.rules:
            if not isinstance(rule, ValidationRule) or rule.archived or rule.severity != "error":
                continue
            check, _ = scopes.condition(module.definition, rule.check)
            when, _ = scopes.condition(module.definition, rule.when) if rule.when else (None, [])
            if check is None or (rule.when and when is None):
                continue
            guard = _finish(Computation(module.id, rule.name, GUARD, BOOLEAN, value=check, condition=when), modules)
            everything = guard.readings
            # What a record links to may change without asking those that link to it; its lists may not.
            guard.readings = frozenset(
                one for one in everything if one.hops and all(hop.kind != "forward" for hop in one.hops)
            )
            _register(graph, guard)
            for reading in everything:
                if reading.local and (module.id, reading.key) in own:
                    graph.held.setdefault((module.id, reading.key), []).append(guard)


def _computation(
    calculation: Calculation, module: CompiledModule, scopes: Scopes, modules: dict[str, CompiledModule]
) -> Computation:
    definition = calculation.field
    value = calculation.value
    if isinstance(definition, Lookup):
        value, _ = scopes.check(module.definition, f"{definition.link}.{definition.field}")
        return _finish(Computation(module.id, definition.id, "lookup", calculation.type, value=value), modules)
    order_by = getattr(definition, "order_by", None) or ""
    return _finish(
        Computation(
            module.id,
            definition.id,
            calculation.function,
            calculation.type,
            value=value,
            condition=calculation.condition,
            order=calculation.order,
            descending=not order_by or order_by.startswith("-") or calculation.function == "latest",
            path=hops_of(calculation.path, module.id, modules),
        ),
        modules,
    )


def _finish(node: Computation, modules: dict[str, CompiledModule]) -> Computation:
    found: set[Reading] = set()
    start = node.path[-1].ends[0] if node.path else node.module_id
    for typed in node.trees():
        found.update(readings(typed, start, modules, node.path))
        for part in walk(typed):
            if isinstance(part, Apply):
                node.uses_today |= part.function in ("today", "within")
                node.uses_now |= part.function == "now"
    if node.path:
        found.add(Reading(node.path, "archived_at"))
    node.readings = frozenset(found)
    return node


def _in_order(nodes: dict[tuple[str, str], Computation]) -> list[Computation]:
    # Depth first over "reads"; the checks refuse cycles before anything is published.
    done: dict[tuple[str, str], bool] = {}
    order: list[Computation] = []

    def visit(start: tuple[str, str]) -> None:
        stack: list[tuple[tuple[str, str], bool]] = [(start, False)]
        while stack:
            at, leaving = stack.pop()
            if leaving:
                if not done[at]:
                    done[at] = True
                    order.append(nodes[at])
                continue
            if at in done:
                continue
            done[at] = False
            stack.append((at, True))
            for reading in sorted(nodes[at].readings, key=lambda r: (len(r.hops), r.key)):
                ends = reading.hops[-1].ends if reading.hops else (at[0],)
                for end in ends:
                    if (end, reading.key) in nodes and (end, reading.key) not in done:
                        stack.append(((end, reading.key), False))

    for key in sorted(nodes):
        visit(key)
    return order


def _register(graph: Graph, node: Computation) -> None:
    seen: set[tuple[str, ...]] = set()

    def on_change(
        module_id: str, key: str, start: Literal["self", "targets"], link: str, back: tuple[Hop, ...]
    ) -> None:
        mark = ("change", module_id, key, start, link, *(f"{hop.kind}:{hop.link_key}" for hop in back))
        if mark not in seen:
            seen.add(mark)
            graph.by_change.setdefault((module_id, key), []).append(Trigger(node, start, link, back))

    for reading in node.readings:
        hops = reading.hops
        # The value itself changes, at the end of the path.
        if not hops:
            graph.local.setdefault((node.module_id, reading.key), []).append(node)
        elif not (hops[-1].kind == "inverse" and reading.key == "archived_at"):
            for end in hops[-1].ends:
                on_change(end, reading.key, "self", "", hops)
        # A link on the way changes.
        for index, hop in enumerate(hops):
            before = hops[:index]
            if hop.kind == "forward":
                graph.crossed.add((hop.start, hop.link.id))
                on_change(hop.start, hop.link.id, "self", "", before)
            elif hop.kind == "inverse":
                on_change(hop.link.module_id, hop.link.id, "targets", hop.link.id, before)
                on_change(hop.link.module_id, "archived_at", "targets", hop.link.id, before)
            else:
                for end in hop.ends:
                    on_change(end, "archived_at", "self", "", hops[: index + 1])
                side: Literal["source", "target"] = "source" if hop.kind == "many" else "target"
                mark = ("link", hop.link_key, side, *(f"{step.kind}:{step.link_key}" for step in before))
                if mark not in seen:
                    seen.add(mark)
                    graph.by_link.setdefault(hop.link_key, []).append((side, Trigger(node, "self", "", before)))
