"""The judge of statements: rules on the text, and what PostgreSQL's own analysis tells about functions in writes."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import psycopg
from psycopg.pq import ExecStatus

from tests.support.analysed import Functions, read_tree, refused
from tests.support.recording import Statement
from tests.support.sql_rules import broken_rules, normalised

_WRITE = re.compile(r"\b(insert|update|delete|merge)\b", re.IGNORECASE)
_WORKSPACE = re.compile(r"\bws_[0-9a-z]+\.")
_OPTIONS = (
    "-c search_path= -c debug_print_parse=on -c debug_pretty_print=off -c client_min_messages=log -c lock_timeout=200"
)


class Judge:
    """Judges each distinct statement once per run, on a connection that only lets the server analyse it."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._read: set[str] = set()
        self._analysed: set[str] = set()
        self._trees: list[str] = []

    def __enter__(self) -> Judge:
        self._connection: psycopg.Connection[Any] = psycopg.connect(self._dsn, autocommit=True, options=_OPTIONS)
        self._functions = Functions(self._connection)
        self._connection.add_notice_handler(self._note)
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def broken(self, statements: Iterable[Statement]) -> list[str]:
        """What is wrong with the statements, one entry each."""
        found: list[str] = []
        for statement in statements:
            key = normalised(statement.text)
            if key not in self._read:
                self._read.add(key)
                found += [f"{rule}\n    {key}" for rule in broken_rules(key)]
            if key not in self._analysed and _WRITE.search(key) and _WORKSPACE.search(key):
                verdict = self._analyse(statement)
                if verdict is not None:  # otherwise a table of it is not there now; perhaps at the next test
                    self._analysed.add(key)
                    found += [f"{rule}\n    {key}" for rule in verdict]
        return found

    def analyse(self, text: str, types: tuple[int, ...] = ()) -> list[str]:
        """The rules that a write breaks because of the functions it calls; raises if the server refuses it."""
        found = self._analyse(Statement(text, types))
        if found is None:
            raise ValueError(f"the server cannot analyse: {text}")
        return found

    def _analyse(self, statement: Statement) -> list[str] | None:
        self._trees.clear()
        result = self._connection.pgconn.prepare(b"", statement.text.encode(), statement.types)
        if result.status != ExecStatus.COMMAND_OK:
            return None
        found: list[str] = []
        for text in self._trees:
            found += refused(read_tree(text), self._functions)
        return found

    def _note(self, notice: psycopg.errors.Diagnostic) -> None:
        if notice.severity_nonlocalized == "LOG" and (notice.message_primary or "").startswith("parse tree"):
            self._trees.append(notice.message_detail or "")
