"""Mail templates: their module is there, and so is everything that their texts mention."""

from __future__ import annotations

from collections.abc import Iterator

from xrm_core.definitions.checks.base import Subject
from xrm_core.definitions.names import did_you_mean
from xrm_core.expressions.mail_source import check_source
from xrm_core.kernel.problem import Problem, pointer


def check(subject: Subject) -> Iterator[Problem]:
    """All problems of mail templates in the set."""
    for template in subject.definitions.mail_templates:
        if template.archived:
            continue
        place = pointer("mail_templates", template.name)
        module = subject.definitions.by_name.get(template.module)
        if module is None or module.archived:
            hint = did_you_mean(template.module, subject.definitions.by_name)
            yield Problem("missing", f"{place}/module", f"There is no module '{template.module}'.", hint)
            continue
        scope = subject.scopes.of(module)
        for language, texts in template.languages.items():
            here = f"{place}/languages/{language}"
            if not texts.text and not texts.html:
                yield Problem("required", f"{here}/text", "The mail has no text.", "Give text, html or both.")
            for key, source in texts.parts():
                for one in check_source(source, scope)[1]:
                    yield Problem(one.code, f"{here}/{key}", one.message, one.hint)
