"""Labels: a text, or one text per language, with a fallback that always finds something to show."""

from __future__ import annotations

Label = str | dict[str, str]


def label_text(label: Label, language: str = "en") -> str:
    """The label in `language` ("de" or "de-AT"), else in its base language, else English, else whatever there is."""
    if isinstance(label, str):
        return label
    for key in (language, language.split("-")[0], "en"):
        if label.get(key):
            return label[key]
    return next(iter(label.values()), "")
