"""Dice over prompting steps on seen, unseen and unknown masks: one panel per run."""

from collections.abc import Sequence
from math import ceil
from typing import Any

from bench.plots import drawing
from bench.schema import SEEN
from bench.statistics.figures import Figure
from bench.transfer.findings import Findings
from curate.webpage.svg import COLOURS, INK, WIDTH_INCH, element

_LOOKS = dict(zip(SEEN, ((COLOURS[0], "o", "full"), (COLOURS[1], "s", "full"), (INK, "D", "none")), strict=True))
_COLUMNS = 3
_PANEL_INCH = 2.5
_HEAD_INCH = 0.4


def level_curves(found: Sequence[Findings], level: str, key: str, title: str) -> str:
    """Draw one level as an `<svg>` element; answers without masks have no curve.

    Args:
        found: Runs, in the order of their panels.
        level: One of `bench.statistics.figures.LEVELS`.
        key: The level in one word; also the prefix of the ids within the element, which no two charts may share.
        title: What the chart shows, for readers who do not see it too.
    """
    rows = ceil(len(found) / _COLUMNS)
    height = _HEAD_INCH + rows * _PANEL_INCH
    with drawing.figure(height) as (drawn, spare):
        spare.remove()
        for place, one in enumerate(found):
            row, column = divmod(place, _COLUMNS)
            left = (column * WIDTH_INCH / _COLUMNS + 0.45) / WIDTH_INCH
            bottom = (height - _HEAD_INCH - (row + 1) * _PANEL_INCH + 0.5) / height
            box = (left, bottom, (WIDTH_INCH / _COLUMNS - 0.6) / WIDTH_INCH, (_PANEL_INCH - 0.85) / height)
            _panel(drawn.add_axes(box), one, level)
        _legend(drawn, height, key)
        bands = "the bands are 95 % intervals. The table below has the same numbers."
        return element(drawn, key, title, f"{title}: one panel per run, failed = 0; {bands}")


def _panel(axes: Any, one: Findings, level: str) -> None:
    steps = one.series.steps
    axes.set(ylim=(0, 1.02), xticks=list(steps), xlabel="prompting step")
    axes.set_title(drawing.label(one.label), fontsize=9.5, loc="left")
    axes.margins(x=0.08)
    for answer, (colour, marker, fill) in _LOOKS.items():
        _curve(axes, steps, one.curves[level, answer], colour, {"marker": marker, "fillstyle": fill})


def _curve(axes: Any, steps: Sequence[int], figures: Sequence[Figure], colour: str, look: dict[str, Any]) -> None:
    known = [(step, figure.value) for step, figure in zip(steps, figures, strict=True) if figure.value is not None]
    if known:
        axes.plot(*zip(*known, strict=True), "-", color=colour, zorder=3, **look)
    bands = [
        (step, figure.low, figure.high)
        for step, figure in zip(steps, figures, strict=True)
        if figure.low is not None and figure.high is not None
    ]
    if len(bands) > 1:
        axes.fill_between(*zip(*bands, strict=True), color=colour, alpha=0.18, linewidth=0, zorder=2)
    elif bands:
        ((step, low, high),) = bands
        axes.plot([step, step], [low, high], color=colour, linewidth=1.4, zorder=2)


def _legend(drawn: Any, height: float, word: str) -> None:
    axes = drawn.add_axes((0, 1 - 0.3 / height, 1, 0.3 / height))
    axes.set_axis_off()
    axes.set(xlim=(0, 1), ylim=(0, 1))
    axes.text(0.01, 0.5, f"{word.capitalize()} was", va="center", weight="bold")
    for place, (answer, (colour, marker, fill)) in enumerate(_LOOKS.items()):
        at = 0.12 + 0.12 * place
        axes.plot(at, 0.5, marker=marker, color=colour, fillstyle=fill)
        axes.text(at + 0.015, 0.5, answer, va="center")
