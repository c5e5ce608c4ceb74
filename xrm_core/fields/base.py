"""What every field type shares: its common settings and the few methods that a type may change."""

from __future__ import annotations

import json
import keyword
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints
from pydantic import Field as Setting

from xrm_core.kernel.kinds import Kind
from xrm_core.kernel.labels import Label, label_text
from xrm_core.kernel.problem import Problem
from xrm_core.kernel.text import fold

NAME_PATTERN = r"^[a-z][a-z0-9_]{0,47}$"
RESERVED = frozenset(
    "id module version title created_at created_by updated_at updated_by archived_at owner stage stage_entered_at "
    "true false none me".split()
) | {word.lower() for word in keyword.kwlist}
"""Names that mean something else: system fields, constants, and the words of the expression language's grammar."""
LONGEST_LABEL = 200


def _label(value: Label) -> Label:
    texts = [value] if isinstance(value, str) else list(value.values())
    if not texts or not any(text.strip() for text in texts):
        raise ValueError("a label needs a text")
    if any(len(text) > LONGEST_LABEL for text in texts):
        raise ValueError(f"a label has at most {LONGEST_LABEL} characters")
    if any(character < " " and character not in "\n\t" for text in texts for character in text):
        raise ValueError("a label cannot hold control characters")
    if isinstance(value, dict) and not all(re.fullmatch(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*", key) for key in value):
        raise ValueError("the keys of a label are language codes such as en or de-AT")
    return value


NameText = Annotated[str, StringConstraints(pattern=NAME_PATTERN)]
LabelText = Annotated[Label, AfterValidator(_label)]
ExpressionText = Annotated[str, StringConstraints(min_length=1, max_length=4000)]


class Model(BaseModel):
    """Base of all definition models: frozen, strict about unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Default(Model):
    """A default that is computed when a record is made."""

    expression: ExpressionText = Setting(description="An expression over the new record, in the language of formulas.")


class TakesFrom(Model):
    """Where a field gets its first values from: another field (whose type may differ), or an expression."""

    field: NameText | None = Setting(
        default=None, description="The id of the field or link whose values it takes over; that one may be archived."
    )
    expression: ExpressionText | None = Setting(
        default=None, description="An expression over the record, with the names it had before this change."
    )
    separator: str | None = Setting(
        default=None, min_length=1, max_length=20, description="Splits the text of the other field into parts."
    )
    part: int = Setting(
        default=0, ge=-100, le=100, description="Which part, from 0 for the first; -1 is the last one."
    )
    rest: bool = Setting(default=False, description="The part and all that follows it.")
    region: str | None = Setting(
        default=None, pattern=r"^[A-Z]{2}$", description="Country in whose way dates and telephone numbers are written."
    )
    language: str | None = Setting(
        default=None, pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$", description="Language in which numbers are written."
    )
    currency: str | None = Setting(default=None, pattern=r"^[A-Z]{3}$", description="Currency of plain numbers.")


class Rejected(Exception):
    """A value that a field cannot take; `problems` have paths relative to the value."""

    def __init__(self, *problems: Problem) -> None:
        self.problems = list(problems)
        super().__init__("; ".join(problem.message for problem in problems))


def reject(code: str, message: str, hint: str = "", path: str = "") -> Rejected:
    """A `Rejected` with one problem."""
    return Rejected(Problem(code, path, message, hint))


@dataclass(frozen=True, slots=True)
class ParseContext:
    """What parsing needs to know of the workspace: its currency (ISO 4217), phone region, time zone and language."""

    currency: str = "EUR"
    region: str = "GB"
    zone: str = "UTC"
    language: str = "en"


class Field(Model):
    """A field of a module. The subclass is the type: its attributes are the settings, its methods the behaviour."""

    kind: ClassVar[Kind] = Kind.TEXT
    json_path: ClassVar[tuple[str, ...]] = ()
    """Where inside the stored value the comparable part lies, () if the value itself is it."""
    attributes: ClassVar[dict[str, Kind]] = {}
    """Parts of the value that expressions may name with a dot, such as `period.start`."""
    computed: ClassVar[bool] = False
    beside: ClassVar[bool] = False
    """Stored beside the row (long text), not in `data`."""

    type: str
    id: NameText = ""
    name: NameText
    label: LabelText
    help: LabelText | None = None
    required: bool = False
    unique: bool = False
    indexed: bool = False
    searchable: bool = False
    personal: str | None = Setting(default=None, pattern="^(personal|special)$")
    read_only: bool = False
    archived: bool = False
    default: Any = None
    takes_from: TakesFrom | None = Setting(
        default=None, description="Where existing records get a value from when the field is added or changes its type."
    )
    required_when: ExpressionText | None = None
    visible_when: ExpressionText | None = None
    read_only_when: ExpressionText | None = None

    def model_post_init(self, context: Any) -> None:
        if not self.id:
            object.__setattr__(self, "id", self.name)

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """A copy with some settings changed; what was worked out from the old settings is not taken along."""
        copied = super().model_copy(update=update, deep=deep)
        for key in [key for key in copied.__dict__ if key not in type(self).model_fields]:
            del copied.__dict__[key]
        copied.model_post_init(None)
        return copied

    # -- what a type may change -------------------------------------------------------------------------------------

    def check_settings(self) -> list[Problem]:
        """Problems of the settings, with paths relative to the field definition; a subclass adds its own to these."""
        problems = [
            Problem("setting", f"/{key}", f"A field of the type {self.type} cannot be {word}.", f"Remove '{key}'.")
            for key, word in (("unique", "unique"), ("indexed", "indexed"))
            if getattr(self, key) and not self._can_be(key)
        ]
        if self.computed:
            problems += [
                Problem("setting", f"/{key}", f"'{key}' has no meaning on a computed field.", f"Remove '{key}'.")
                for key in ("required", "required_when", "default")
                if getattr(self, key)
            ]
        elif self.default is not None and self.default_expression is None:
            problems += self._check_default()
        return problems

    @classmethod
    def can_be_unique(cls) -> bool:
        """Whether fields of this type can have a value that occurs once."""
        return not cls.beside and not cls.computed and cls.kind not in (Kind.LIST, Kind.BOOLEAN, Kind.OBJECT)

    def _can_be(self, key: str) -> bool:
        if self.beside or (self.kind is Kind.OBJECT and not self.json_path):
            return False
        return key == "indexed" or (self.kind not in (Kind.LIST, Kind.BOOLEAN) and not self.computed)

    def _check_default(self) -> list[Problem]:
        try:
            self.parse(self.default, ParseContext())
        except Rejected as rejected:
            return [problem.under("/default") for problem in rejected.problems]
        return []

    def value_schema(self) -> dict[str, Any]:
        """JSON Schema (2020-12) of a stored value."""
        return {"type": "string"}

    def parse(self, raw: Any, context: ParseContext) -> Any:
        """The value to store for `raw` (JSON); raises `Rejected`. `raw` is never None: empty is handled before."""
        raise reject("type", f"{type(self).__name__} cannot be written")

    def parse_text(self, text: str, context: ParseContext) -> Any:
        """The value to store for a form or CSV cell; `text` is stripped and not empty; raises `Rejected`."""
        return self.parse(text, context)

    def format(self, value: Any, context: ParseContext) -> str:
        """The stored value as plain text that `parse_text` reads back."""
        return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)

    def example(self) -> Any:
        """A stored value that is typical, for documentation and tests."""
        return "example"

    def takes_over(self, source: Field) -> bool:
        """Whether values of `source` can be expected to become values of this field when a type changes."""
        return True

    def project(self, value: Any) -> Any:
        """The value of the promoted column: what sorting, filtering and indexes use; None for an empty value."""
        for key in self.json_path:
            value = value.get(key) if isinstance(value, dict) else None
        if value is None:
            return None
        return fold(value) if self.kind is Kind.TEXT and isinstance(value, str) else value

    # -- conveniences -----------------------------------------------------------------------------------------------

    @property
    def promoted(self) -> bool:
        """Whether the field gets a typed column of its own."""
        return (self.indexed or self.unique) and not self.archived and self._can_be("indexed")

    @property
    def default_expression(self) -> str | None:
        """The expression of a computed default; None when there is no default or it is a literal value."""
        default = self.default
        if isinstance(default, Default):
            return default.expression
        if isinstance(default, dict) and default.keys() == {"expression"} and isinstance(default["expression"], str):
            return str(default["expression"])
        return None

    def stores_like(self, other: Field) -> bool:
        """Whether values that were stored for `other` may stay where they are when it becomes this field."""
        return type(self) is type(other) and self.kind is other.kind and self.computed == other.computed

    def text(self, language: str = "en") -> str:
        """The label in a language."""
        return label_text(self.label, language)
