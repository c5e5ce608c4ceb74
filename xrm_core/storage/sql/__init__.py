"""Typed expressions as SQL: values, conditions and orders of module tables."""

from xrm_core.storage.sql.expressions import compile_condition, compile_order, compile_sql, compile_term
from xrm_core.storage.sql.values import Bind, FieldSql, Sql, Term

__all__ = [
    "Bind",
    "FieldSql",
    "Sql",
    "Term",
    "compile_condition",
    "compile_order",
    "compile_sql",
    "compile_term",
]
