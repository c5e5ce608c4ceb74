"""What computed values depend on: one graph over the formulas, roll-ups, lookups and titles of all modules."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from xrm_core.definitions.members import live
from xrm_core.definitions.scope import Scopes
from xrm_core.expressions.scope import Path, Symbol
from xrm_core.expressions.typed import Apply, Over, Read, Typed, parts

TITLE = "title"
Node = tuple[str, str]
"""(module id, field id); the title of a module is (module id, "title")."""

_CLOCK = frozenset({"today", "now", "within"})
"""Functions whose answer changes with the time."""


@dataclass(frozen=True, slots=True)
class Dependency:
    """`reader` needs `read` of the records that `path` (links only) leads to from the reader's record."""

    reader: Node
    read: Node
    path: Path = ()


@dataclass(frozen=True)
class Graph:
    """The dependencies of all computed values."""

    nodes: tuple[Node, ...]
    """Computed nodes in an order in which each comes after all it depends on (within a cycle: any order)."""
    reads: dict[Node, tuple[Dependency, ...]]
    """What each computed node needs; links on the way count as needed, too."""
    readers: dict[Node, tuple[Dependency, ...]]
    """Who needs a field, link or computed node."""
    clock: frozenset[Node]
    """Nodes that change as time goes on, directly or through what they read."""
    cycles: tuple[tuple[Node, ...], ...]
    position: dict[Node, int] = field(default_factory=dict)

    def affected(self, changed: Iterable[Node]) -> list[Node]:
        """Every computed node that may change when these fields or links do, in an order to compute them in."""
        found: set[Node] = set()
        waiting = list(changed)
        while waiting:
            for dependency in self.readers.get(waiting.pop(), ()):
                if dependency.reader not in found:
                    found.add(dependency.reader)
                    waiting.append(dependency.reader)
        return sorted(found, key=self.position.__getitem__)


def build(scopes: Scopes) -> Graph:
    """The graph of a set of definitions; what has problems is left out."""
    reads: dict[Node, tuple[Dependency, ...]] = {}
    direct: set[Node] = set()
    for module in live(scopes.definitions):
        for item in module.fields:
            if not item.computed or item.archived:
                continue
            node = (module.id, item.id)
            calculation, _ = scopes.calculation(module, item)
            if calculation is None:
                reads[node] = ()
                continue
            found = list(_along(node, (), calculation.path))
            for tree in (calculation.value, calculation.condition, calculation.order):
                if tree is not None:
                    found += _tree(node, calculation.path, tree)
                    if uses_clock(tree):
                        direct.add(node)
            reads[node] = tuple(dict.fromkeys(found))
        node = (module.id, TITLE)
        pieces, _ = scopes.template(module, module.title)
        trees = [piece for piece in pieces if not isinstance(piece, str)]
        reads[node] = tuple(dict.fromkeys(d for tree in trees for d in _tree(node, (), tree)))
        if any(uses_clock(tree) for tree in trees):
            direct.add(node)
    order, circles = _sort(reads)
    # Inside a circle types are open, and what is open is not always read any more: the scopes have noted those.
    cycles = {frozenset(circle): _from_least(circle) for circle in (*circles, *scopes.cycles)}
    readers: dict[Node, list[Dependency]] = {}
    for dependencies in reads.values():
        for dependency in dependencies:
            readers.setdefault(dependency.read, []).append(dependency)
    graph = Graph(
        tuple(order),
        reads,
        {node: tuple(found) for node, found in readers.items()},
        frozenset(),
        tuple(sorted(cycles.values())),
        {node: index for index, node in enumerate(order)},
    )
    clock = frozenset(direct | set(graph.affected(direct)))
    return Graph(graph.nodes, graph.reads, graph.readers, clock, graph.cycles, graph.position)


def uses_clock(tree: Typed) -> bool:
    """Whether the value changes as time goes on."""
    if isinstance(tree, Apply) and tree.function in _CLOCK:
        return True
    return any(uses_clock(part) for part in parts(tree))


def node_of(symbol: Symbol) -> Node:
    """The field or link that a symbol stands for; an inverse stands for the link of the other module."""
    if symbol.kind == "links" and "." in symbol.id:
        module, link = symbol.id.split(".", 1)
        return module, link
    return symbol.module, symbol.id


def _along(reader: Node, before: Path, path: Path) -> Iterator[Dependency]:
    for index, symbol in enumerate(path):
        if index and path[index - 1].polymorphic and not symbol.module:
            # Behind a link to several modules only what all of them have can be read: it may be anyone's.
            for module in path[index - 1].type.modules:
                yield Dependency(reader, (module, symbol.id), (*before, *path[:index]))
        else:
            yield Dependency(reader, node_of(symbol), (*before, *path[:index]))


def _tree(reader: Node, before: Path, tree: Typed) -> Iterator[Dependency]:
    if isinstance(tree, Read):
        links, before = tree.path, () if tree.root else before
        while links and links[-1].kind == "attribute":
            links = links[:-1]
        yield from _along(reader, before, links)
    elif isinstance(tree, Over):
        yield from _along(reader, before, tree.path)
        before = (*before, *tree.path)
    for part in parts(tree):
        yield from _tree(reader, before, part)


def _sort(reads: dict[Node, tuple[Dependency, ...]]) -> tuple[list[Node], list[tuple[Node, ...]]]:
    """Tarjan's strongly connected components, without recursion: they come out in dependency order."""
    edges = {node: [d.read for d in found if d.read in reads] for node, found in reads.items()}
    number: dict[Node, int] = {}
    low: dict[Node, int] = {}
    stack: list[Node] = []
    on_stack: set[Node] = set()
    order: list[Node] = []
    cycles: list[tuple[Node, ...]] = []
    for root in edges:
        if root in number:
            continue
        number[root] = low[root] = len(number)
        stack.append(root)
        on_stack.add(root)
        work = [(root, iter(edges[root]))]
        while work:
            node, rest = work[-1]
            advanced = False
            for child in rest:
                if child not in number:
                    number[child] = low[child] = len(number)
                    stack.append(child)
                    on_stack.add(child)
                    work.append((child, iter(edges[child])))
                    advanced = True
                    break
                if child in on_stack:
                    low[node] = min(low[node], number[child])
            if advanced:
                continue
            work.pop()
            if work:
                parent = work[-1][0]
                low[parent] = min(low[parent], low[node])
            if low[node] == number[node]:
                group: list[Node] = []
                while True:
                    member = stack.pop()
                    on_stack.discard(member)
                    group.append(member)
                    if member == node:
                        break
                order += group
                if len(group) > 1 or node in edges[node]:
                    cycles.append(_walk_cycle(group, edges))
    return order, cycles


def _from_least(circle: tuple[Node, ...]) -> tuple[Node, ...]:
    start = circle.index(min(circle))
    return circle[start:] + circle[:start]


def _walk_cycle(group: list[Node], edges: dict[Node, list[Node]]) -> tuple[Node, ...]:
    """One shortest circle inside a component, so that the message names a way that can be followed."""
    members = set(group)
    start = min(group)
    came: dict[Node, Node] = {}
    waiting = [start]
    for node in waiting:
        for child in edges[node]:
            if child == start:
                path = [node]
                while path[-1] != start:
                    path.append(came[path[-1]])
                return tuple(reversed(path))
            if child in members and child not in came:
                came[child] = node
                waiting.append(child)
    return tuple(group)
