"""What a change of definitions does with stored values: taken over into new fields, renamed, put back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from xrm_core.catalog import Catalog, CompiledModule
from xrm_core.definitions.collection import DefinitionSet, body
from xrm_core.definitions.link import Link
from xrm_core.definitions.module import Module
from xrm_core.definitions.scope import Scopes
from xrm_core.expressions.typed import Over, Typed, walk
from xrm_core.expressions.values import to_json
from xrm_core.fields import field_adapter, field_of_kind
from xrm_core.fields.base import Field, ParseContext, Rejected, TakesFrom, reject
from xrm_core.fields.capabilities import Computed
from xrm_core.fields.conversion import take_over
from xrm_core.kernel.kinds import Kind
from xrm_core.kernel.problem import Problem, pointer, under
from xrm_core.publishing.renaming import StoredName
from xrm_core.records.environment import python_of

VALUES = "values"
STAGE = "stage"
Task = dict[str, Any]
"""One thing to do with the values of a module, as it is kept with the work: `do` says what."""


@dataclass(frozen=True)
class Fill:
    """A field or link that gets values from another one, or from an expression."""

    module: Module
    node: Field | Link
    takes: TakesFrom
    source: Field | Link | None = None
    """What it takes from, as it was; None for an expression."""

    @property
    def path(self) -> str:
        """Where the definition is."""
        return f"module/{self.module.id}/{'links' if isinstance(self.node, Link) else 'fields'}/{self.node.id}"

    def task(self) -> Task:
        """The work that does it."""
        found: Task = {
            "do": "fill",
            "key": self.node.id,
            "takes": body(self.takes),
            "link": isinstance(self.node, Link),
        }
        found["target"] = body(self.node)
        if self.source is not None:
            found["source"] = body(self.source)
        return found


@dataclass(frozen=True)
class Names:
    """Options or stages that become others in the records that have them."""

    module: Module
    key: str
    names: dict[str, str]

    def task(self) -> Task:
        """The work that does it."""
        return {"do": "names", "key": self.key, "map": self.names}


@dataclass(frozen=True)
class Return:
    """A field whose type is again what it was: what was changed meanwhile goes back into the old values."""

    module: Module
    node: Field
    steps: tuple[Field, ...]
    """The fields that took its values over, one after the other, the newest last."""

    def task(self) -> Task:
        """The work that does it."""
        return {"do": "return", "key": self.node.id, "target": body(self.node), "steps": [body(f) for f in self.steps]}


@dataclass(frozen=True)
class Plans:
    """All that happens to stored values, and what is wrong with it."""

    fills: tuple[Fill, ...] = ()
    names: tuple[Names, ...] = ()
    returns: tuple[Return, ...] = ()
    problems: tuple[Problem, ...] = ()

    def tasks(self) -> dict[str, list[Task]]:
        """The work by module."""
        found: dict[str, list[Task]] = {}
        plans: list[Fill | Names | Return] = [*self.names, *self.fills, *self.returns]
        for plan in plans:
            found.setdefault(plan.module.id, []).append(plan.task())
        return found

    def converted(self) -> set[StoredName]:
        """Stored names that go over into others."""
        return {(plan.module.id, plan.key, name) for plan in self.names for name in plan.names}


def derive(old: DefinitionSet, new: DefinitionSet, *, back: bool = False) -> Plans:
    """What becomes of stored values on the way from one set to another; `back` is a return to an earlier version."""
    fills: list[Fill] = []
    names: list[Names] = []
    returns: list[Return] = []
    problems: list[Problem] = []
    scopes = Scopes(old)
    for module in new.modules:
        was = old.by_id.get(module.id)
        if was is None or was == module or module.archived:
            continue
        names += _names(was, module)
        if back:
            returns += _returns(was, module)
            continue
        for fill in _fills(was, module):
            fills.append(fill)
            problems += _check(scopes, was, fill)
    return Plans(tuple(fills), tuple(names), tuple(returns), tuple(problems))


def _fills(was: Module, module: Module) -> Iterator[Fill]:
    before: dict[str, Field | Link] = {node.id: node for node in (*was.fields, *was.links)}
    live = {node.name: node for node in before.values() if not node.archived}
    nodes: tuple[Field | Link, ...] = (*module.fields, *module.links)
    for node in nodes:
        takes = node.takes_from
        known = before.get(node.id)
        if takes is None or node.archived or (known is not None and known.takes_from == takes):
            continue
        if takes.expression is not None:
            yield Fill(module, node, takes)
        elif takes.field is not None and takes.field != node.id:
            source = before.get(takes.field) or live.get(takes.field)
            # What is made in the same change has no values yet.
            if source is not None:
                yield Fill(module, node, takes, source)


def _check(scopes: Scopes, was: Module, fill: Fill) -> list[Problem]:
    here = pointer("modules", fill.module.name, "links" if isinstance(fill.node, Link) else "fields", fill.node.id)
    if isinstance(fill.node, Link) or isinstance(fill.source, Link):
        if isinstance(fill.node, Link) and isinstance(fill.source, Link):
            return []
        message = "A link takes over the connections of another link, and a field the values of a field."
        return [Problem("takes_from", f"{here}/takes_from", message)]
    if fill.node.computed:
        return [Problem("takes_from", f"{here}/takes_from", "A computed field has no values of its own.")]
    if fill.takes.expression is None:
        return []
    typed, problems = scopes.check(was, fill.takes.expression)
    problems = under(f"{here}/takes_from/expression", problems)
    if typed is not None and any(isinstance(part, Over) for part in walk(typed)):
        message = "Values are taken from the record itself and from what it links to, not from lists of others."
        problems.append(Problem("takes_from", f"{here}/takes_from/expression", message))
    return problems


def _names(was: Module, module: Module) -> Iterator[Names]:
    for key, before, after in named_lists(was, module):
        now = {node.id: node.name for node in after}
        found = {node.name: now[node.id] for node in before if now.get(node.id, node.name) != node.name}
        there = {node.name for node in after}
        old = {node.id: node for node in before}
        for node in after:
            known = old.get(node.id)
            goal = node.replaced_by
            if goal is not None and goal in there and known is not None and known.replaced_by != goal:
                found[known.name] = goal
        found = {name: goal for name, goal in found.items() if name != goal}
        if found:
            yield Names(module, key, found)


def named_lists(old: Module, new: Module) -> Iterator[tuple[str, Sequence[Any], Sequence[Any]]]:
    """(stored key, nodes before, nodes after) of everything whose names records store."""
    fields = {f.id: f for f in new.fields}
    for known in old.fields:
        after = fields.get(known.id)
        if after is not None and hasattr(known, "options") and hasattr(after, "options"):
            yield known.id, known.options, after.options
    if old.pipelines and new.pipelines:
        before = [stage for pipeline in old.pipelines for stage in pipeline.stages]
        yield STAGE, before, [stage for pipeline in new.pipelines for stage in pipeline.stages]


def _returns(was: Module, module: Module) -> Iterator[Return]:
    before = {f.id: f for f in was.fields}
    there = {f.id for f in module.fields if not f.archived}
    for field_ in module.fields:
        known = before.get(field_.id)
        if field_.archived or known is None or not known.archived or field_.computed:
            continue
        steps: list[Field] = []
        here = field_.id
        while True:
            following = next(
                (
                    f
                    for f in was.fields
                    if f.takes_from and f.takes_from.field == here and f.id not in there and f not in steps
                ),
                None,
            )
            if following is None:
                break
            steps.append(following)
            here = following.id
        if steps and not steps[-1].archived:
            yield Return(module, field_, tuple(steps))


# -- taking values over -------------------------------------------------------------------------------------------


@dataclass
class Taker:
    """Works out what a fill makes of one stored value: the same for the review and for the work itself."""

    target: Field
    source: Field
    takes: TakesFrom
    context: ParseContext

    def __call__(self, value: Any) -> Any:
        """The new value; None when there is nothing to take; raises `Rejected`."""
        try:
            return take_over(self.source, value, self.target, self.takes, self.context)
        except Rejected:
            raise
        except (ValueError, TypeError, KeyError, OverflowError, ArithmeticError):
            # A value that does not even fit its own type any more.
            raise reject("stored", "The stored value cannot be read.", "It is kept as it is.") from None


def taker(target: Field, source: Field, takes: TakesFrom, context: ParseContext) -> Taker:
    """The taker of a fill from a field that is not computed, or is shown as `shown_as` says."""
    return Taker(target, source, takes, context)


def read_field(data: dict[str, Any]) -> Field:
    """A field out of kept work."""
    return field_adapter.validate_python(data)


def shown_as(scopes: Scopes, module: Module, source: Field) -> Field:
    """The field that stands for the values of a computed one."""
    if not source.computed:
        return source
    result = source.result_field() if isinstance(source, Computed) else None
    return result or field_of_kind(scopes.kind(module, source), source.name)


def expression_taker(
    catalog: Catalog, module: CompiledModule, target: Field, takes: TakesFrom, context: ParseContext
) -> tuple[Typed | None, Callable[[Any], Any]]:
    """The typed expression, and what makes a value of a record's environment."""
    typed, _ = catalog.scopes.check(module.definition, takes.expression or "")
    if typed is None:
        return None, lambda env: None
    kind = typed.type.kind or Kind.TEXT
    shown, compute = field_of_kind(kind), python_of(catalog, typed)

    def value(env: Any) -> Any:
        found = compute(env)
        if found is None:
            return None
        plain = [str(item) for item in found] if kind is Kind.LIST else to_json(kind, found)
        return Taker(target, shown, TakesFrom(**{**takes.model_dump(), "separator": None}), context)(plain)

    return typed, value


@dataclass
class Seen:
    """What a fill would do: how many records, how many values fit, are empty or fail, and some that fail."""

    records: int = 0
    fits: int = 0
    empty: int = 0
    fails: int = 0
    exact: bool = True
    samples: list[dict[str, Any]] = field(default_factory=list)
    shown: list[dict[str, Any]] = field(default_factory=list)
    """Some that fit: before and after."""

    def take(self, count: int, value: Any, outcome: Any, record: str, most: int) -> None:
        """Note one outcome for so many records."""
        self.records += count
        if isinstance(outcome, Rejected):
            self.fails += count
            if len(self.samples) < most:
                problem = outcome.problems[0]
                self.samples.append(
                    {
                        "record": record,
                        "value": cut(value),
                        "count": count,
                        "problem": problem.message,
                        "hint": problem.hint,
                    }
                )
        elif outcome is None:
            self.empty += count
        else:
            self.fits += count
            if len(self.shown) < most:
                self.shown.append({"record": record, "value": cut(value), "becomes": cut(outcome), "count": count})

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON data."""
        return {
            "records": self.records, "fits": self.fits, "empty": self.empty, "fails": self.fails, "exact": self.exact,
            "failing": self.samples, "examples": self.shown,
        }  # fmt: skip


def cut(value: Any) -> Any:
    """A value as a review shows it: long texts shortened."""
    if isinstance(value, str) and len(value) > 200:
        return value[:199] + "…"
    if isinstance(value, list) and len(value) > 20:
        return [*value[:20], "…"]
    return value


def merged_tasks(tasks: Iterable[Task]) -> list[Task]:
    """Tasks in the order in which they are done."""
    order = {"undo": 0, "names": 1, "fill": 2, "return": 3}
    return sorted(tasks, key=lambda task: order[task["do"]])
