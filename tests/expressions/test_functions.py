"""Every function of the table is documented by an example that works, and its entry is consistent."""

from __future__ import annotations

import inspect

import pytest

from xrm_core.expressions import FUNCTIONS, Function, Names, Symbol, check, parse
from xrm_core.expressions import types as t
from xrm_core.expressions.functions import REWRITTEN
from xrm_core.kernel.kinds import Kind

_DATES = "due_date start_date end_date birthday opened_on closed_on"
_TEXTS = "name code summary email mobile phone status"
_NUMBERS = "hours_worked quantity"
_LINKED = Names.of(
    [Symbol("status", "status", t.TEXT), Symbol("due_date", "due_date", t.DATE), Symbol("amount", "amount", t.MONEY)]
)
EXAMPLES = Names.of(
    [
        *(Symbol(name, name, t.DATE) for name in _DATES.split()),
        *(Symbol(name, name, t.TEXT) for name in _TEXTS.split()),
        *(Symbol(name, name, t.DECIMAL) for name in _NUMBERS.split()),
        *(Symbol(name, name, t.MONEY) for name in ("price", "balance")),
        *(Symbol(name, name, t.INSTANT) for name in ("created_at", "updated_at")),
        *(Symbol(name, name, t.list_of(None), "links", target=lambda: _LINKED) for name in ("tasks", "invoices")),
        Symbol("skills", "skills", t.list_of(Kind.TEXT)),
        Symbol("pay_rate", "pay_rate", t.RATE),
        Symbol("owner", "owner", t.REFERENCE),
    ]
)


@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=lambda function: function.name)
def test_entry(function: Function) -> None:
    node, problems = parse(function.example)
    assert node is not None, problems
    typed, problems = check(node, EXAMPLES, function.example)
    assert typed is not None, problems
    assert function.name in function.example
    assert function.description.endswith(".")
    assert (function.call is None) == (function.name in REWRITTEN)
    if function.call is not None and not function.variadic:
        taken = inspect.signature(function.call).parameters
        assert len(taken) == len(function.params) + function.env


def test_signatures_can_be_read() -> None:
    assert FUNCTIONS["round"].signature == "round(number: number or money, places: integer (optional))"
    assert FUNCTIONS["me"].signature == "me"
    assert FUNCTIONS["coalesce"].signature == "coalesce(value: any, ...)"
