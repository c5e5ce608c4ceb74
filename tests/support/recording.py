"""Connections that remember every statement they send, so that tests can count and judge them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from psycopg import AsyncConnection, AsyncCursor, AsyncServerCursor


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement as the server saw it: parameters are $1, $2 …, with the type numbers the driver announced."""

    text: str
    types: tuple[int, ...] = ()


@dataclass
class Recording:
    """The statements of one test, in order."""

    statements: list[Statement] = field(default_factory=list)

    @property
    def count(self) -> int:
        return len(self.statements)

    @property
    def texts(self) -> list[str]:
        return [statement.text for statement in self.statements]

    @contextmanager
    def counting(self) -> Iterator[Recording]:
        """The statements sent inside the block: `with statements.counting() as sent: …; assert sent.count == 2`."""
        part = Recording()
        start = len(self.statements)
        try:
            yield part
        finally:
            part.statements.extend(self.statements[start:])


CURRENT = Recording()


class _Noting:
    """What both kinds of cursor do: note each query when it is converted for sending."""

    def _convert_query(self, *arguments: Any, **options: Any) -> Any:
        query = super()._convert_query(*arguments, **options)  # type: ignore[misc]
        CURRENT.statements.append(Statement(bytes(query.query).decode(), tuple(query.types or ())))
        return query


class RecordingCursor(_Noting, AsyncCursor[Any]):
    async def executemany(self, query: Any, params_seq: Any, **options: Any) -> None:
        rows = list(params_seq)
        await super().executemany(query, rows, **options)
        # The server runs the statement once per row, though it is converted only once.
        CURRENT.statements.extend([CURRENT.statements[-1]] * (len(rows) - 1))


class RecordingServerCursor(_Noting, AsyncServerCursor[Any]):
    pass


class RecordingConnection(AsyncConnection[Any]):
    """Give this as `connection_class` to `Database`."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.cursor_factory = RecordingCursor
        self.server_cursor_factory = RecordingServerCursor
