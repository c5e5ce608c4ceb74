"""Looks up names and kinds: from a syntax tree and a scope to a typed tree, or to all problems at once."""

from __future__ import annotations

from typing import cast

from xrm_core.expressions.arithmetic import OPERATIONS
from xrm_core.expressions.convert import adapted, bring_together
from xrm_core.expressions.function import Function
from xrm_core.expressions.functions import FUNCTIONS, OVER_LINKS
from xrm_core.expressions.hints import amount, arithmetic_hint, compare_hint, literal_type, named, none_as
from xrm_core.expressions.scan import place
from xrm_core.expressions.scope import Path, Scope, Symbol, behind, did_you_mean
from xrm_core.expressions.spans import EXAMPLES, is_span
from xrm_core.expressions.tree import Binary, Call, Choice, Compare, ListOf, Literal, Logic, Name, Node, Unary
from xrm_core.expressions.typed import (
    Apply,
    Arithmetic,
    Between,
    Both,
    Chosen,
    Compared,
    Comparison,
    Const,
    Either,
    Negated,
    OneOf,
    Over,
    Read,
    Several,
    Typed,
)
from xrm_core.expressions.types import BOOLEAN, DECIMAL, INTEGER, MONEY, OPEN, Type, common, list_of
from xrm_core.kernel.kinds import ORDERED, Kind
from xrm_core.kernel.problem import Problem

MAX_NESTED_LINKS = 3
"""How many questions about linked records may stand in one another: each multiplies the records that are looked at."""


THIS = "this"
"""How the record that an expression is about is called where the expression looks at linked records."""


class _Wrong(Exception):
    """Ends the check of one branch; the problem is already noted."""


def check(node: Node, scope: Scope, source: str = "") -> tuple[Typed | None, list[Problem]]:
    """The typed tree of an expression, or its problems; with `source` they name the column."""
    checker = _Checker(source)
    checker.root = scope
    try:
        typed = checker.typed(node, scope)
    except _Wrong:
        typed = None
    return (None, checker.problems) if checker.problems else (typed, [])


def check_condition(node: Node, scope: Scope, source: str = "") -> tuple[Typed | None, list[Problem]]:
    """As `check`, and the expression must be a condition (true or false)."""
    typed, problems = check(node, scope, source)
    if typed is not None and typed.type.kind is not Kind.BOOLEAN and not typed.type.open:
        hint = "Compare it with something, for example == or is_not_empty(...)."
        return None, [
            Problem(
                "not_a_condition", "", f"this is {named(typed.type)}, but a condition (true or false) is needed", hint
            )
        ]
    return typed, problems


class _Checker:
    def __init__(self, source: str) -> None:
        self.source = source
        self.problems: list[Problem] = []
        self.inside = 0
        self.root: Scope | None = None

    def wrong(self, node: Node, code: str, message: str, hint: str = "") -> _Wrong:
        where = f"{place(self.source, node.span.start)}: " if self.source else ""
        self.problems.append(Problem(code, "", where + message, hint))
        return _Wrong()

    def all(self, nodes: tuple[Node, ...], scope: Scope) -> list[Typed]:
        """Every node typed; the problems of all of them are noted before this ends."""
        found: list[Typed] = []
        failed = False
        for node in nodes:
            try:
                found.append(self.typed(node, scope))
            except _Wrong:
                failed = True
        if failed:
            raise _Wrong
        return found

    def typed(self, node: Node, scope: Scope) -> Typed:
        match node:
            case Literal():
                return Const(node.value, type=literal_type(node.value))
            case Name():
                return self.name(node, scope)
            case ListOf():
                return self.written_list(node, scope)
            case Call():
                return self.call(node, scope)
            case Unary(op="not"):
                return Negated(self.condition(node.operand, scope))
            case Unary():
                return self.negative(node, scope)
            case Binary():
                return self.calculated(node, node.op, *self.all((node.left, node.right), scope))
            case Compare():
                return self.compare(node, scope)
            case Logic():
                items = self.conditions(node.items, scope)
                return Both(tuple(items)) if node.op == "and" else Either(tuple(items))
            case Choice():
                return self.choice(node, scope)
        raise self.wrong(node, "syntax", "this cannot be checked")

    # -- names ------------------------------------------------------------------------------------------------------

    def path(self, node: Name, scope: Scope, through_many: bool = False) -> Path:
        """The symbols of a path, from the module at hand to its last part."""
        found: list[Symbol] = []
        for index, part in enumerate(node.parts):
            before = found[-1] if found else None
            if before is not None and before.kind == "links" and not through_many:
                raise self.many(node, before)
            if before is None:
                symbol = scope.resolve(part)
                known = list(scope.names())
            elif before.kind in ("link", "links") or (before.target is not None and not before.attributes):
                inner = behind(before)
                symbol, known = inner.resolve(part), list(inner.names())
            else:
                symbol, known = before.attributes.get(part), list(before.attributes)
            if symbol is None:
                raise self.unknown(node, index, before, part, known)
            found.append(symbol)
        return tuple(found)

    def unknown(self, node: Name, index: int, before: Symbol | None, part: str, known: list[str]) -> _Wrong:
        if before is None:
            hint = did_you_mean(part, [*known, "me", "true", "false", "none"])
            if part in FUNCTIONS:
                hint = hint or f"{part} is a function: write {FUNCTIONS[part].signature}."
            return self.wrong(
                node,
                "unknown_name",
                f"there is no field or link '{part}' here",
                hint or "Texts stand in quotes: '...'.",
            )
        if before.polymorphic:
            return self.wrong(
                node,
                "unknown_name",
                f"'{before.name}' can lead to several modules, so only title, id and module can be read behind it",
            )
        if not known:
            return self.wrong(
                node, "unknown_name", f"'{before.name}' is {named(before.type)} and has nothing behind a '.'"
            )
        return self.wrong(
            node,
            "unknown_name",
            f"there is no '{part}' behind '{'.'.join(node.parts[:index])}'",
            did_you_mean(part, known) or f"Known: {', '.join(sorted(known)[:12])}.",
        )

    def many(self, node: Name, link: Symbol) -> _Wrong:
        hint = f"Write any({link.name}, ...), count({link.name}, ...) or sum({link.name}, ...)."
        return self.wrong(node, "many_records", f"'{link.name}' leads to several records", hint)

    def name(self, node: Name, scope: Scope) -> Typed:
        if node.parts == ("me",) and scope.resolve("me") is None:
            return Apply("me", (), type=FUNCTIONS["me"].result if isinstance(FUNCTIONS["me"].result, Type) else OPEN)
        root = node.parts[0] == THIS and len(node.parts) > 1 and scope.resolve(THIS) is None and self.root is not None
        if root and self.root is not None:
            node, scope = Name(node.parts[1:], span=node.span), self.root
        path = self.path(node, scope)
        if path[-1].kind == "links":
            raise self.many(node, path[-1])
        return Read(path, type=path[-1].type, root=root and self.inside > 0)

    # -- values -----------------------------------------------------------------------------------------------------

    def written_list(self, node: ListOf, scope: Scope, after_in: bool = False) -> Typed:
        items = self.all(node.items, scope)
        kind = OPEN
        for item, typed in zip(node.items, items, strict=True):
            if typed.type.kind is Kind.LIST:
                raise self.wrong(item, "type", "a list cannot stand in a list")
            united = common(kind, typed.type)
            if united is None:
                raise self.wrong(item, "type", f"this is {named(typed.type)}, but the items before are {kind}s")
            kind = united
        if not after_in and kind.kind not in (None, Kind.TEXT, Kind.REFERENCE):
            raise self.wrong(node, "type", f"a list of {kind}s can only stand after 'in'")
        if all(isinstance(item, Const) for item in items):
            return Const(tuple(item.value for item in items if isinstance(item, Const)), type=list_of(kind.kind))
        return Several(tuple(items), type=list_of(kind.kind))

    def condition(self, node: Node, scope: Scope) -> Typed:
        typed = self.typed(node, scope)
        if typed.type.kind is not Kind.BOOLEAN and not typed.type.open:
            raise self.wrong(
                node,
                "not_a_condition",
                f"this is {named(typed.type)}, but a condition (true or false) is needed",
                "Compare it with something, for example == or is_not_empty(...).",
            )
        return typed

    def conditions(self, nodes: tuple[Node, ...], scope: Scope) -> list[Typed]:
        found: list[Typed] = []
        failed = False
        for node in nodes:
            try:
                found.append(self.condition(node, scope))
            except _Wrong:
                failed = True
        if failed:
            raise _Wrong
        return found

    def choice(self, node: Choice, scope: Scope) -> Typed:
        (condition,) = self.conditions((node.condition,), scope)
        then, otherwise = self.all((node.then, node.otherwise), scope)
        then, otherwise = bring_together(then, otherwise)
        united = common(then.type, otherwise.type)
        if united is None:
            raise self.wrong(
                node.otherwise,
                "type",
                f"this is {named(otherwise.type)}, but the value before 'if' is {named(then.type)}",
                "Both values must be of one kind.",
            )
        return Chosen(then, condition, otherwise, type=united)

    def negative(self, node: Unary, scope: Scope) -> Typed:
        typed = self.typed(node.operand, scope)
        kind = typed.type.kind
        if kind is Kind.DECIMAL or kind is Kind.INTEGER or typed.type.open:
            return Arithmetic(
                "-", Const(0, type=INTEGER), none_as(typed, INTEGER), type=INTEGER if typed.type.open else typed.type
            )
        if kind in (Kind.DURATION, Kind.MONEY):
            return Arithmetic("*", typed, Const(-1, type=INTEGER), type=typed.type)
        raise self.wrong(node, "type", f"{named(typed.type)} has no negative")

    def calculated(self, node: Node, op: str, left: Typed, right: Typed) -> Typed:
        if left.type.open and right.type.open:
            return Const(None, type=DECIMAL)
        if left.type.open:
            left = Const(None, type=self.partner(node, op, right.type, left=False))
        elif right.type.open:
            right = Const(None, type=self.partner(node, op, left.type, left=True))
        if left.type.kind is Kind.TEXT and isinstance(left, Const) and right.type.kind is not Kind.TEXT:
            left = adapted(left, (Kind.DATE, Kind.INSTANT)) or left
        if right.type.kind is Kind.TEXT and isinstance(right, Const) and left.type.kind in (Kind.DATE, Kind.INSTANT):
            right = adapted(right, (Kind.DATE,)) or right
        if op == "-" and {left.type.kind, right.type.kind} == {Kind.DATE, Kind.INSTANT}:
            left, right = adapted(left, (Kind.DATE,)) or left, adapted(right, (Kind.DATE,)) or right
        found = OPERATIONS.get((op, left.type.kind, right.type.kind)) if left.type.kind and right.type.kind else None
        if found is None:
            raise self.wrong(
                node,
                "type",
                f"'{op}' has no meaning between {named(left.type)} and {named(right.type)}",
                arithmetic_hint(op, left.type, right.type),
            )
        return Arithmetic(op, left, right, type=Type(found[0]))

    def partner(self, node: Node, op: str, known: Type, left: bool) -> Type:
        """A kind that none can stand for beside a known one; the result is none whatever is chosen."""
        for known_op, one, other in OPERATIONS:
            if known_op == op and (one if left else other) is known.kind:
                return Type(other if left else one)
        raise self.wrong(node, "type", f"{named(known)} cannot be calculated with {op}")

    # -- comparisons ------------------------------------------------------------------------------------------------

    def compare(self, node: Compare, scope: Scope) -> Typed:
        if node.op in ("in", "not in"):
            found = self.member(node, scope)
            return found if node.op == "in" else Negated(found)
        left, right = self.all((node.left, node.right), scope)
        found = self.compared(node, cast(Comparison, node.op), left, right)
        if found.op in ("==", "!="):
            for value, written in ((found.left, found.right), (found.right, found.left)):
                more = with_variants(value, written)
                if more:
                    one_of = OneOf(value, (written, *more))
                    return one_of if found.op == "==" else Negated(one_of)
        return found

    def compared(self, node: Node, op: Comparison, left: Typed, right: Typed) -> Compared:
        left, right = bring_together(left, right)
        united = common(left.type, right.type)
        if united is None:
            raise self.wrong(
                node,
                "type",
                f"{named(left.type)} cannot be compared with {named(right.type)}",
                compare_hint(left, right),
            )
        if op in ("==", "!="):
            if united.kind in (Kind.LIST, Kind.OBJECT) and not (left.type.open or right.type.open):
                raise self.wrong(
                    node,
                    "type",
                    f"{named(united)} cannot be compared as a whole",
                    "Write has_any, has_all or has_none.",
                )
        elif not united.open and (united.kind not in ORDERED or united.kind is Kind.BOOLEAN):
            raise self.wrong(node, "type", f"{named(united)} is in no order, so {op} has no meaning", "Write == or !=.")
        self.option(node, left, right)
        self.option(node, right, left)
        return Compared(op, left, right)

    def option(self, node: Node, value: Typed, written: Typed) -> None:
        """A select can never equal a text that is none of its options: surely a slip."""
        options = value.type.options
        if options is None or not isinstance(written, Const):
            return
        for text in written.value if isinstance(written.value, tuple) else (written.value,):
            if (
                isinstance(text, str)
                and text not in options
                and text.casefold() not in {option.casefold() for option in options}
            ):
                hint = did_you_mean(text, options) or f"The options are {', '.join(sorted(options)[:12])}."
                raise self.wrong(node, "unknown_option", f"'{text}' is not one of the options", hint)

    def member(self, node: Compare, scope: Scope) -> Typed:
        if isinstance(node.right, ListOf):
            left, right = self.typed(node.left, scope), self.written_list(node.right, scope, after_in=True)
        else:
            left, right = self.all((node.left, node.right), scope)
        if right.type.kind is not Kind.LIST and not right.type.open:
            hint = "Write contains(text, part)." if right.type.kind is Kind.TEXT else "Write a list: ['a', 'b']."
            raise self.wrong(node.right, "type", f"'in' needs a list on its right, this is {named(right.type)}", hint)
        if left.type.kind is Kind.LIST:
            raise self.wrong(node.left, "type", "'in' needs a single value on its left", "Write has_any(list, items).")
        if isinstance(right, (Const, Several)):
            values = right.value or () if isinstance(right, Const) else right.items
            items = [item if isinstance(item, Typed) else Const(item, type=literal_type(item)) for item in values]
            compared = [self.compared(node, "==", left, item) for item in items]
            if not compared:
                return Const(False, type=BOOLEAN)
            if any(one.left != compared[0].left for one in compared):
                raise self.wrong(
                    node.right, "type", "the items must be of one kind", "Write all as days or all as instants."
                )
            items = [one.right for one in compared]
            items += [more for one in compared for more in with_variants(one.left, one.right) if more not in items]
            return OneOf(compared[0].left, tuple(items))
        item = adapted(left, (Kind.TEXT, Kind.REFERENCE))
        if item is None or right.type.item not in (None, Kind.TEXT, Kind.REFERENCE):
            raise self.wrong(node.left, "type", f"{named(left.type)} cannot be in {named(right.type)}")
        self.option(node, right, item)
        return Apply("contains", (right, item), type=BOOLEAN)

    # -- functions --------------------------------------------------------------------------------------------------

    def call(self, node: Call, scope: Scope) -> Typed:
        function = FUNCTIONS.get(node.function)
        if function is None:
            raise self.wrong(
                node,
                "unknown_function",
                f"there is no function '{node.function}'",
                did_you_mean(node.function, FUNCTIONS),
            )
        if function.constant and not node.args:
            return Apply(function.name, (), type=cast(Type, function.result))
        if len(node.args) < function.least or (function.most is not None and len(node.args) > function.most):
            raise self.wrong(
                node,
                "arguments",
                f"{function.name} takes {amount(function)}, here are {len(node.args)}",
                f"Its form is {function.signature}.",
            )
        if function.name in OVER_LINKS:
            return self.over(node, function, scope)
        if function.name in ("is_empty", "is_not_empty") and isinstance(node.args[0], Name):
            found = self.to_many(node.args[0], scope)
            if found is not None:
                return Over("none" if function.name == "is_empty" else "any", found, None, None, type=BOOLEAN)
        args = self.all(node.args, scope)
        match function.name:
            case "is_not_empty":
                return Negated(Apply("is_empty", tuple(args), type=BOOLEAN))
            case "between":
                low = self.compared(node, ">=", args[0], args[1])
                high = self.compared(node, "<=", args[0], args[2])
                if low.left != high.left:
                    raise self.wrong(
                        node, "type", "both bounds must be of one kind", "Write both as days or both as instants."
                    )
                return Between(low.left, low.right, high.right)
            case "add":
                return self.calculated(node, "+", *args)
            case "coalesce" | "min" | "max":
                args = self.united(node, args)
        args = [self.argument(node, function, index, arg) for index, arg in enumerate(args)]
        if function.name == "within":
            self.span(node, args[1])
        if function.name == "contains" and args[0].type.kind is Kind.TEXT and args[1].type.kind is not Kind.TEXT:
            raise self.wrong(node.args[1], "type", f"a text cannot contain {named(args[1].type)}")
        if function.name in ("has_any", "has_all", "has_none", "contains") and args[0].type.kind is Kind.LIST:
            for index, arg in enumerate(args):
                if arg.type.item not in (None, Kind.TEXT, Kind.REFERENCE):
                    raise self.wrong(
                        node.args[index],
                        "type",
                        f"{function.name} looks into lists of texts, this is {named(arg.type)}",
                    )
            self.option(node, args[0], args[1])
        result = function.result if isinstance(function.result, Type) else function.result([arg.type for arg in args])
        if result is None:
            raise self.wrong(node, "type", f"the values of {function.name} must be of one kind")
        return Apply(function.name, tuple(args), type=result)

    def united(self, node: Call, args: list[Typed]) -> list[Typed]:
        known = next((arg for arg in args if not arg.type.open and not isinstance(arg, Const)), None)
        return args if known is None else [bring_together(known, arg)[1] for arg in args]

    def argument(self, node: Call, function: Function, index: int, arg: Typed) -> Typed:
        param = function.param(index)
        found = adapted(arg, param.kinds)
        if found is None:
            hint = f"Its form is {function.signature}."
            if arg.type.kind is Kind.DECIMAL and param.kinds == (Kind.INTEGER,):
                hint = "Use round(x), floor(x) or ceil(x) to make it an integer."
            raise self.wrong(
                node.args[index],
                "type",
                f"{function.name} needs {' or '.join(param.kinds)} for '{param.name}', this is {named(arg.type)}",
                hint,
            )
        return found

    def span(self, node: Call, arg: Typed) -> None:
        if not isinstance(arg, Const) or not isinstance(arg.value, str) or not is_span(arg.value):
            hint = did_you_mean(str(arg.value), EXAMPLES) if isinstance(arg, Const) else ""
            raise self.wrong(
                node.args[1],
                "unknown_span",
                "this is not a span of time",
                hint or "For example 'this_week', 'next_30_days', 'last_quarter'.",
            )

    # -- links ------------------------------------------------------------------------------------------------------

    def to_many(self, node: Name, scope: Scope) -> Path | None:
        """The path if it leads to several records, else None; names that do not exist are problems."""
        if node.parts == ("me",) or (node.parts[0] == THIS and self.inside and scope.resolve(THIS) is None):
            return None
        path = self.path(node, scope, through_many=True)
        many = any(symbol.kind == "links" for symbol in path)
        return path if many and path[-1].kind in ("link", "links") else None

    def over(self, node: Call, function: Function, scope: Scope) -> Typed:
        first = node.args[0]
        path = self.to_many(first, scope) if isinstance(first, Name) else None
        if path is None:
            hint = "Write max(a, b) to compare values." if function.name == "sum" else ""
            raise self.wrong(
                first,
                "type",
                f"{function.name} needs a link to several records first",
                hint or f"Its form is {function.signature}.",
            )
        inner = behind(path[-1])
        if self.inside >= MAX_NESTED_LINKS:
            hint = "Use a roll-up field of the linked module."
            raise self.wrong(node, "too_complex", f"links are nested more than {MAX_NESTED_LINKS} deep", hint)
        self.inside += 1
        try:
            return self.over_records(node, function, path, inner)
        finally:
            self.inside -= 1

    def over_records(self, node: Call, function: Function, path: Path, inner: Scope) -> Typed:
        value: Typed | None = None
        result = BOOLEAN
        rest = list(node.args[1:])
        if function.name == "sum":
            value = self.argument(node, function, 1, self.typed(rest.pop(0), inner))
            result = MONEY if value.type.kind is Kind.MONEY else INTEGER if value.type.kind is Kind.INTEGER else DECIMAL
        elif function.name == "count":
            result = INTEGER
        condition = self.condition(rest[0], inner) if rest else None
        return Over(function.name, path, value, condition, type=result)


def with_variants(value: Typed, written: Typed) -> list[Const]:
    """What else a value may be where it is compared with an option for which others stand."""
    if not isinstance(written, Const) or not value.type.variants:
        return []
    names = next((names for name, names in value.type.variants if name == written.value), ())
    return [Const(name, type=written.type) for name in names]
