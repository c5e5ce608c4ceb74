"""The judge of statements: rules on the text, and what PostgreSQL's own analysis tells about functions in writes."""

from __future__ import annotations

from collections.abc import Iterable

from tests.support.recording import Statement
from tests.support.sql_rules import broken_rules, normalised


class Judge:
    """Judges each distinct statement once per run."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._known: set[str] = set()

    def __enter__(self) -> Judge:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def broken(self, statements: Iterable[Statement]) -> list[str]:
        """What is wrong with the statements, one line each."""
        found: list[str] = []
        for statement in statements:
            key = normalised(statement.text)
            if key in self._known:
                continue
            self._known.add(key)
            found += [f"{rule}\n    {key}" for rule in broken_rules(key)]
        return found
