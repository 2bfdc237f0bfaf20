"""The charts of a leaderboard as SVG, for light and dark pages."""

from bench.plots.curves import Curve, Point, step_curves
from bench.plots.drawing import label
from bench.plots.heat_map import heat_map
from bench.plots.seen import Pair, seen_unseen
from bench.plots.stacked import Bar, Part, of_outcomes, of_places, stacked

__all__ = [
    "Bar",
    "Curve",
    "Pair",
    "Part",
    "Point",
    "heat_map",
    "label",
    "of_outcomes",
    "of_places",
    "seen_unseen",
    "stacked",
    "step_curves",
]
