"""Strategies that generate syntax trees."""

from __future__ import annotations

import unicodedata
from decimal import Decimal

from hypothesis import strategies as st

from xrm_core.expressions import tree as n

_LETTERS = st.characters(exclude_categories=("Cs", "Cc")) | st.sampled_from("'\\\"\n\t")
TEXTS = st.text(_LETTERS, max_size=12).map(lambda text: unicodedata.normalize("NFC", text))
NAMES = st.lists(st.sampled_from(["name", "customer", "x1", "due", "count", "month"]), min_size=1, max_size=3).map(
    lambda parts: n.Name(tuple(parts))
)
LITERALS = (
    st.none() | st.booleans() | st.integers(-(10**12), 10**12) | st.decimals(-10000, 10000, places=4) | TEXTS
).map(lambda value: n.Literal(value if not isinstance(value, Decimal) or value else Decimal("0.0")))


def nodes() -> st.SearchStrategy[n.Node]:
    """Any tree, also ones that make no sense."""

    def deeper(inner: st.SearchStrategy[n.Node]) -> st.SearchStrategy[n.Node]:
        return st.one_of(
            st.lists(inner, max_size=3).map(lambda items: n.ListOf(tuple(items))),
            st.builds(
                n.Call,
                st.sampled_from(["any", "between", "contains", "is_empty", "none", "today", "within"]),
                st.lists(inner, max_size=3).map(tuple),
            ),
            inner.map(lambda one: n.Unary("not", one)),
            inner.map(n.negative),
            st.builds(n.Binary, st.sampled_from(["+", "-", "*", "/"]), inner, inner),
            st.builds(n.Compare, st.sampled_from(["==", "!=", "<", "<=", ">", ">=", "in", "not in"]), inner, inner),
            st.builds(n.logic, st.sampled_from(["and", "or"]), st.lists(inner, min_size=2, max_size=3)),
            st.builds(n.Choice, inner, inner, inner),
        )

    return st.recursive(NAMES | LITERALS, deeper, max_leaves=12)
