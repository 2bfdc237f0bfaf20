"""Dice over prompting steps."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.plots import drawing
from bench.plots.drawing import MARKERS, label
from curate.webpage.svg import COLOURS, element

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_LABEL_GAP = 0.055


@dataclass(frozen=True, slots=True)
class Point:
    """A mean with its 95 % interval; None where there is none."""

    value: float | None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Curve:
    """Dice of one model over steps."""

    name: str
    points: tuple[Point, ...]
    dashed: bool = False
    """For models that cover only part of the suite."""


def step_curves(curves: Sequence[Curve], steps: Sequence[int], title: str, description: str) -> str:
    """Draw Dice over prompting steps, one line with a band per model, as an `<svg>` element."""
    height = max(4.2, 1.2 + 0.24 * len(curves))
    with drawing.figure(height) as (drawn, axes):
        axes.set_position((0.07, 0.62 / height, 0.63, 1 - 0.85 / height))
        axes.set(xlabel="prompting step", ylabel="Dice, mean over masks", ylim=(0, 1), xticks=list(steps))
        axes.margins(x=0.03)
        gap = 1.15 * _LABEL_GAP * 4.2 / height
        for style, (curve, label_at) in enumerate(zip(curves, _spread(curves, gap), strict=True)):
            _draw_curve(axes, curve, steps, style, label_at)
        return element(drawn, "steps", title, description)


def _draw_curve(axes: "Axes", curve: Curve, steps: Sequence[int], style: int, label_at: float | None) -> None:
    colour, marker = COLOURS[style % len(COLOURS)], MARKERS[style % len(MARKERS)]
    line = "--" if curve.dashed else "-"
    known = [(step, point.value) for step, point in zip(steps, curve.points, strict=True) if point.value is not None]
    if not known or label_at is None:
        return
    axes.plot([step for step, _ in known], [value for _, value in known], line, color=colour, marker=marker, zorder=3)
    bands = [
        (step, point.low, point.high)
        for step, point in zip(steps, curve.points, strict=True)
        if point.low is not None and point.high is not None
    ]
    if bands:
        x, low, high = zip(*bands, strict=True)
        axes.fill_between(x, low, high, color=colour, alpha=0.18, linewidth=0, zorder=2)
    axes.plot(1.03, label_at, marker=marker, color=colour, transform=axes.get_yaxis_transform(), clip_on=False)
    name = label(curve.name, partial=curve.dashed)
    axes.text(1.05, label_at, name, va="center", transform=axes.get_yaxis_transform())


def _spread(curves: Sequence[Curve], gap: float) -> list[float | None]:
    """Place a label at each curve's end, moved down as far as it must be to stay clear of the label above."""
    ends = [
        next((point.value for point in reversed(curve.points) if point.value is not None), None) for curve in curves
    ]
    places: list[float | None] = [None] * len(curves)
    ceiling = 1.0
    known = sorted((end, index) for index, end in enumerate(ends) if end is not None)
    for left, (end, index) in zip(range(len(known), 0, -1), reversed(known), strict=True):
        place = max(min(end, ceiling), (left - 1) * gap)
        places[index] = place
        ceiling = place - gap
    return places
