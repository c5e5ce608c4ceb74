"""A user of the workspace."""

from __future__ import annotations

import re
from typing import Any, ClassVar, Literal

from pydantic import Field as Setting

from xrm_core.fields.base import Field, NameText, ParseContext, Rejected, reject
from xrm_core.kernel.kinds import Kind

MOST_USERS = 100
UUID_TEXT = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.ASCII)


def uuid_text(raw: Any) -> str:
    """An id in its canonical form."""
    if isinstance(raw, str):
        if UUID_TEXT.fullmatch(raw):
            return raw
        text = raw.strip().lower() if len(raw) <= 40 else ""
        if UUID_TEXT.fullmatch(text):
            return text
    raise reject("type", "The id of a user is needed.", "Send the id as a UUID string.")


class User(Field):
    """A user of the workspace, or several of them."""

    kind: ClassVar[Kind] = Kind.REFERENCE

    type: Literal["user"] = "user"
    multiple: bool = False
    roles: tuple[NameText, ...] = Setting(default=(), description="Only users with one of these roles are offered.")

    def model_post_init(self, context: Any) -> None:
        super().model_post_init(context)
        if self.multiple:
            object.__setattr__(self, "kind", Kind.LIST)

    def takes_over(self, source: Field) -> bool:
        return isinstance(source, User) or source.kind is Kind.TEXT

    def value_schema(self) -> dict[str, Any]:
        one: dict[str, Any] = {"type": "string", "format": "uuid"}
        return (
            {"type": "array", "items": one, "minItems": 1, "maxItems": MOST_USERS, "uniqueItems": True}
            if self.multiple
            else one
        )

    def parse(self, raw: Any, context: ParseContext) -> Any:
        if not self.multiple:
            return uuid_text(raw)
        if not isinstance(raw, list):
            raise reject("type", "A list of users is needed.", "Send a JSON list of ids.")
        if len(raw) > MOST_USERS:
            raise reject("too_many", f"At most {MOST_USERS} users; this has {len(raw)}.")
        found: dict[str, None] = {}
        for index, item in enumerate(raw):
            try:
                found[uuid_text(item)] = None
            except Rejected as rejected:
                raise Rejected(*(problem.under(f"/{index}") for problem in rejected.problems)) from None
        return list(found) or None

    def parse_text(self, text: str, context: ParseContext) -> Any:
        if self.multiple:
            return self.parse([part for part in re.split(r"[|,;\s]+", text[:10_000]) if part], context)
        return uuid_text(text)

    def format(self, value: Any, context: ParseContext) -> str:
        return ", ".join(value) if isinstance(value, list) else str(value)

    def example(self) -> Any:
        user = "0192d3a0-0000-7000-8000-000000000001"
        return [user] if self.multiple else user

    def user_ids(self, value: Any) -> list[str]:
        """The ids of the users of a stored value."""
        return list(value) if isinstance(value, list) else [value]
