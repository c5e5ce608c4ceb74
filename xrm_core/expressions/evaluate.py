"""From a typed tree to a Python function: closures are built once, then called for every record."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Protocol

from xrm_core.expressions.arithmetic import EXACT, OPERATIONS, comparer, decimal, integer
from xrm_core.expressions.arithmetic import comparable as key_of
from xrm_core.expressions.functions import FUNCTIONS
from xrm_core.expressions.library import Moment
from xrm_core.expressions.typed import (
    Apply,
    Arithmetic,
    Between,
    Both,
    Chosen,
    Compared,
    Const,
    Either,
    Negated,
    OneOf,
    Over,
    Read,
    Several,
    Typed,
    is_constant,
    parts,
    walk,
)
from xrm_core.expressions.values import Money
from xrm_core.kernel.kinds import Kind

IdPath = tuple[str, ...]


class Env(Moment, Protocol):
    """Where a record's values come from. Paths are ids: links to walk, then a field, then attributes of its value."""

    def get(self, path: IdPath) -> Any:
        """The Python value at a path, None where a link or the field is empty."""

    def items(self, path: IdPath) -> Sequence[Env]:
        """The records behind a path of links."""


@dataclass(frozen=True, slots=True)
class Now:
    """A moment without a record: all that a constant expression needs."""

    now: datetime = field(default=datetime(2000, 1, 1, tzinfo=UTC))
    today: date = date(2000, 1, 1)
    zone: str = "UTC"
    me: str | None = None


@dataclass(slots=True)
class Values:
    """An environment made of values that are at hand."""

    values: Mapping[IdPath, Any]
    moment: Moment = field(default_factory=Now)
    linked: Mapping[IdPath, Sequence[Env]] = field(default_factory=dict)

    @property
    def now(self) -> datetime:
        return self.moment.now

    @property
    def today(self) -> date:
        return self.moment.today

    @property
    def zone(self) -> str:
        return self.moment.zone

    @property
    def me(self) -> str | None:
        return self.moment.me

    def get(self, path: IdPath) -> Any:
        return self.values.get(path)

    def items(self, path: IdPath) -> Sequence[Env]:
        return self.linked.get(path, ())


@dataclass(slots=True)
class _Inside:
    """A linked record that is looked at for another one, which conditions may name."""

    record: Env
    root: Env

    @property
    def now(self) -> datetime:
        return self.record.now

    @property
    def today(self) -> date:
        return self.record.today

    @property
    def zone(self) -> str:
        return self.record.zone

    @property
    def me(self) -> str | None:
        return self.record.me

    def get(self, path: IdPath) -> Any:
        return self.record.get(path)

    def items(self, path: IdPath) -> Sequence[Env]:
        return self.record.items(path)


Compiled = Callable[[Env], Any]


def compile(typed: Typed) -> Compiled:
    """The function that computes the expression in an environment."""
    if isinstance(typed, Const):
        value = list(typed.value) if isinstance(typed.value, tuple) and typed.type.kind is Kind.LIST else typed.value
        return lambda env: value
    found = _COMPILERS[type(typed)](typed)
    if is_constant(typed) and not asks_moment(typed):
        known = found(_NOBODY)
        return lambda env: known
    return found


def compile_condition(typed: Typed) -> Callable[[Env], bool]:
    """As `compile`, for conditions: none counts as false."""
    found = compile(typed)
    return lambda env: found(env) is True


_NOBODY = Values({})


def asks_moment(typed: Typed) -> bool:
    if isinstance(typed, Apply) and FUNCTIONS[typed.function].env:
        return True
    return any(asks_moment(part) for part in parts(typed))


def _read(node: Typed) -> Compiled:
    assert isinstance(node, Read)
    ids = node.ids
    if node.root:
        return lambda env: env.root.get(ids) if isinstance(env, _Inside) else env.get(ids)
    return lambda env: env.get(ids)


def _apply(node: Typed) -> Compiled:
    assert isinstance(node, Apply)
    function = FUNCTIONS[node.function]
    call, otherwise = function.call, function.if_none
    assert call is not None
    args = [compile(arg) for arg in node.args]
    if function.env:
        return _apply_env(call, args, otherwise)
    if not function.strict:
        if len(args) == 1:
            only = args[0]
            return lambda env: call(only(env))
        return lambda env: call(*[arg(env) for arg in args])
    if len(args) == 1:
        one = args[0]

        def unary(env: Env) -> Any:
            value = one(env)
            return otherwise if value is None else call(value)

        return unary
    if len(args) == 2:
        first, second = args

        def binary(env: Env) -> Any:
            left, right = first(env), second(env)
            return otherwise if left is None or right is None else call(left, right)

        return binary

    def many(env: Env) -> Any:
        values = [arg(env) for arg in args]
        return otherwise if None in values else call(*values)

    return many


def _apply_env(call: Callable[..., Any], args: list[Compiled], otherwise: Any) -> Compiled:
    if not args:
        return call

    def with_env(env: Env) -> Any:
        values = [arg(env) for arg in args]
        return otherwise if None in values else call(env, *values)

    return with_env


def _arithmetic(node: Typed) -> Compiled:
    assert isinstance(node, Arithmetic) and node.left.type.kind is not None and node.right.type.kind is not None
    operation = OPERATIONS[node.op, node.left.type.kind, node.right.type.kind][1]
    left, right = compile(node.left), compile(node.right)

    def calculate(env: Env) -> Any:
        one, other = left(env), right(env)
        return None if one is None or other is None else operation(one, other)

    return calculate


def _compared(node: Typed) -> Compiled:
    assert isinstance(node, Compared)
    compare = comparer(node.op, _kind(node.left, node.right))
    left, right = compile(node.left), compile(node.right)
    return lambda env: compare(left(env), right(env))


def _kind(left: Typed, right: Typed) -> Kind | None:
    return left.type.kind or right.type.kind


def _one_of(node: Typed) -> Compiled:
    assert isinstance(node, OneOf)
    value = compile(node.value)
    kind = next((one.type.kind for one in (node.value, *node.items) if one.type.kind), None)
    if all(isinstance(item, Const) for item in node.items) and kind not in (Kind.MONEY, Kind.RATE, None):
        key = key_of(kind)
        known = {None if item.value is None else key(item.value) for item in node.items if isinstance(item, Const)}

        def among(env: Env) -> bool:
            found = value(env)
            return (None if found is None else key(found)) in known

        return among
    same = comparer("==", kind)
    items = [compile(item) for item in node.items]

    def equals_one(env: Env) -> bool:
        found = value(env)
        return any(same(found, item(env)) for item in items)

    return equals_one


def _between(node: Typed) -> Compiled:
    assert isinstance(node, Between)
    kind = next((one.type.kind for one in (node.value, node.low, node.high) if one.type.kind), None)
    above, below = comparer(">=", kind), comparer("<=", kind)
    value, low, high = compile(node.value), compile(node.low), compile(node.high)

    def lies(env: Env) -> bool:
        found = value(env)
        return above(found, low(env)) and below(found, high(env))

    return lies


def _both(node: Typed) -> Compiled:
    assert isinstance(node, Both)
    items = [compile(item) for item in node.items]
    return lambda env: all(item(env) is True for item in items)


def _either(node: Typed) -> Compiled:
    assert isinstance(node, Either)
    items = [compile(item) for item in node.items]
    return lambda env: any(item(env) is True for item in items)


def _negated(node: Typed) -> Compiled:
    assert isinstance(node, Negated)
    item = compile(node.item)
    return lambda env: item(env) is not True


def _chosen(node: Typed) -> Compiled:
    assert isinstance(node, Chosen)
    then, condition, otherwise = compile(node.then), compile(node.condition), compile(node.otherwise)
    return lambda env: then(env) if condition(env) is True else otherwise(env)


def _several(node: Typed) -> Compiled:
    assert isinstance(node, Several)
    items = [compile(item) for item in node.items]
    return lambda env: [item(env) for item in items]


def _over(node: Typed) -> Compiled:
    assert isinstance(node, Over)
    ids = node.ids
    condition = compile(node.condition) if node.condition is not None else None
    rooted = any(isinstance(part, Read) and part.root for part in walk(node))

    def chosen(env: Env) -> list[Env]:
        found = env.items(ids)
        if rooted:
            root = env.root if isinstance(env, _Inside) else env
            found = [_Inside(one, root) for one in found]
        return list(found) if condition is None else [one for one in found if condition(one) is True]

    match node.function:
        case "any":
            return lambda env: bool(chosen(env))
        case "none":
            return lambda env: not chosen(env)
        case "all":
            return lambda env: len(chosen(env)) == len(env.items(ids))
        case "count":
            return lambda env: len(chosen(env))
    assert node.value is not None
    value = compile(node.value)
    adder = (
        _add_money
        if node.type.kind is Kind.MONEY
        else _add_integers
        if node.type.kind is Kind.INTEGER
        else _add_decimals
    )
    return lambda env: adder([found for one in chosen(env) if (found := value(one)) is not None])


def _add_integers(values: list[int]) -> int | None:
    return integer(sum(values))


def _add_decimals(values: Sequence[int | Decimal]) -> Decimal | None:
    total = Decimal(0)
    for value in values:
        total = EXACT.add(total, Decimal(value))
    return decimal(total)


def _add_money(values: list[Money]) -> Money | None:
    if len({value.currency for value in values}) != 1:
        return None
    amount = _add_decimals([value.amount for value in values])
    return None if amount is None else Money(amount, values[0].currency)


_COMPILERS: dict[type[Typed], Callable[[Typed], Compiled]] = {
    Read: _read,
    Apply: _apply,
    Arithmetic: _arithmetic,
    Compared: _compared,
    OneOf: _one_of,
    Between: _between,
    Both: _both,
    Either: _either,
    Negated: _negated,
    Chosen: _chosen,
    Several: _several,
    Over: _over,
}
