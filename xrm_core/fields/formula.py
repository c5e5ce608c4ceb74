"""A value computed from the record itself."""

from __future__ import annotations

from functools import cached_property
from typing import Any, Literal

from pydantic import Field as Setting
from pydantic import ValidationError, field_validator

from xrm_core.fields.base import ExpressionText, Field
from xrm_core.fields.computed import ComputedField
from xrm_core.fields.stored import stored_adapter
from xrm_core.kernel.problem import Problem


class Formula(ComputedField):
    """A value computed from other fields of the record and of the records it links to."""

    type: Literal["formula"] = "formula"
    formula: ExpressionText = Setting(description="An expression over the record.")
    result: dict[str, Any] | None = Setting(
        default=None,
        description="The field type that shows the value, with its settings but no name and label; else inferred.",
    )

    @field_validator("result")
    @classmethod
    def _readable(cls, value: dict[str, Any] | None) -> dict[str, Any] | None:
        if value is not None:
            try:
                _result(value)
            except ValidationError as error:
                first = error.errors(include_url=False)[0]
                raise ValueError(f"the result cannot be read: {first['msg']}") from None
        return value

    def model_post_init(self, context: Any) -> None:
        super().model_post_init(context)
        if self._result is not None:
            object.__setattr__(self, "kind", self._result.kind)

    @cached_property
    def _result(self) -> Field | None:
        return _result(self.result) if self.result is not None else None

    def result_field(self) -> Field | None:
        return self._result

    def check_settings(self) -> list[Problem]:
        problems = (
            [problem.under("/result") for problem in self._result.check_settings()] if self._result is not None else []
        )
        return problems + super().check_settings()

    def example(self) -> Any:
        return self._result.example() if self._result is not None else "example"


def _result(settings: dict[str, Any]) -> Field:
    if {"name", "label", "id"} & settings.keys():
        raise ValueError("the result has a type and its settings only, no name or label")
    return stored_adapter.validate_python({**settings, "name": "result", "label": "Result"})
