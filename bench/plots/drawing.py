"""The look of every chart of results: axes with a grid, lines and markers, and names in little room.

Markers tell models apart without colour.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from curate.webpage import svg

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MARKERS = ("o", "s", "^", "D", "v", "P", "X")

_LABEL_LETTERS = 22
_STYLE = {
    "axes.grid": True,
    "hatch.color": svg.INK,
    "hatch.linewidth": 0.5,
    "lines.linewidth": 1.6,
    "lines.markersize": 5.5,
}


def label(name: str, *, partial: bool = False) -> str:
    """Shorten a name to the room that a chart has; the tables have all of it."""
    short = svg.shortened(name, _LABEL_LETTERS)
    return f"{short} (partial)" if partial else short


@contextmanager
def figure(height_inch: float) -> Iterator[tuple["Figure", "Axes"]]:
    """Yield an empty figure with its axes."""
    with svg.figure(height_inch, _STYLE) as drawn:
        yield drawn, drawn.add_subplot()
