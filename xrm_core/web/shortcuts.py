"""The keyboard shortcuts: one list for the help, the hints, the palette and the settings page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from xrm_core.web.i18n import translator

TODAY = "d"
"""The letter after G that leads to Today; no module has it."""


@dataclass(frozen=True, slots=True)
class Shortcut:
    """What a key does; `single` ones can be turned off and changed."""

    id: str
    keys: str
    label: str
    group: str
    single: bool = True

    @property
    def shown(self) -> tuple[str, ...]:
        """The keys as they are printed."""
        return tuple(part.upper() if len(part) == 1 else part for part in self.keys.split(" "))


def _t(text: str) -> str:
    return text


ANYWHERE, ROWS, RECORD, BOARD = _t("Anywhere"), _t("Lists and rows"), _t("Records"), _t("Boards and calendars")
GROUPS = (ANYWHERE, ROWS, RECORD, BOARD)
SHORTCUTS = (
    Shortcut("palette", "Ctrl K", _t("Search or jump to…"), ANYWHERE, single=False),
    Shortcut("go", "g …", _t("Go to a module (letter in the navigation)"), ANYWHERE),
    Shortcut("create", "c", _t("Create"), ANYWHERE),
    Shortcut("undo", "Ctrl Z", _t("Undo"), ANYWHERE, single=False),
    Shortcut("redo", "Ctrl Shift Z", _t("Redo"), ANYWHERE, single=False),
    Shortcut("favourite", "Alt F", _t("Add to favourites, or remove"), ANYWHERE, single=False),
    Shortcut("notices", "b", _t("Notifications"), ANYWHERE),
    Shortcut("nav", "[", _t("Fold the navigation"), ANYWHERE),
    Shortcut("help", "?", _t("This help"), ANYWHERE),
    Shortcut("close", "Esc", _t("Close"), ANYWHERE, single=False),
    Shortcut("find", "/", _t("Find in this view"), ROWS),
    Shortcut("filter", "f", _t("Add a filter"), ROWS),
    Shortcut("next", "j", _t("Next row or card"), ROWS),
    Shortcut("previous", "k", _t("Previous row or card"), ROWS),
    Shortcut("open", "Enter", _t("Open"), ROWS, single=False),
    Shortcut("done", "e", _t("Edit; in Today: mark as done"), ROWS),
    Shortcut("snooze", "s", _t("In Today: put off until tomorrow"), ROWS),
    Shortcut("select", "x", _t("Select the row"), ROWS),
    Shortcut("all", "Ctrl A", _t("Select all rows"), ROWS, single=False),
    Shortcut("edit", "F2", _t("Edit the cell; so does typing"), ROWS, single=False),
    Shortcut("fill", "Ctrl D", _t("Fill the cells below"), ROWS, single=False),
    Shortcut("columns", "o", _t("Columns"), ROWS),
    Shortcut("view", "v …", _t("Saved view by its number"), ROWS),
    Shortcut("note", "n", _t("Write a note"), RECORD),
    Shortcut("call", "l", _t("Log a call"), RECORD),
    Shortcut("assign", "a", _t("Give to somebody"), RECORD),
    Shortcut("stage", "1 …", _t("Move to the stage of that number"), RECORD),
    Shortcut("move", "m", _t("Move to another stage"), BOARD),
    Shortcut("lift", "Space", _t("Lift or drop a card"), BOARD, single=False),
)
BY_ID = {one.id: one for one in SHORTCUTS}
CHANGEABLE = tuple(one for one in SHORTCUTS if one.single and len(one.keys) == 1)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the help, as this person has set it."""

    id: str
    label: str
    keys: tuple[str, ...]
    press: str
    """The key that the scripts know it by; empty for what is no single key."""


def lines(locale: str, remapped: Mapping[str, str]) -> list[tuple[str, list[Line]]]:
    """The help by group, with the keys that were chosen."""
    t = translator(locale)
    chosen = {default: key for key, default in remapped.items() if default}
    off = {key for key, default in remapped.items() if not default}
    found = []
    for group in GROUPS:
        rows = []
        for one in (one for one in SHORTCUTS if one.group == group):
            plain = one.single and len(one.keys) == 1
            keys = (chosen[one.keys].upper(),) if one.keys in chosen and plain else one.shown
            if plain and one.keys in off and one.keys not in chosen:
                keys = ()
            rows.append(Line(one.id, t(one.label), keys, one.keys if plain else ""))
        found.append((t(group), rows))
    return found


def translation(chosen: Any) -> dict[str, str]:
    """Pressed key to the key that it stands for; what was given another key does nothing under its old one."""
    if not isinstance(chosen, Mapping):
        return {}
    wanted = {name: str(keys) for name, keys in chosen.items() if name in BY_ID and BY_ID[name] in CHANGEABLE}
    found = {BY_ID[name].keys: "" for name, keys in wanted.items() if keys != BY_ID[name].keys}
    found |= {keys: BY_ID[name].keys for name, keys in wanted.items() if keys and keys != BY_ID[name].keys}
    return found
