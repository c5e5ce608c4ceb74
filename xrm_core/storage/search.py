"""Searching the words and titles of all records."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from xrm_core.storage.database import Connection
from xrm_core.storage.scopes import Condition

CAPPED = 500
"""So many hits are ranked; more would make short words slow, and nobody looks at them."""


@dataclass(frozen=True, slots=True)
class Place:
    """Modules to be searched; `words` tells whether their indexed words may be used, or only their titles.

    With `scope`, a condition over the table `table` as `t`, only its records are found.
    """

    modules: tuple[str, ...]
    words: bool
    table: str = ""
    scope: Condition | None = None

    def within(self) -> tuple[str, list[Any]]:
        """The join that limits hits to what may be found, and its parameters."""
        if self.scope is None:
            return "", []
        text, values = self.scope
        return f" join {self.table} t on t.id = s.record_id and {text}", list(values)


@dataclass(frozen=True, slots=True)
class Hit:
    """A record that was found."""

    module_id: str
    record_id: UUID
    title: str
    rank: float = 0.0


async def by_prefix(connection: Connection, schema: str, folded: str, place: Place, limit: int) -> list[Hit]:
    """Records whose folded title begins with the text."""
    within, values = place.within()
    cursor = await connection.execute(
        f"select s.module_id, s.record_id, s.title from {schema}.search s{within} "
        "where s.folded >= %s::text and s.folded < %s::text "
        "and s.module_id = any(%s::text[]) order by s.folded, s.record_id limit %s::int",
        (*values, folded, folded + "\U0010ffff", list(place.modules), limit),
    )
    return [Hit(*row) for row in await cursor.fetchall()]


async def by_words(connection: Connection, schema: str, query: str, place: Place, limit: int) -> list[Hit]:
    """The best ranked of records that have all words, the last one as a beginning; `query` is the text of a `tsquery`."""
    within, values = place.within()
    cursor = await connection.execute(
        "select x.module_id, x.record_id, x.title, ts_rank(x.tsv, x.q) from "
        "(select s.module_id, s.record_id, s.title, s.tsv, q.q "
        f"from to_tsquery('simple', %s::text) q(q) join {schema}.search s on s.tsv @@ q.q{within} "
        f"where s.module_id = any(%s::text[]) limit {CAPPED}) x "
        "order by 4 desc, x.title, x.record_id limit %s::int",
        (query, *values, list(place.modules), limit),
    )
    return [Hit(*row) for row in await cursor.fetchall()]


async def by_title_words(
    connection: Connection, schema: str, words: Sequence[str], place: Place, limit: int
) -> list[Hit]:
    """Records whose folded title has all the words in it."""
    within, values = place.within()
    cursor = await connection.execute(
        f"select s.module_id, s.record_id, s.title from {schema}.search s{within} "
        "where s.folded like all(%s::text[]) and s.module_id = any(%s::text[]) "
        "order by s.folded, s.record_id limit %s::int",
        (*values, [f"%{_escaped(word)}%" for word in words], list(place.modules), limit),
    )
    return [Hit(*row) for row in await cursor.fetchall()]


async def by_substring(connection: Connection, schema: str, folded: str, place: Place, limit: int) -> list[Hit]:
    """Records whose folded title holds the text anywhere."""
    within, values = place.within()
    cursor = await connection.execute(
        f"select s.module_id, s.record_id, s.title from {schema}.search s{within} where s.folded like %s::text "
        "and s.module_id = any(%s::text[]) order by s.folded, s.record_id limit %s::int",
        (*values, f"%{_escaped(folded)}%", list(place.modules), limit),
    )
    return [Hit(*row) for row in await cursor.fetchall()]


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


async def subtitles(
    connection: Connection, table: str, keys: Sequence[str], ids: Sequence[UUID], scope: tuple[str, list[Any]] | None
) -> dict[UUID, tuple[Any, ...]]:
    """The values under `keys` of live records that meet a condition over the table `t`."""
    selected = "".join(f", t.data->'{key}'" for key in keys)
    text, values = scope or ("true", [])
    cursor = await connection.execute(
        f"select t.id, t.stage{selected} from {table} t where t.id = any(%s::uuid[]) and t.archived_at is null and {text}",
        (list(ids), *values),
    )
    return {row[0]: row[1:] for row in await cursor.fetchall()}
