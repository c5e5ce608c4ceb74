"""The rules for SQL text, checked on PostgreSQL's own grammar: what a distributed server or a pooler punishes."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from pglast import ast, parse_sql
from pglast.parser import ParseError
from pglast.visitors import Skip, Visitor

CONTROL_SCHEMA = "xrm_control"
_NODE_FUNCTIONS = {
    "pg_notify": "R7: pg_notify reaches one node only",
    "nextval": "R3: sequences are numbered per node",
    "currval": "R3: sequences are numbered per node",
    "lastval": "R3: sequences are numbered per node",
    "txid_current": "R3: transaction ids differ per node",
    "pg_current_xact_id": "R3: transaction ids differ per node",
    "pg_current_snapshot": "R3: transaction ids differ per node",
    "pg_export_snapshot": "R3: transaction ids differ per node",
    "set_config": "R2: set_config() is not passed on to other nodes",
}
_SYSTEM_COLUMNS = {"xmin", "xmax", "cmin", "cmax", "ctid", "tableoid"}
_SERIAL = {"serial", "bigserial", "smallserial", "serial2", "serial4", "serial8"}
_WORKSPACE = re.compile(r"\bws_[0-9a-z]+\b")


class _Rules(Visitor):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.with_names: set[str] = set()
        self.bare: set[str] = set()
        self.schemas: set[str] = set()

    def visit_CommonTableExpr(self, _: Any, node: ast.CommonTableExpr) -> None:
        self.with_names.add(node.ctename)

    def visit_RangeVar(self, _: Any, node: ast.RangeVar) -> None:
        if node.schemaname:
            self.schemas.add(node.schemaname)
        elif node.relpersistence != "t":
            self.bare.add(node.relname)

    def visit_LockingClause(self, _: Any, node: ast.LockingClause) -> Any:
        # "for update of t" names an alias, not a table.
        return Skip

    def visit_SelectStmt(self, _: Any, node: ast.SelectStmt) -> None:
        values = [target.val for target in node.targetList or ()]
        fields = [value.fields for value in values if isinstance(value, ast.ColumnRef)]
        stars = any(len(found) == 1 and isinstance(found[0], ast.A_Star) for found in fields)
        if stars and any(isinstance(source, ast.RangeVar) and source.schemaname for source in node.fromClause or ()):
            self.found.append("R1: SELECT * of a table breaks prepared statements when a column is added")

    def visit_VariableSetStmt(self, _: Any, node: ast.VariableSetStmt) -> None:
        if not node.is_local and node.name != "TRANSACTION":
            self.found.append(f"R2: session-level SET {node.name}")

    def visit_NotifyStmt(self, _: Any, __: Any) -> None:
        self.found.append("R7: NOTIFY reaches one node only")

    def visit_ListenStmt(self, _: Any, __: Any) -> None:
        self.found.append("R7: LISTEN hears one node only")

    def visit_LockStmt(self, _: Any, __: Any) -> None:
        self.found.append("R8: LOCK TABLE")

    def visit_MergeStmt(self, _: Any, __: Any) -> None:
        self.found.append("R5: MERGE")

    def visit_CreateTrigStmt(self, _: Any, __: Any) -> None:
        self.found.append("R4: trigger")

    def visit_CreateSeqStmt(self, _: Any, __: Any) -> None:
        self.found.append("R3: sequence")

    def visit_TransactionStmt(self, _: Any, node: ast.TransactionStmt) -> None:
        for option in node.options or ():
            if option.defname == "transaction_isolation" and "serializable" in str(option.arg):
                self.found.append("R9: SERIALIZABLE")

    def visit_CreateTableAsStmt(self, _: Any, node: ast.CreateTableAsStmt) -> None:
        if node.objtype.name == "OBJECT_MATVIEW":
            self.found.append("R4: materialized view")
        elif node.into.rel.relpersistence != "t":
            self.found.append("R3: CREATE TABLE AS makes a table without primary key")

    def visit_CreateStmt(self, _: Any, node: ast.CreateStmt) -> None:
        if node.inhRelations:
            self.found.append("R4: inheritance")
        keys = [c for c in node.tableElts or () if isinstance(c, ast.Constraint)]
        keys += [c for e in node.tableElts or () if isinstance(e, ast.ColumnDef) for c in e.constraints or ()]
        if node.relation.relpersistence != "t" and not any(key.contype.name == "CONSTR_PRIMARY" for key in keys):
            self.found.append(f"R3: table {node.relation.relname} has no primary key")
        self._name(node.relation.relname)

    def visit_IndexStmt(self, _: Any, node: ast.IndexStmt) -> None:
        if node.idxname:
            self._name(node.idxname)

    def visit_ColumnDef(self, _: Any, node: ast.ColumnDef) -> None:
        if node.typeName and node.typeName.names[-1].sval in _SERIAL:
            self.found.append(f"R3: serial column {node.colname}")
        if any(constraint.contype.name == "CONSTR_IDENTITY" for constraint in node.constraints or ()):
            self.found.append(f"R3: identity column {node.colname}")
        if node.colname:
            self._name(node.colname)

    def visit_FuncCall(self, _: Any, node: ast.FuncCall) -> None:
        name = node.funcname[-1].sval
        if name in _NODE_FUNCTIONS:
            self.found.append(_NODE_FUNCTIONS[name])
        if "advisory" in name:
            self.found.append(f"R8: {name}: advisory locks hold on one node only")

    def visit_ColumnRef(self, _: Any, node: ast.ColumnRef) -> None:
        last = getattr(node.fields[-1], "sval", "")
        if last in _SYSTEM_COLUMNS:
            self.found.append(f"R3: system column {last}")

    def _name(self, name: str) -> None:
        if len(name.encode()) > 48:
            self.found.append(f"R12: the name {name} is longer than 48 bytes")


def normalised(text: str) -> str:
    """The statement with the workspace's schema name replaced, so that the same statement of two tests is one."""
    return _WORKSPACE.sub("ws_x", text)


@lru_cache(maxsize=20_000)
def broken_rules(text: str) -> tuple[str, ...]:
    """The rules that a statement breaks, each with its number in the design; empty when it is fine."""
    try:
        tree = parse_sql(text)
    except ParseError:
        return ()  # the server refuses it as well; that is the test's business
    found = ["R6: several statements in one string"] if len(tree) > 1 else []
    for raw in tree:
        rules = _Rules()
        rules(raw.stmt)
        found += rules.found
        found += [f"R1: table {name} without its schema" for name in sorted(rules.bare - rules.with_names)]
        spaces = {schema for schema in rules.schemas if schema.startswith("ws_")}
        if len(spaces) > 1:
            found.append("R10: one statement, several workspaces")
        if spaces and CONTROL_SCHEMA in rules.schemas:
            found.append("R10: one statement, workspace and control tables")
    return tuple(found)
