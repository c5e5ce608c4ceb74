"""Pieces of pages that come by the dozen, put together in Python: a template's macro costs several times as much."""

from __future__ import annotations

from collections.abc import Iterable

from markupsafe import Markup, escape

from xrm_core.web import formats, i18n
from xrm_core.web.assets import icon
from xrm_core.web.pages import CardView, ValueView


class Pieces:
    """The pieces in one language."""

    def __init__(self, locale: str) -> None:
        t = i18n.translator(locale)
        self.plural = i18n.plural_translator(locale)
        self.move = t("Move %(title)s to…")
        self.change = t("Change %(label)s")
        self.why = t("Why: %(label)s")
        self.why_title = escape(t("Why this value"))

    def cards(self, found: Iterable[CardView]) -> Markup:
        """The cards of a lane."""
        ellipsis, clock = icon("ellipsis"), icon("clock")
        parts: list[str] = []
        for card in found:
            title = escape(card.title)
            parts.append(
                f'<div class="card" role="listitem" data-id="{escape(card.id)}" data-version="{escape(card.version)}">'
                f'<a class="title" href="{escape(card.url)}">{title}</a>'
                f'<button class="move" type="button" aria-haspopup="menu" aria-label="{escape(self.move % {"title": card.title})}" hidden>{ellipsis}</button>'
            )
            if card.facts:
                facts = (
                    f'<div><span class="k">{escape(label)}</span>{escape(html)}</div>' if label else f"<div>{escape(html)}</div>"
                    for label, html in card.facts
                )  # fmt: skip
                parts.append(f'<div class="facts">{"".join(facts)}</div>')
            end = ""
            if card.age_days is not None:
                days = self.plural("%(num)s day in this stage", "%(num)s days in this stage", card.age_days)
                late, told = " late" if card.late else "", escape(days % {"num": card.age_days})
                end = f'<span class="age{late}" title="{told}">{clock}{card.age_days} d</span>'
            if card.owner is not None:
                end += f'{avatar(card.owner.name)}<span class="vh">{escape(card.owner.name)}</span>'
            parts.append(f'<div class="end">{end}</div></div>' if end else "</div>")
        return Markup("".join(parts))

    def values(self, found: Iterable[ValueView], edit_url: str | None, url: str) -> Markup:
        """Values of a record with their labels."""
        pencil, question = icon("pencil"), icon("circle-help")
        edit, own = escape(edit_url or ""), escape(url)
        parts: list[str] = []
        for item in found:
            name = escape(item.name)
            marks = f' data-value="{name}"' if item.name else ""
            told = f' title="{escape(item.help)}"' if item.help else ""
            shown = '<span class="none">—</span>' if item.empty else escape(item.html)
            place = f' data-edit="{name}"' if item.editable else ""
            parts.append(
                f'<div class="value{" wide" if item.wide else ""}"{marks}><dt{told}>{escape(item.label)}</dt>'
                f'<dd{place}><div class="shown">{shown}</div>'
            )
            if item.editable:
                label = escape(self.change % {"label": item.label})
                parts.append(f'<a class="pen" href="{edit}#f-{name}" aria-label="{label}">{pencil}</a>')
            if item.computed and url:
                label = escape(self.why % {"label": item.label})
                parts.append(
                    f'<a class="pen why" href="{own}/why/{name}" data-why aria-label="{label}" title="{self.why_title}">{question}</a>'
                )
            parts.append("</dd></div>")
        return Markup("".join(parts))


def avatar(name: str) -> str:
    """The initials of somebody; decoration, the name stands beside."""
    return f'<span class="avatar" data-hue="{formats.hue_of(name)}" aria-hidden="true">{escape(formats.initials(name))}</span>'
