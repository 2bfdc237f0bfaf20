"""Dice on seen against unseen targets."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.plots import drawing
from bench.plots.curves import Point
from bench.plots.drawing import label
from curate.webpage.svg import COLOURS, GRID, INK, element

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True, slots=True)
class Pair:
    """Dice of one model on targets that it has seen, has not seen, and of which nobody knows."""

    name: str
    seen: Point
    unseen: Point
    unknown: Point
    partial: bool = False
    """For models that cover only part of the suite."""


def seen_unseen(pairs: Sequence[Pair], title: str, description: str) -> str:
    """Draw Dice on seen against unseen targets, one row per model, as an `<svg>` element."""
    height = 1.25 + 0.42 * max(len(pairs), 1)
    looks = {"seen": (COLOURS[0], "o", "full"), "unseen": (COLOURS[1], "s", "full"), "unknown": (INK, "D", "none")}
    with drawing.figure(height) as (drawn, axes):
        axes.set_position((0.25, 0.62 / height, 0.71, 1 - 1.05 / height))
        axes.set(xlabel="Dice, mean over masks", xlim=(0, 1), ylim=(len(pairs) - 0.5, -0.5))
        axes.set_yticks(range(len(pairs)), [label(pair.name, partial=pair.partial) for pair in pairs])
        axes.grid(axis="y", visible=False)
        for row, pair in enumerate(pairs):
            if pair.seen.value is not None and pair.unseen.value is not None:
                axes.plot([pair.seen.value, pair.unseen.value], [row, row], color=GRID, linewidth=4, zorder=1)
            for point, (colour, marker, fill) in zip(
                (pair.seen, pair.unseen, pair.unknown), looks.values(), strict=True
            ):
                _draw_point(axes, point, row, colour, marker, fill)
        for place, (name, (colour, marker, fill)) in enumerate(looks.items()):
            at, top = 0.02 + 0.2 * place, 1 + 0.2 / (height - 1.05)
            axes.plot(at, top, marker=marker, color=colour, fillstyle=fill, transform=axes.transAxes, clip_on=False)
            axes.text(at + 0.02, top, f"{name} targets", va="center", transform=axes.transAxes)
        return element(drawn, "seen", title, description)


def _draw_point(axes: "Axes", point: Point, row: int, colour: str, marker: str, fill: str) -> None:
    if point.value is None:
        return
    if point.low is not None and point.high is not None:
        axes.plot([point.low, point.high], [row, row], color=colour, linewidth=1.4, zorder=2)
    axes.plot(point.value, row, marker=marker, color=colour, fillstyle=fill, linestyle="none", zorder=3)
