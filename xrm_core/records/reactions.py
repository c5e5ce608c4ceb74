"""What reacts to changes in their own transaction: records tell, and know nothing of who listens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol
from uuid import UUID

from xrm_core.catalog import CompiledModule
from xrm_core.storage.database import Connection
from xrm_core.storage.rows import Row

if TYPE_CHECKING:
    from xrm_core.records.settle import Change
    from xrm_core.records.unit import Unit


@dataclass(frozen=True, slots=True)
class Cause:
    """What a write follows from: the chain of reactions that led to it."""

    chain: tuple[tuple[str, UUID | None], ...] = field(default=())
    """(automation, record) of each reaction, the first one first."""


class Reactions(Protocol):
    """Somebody who is told of every change."""

    def watches(self, unit: Unit, module: CompiledModule, keys: frozenset[str]) -> bool:
        """Whether a change of these keys (field and link ids) can concern anybody."""
        ...

    async def after(self, unit: Unit, connection: Connection, changes: Sequence[Change]) -> Mapping[UUID, Row]:
        """Told in the open transaction, once everything is stored; answers with the records that it changed in turn."""
        ...

    async def told(
        self, unit: Unit, connection: Connection, module: CompiledModule, ids: Sequence[UUID], what: str,
        facts: Mapping[str, Any],
    ) -> None:  # fmt: skip
        """Told that something reached these records from outside, such as an e-mail."""
        ...
