"""What a text inside an automation means: read by editors and by the forms that are made from the models."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import GetJsonSchemaHandler
from pydantic_core import CoreSchema

from xrm_core.fields.base import ExpressionText, NameText


class Means:
    """Writes into the JSON Schema what a text stands for; `over` is the setting beside it whose records it is about."""

    def __init__(self, what: str, over: str = "") -> None:
        self.what, self.over = what, over

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        found = {**handler(core), "format": self.what}
        return {**found, "x-over": self.over} if self.over else found


ConditionText = Annotated[ExpressionText, Means("condition")]
ValueText = Annotated[ExpressionText, Means("expression")]
TimeText = Annotated[ExpressionText, Means("time")]
PersonText = Annotated[str, Means("people")]
TemplateText = Annotated[str, Means("template")]
LongTemplateText = Annotated[str, Means("template-lines")]
FieldName = Annotated[NameText, Means("field")]
DateFieldName = Annotated[NameText, Means("date-field")]
UserFieldName = Annotated[NameText, Means("user-field")]
ManyLinkName = Annotated[NameText, Means("many-link")]
StageName = Annotated[NameText, Means("stage")]
ModuleName = Annotated[NameText, Means("module")]
RoleName = Annotated[NameText, Means("role")]
AutomationName = Annotated[NameText, Means("automation")]
GuestPageName = Annotated[NameText, Means("guest-page")]
MailTemplateName = Annotated[NameText, Means("mail-template")]
