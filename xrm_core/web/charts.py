"""Charts as SVG from the server: no script, at their real size, coloured by the hues of the design."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from markupsafe import Markup

HEIGHT = 190
TOP, BOTTOM, LEFT = 20, 22, 62
STEPS = (Decimal(1), Decimal(2), Decimal("2.5"), Decimal(5), Decimal(10))


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of a bar."""

    name: str
    label: str
    hue: str
    amount: Decimal
    text: str
    """The amount as it is read."""
    url: str


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar of a stacked chart."""

    name: str
    label: str
    segments: tuple[Segment, ...]
    total: str


def nice(most: Decimal) -> Decimal:
    """The distance of three or four lines that reach above the largest value."""
    if most <= 0:
        return Decimal(1)
    rough = most / 4
    power = Decimal(10) ** rough.adjusted()
    return next(step * power for step in STEPS if step * power >= rough)


def stacked(bars: Sequence[Bar], label: str, axis: Sequence[tuple[Decimal, str]], width: int = 76) -> Markup:
    """Stacked bars; every segment is a link. `axis` has the values and texts of the lines, the last is the highest."""
    top = max((value for value, _ in axis), default=Decimal(1)) or Decimal(1)
    whole = LEFT + width * len(bars) + 8
    room = HEIGHT - TOP - BOTTOM

    def height(value: Decimal) -> Decimal:
        return (max(value, Decimal(0)) / top * room).quantize(Decimal("0.1"))

    parts = [
        Markup('<svg class="chart" width="{}" height="{}" role="group" aria-label="{}">').format(whole, HEIGHT, label)
    ]
    for value, text in axis:
        y = HEIGHT - BOTTOM - height(value)
        parts.append(Markup('<line x1="{}" x2="{}" y1="{}" y2="{}"/>').format(LEFT - 4, whole, y, y))
        parts.append(Markup('<text x="{}" y="{}" text-anchor="end">{}</text>').format(LEFT - 8, y + 4, text))
    for place, bar in enumerate(bars):
        x = LEFT + place * width + 10
        y = Decimal(HEIGHT - BOTTOM)
        for one in bar.segments:
            tall = height(one.amount)
            y -= tall
            said = f"{bar.label}, {one.label}: {one.text}"
            parts.append(
                Markup(
                    '<a href="{}" aria-label="{}" data-bar="{}" data-part="{}" data-amount="{}">'
                    '<title>{}</title><rect data-hue="{}" x="{}" y="{}" width="{}" height="{}" rx="2"/></a>'
                ).format(
                    one.url,
                    said,
                    bar.name,
                    one.name,
                    one.amount,
                    said,
                    one.hue,
                    x,
                    y,
                    width - 20,
                    max(tall, Decimal("0.5")),
                )
            )
        middle = x + (width - 20) // 2
        if bar.segments:
            parts.append(
                Markup('<text class="total" x="{}" y="{}" text-anchor="middle">{}</text>').format(
                    middle, y - 5, bar.total
                )
            )
        parts.append(Markup('<text x="{}" y="{}" text-anchor="middle">{}</text>').format(middle, HEIGHT - 6, bar.label))
    return Markup("").join([*parts, Markup("</svg>")])
