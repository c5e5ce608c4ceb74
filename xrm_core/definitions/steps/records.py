"""Steps that make and change records: create, update, archive."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field as Setting

from xrm_core.definitions.hints import (
    ManyLinkName,
    Means,
    ModuleName,
    PersonText,
    RoleName,
    StageName,
    TemplateText,
    TimeText,
    UserFieldName,
    ValueText,
)
from xrm_core.definitions.steps.base import THIS, Records, Step, Text, Write, constants_of, value_texts, whose
from xrm_core.definitions.triggers.base import Tell
from xrm_core.fields.base import NameText

Values = dict[NameText, Any]
There = Annotated[Values, Means("values", "of")]
"""Values of the records behind `of`."""


class CreateRecord(Step):
    """Create a record: texts in `values` are expressions over the record that the automation runs for."""

    at_once: ClassVar[bool] = True
    do: Literal["create"]
    module: ModuleName
    values: Annotated[Values, Means("values", "module")] = Setting(default={}, max_length=100)

    def texts(self) -> Iterator[Text]:
        return value_texts(self.values)

    def writes(self) -> Iterator[Write]:
        yield Write(None, self.module, frozenset(self.values), creates=True, constants=constants_of(self.values))

    def sentence(self, tell: Tell) -> str:
        return tell.pick(f"create a record in {self.module}", f"lege einen Datensatz in {self.module} an")


class UpdateRecords(Records, Step):
    """Change values: of the record, or of records behind links."""

    at_once: ClassVar[bool] = True
    do: Literal["update"]
    values: There = Setting(min_length=1, max_length=100)

    def texts(self) -> Iterator[Text]:
        if self.where is not None:
            yield Text("/where", self.where, "condition", self.of)
        yield from value_texts(self.values)

    def writes(self) -> Iterator[Write]:
        yield Write(self.of, None, frozenset(self.values), constants=constants_of(self.values))

    def sentence(self, tell: Tell) -> str:
        names = ", ".join(tell.label(name) if self.of == THIS else name for name in self.values)
        place = "im Datensatz" if self.of == THIS else f"in {tell.label(self.of)}"
        return tell.pick(f"set {names} of {whose(self.of, tell)}", f"setze {names} {place}")


class ArchiveRecords(Records, Step):
    """Archive: the record, or records behind links."""

    at_once: ClassVar[bool] = True
    do: Literal["archive"]

    def texts(self) -> Iterator[Text]:
        if self.where is not None:
            yield Text("/where", self.where, "condition", self.of)

    def writes(self) -> Iterator[Write]:
        yield Write(self.of, None, frozenset(), archives=True)

    def sentence(self, tell: Tell) -> str:
        return tell.pick(f"archive {whose(self.of, tell)}", f"archiviere {whose(self.of, tell)}")


class LinkRecords(Step):
    """Link records: over a link to many; or take the link away."""

    at_once: ClassVar[bool] = True
    do: Literal["link"]
    link: ManyLinkName
    to: ValueText = Setting(min_length=1, max_length=4000, description="An expression that names the other record.")
    remove: bool = False

    def texts(self) -> Iterator[Text]:
        yield Text("/to", self.to, "value")

    def writes(self) -> Iterator[Write]:
        yield Write("this", None, frozenset({self.link}))

    def sentence(self, tell: Tell) -> str:
        if self.remove:
            return tell.pick(f"unlink {tell.label(self.link)}", f"löse die Verknüpfung {tell.label(self.link)}")
        return tell.pick(f"link {tell.label(self.link)}", f"verknüpfe {tell.label(self.link)}")


class MoveRecords(Records, Step):
    """Move to a stage: the record, or records behind links."""

    at_once: ClassVar[bool] = True
    do: Literal["move"]
    stage: Annotated[StageName, Means("stage", "of")] | None = Setting(
        default=None, description="Left out: back to the stage before."
    )
    reason: str | None = Setting(default=None, max_length=500)
    values: There = Setting(default={}, max_length=100, description="Values that the stage needs.")

    def texts(self) -> Iterator[Text]:
        if self.where is not None:
            yield Text("/where", self.where, "condition", self.of)
        yield from value_texts(self.values)

    def writes(self) -> Iterator[Write]:
        yield Write(
            self.of, None, frozenset({*self.values, "stage"}), stage=self.stage, constants=constants_of(self.values)
        )

    def sentence(self, tell: Tell) -> str:
        if self.stage is None:
            return tell.pick(
                f"move {whose(self.of, tell)} back to the stage before",
                f"bringe {whose(self.of, tell)} in die vorige Stufe",
            )
        stage = tell.stage(self.stage)
        return tell.pick(f"move {whose(self.of, tell)} to {stage}", f"bringe {whose(self.of, tell)} in Stufe {stage}")


class AssignRecord(Step):
    """Assign: give the record to one of several people, in turn or to whoever has least to do."""

    at_once: ClassVar[bool] = True
    do: Literal["assign"]
    field: UserFieldName = Setting(default="owner", description="owner, or a field that holds a user.")
    role: RoleName | None = Setting(default=None, description="Among the people with this role; left out: all members.")
    by: Literal["round_robin", "least_loaded"] = "round_robin"
    count: ModuleName | None = Setting(
        default=None, description="For least_loaded: the module whose open records are counted; left out: this one."
    )

    def writes(self) -> Iterator[Write]:
        yield Write("this", None, frozenset({self.field}))

    def sentence(self, tell: Tell) -> str:
        whom = self.role or tell.pick("everybody", "allen")
        how = tell.pick("in turn", "reihum") if self.by == "round_robin" else tell.pick("by load", "nach Auslastung")
        return tell.pick(f"assign it to {whom} {how}", f"teile ihn {whom} {how} zu")


class CreateTask(Step):
    """Create a task: in the module whose records are tasks, linked to the record if it can be."""

    at_once: ClassVar[bool] = True
    do: Literal["task"]
    title: TemplateText = Setting(min_length=1, max_length=1000, description="A text with {{ }}.")
    assignee: PersonText = Setting(default="owner", max_length=4000, description="An expression that names a user.")
    due: TimeText = Setting(
        default="today()", max_length=4000, description="An expression that gives a day or an instant."
    )
    module: ModuleName | None = Setting(default=None, description="Needed where several modules hold tasks.")
    values: Annotated[Values, Means("values", "module")] = Setting(default={}, max_length=100)

    def texts(self) -> Iterator[Text]:
        yield Text("/title", self.title, "template")
        yield Text("/assignee", self.assignee, "people")
        yield Text("/due", self.due, "time")
        yield from value_texts(self.values)

    def writes(self) -> Iterator[Write]:
        yield Write(None, self.module or "*task", frozenset(self.values), creates=True)

    def sentence(self, tell: Tell) -> str:
        return tell.pick(f"create the task “{self.title}”", f"lege die Aufgabe „{self.title}“ an")
