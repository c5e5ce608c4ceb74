"""The SQL condition for the records that belong to an actor or to their teams."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

Condition = tuple[str, list[Any]]


def owned(schema: str, width: str, user_id: UUID | None, teams: Sequence[UUID], alias: str = "t") -> Condition | None:
    """Records on which somebody with a scope of this width may act; None when it is all of them."""
    if width == "all":
        return None
    if user_id is not None and width == "own":
        return f"{alias}.owner = %s::uuid", [user_id]
    if user_id is not None and width == "team":
        return (
            f"({alias}.owner = %s::uuid or {alias}.owner in (select m.id from {schema}.member m where m.teams && %s::uuid[]))",
            [user_id, list(teams)],
        )
    return "false", []
