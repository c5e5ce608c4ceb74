"""A value computed from the records that link here."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field as Setting

from xrm_core.fields.base import ExpressionText
from xrm_core.fields.computed import ComputedField, LinkPath
from xrm_core.kernel.kinds import Kind
from xrm_core.kernel.problem import Problem

Function = Literal["count", "sum", "min", "max", "avg", "list", "latest"]


class Rollup(ComputedField):
    """A count, sum, average, smallest, largest, latest value or list over related records."""

    type: Literal["rollup"] = "rollup"
    link: LinkPath = Setting(description="The link, or several joined with dots, that leads to the related records.")
    function: Function
    field: ExpressionText | None = Setting(
        default=None, description="An expression over each related record; not needed to count."
    )
    where: ExpressionText | None = Setting(
        default=None, description="Only related records for which this holds are taken."
    )
    order_by: str | None = Setting(
        default=None, pattern=r"^-?[a-z][a-z0-9_]*$", description="For latest and list; created_at if left out."
    )

    def model_post_init(self, context: Any) -> None:
        super().model_post_init(context)
        known = {"count": Kind.INTEGER, "list": Kind.LIST}.get(self.function)
        if known is not None:
            object.__setattr__(self, "kind", known)

    def check_settings(self) -> list[Problem]:
        problems = []
        if self.function != "count" and self.field is None:
            problems.append(
                Problem(
                    "required",
                    "/field",
                    f"'{self.function}' needs to know of what.",
                    "Name a field of the related records.",
                )
            )
        if self.order_by is not None and self.function not in ("latest", "list"):
            problems.append(
                Problem("setting", "/order_by", f"An order has no meaning for '{self.function}'.", "Remove 'order_by'.")
            )
        return problems + super().check_settings()

    def value_schema(self) -> dict[str, Any]:
        if self.function == "count":
            return {"type": "integer", "minimum": 0}
        return {"type": "array"} if self.function == "list" else {}

    def example(self) -> Any:
        return {"count": 3, "list": ["first", "second"]}.get(self.function, "12.50")
