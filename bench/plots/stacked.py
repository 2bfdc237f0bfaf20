"""Shares of a whole as stacked bars, one bar per model."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.plots import drawing
from bench.plots.drawing import label
from curate.webpage.svg import COLOURS, INK, element

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_HATCHES = ("", "///", "...", "xxx", "---", "ooo")
_LEAST_SHARE_WITH_NUMBER = 0.06
_BLUES = ("#08306b", "#2171b5", "#6baed6", "#bdd7e7")
_ROOM_FOR_LABELS = 0.25
_PARTS_PER_LINE = 5


@dataclass(frozen=True, slots=True)
class Bar:
    """One model: its shares of every part, which sum to at most 1."""

    name: str
    shares: tuple[float, ...]
    partial: bool = False
    """For models that cover only part of the suite."""


@dataclass(frozen=True, slots=True)
class Part:
    """How one part of the bars looks; hatches tell parts apart without colour."""

    name: str
    colour: str
    hatch: str = ""


def of_outcomes(names: Sequence[str]) -> tuple[Part, ...]:
    """Return the looks of outcomes: the first is plain, the others are hatched, each its own way."""
    return tuple(
        Part(name, COLOURS[place % len(COLOURS)], _HATCHES[place % len(_HATCHES)]) for place, name in enumerate(names)
    )


def of_places(number: int) -> tuple[Part, ...]:
    """Return the looks of places 1, 2, ...: the first ones dark, and all later ones together."""
    shown = min(number, len(_BLUES) - 1)
    parts = [Part(f"place {place + 1}", _BLUES[place]) for place in range(shown)]
    return (*parts, Part(f"place {shown + 1} or later", _BLUES[-1])) if number > shown else tuple(parts)


def stacked(bars: Sequence[Bar], parts: Sequence[Part], key: str, axis: str, title: str, description: str) -> str:
    """Draw one horizontal bar per model as an `<svg>` element.

    Args:
        bars: Models, top first.
        parts: The parts, in the order of the shares.
        key: Prefix of the ids inside, unique on a page.
        axis: What the shares are shares of.
        title: Read out in place of the chart.
        description: What the chart shows, in a sentence.
    """
    top, bottom = 0.2 + 0.22 * -(-len(parts) // _PARTS_PER_LINE), 0.62
    height = top + bottom + 0.36 * max(len(bars), 1)
    with drawing.figure(height) as (drawn, axes):
        axes.set_position((_ROOM_FOR_LABELS, bottom / height, 0.71, 1 - (top + bottom) / height))
        axes.set(xlabel=axis, xlim=(0, 1), ylim=(len(bars) - 0.5, -0.5))
        axes.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0 %", "25 %", "50 %", "75 %", "100 %"])
        axes.set_yticks(range(len(bars)), [label(bar.name, partial=bar.partial) for bar in bars])
        axes.grid(axis="y", visible=False)
        axes.set_axisbelow(True)
        for row, bar in enumerate(bars):
            _draw_bar(axes, row, bar, parts)
        _draw_legend(axes, parts)
        return element(drawn, key, title, description)


def _draw_bar(axes: "Axes", row: int, bar: Bar, parts: Sequence[Part]) -> None:
    left = 0.0
    for share, part in zip(bar.shares, parts, strict=True):
        if share > 0:
            axes.barh(row, share, 0.66, left, color=part.colour, hatch=part.hatch, edgecolor=INK, linewidth=0.4)
        if share >= _LEAST_SHARE_WITH_NUMBER:
            ink = "#ffffff" if _dark(part.colour) else "#000000"
            ground = {"facecolor": part.colour, "edgecolor": "none", "pad": 1.2} if part.hatch else None
            axes.text(
                left + share / 2,
                row,
                f"{100 * share:.0f} %",
                ha="center",
                va="center",
                color=ink,
                bbox=ground,
                fontsize=8,
            )
        left += share


def _draw_legend(axes: "Axes", parts: Sequence[Part]) -> None:
    """Name the parts above the bars."""
    from matplotlib.patches import Patch

    patches = [
        Patch(facecolor=part.colour, hatch=part.hatch, edgecolor=INK, linewidth=0.4, label=part.name) for part in parts
    ]
    axes.legend(
        handles=patches,
        loc="lower left",
        bbox_to_anchor=(0, 1),
        ncols=_PARTS_PER_LINE,
        frameon=False,
        borderpad=0.2,
        borderaxespad=0,
        columnspacing=1.4,
    )


def _dark(colour: str) -> bool:
    """Tell whether white stands out better than black (WCAG 2.2, relative luminance below 0.179)."""
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in channels]
    return sum(weight * one for weight, one in zip((0.2126, 0.7152, 0.0722), linear, strict=True)) < 0.179
