"""What all charts of a report share: where the axes lie, how they are labelled, and what a drawn chart is."""

import math
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from curate.webpage import svg
from curate.webpage.svg import WIDTH_INCH

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BLUE, ORANGE = svg.COLOURS[:2]
LEFT_INCH, RIGHT_INCH, BOTTOM_INCH, TOP_INCH = 2.3, 0.75, 0.55, 0.1
"""Room around the axes: for labels on the left, for n on the right."""
SAME_NUMBERS = "The table below has the same numbers."
_LABEL_LETTERS = 30


@dataclass(frozen=True, slots=True)
class Chart:
    """One chart of the page."""

    key: str
    title: str
    svg: str


def figure(height_inch: float) -> AbstractContextManager["Figure"]:
    """Return an empty figure whose rows need no line on the left."""
    return svg.figure(height_inch, {"axes.spines.left": False})


def inner(height: float) -> tuple[float, float, float, float]:
    """Return where the axes lie in a figure, as shares: room for labels left, for n right."""
    width = WIDTH_INCH - LEFT_INCH - RIGHT_INCH
    inner = height - BOTTOM_INCH - TOP_INCH
    return LEFT_INCH / WIDTH_INCH, BOTTOM_INCH / height, width / WIDTH_INCH, inner / height


def plain_ticks(axes: "Axes", low: float, high: float) -> None:
    """Label a logarithmic axis with plain numbers: at powers of ten, and at 2 and 5 between where it is short."""
    from matplotlib.ticker import FixedLocator, NullFormatter, NullLocator

    decades = math.log10(high / low)
    parts = (1, 2, 5) if decades < 2.5 else (1,)
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    every = max(1, round(decades / 7))
    ticks = [part * 10.0**power for power in powers if power % every == 0 for part in parts]
    inside = [tick for tick in ticks if low <= tick <= high] or [float(f"{math.sqrt(low * high):.3g}")]
    axes.xaxis.set_major_locator(FixedLocator(inside))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xticks(inside, [f"{tick:,.15g}" for tick in inside])


def short(label: str) -> str:
    """Shorten a name to the room that a chart has; the tables have all of it."""
    return svg.shortened(label, _LABEL_LETTERS)
