"""What formula, rollup and lookup share: a value that nobody writes."""

from __future__ import annotations

import json
from typing import Annotated, Any, ClassVar

from pydantic import StringConstraints

from xrm_core.fields.base import Field, ParseContext, reject

LinkPath = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,47}(\.[a-z][a-z0-9_]{0,47}){0,4}$")]


class ComputedField(Field):
    """Base of the computed types; the kind of the value follows from the expression, unless the type knows it."""

    computed: ClassVar[bool] = True

    def result_field(self) -> Field | None:
        """The field that formats the value, if the definition names one."""
        return None

    def value_schema(self) -> dict[str, Any]:
        result = self.result_field()
        return result.value_schema() if result is not None else {}

    def parse(self, raw: Any, context: ParseContext) -> Any:
        raise reject("computed", "This value is computed and cannot be written.", "Leave it out.")

    def format(self, value: Any, context: ParseContext) -> str:
        result = self.result_field()
        if result is not None:
            return result.format(value, context)
        return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)

    def project(self, value: Any) -> Any:
        result = self.result_field()
        return result.project(value) if result is not None else super().project(value)
