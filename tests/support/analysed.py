"""Reads the analysed tree that PostgreSQL prints for a statement: which functions a write calls in which place.

A distributed server runs a write on several nodes: there a volatile function would give several answers, and a stable
one applied to a column cannot be computed beforehand. PostgreSQL knows every function that a statement resolves to.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import psycopg

Node = dict[str, Any]
_TOKEN = re.compile(r'[{}()]|"(?:\\.|[^"\\])*"|(?:\\.|[^\s(){}\\])+')
_UPDATE, _INSERT, _DELETE, _MERGE = "2", "3", "4", "5"
_WRITES = (_UPDATE, _INSERT, _DELETE, _MERGE)
_TYPES = ("vartype", "funcresulttype", "opresulttype", "consttype", "paramtype", "resulttype")
_CHOICES = ("CASE", "CASEEXPR", "COALESCE", "COALESCEEXPR")


def read_tree(text: str) -> Node:
    """The printed tree as dictionaries; `kind` is the node's type."""
    tokens = iter(_TOKEN.findall(text))

    def value(token: str) -> Any:
        if token == "{":
            node: Node = {"kind": next(tokens)}
            key = ""
            for item in tokens:
                if item == "}":
                    return node
                if item.startswith(":"):
                    key = item[1:]
                    node[key] = []
                else:
                    node[key].append(value(item))
            return node
        if token == "(":
            found = []
            for item in tokens:
                if item == ")":
                    return found
                found.append(value(item))
            return found
        return token

    tree: Node = value(next(tokens))
    return tree


def _one(node: Node, key: str) -> Any:
    found = node.get(key) or [None]
    return found[0]


def _nodes(value: Any, *, into_queries: bool) -> Iterator[Node]:
    """All nodes in `value`, those of nested queries only when asked for."""
    if isinstance(value, dict):
        if value["kind"] == "QUERY" and not into_queries:
            return
        yield value
        for key, item in value.items():
            if key != "kind":
                yield from _nodes(item, into_queries=into_queries)
    elif isinstance(value, list):
        for item in value:
            yield from _nodes(item, into_queries=into_queries)


class Functions:
    """What the server's catalog says of functions: their names and volatility ("i", "s" or "v")."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._functions: dict[int, tuple[str, str]] = {}
        self._types: dict[int, tuple[int, int]] = {}
        self.refresh(connection)

    def refresh(self, connection: psycopg.Connection[Any]) -> None:
        rows = connection.execute("select oid::int, proname::text, provolatile::text from pg_catalog.pg_proc")
        self._functions = {oid: (name, volatility) for oid, name, volatility in rows}
        types = connection.execute("select oid::int, typinput::oid::int, typoutput::oid::int from pg_catalog.pg_type")
        self._types = {oid: (read, write) for oid, read, write in types}

    def called_by(self, node: Node) -> Iterator[tuple[str, str]]:
        """Name and volatility of the functions that this very node calls."""
        kind = node["kind"]
        for key in ("funcid", "opfuncid"):
            if key in node and kind.endswith("EXPR") and _one(node, key) != "0":
                yield self._functions.get(int(_one(node, key)), ("?", "v"))
        if kind == "COERCEVIAIO":
            yield self._conversion(int(_one(node, "resulttype")), 0)
            argument = _one(node, "arg")
            given = next((_one(argument, key) for key in _TYPES if key in argument), None)
            if given is not None:
                yield self._conversion(int(given), 1)
        if kind == "SQLVALUEFUNCTION":
            yield "current_timestamp", "s"
        if kind == "NEXTVALUEEXPR":
            yield "nextval", "v"

    def _conversion(self, type_oid: int, way: int) -> tuple[str, str]:
        if type_oid not in self._types:
            return "?", "i"
        return self._functions.get(self._types[type_oid][way], ("?", "i"))


def refused(query: Node, functions: Functions) -> list[str]:
    """Why a distributed server would refuse the write; empty when it would not."""
    command = _one(query, "commandType")
    found = ["R5: MERGE"] if command == _MERGE else []
    rtable = query.get("rtable")
    own: list[Any] = [query.get("jointree")]
    if command in (_UPDATE, _DELETE):
        if command == _UPDATE:
            own.append(query.get("targetList"))
        places = [node for part in own for node in _nodes(part, into_queries=False)]
        for table in _nodes(rtable, into_queries=False):
            if isinstance(_one(table, "subquery"), dict):
                places += _nodes(_one(table, "subquery"), into_queries=True)
        for node in places:
            for name, volatility in functions.called_by(node):
                if volatility == "v":
                    found.append(f"R5: volatile {name}() in UPDATE or DELETE")
                elif volatility == "s" and any(part["kind"] == "VAR" for part in _nodes(node, into_queries=True)):
                    found.append(f"R5: stable {name}() of a column in UPDATE or DELETE")
            if node["kind"] in _CHOICES:
                inside = (call for part in _nodes(node, into_queries=True) for call in functions.called_by(part))
                found += [f"R5: {name}() inside CASE or COALESCE in UPDATE" for name, how in inside if how != "i"]
    if command == _INSERT:
        for node in _nodes(query.get("onConflict"), into_queries=True):
            for name, volatility in functions.called_by(node):
                if volatility != "i":
                    found.append(f"R5: {name}() in ON CONFLICT DO UPDATE")
        values = [table.get("values_lists") for table in _nodes(rtable, into_queries=False)]
        if any(node["kind"] == "SUBLINK" for node in _nodes([query.get("targetList"), values], into_queries=False)):
            found.append("R5: a subquery inside INSERT VALUES")
    for node in _nodes(query.get("cteList"), into_queries=False):
        inner = _one(node, "ctequery")
        if isinstance(inner, dict) and _one(inner, "commandType") in _WRITES:
            found += refused(inner, functions)
    return sorted(set(found))
