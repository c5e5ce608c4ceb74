"""What some field types can do besides: small protocols, so that callers ask for an ability and never for a type."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

from xrm_core.fields.base import Field, ParseContext
from xrm_core.fields.options import Option


@runtime_checkable
class Computed(Protocol):
    """The value is worked out from others; nobody writes it."""

    def result_field(self) -> Field | None:
        """The field that formats the value, if the definition names one."""
        ...


@runtime_checkable
class Searchable(Protocol):
    """The value has words that full-text search can find."""

    def search_text(self, value: Any) -> str:
        """The words of a stored value."""
        ...


@runtime_checkable
class HoldsOptions(Protocol):
    """The value is chosen from options."""

    options: tuple[Option, ...]

    def allows(self, value: Any) -> bool:
        """Whether a stored value may be chosen anew: none of its options is archived or unknown."""
        ...

    def option_label(self, name: str, language: str = "en") -> str:
        """What people see for one stored option name."""
        ...


@runtime_checkable
class HoldsFiles(Protocol):
    """The value refers to uploaded files."""

    def file_ids(self, value: Any) -> list[str]:
        """The ids of the files of a stored value."""
        ...


@runtime_checkable
class HoldsUsers(Protocol):
    """The value refers to users of the workspace."""

    def user_ids(self, value: Any) -> list[str]:
        """The ids of the users of a stored value."""
        ...


@runtime_checkable
class Mentions(Protocol):
    """The value is a text that may name users."""

    def mentioned(self, value: Any) -> list[str]:
        """The ids of the users that a stored value mentions."""
        ...


@runtime_checkable
class Numbered(Protocol):
    """The engine gives each new record the next number."""

    def numbered(self, number: int) -> str:
        """The stored value for a number."""
        ...

    def number_of(self, value: str) -> int:
        """The number of a stored value."""
        ...


@runtime_checkable
class Convertible(Protocol):
    """The type knows better than plain text how to take over values of another type."""

    def convert_from(self, source: Field, value: Any, context: ParseContext) -> Any:
        """The value of this field for a stored value of `source`; raises `Rejected`."""
        ...


def convert(source: Field, value: Any, target: Field, context: ParseContext) -> Any:
    """A stored value of one field as a value of another, by way of its text if need be; raises `Rejected`."""
    if isinstance(target, Convertible):
        return target.convert_from(source, value, context)
    text = source.format(value, context).strip()
    return target.parse_text(text, context) if text else None
