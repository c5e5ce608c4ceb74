"""Looking up options by name or label: what select and multi_select share."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from xrm_core.fields.base import Rejected, reject
from xrm_core.fields.options import Option
from xrm_core.kernel.labels import label_text
from xrm_core.kernel.problem import Problem
from xrm_core.kernel.text import fold

MOST_OPTIONS = 1000


class Choices:
    """The options of one field, prepared for quick answers."""

    __slots__ = ("by_name", "by_text", "options")

    def __init__(self, options: tuple[Option, ...]) -> None:
        self.options = options
        self.by_name = {option.name: option for option in options}
        self.by_text: dict[str, str] = {}
        for option in options:
            self.by_text.setdefault(fold(option.name), option.name)
        for option in options:
            for text in _labels(option):
                self.by_text.setdefault(fold(text.strip()), option.name)

    def name_of(self, text: str) -> str | None:
        """The option whose name or label, in any language, this is."""
        return text if text in self.by_name else self.by_text.get(fold(text.strip()))

    def unknown(self, text: object) -> Rejected:
        """The rejection of something that is no option, with the nearest one."""
        if not isinstance(text, str):
            return reject("type", "The name of an option is needed.", "Send a JSON string.")
        shown = text if len(text) <= 60 else text[:59] + "…"
        shown = shown.encode("utf-8", "replace").decode()
        near = get_close_matches(fold(text[:80]), list(self.by_text), 1, 0.6)
        offered = [option.name for option in self.options if not option.archived]
        if near:
            hint = f"Did you mean {self.by_text[near[0]]!r}?"
        else:
            hint = "One of " + ", ".join(offered[:12]) + (", …" if len(offered) > 12 else "") + "."
        return reject("option", f"{shown!r} is not an option.", hint)

    def label(self, name: str, language: str) -> str:
        """What people see for a stored value."""
        option = self.by_name.get(name)
        return label_text(option.label, language) if option else name

    def words(self, names: Iterable[str]) -> str:
        """Names and labels in all languages, for search."""
        found: list[str] = []
        for name in names:
            option = self.by_name.get(name)
            found += _labels(option) if option else [name]
        return " ".join(dict.fromkeys(found))

    def offers(self, name: str) -> bool:
        """Whether the option exists and is not archived."""
        option = self.by_name.get(name)
        return option is not None and not option.archived


def check_options(options: tuple[Option, ...]) -> list[Problem]:
    """Options that cannot be told apart."""
    problems: list[Problem] = []
    names: dict[str, int] = {}
    labels: dict[str, str] = {}
    for index, option in enumerate(options):
        if fold(option.name) in names:
            problems.append(
                Problem(
                    "duplicate",
                    f"/options/{index}/name",
                    f"There is already an option {option.name!r}.",
                    "Give each a name of its own.",
                )
            )
        names.setdefault(fold(option.name), index)
        if any("|" in text for text in _labels(option)):
            problems.append(
                Problem(
                    "character",
                    f"/options/{index}/label",
                    "A label cannot hold the mark |, which separates several options.",
                )
            )
        for text in _labels(option) if not option.archived else []:
            other = labels.setdefault(fold(text.strip()), option.name)
            if other != option.name:
                problems.append(
                    Problem(
                        "duplicate",
                        f"/options/{index}/label",
                        f"The option {other!r} has the label {text!r} too.",
                        "Give each a label of its own.",
                    )
                )
    return problems


def _labels(option: Option) -> list[str]:
    return [option.label] if isinstance(option.label, str) else list(option.label.values())
