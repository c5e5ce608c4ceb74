"""Who acts: a person, a token, an import, an automation, a guest with a link, or the system itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal
from uuid import UUID

ActorKind = Literal["human", "api", "automation", "import", "guest", "system"]


@dataclass(frozen=True, slots=True)
class Actor:
    """The one on whose behalf something is done; `roles` are role names of the workspace, `system` may do everything."""

    user_id: UUID | None
    name: str
    roles: tuple[str, ...] = ()
    kind: ActorKind = "human"
    teams: tuple[UUID, ...] = ()

    @property
    def is_system(self) -> bool:
        return self.kind == "system"

    @property
    def is_engine(self) -> bool:
        """Whether the product itself acts, which may set what nobody else may."""
        return self.kind in ("system", "automation")

    def as_dict(self) -> dict[str, str | None]:
        """How an event remembers the actor."""
        return {"id": str(self.user_id) if self.user_id else None, "name": self.name, "kind": self.kind}


SYSTEM = Actor(user_id=None, name="System", roles=(), kind="system")
