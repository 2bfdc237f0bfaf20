"""Charts of distributions: histograms row by row over one axis, and what rules measured against their thresholds."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from curate.report.chart import (
    BLUE,
    BOTTOM_INCH,
    ORANGE,
    SAME_NUMBERS,
    TOP_INCH,
    Chart,
    figure,
    inner,
    plain_ticks,
    short,
)
from curate.webpage.svg import GRID, INK, element

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

_BINS = 48
_ROW_INCH, _PANEL_INCH = 0.52, 0.95
_WIDE = 50.0
"""Values that span more than so many times the lowest stand on a logarithmic axis."""


def distributions(key: str, title: str, axis: str, rows: Mapping[str, Iterable[float]]) -> Chart | None:
    """Draw a histogram per row over one logarithmic axis, with the median as a line; None where nothing is above 0.

    Args:
        key: Unique on the page.
        title: Of the chart.
        axis: What is measured, with its unit.
        rows: Label -> values; those that do not exist or are not above zero are left out, and n counts the others.
    """
    import numpy as np

    found = {label: _positive(values) for label, values in rows.items()}
    found = {label: values for label, values in found.items() if values.size}
    if not found:
        return None
    ends = [float(end) for values in found.values() for end in (values.min(), values.max())]
    edges = np.geomspace(min(ends) / 1.05, max(ends) * 1.05, _BINS + 1)
    height = BOTTOM_INCH + TOP_INCH + _ROW_INCH * len(found)
    with figure(height) as drawn:
        axes = drawn.add_axes(inner(height))
        axes.set(xscale="log", xlim=(edges[0], edges[-1]), ylim=(len(found), -0.05), xlabel=axis)
        axes.grid(axis="x")
        plain_ticks(axes, edges[0], edges[-1])
        axes.set_yticks([place + 0.62 for place in range(len(found))], [short(label) for label in found])
        for place, values in enumerate(found.values()):
            _ridge(axes, values, edges, place + 0.95)
            axes.text(1.01, place + 0.62, f"n = {values.size:,}", va="center", transform=axes.get_yaxis_transform())
        scale = "One histogram per row, each scaled to its own highest bar; the line is the median"
        text = f"{scale}. Axis: {axis}. {SAME_NUMBERS}"
        return Chart(key, title, element(drawn, key, title, text))


def thresholds(key: str, title: str, panels: Sequence[tuple[str, float, Iterable[float]]]) -> Chart | None:
    """Draw what rules measured, a panel with an axis of its own for each, and its threshold as a line.

    Args:
        key: Unique on the page.
        title: Of the chart.
        panels: Label, threshold and measured values.
    """
    if not panels:
        return None
    height = _PANEL_INCH * len(panels) + 0.1
    with figure(height) as drawn:
        for place, (label, threshold, values) in enumerate(panels):
            left, _, width, _ = inner(height)
            bottom = 1 - (_PANEL_INCH * (place + 1) - 0.38) / height
            axes = drawn.add_axes((left, bottom, width, 0.5 / height))
            _panel(axes, label, threshold, list(values))
        text = f"A histogram per rule of the values that it measured; the orange line is its threshold. {SAME_NUMBERS}"
        return Chart(key, title, element(drawn, key, title, text))


def _positive(values: Iterable[float]) -> "NDArray[np.float64]":
    import numpy as np

    found = np.asarray(list(values), dtype=np.float64)
    kept: NDArray[np.float64] = found[np.isfinite(found) & (found > 0)]
    return kept


def _ridge(axes: "Axes", values: "NDArray[np.float64]", edges: "NDArray[np.float64]", base: float) -> None:
    """Draw one histogram that stands on `base` and grows upwards by less than a row."""
    import numpy as np

    heights, _ = np.histogram(values, edges)
    tops = base - 0.8 * heights / heights.max()
    axes.stairs(tops, edges, baseline=base, fill=True, color=BLUE, linewidth=0)
    axes.plot([edges[0], edges[-1]], [base, base], color=GRID, linewidth=0.6, zorder=0)
    median = float(np.median(values))
    axes.plot([median, median], [base, base - 0.85], color=INK, linewidth=1.3)


def _panel(axes: "Axes", label: str, threshold: float, values: list[float]) -> None:
    import numpy as np

    found = np.asarray(values, dtype=np.float64)
    low, high = min(found.min(), threshold), max(found.max(), threshold)
    wide = low > 0 and high / low > _WIDE
    margin = 0.03 * (high - low) or 1.0
    edges = (
        np.geomspace(low / 1.1, high * 1.1, _BINS + 1) if wide else np.linspace(low - margin, high + margin, _BINS + 1)
    )
    axes.stairs(np.histogram(found, edges)[0], edges, fill=True, color=BLUE, linewidth=0)
    axes.set(xscale="log" if wide else "linear", xlim=(edges[0], edges[-1]), yticks=[])
    if wide:
        plain_ticks(axes, edges[0], edges[-1])
    axes.axvline(threshold, color=ORANGE, linewidth=1.6)
    axes.text(-0.02, 0.5, short(label), ha="right", va="center", transform=axes.transAxes)
    axes.text(1.02, 0.5, f"n = {found.size:,}", va="center", transform=axes.transAxes)
