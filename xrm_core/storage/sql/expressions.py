"""Compiles typed expressions to SQL that gives the same answers as their evaluation in Python, and can use indexes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

from xrm_core.expressions.arithmetic import comparable
from xrm_core.expressions.library import Moment
from xrm_core.expressions.spans import span_of
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
)
from xrm_core.kernel.kinds import Kind
from xrm_core.storage.sql.constants import (
    bind,
    constant,
    end_instant,
    evaluated,
    first_instant,
    folded_text,
    like_pattern,
    successor,
)
from xrm_core.storage.sql.operations import SQL_FUNCTIONS, SQL_OPERATIONS
from xrm_core.storage.sql.values import (
    NULL,
    SQL_TYPES,
    Bind,
    Context,
    Sql,
    Term,
    as_parameter,
    extract,
    joined,
    sql,
)

TRUE, FALSE = Sql("true"), Sql("false")
_COMPOSITE = (Kind.MONEY, Kind.RATE)


def compile_term(typed: Typed, context: Context) -> Term:
    """The value with all its parts."""
    return _Compiler(context).term(typed)


def compile_sql(typed: Typed, context: Context) -> Sql:
    """The value; of durations, money and rates the number."""
    return compile_term(typed, context).sql


def compile_order(typed: Typed, context: Context) -> Sql:
    """What records are ordered by: folded text, amounts, durations in hours, rates by the year."""
    term = compile_term(typed, context)
    return sql('{} collate "C"', term.key) if term.kind is Kind.TEXT and not term.stored else term.key


def compile_condition(typed: Typed, context: Context) -> Sql:
    """A condition for WHERE, where null counts as false; parts joined by `and` stay usable for indexes."""
    found = _Compiler(context).condition(typed).sql
    # It stands beside other conditions, above all those that say what the actor may see.
    return found if isinstance(typed, Both) else sql("({})", found)


@dataclass(frozen=True, slots=True)
class _Condition:
    """A condition that holds where `sql` is true; it may be null instead of false where it is `nullable`."""

    sql: Sql
    nullable: bool = False

    @property
    def strict(self) -> Sql:
        return sql("(({}) is true)", self.sql) if self.nullable else sql("({})", self.sql)


class _Compiler:
    def __init__(self, context: Context) -> None:
        self.context = context
        # By identity; the node is kept with its term, so that no other node can take its place.
        self.known: dict[int, tuple[Typed, Term]] = {}

    # -- values -----------------------------------------------------------------------------------------------------

    def term(self, node: Typed) -> Term:
        """The value; a node that is mentioned several times is compiled once."""
        found = self.known.get(id(node))
        if found is None:
            found = self.known[id(node)] = node, self.made(node)
        return found[1]

    def made(self, node: Typed) -> Term:
        if is_constant(node) or node.type.kind is None:
            return constant(_closed(node))
        match node:
            case Read():
                context = self.context.root or self.context if node.root else self.context
                return extract(context.column(node.path), node.type.item)
            case Arithmetic():
                assert node.left.type.kind is not None and node.right.type.kind is not None
                operation = SQL_OPERATIONS[node.op, node.left.type.kind, node.right.type.kind]
                return operation(self.term(node.left), self.term(node.right))
            case Apply() if node.type.kind is not Kind.BOOLEAN or node.function == "coalesce":
                return self.applied(node)
            case Chosen():
                return self.chosen(node)
            case Over() if node.function in ("count", "sum"):
                return self.total(node)
            case Several():
                items = joined(", ", (sql("{}::text", self.term(item).sql) for item in node.items))
                return Term(Kind.LIST, sql("array[{}]::text[]", items), nullable=False)
        return Term(Kind.BOOLEAN, self.condition(node).strict, nullable=False)

    def applied(self, node: Apply) -> Term:
        return SQL_FUNCTIONS[node.function](*(self.argument(arg, node) for arg in node.args))

    def argument(self, arg: Typed, node: Apply) -> Term:
        known = next((one for one in (*node.args, node) if one.type.kind), arg)
        return self.term(_typed_as(arg, known))

    def chosen(self, node: Chosen) -> Term:
        condition = self.condition(node.condition).sql
        then, otherwise = (self.term(_typed_as(part, node)) for part in (node.then, node.otherwise))

        def either(one: Sql | None, other: Sql | None) -> Sql | None:
            if one is None and other is None:
                return None
            return sql("case when {} then {} else {} end", condition, one or NULL, other or NULL)

        value = either(then.sql, otherwise.sql)
        assert value is not None and node.type.kind is not None
        return Term(node.type.kind, value, either(then.unit, otherwise.unit), either(then.per, otherwise.per))

    # -- conditions -------------------------------------------------------------------------------------------------

    def condition(self, node: Typed) -> _Condition:
        match node:
            case Const():
                return _Condition(TRUE if node.value is True else FALSE)
            case _ if node.type.kind is None:
                return _Condition(FALSE)
            case _ if is_constant(node):
                known = constant(node)
                return _Condition(known.sql, known.nullable)
            case Both() | Either():
                parts = [self.condition(item) for item in node.items]
                word = " and " if isinstance(node, Both) else " or "
                return _Condition(
                    joined(word, (_bracketed(part.sql) for part in parts)), any(p.nullable for p in parts)
                )
            case Negated():
                part = self.condition(node.item)
                return _Condition(sql("({}) is not true" if part.nullable else "not ({})", part.sql))
            case Compared():
                return self.compared(node)
            case OneOf():
                return self.one_of(node)
            case Between():
                low = self.compared(Compared(">=", node.value, node.low))
                high = self.compared(Compared("<=", node.value, node.high))
                return _Condition(sql("{} and {}", low.sql, high.sql), low.nullable or high.nullable)
            case Over() if node.function in ("any", "none", "all"):
                return self.exists(node)
            case Apply(function="within"):
                return self.within(node)
            case Apply(function=("contains" | "starts_with" | "ends_with") as function):
                return self.searched(node, function)
            case Apply() if node.function != "coalesce":
                found = self.applied(node)
                return _Condition(found.sql, found.nullable)
        found = self.term(node)
        return _Condition(found.sql, found.nullable)

    def compared(self, node: Compared) -> _Condition:
        left, right = _closed(node.left), _closed(node.right)
        if isinstance(left, Const) and left.value is None:
            left, right = right, left
        if isinstance(right, Const) and right.value is None:
            if node.op not in ("==", "!="):
                return _Condition(FALSE)
            if left.type.kind is None:
                return _Condition(TRUE if node.op == "==" else FALSE)
            value = self.term(left)
            tested = value.folded if value.stored and value.folded is not None else value.sql
            return _Condition(sql("{} is null" if node.op == "==" else "{} is not null", tested))
        return self.compared_by_day(node) or compare(node.op, self.term(node.left), self.term(node.right))

    def compared_by_day(self, node: Compared) -> _Condition | None:
        """The day of an instant against a fixed day: compared as instants, so that an index can be used."""
        left, right, op = node.left, node.right, str(node.op)
        if is_constant(left) and not is_constant(right):
            left, right, op = right, left, {"<": ">", "<=": ">=", ">": "<", ">=": "<="}.get(op, op)
        if not (isinstance(left, Apply) and left.function == "date_of" and is_constant(right)) or is_constant(left):
            return None
        fixed = constant(right)
        if fixed.nullable:
            return None
        instant = self.term(left.args[0]).sql
        day = evaluated(right)
        begins = bind(right, lambda moment: first_instant(day(moment), moment), "timestamptz")
        ends = bind(right, lambda moment: end_instant(day(moment), moment), "timestamptz")
        match op:
            case "==":
                return _Condition(sql("{} >= {} and {} < {}", instant, begins, instant, ends), nullable=True)
            case "!=":
                return _Condition(sql("({} >= {} and {} < {}) is not true", instant, begins, instant, ends))
            case "<" | ">=":
                return _Condition(sql(f"{{}} {op} {{}}", instant, begins), nullable=True)
        return _Condition(sql("{} < {}" if op == "<=" else "{} >= {}", instant, ends), nullable=True)

    def one_of(self, node: OneOf) -> _Condition:
        kind = next((one.type.kind for one in (node.value, *node.items) if one.type.kind), None)
        if kind is None:
            return _Condition(TRUE)
        if kind in _COMPOSITE or not all(is_constant(item) for item in node.items):
            parts = [self.compared(Compared("==", node.value, item)) for item in node.items]
            return _Condition(joined(" or ", (_bracketed(part.sql) for part in parts)), any(p.nullable for p in parts))
        items = [evaluated(item) for item in node.items]
        key = comparable(kind)
        typed = next((item for item in node.items if item.type.kind), node.value)
        value = self.term(_typed_as(node.value, typed))
        with_none = any(isinstance(item, Const) and item.value is None for item in node.items)

        def known(moment: Moment) -> list[Any]:
            found = (item(moment) for item in items)
            return [as_parameter(kind, key(one)) for one in found if one is not None]

        listed = bind(node, known, f"{SQL_TYPES[kind]}[]")
        member = sql("{} = any({})", value.key, listed)
        if with_none:
            return _Condition(
                sql("({} is null or {})", value.key if value.stored else value.sql, member), nullable=True
            )
        return _Condition(member, nullable=True)

    def within(self, node: Apply) -> _Condition:
        value, named = node.args
        assert isinstance(named, Const)
        name: str = named.value

        def first(moment: Moment) -> date | None:
            found = span_of(name, moment.today)
            return None if found is None else found.start

        def last(moment: Moment) -> date | None:
            found = span_of(name, moment.today)
            return None if found is None else found.end

        if isinstance(value, Apply) and value.function == "date_of":
            instant = self.term(value.args[0]).sql
            begins = Sql("%s::timestamptz", (Bind(lambda moment: first_instant(first(moment), moment)),))
            ends = Sql("%s::timestamptz", (Bind(lambda moment: end_instant(last(moment), moment)),))
            return _Condition(sql("{} >= {} and {} < {}", instant, begins, instant, ends), nullable=True)
        day = self.term(value).sql
        start, end = Sql("%s::date", (Bind(first),)), Sql("%s::date", (Bind(last),))
        return _Condition(sql("{} >= {} and {} <= {}", day, start, day, end), nullable=True)

    def searched(self, node: Apply, function: str) -> _Condition:
        """Parts of texts: with a fixed part as a range or pattern, which indexes of promoted columns understand."""
        value, part = node.args
        if value.type.kind is Kind.LIST or not is_constant(part):
            found = self.applied(node)
            return _Condition(found.sql, found.nullable)
        text, fixed = self.term(value).key, evaluated(part)
        wanted: Callable[[Moment], str | None] = lambda moment: folded_text(fixed(moment))  # noqa: E731
        if function == "starts_with":
            low = bind(part, wanted, "text")
            high = bind(part, lambda moment: successor(wanted(moment)), "text")
            return _Condition(
                sql('({} collate "C" >= {} and ({} is null or {} collate "C" < {}))', text, low, high, text, high)
                if not isinstance(part, Const)
                else self.prefixed(text, low, high),
                nullable=True,
            )
        before, after = ("%", "%") if function == "contains" else ("%", "")
        pattern = bind(part, lambda moment: like_pattern(wanted(moment), before, after), "text")
        return _Condition(sql("{} like {}", text, pattern), nullable=True)

    def prefixed(self, text: Sql, low: Sql, high: Sql) -> Sql:
        if high.params == (None,):
            return sql('{} collate "C" >= {}', text, low)
        return sql('{} collate "C" >= {} and {} collate "C" < {}', text, low, text, high)

    # -- links ------------------------------------------------------------------------------------------------------

    def exists(self, node: Over) -> _Condition:
        inner = self.context.over(node.path)
        condition = _Compiler(inner.context).condition(node.condition) if node.condition is not None else None
        parts = [inner.where()]
        if condition is not None:
            wanted = sql("({}) is not true", condition.sql) if node.function == "all" else _bracketed(condition.sql)
            parts.append(wanted)
        word = "exists" if node.function == "any" else "not exists"
        return _Condition(sql(f"{word} (select 1 from {{}} where {{}})", inner.source(), joined(" and ", parts)))

    def total(self, node: Over) -> Term:
        if node.function == "count":
            return Term(Kind.INTEGER, self.aggregate(node, lambda value: Sql("count(*)::numeric")), nullable=False)
        bound = "xrm.bound_integer" if node.type.kind is Kind.INTEGER else "xrm.bound_decimal"
        if node.type.kind is not Kind.MONEY:
            assert node.type.kind is not None
            return Term(
                node.type.kind, self.aggregate(node, lambda value: sql(f"{bound}(coalesce(sum({{}}), 0))", value.sql))
            )

        def currency(value: Term) -> Sql:
            return sql('(case when {} is not null then {} end) collate "C"', value.sql, value.unit or NULL)

        amount = self.aggregate(
            node,
            lambda value: sql(
                f"case when min({{}}) = max({{}}) then {bound}(sum({{}})) end",
                currency(value),
                currency(value),
                value.sql,
            ),
        )
        return Term(Kind.MONEY, amount, unit=self.aggregate(node, lambda value: sql("min({})", currency(value))))

    def aggregate(self, node: Over, measure: Callable[[Term], Sql]) -> Sql:
        inner = self.context.over(node.path)
        compiler = _Compiler(inner.context)
        value = compiler.term(node.value) if node.value is not None else Term(Kind.INTEGER, NULL)
        parts = [inner.where()]
        if node.condition is not None:
            parts.append(_bracketed(compiler.condition(node.condition).sql))
        measured = measure(value)
        return sql("(select {} from {} where {})", measured, inner.source(), joined(" and ", parts))


def compare(op: str, left: Term, right: Term) -> _Condition:
    """Two values of one kind."""
    if left.kind in _COMPOSITE:
        return _compare_composite(op, left, right)
    one, other = left.key, right.key
    if op in ("==", "!="):
        equal = op == "=="
        if not (left.nullable or right.nullable):
            return _Condition(sql("{} = {}" if equal else "{} <> {}", one, other))
        if not equal:
            return _Condition(sql("{} is distinct from {}", one, other))
        if left.nullable and right.nullable:
            return _Condition(sql("{} is not distinct from {}", one, other))
        return _Condition(sql("{} = {}", one, other), nullable=True)
    collation = ' collate "C"' if left.kind is Kind.TEXT else ""
    return _Condition(sql(f"{{}}{collation} {op} {{}}", one, other), left.nullable or right.nullable)


def _compare_composite(op: str, left: Term, right: Term) -> _Condition:
    same = sql("{} = {}", left.unit or NULL, right.unit or NULL)
    if op not in ("==", "!="):
        return _Condition(sql(f"{{}} {op} {{}} and {{}}", left.key, right.key, same), nullable=True)
    equal = sql("({} = {} and {})", left.key, right.key, same)
    if left.nullable and right.nullable:
        equal = sql("({} or ({} is null and {} is null))", equal, left.sql, right.sql)
    return _Condition(equal, nullable=True) if op == "==" else _Condition(sql("{} is not true", equal))


def _bracketed(part: Sql) -> Sql:
    return sql("({})", part)


def _typed_as(node: Typed, pattern: Typed) -> Typed:
    """What can only be none takes the kind of what it stands beside."""
    return Const(None, type=pattern.type) if node.type.kind is None else node


def _closed(node: Typed) -> Typed:
    """What can only be none, as just that."""
    return Const(None, type=node.type) if node.type.kind is None else node
