"""Charts of counts: bars, and the funnel from what was found to what was kept."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from curate.report.chart import BLUE, BOTTOM_INCH, ORANGE, SAME_NUMBERS, TOP_INCH, Chart, figure, inner, short
from curate.webpage.svg import element

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_BAR_INCH, _STEP_INCH = 0.23, 0.34


def bars(key: str, title: str, axis: str, counts: Mapping[str, int]) -> Chart | None:
    """Draw a bar per count, in their order."""
    if not counts:
        return None
    height = BOTTOM_INCH + TOP_INCH + _BAR_INCH * len(counts)
    with figure(height) as drawn:
        axes = drawn.add_axes(inner(height))
        axes.barh(range(len(counts)), list(counts.values()), color=BLUE, height=0.72)
        axes.set(ylim=(len(counts) - 0.4, -0.6), xlabel=axis)
        axes.set_yticks(range(len(counts)), [short(label) for label in counts])
        _whole_ticks(axes, max(counts.values()))
        for place, count in enumerate(counts.values()):
            _beside(axes, count, place, f"{count:,}")
        return Chart(key, title, element(drawn, key, title, f"One bar per row: {axis}. {SAME_NUMBERS}"))


def funnel(key: str, title: str, found: int, steps: Sequence[Mapping[str, Any]]) -> Chart | None:
    """Draw the masks that each rule left, and behind it those that it dropped; `steps` are rows of the funnel table."""
    if not steps:
        return None
    rows = [("found", found, 0), *((f"{one['step']} {one['rule']}", one["after"], one["dropped"]) for one in steps)]
    height = BOTTOM_INCH + TOP_INCH + _STEP_INCH * len(rows)
    with figure(height) as drawn:
        axes = drawn.add_axes(inner(height))
        places = range(len(rows))
        left, dropped = [after for _, after, _ in rows], [lost for *_, lost in rows]
        axes.barh(places, left, color=BLUE, height=0.62)
        look: dict[str, Any] = {"color": "none", "edgecolor": ORANGE, "hatch": "////", "linewidth": 0.8}
        axes.barh(places, dropped, left=left, height=0.6, **look)
        axes.set(ylim=(len(rows) - 0.4, -0.6), xlabel="masks: kept after each rule (full), dropped by it (hatched)")
        axes.set_yticks(places, [short(label) for label, *_ in rows])
        _whole_ticks(axes, max(after + lost for _, after, lost in rows))
        for place, (_, after, lost) in enumerate(rows):
            _beside(axes, after + lost, place, f"{after:,}" + (f" (\N{MINUS SIGN}{lost:,})" if lost else ""))
        text = f"From the masks that were found to those that were kept, rule by rule. {SAME_NUMBERS}"
        return Chart(key, title, element(drawn, key, title, text))


def _beside(axes: "Axes", end: float, place: float, note: str) -> None:
    """Write a note right of where a bar ends."""
    axes.annotate(note, (end, place), xytext=(4, 0), textcoords="offset points", va="center")


def _whole_ticks(axes: "Axes", highest: int) -> None:
    from matplotlib.ticker import MaxNLocator, StrMethodFormatter

    axes.set_xlim(0, max(1, highest) * 1.12)
    axes.grid(axis="x")
    axes.set_axisbelow(True)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=7, integer=True))
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
