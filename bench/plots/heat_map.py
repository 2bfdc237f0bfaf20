"""Dice by target and model, as a heat map."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from bench.plots import drawing
from bench.plots.drawing import label
from curate.webpage.svg import GRID, INK, element

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap

_COLOUR_MAP = "cividis"
"""Sequential in lightness, so that it reads the same with and without colour vision, and in grey."""
_MOST_COLUMNS_WITH_NUMBERS = 14
_MOST_LEVEL_NAMES = 4
_LIGHT = 0.5
"""From this Dice on the map is light, and the number in the cell dark."""


def heat_map(
    rows: Sequence[str], columns: Sequence[str], values: Sequence[Sequence[float | None]], title: str, description: str
) -> str:
    """Draw one cell per row and column as an `<svg>` element; what has no value is hatched.

    Args:
        rows: Names of targets, top first, as short as they are to be drawn.
        columns: Names of models, left first.
        values: Dice, 0 to 1, for each row and column.
        title: Read out in place of the chart.
        description: What the chart shows, in a sentence.
    """
    import matplotlib as mpl

    is_narrow = len(columns) > _MOST_LEVEL_NAMES
    top, bottom = 1.35 if is_narrow else 0.4, 0.75
    height = top + bottom + 0.27 * len(rows)
    colours = mpl.colormaps[_COLOUR_MAP]
    with drawing.figure(height) as (drawn, axes):
        axes.set_position((0.25, bottom / height, 0.71, 1 - (top + bottom) / height))
        axes.set(xlim=(-0.5, len(columns) - 0.5), ylim=(len(rows) - 0.5, -0.5))
        axes.grid(visible=False)
        axes.spines[:].set_visible(False)
        axes.xaxis.tick_top()
        slant = {"rotation": 40, "ha": "left", "rotation_mode": "anchor"} if is_narrow else {"ha": "center"}
        axes.set_xticks(range(len(columns)), [label(name) for name in columns], **slant)
        axes.set_yticks(range(len(rows)), list(rows))
        axes.tick_params(length=0)
        for row, cells in enumerate(values):
            for column, value in enumerate(cells):
                _draw_cell(axes, row, column, value, colours, numbered=len(columns) <= _MOST_COLUMNS_WITH_NUMBERS)
        scale = drawn.add_axes((0.25, 0.42 / height, 0.35, 0.13 / height))
        _draw_scale(scale, colours)
        return element(drawn, "heatmap", title, description)


def _draw_cell(
    axes: "Axes", row: int, column: int, value: float | None, colours: "Colormap", *, numbered: bool
) -> None:
    from matplotlib.patches import Rectangle

    corner = (column - 0.5, row - 0.5)
    if value is None:
        axes.add_patch(Rectangle(corner, 1, 1, facecolor="none", edgecolor=GRID, hatch="///", linewidth=0.6))
        return
    axes.add_patch(Rectangle(corner, 1, 1, facecolor=colours(value), edgecolor="none"))
    if numbered:
        ink = "#000000" if value >= _LIGHT else "#ffffff"
        axes.text(column, row, f"{value:.2f}", ha="center", va="center", color=ink, fontsize=8)


def _draw_scale(axes: "Axes", colours: "Colormap") -> None:
    """Draw the scale from 0 to 1, and the sign for what has no value."""
    from matplotlib.patches import Rectangle

    steps = 50
    for step in range(steps):
        colour = colours((step + 0.5) / steps)
        axes.add_patch(Rectangle((step / steps, 0), 1 / steps, 1, facecolor=colour, edgecolor=colour, linewidth=0.6))
    axes.add_patch(
        Rectangle((1.15, 0), 0.08, 1, facecolor="none", edgecolor=GRID, hatch="///", linewidth=0.6, clip_on=False)
    )
    axes.text(1.26, 0.5, "no mask with a Dice", va="center", color=INK)
    axes.set(xlim=(0, 1), ylim=(0, 1), yticks=[], xticks=[0, 0.25, 0.5, 0.75, 1], xlabel="Dice")
    axes.grid(visible=False)
