"""The saved views of a module as pages show them: the bar of the open view, and its settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from xrm_core.web.pages import ModuleView


@dataclass(frozen=True, slots=True)
class ViewsBar:
    """What may be done with the view that is open."""

    module: str
    view: str = ""
    """How the address names the open view; empty when the module has none."""
    key: str = ""
    """The key by which its uses are counted."""
    name: str = ""
    edited: bool = False
    reset_url: str = ""
    query: str = ""
    """The address without its path: what saving remembers."""
    can_save: bool = False
    """Whether the open view is one's own."""
    settings_url: str = ""


@dataclass(frozen=True, slots=True)
class ViewSettings:
    """The settings of the open view."""

    module: ModuleView
    bar: ViewsBar
    query: str
    owner: str = ""
    visibility: str = "mine"
    uses: int = 0
    """How often it was opened in the last 30 days."""
    roles: tuple[tuple[str, str], ...] = ()
    """Roles that may be made to begin with it."""
    removable: bool = False
    color: tuple[str, str] = ("red", "")
    problem: str = ""
