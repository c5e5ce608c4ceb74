"""Fields: each type checks its own settings."""

from __future__ import annotations

from collections.abc import Iterator

from xrm_core.definitions.checks.base import Subject, at
from xrm_core.kernel.problem import Problem, under


def check(subject: Subject) -> Iterator[Problem]:
    """All problems of field settings in the set."""
    for module in subject.modules():
        for index, field in enumerate(module.fields):
            if not field.archived:
                yield from under(at(module, "fields", index), field.check_settings())
        for index, link in enumerate(module.links):
            for place, attribute in enumerate(link.attributes):
                if not link.archived and not attribute.archived:
                    yield from under(at(module, "links", index, "attributes", place), attribute.check_settings())
