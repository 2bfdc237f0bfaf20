"""From the figures of a board to its charts: the keys that a section may name."""

from collections.abc import Callable, Mapping

from bench import plots
from bench.board import Board
from bench.schema import SEEN
from bench.statistics.coverage import OUTCOMES
from bench.statistics.figures import FAILED_IS_ZERO, Figure

MOST_TARGETS = 40
"""Rows of the heat map; the tables have every target."""
_TABLE = "The table below has the same numbers."


def chart(board: Board, key: str) -> str:
    """Draw one chart as an `<svg>` element; empty for a key that is not known, or where there is nothing to draw."""
    return _CHARTS[key](board) if key in _CHARTS else ""


def _steps(board: Board) -> str:
    curves = [
        plots.Curve(
            entry.name,
            tuple(_point(board.figure(entry.name, step=step)) for step in board.steps),
            dashed=not entry.coverage.complete,
        )
        for entry in board.entries
        if not entry.is_reference
    ]
    return plots.step_curves(
        curves,
        board.steps,
        "Dice over prompting steps",
        f"One line per model: Dice, mean over masks, {FAILED_IS_ZERO}; the bands are 95 % intervals. {_TABLE}",
    )


def _seen(board: Board) -> str:
    pairs = []
    for entry in board.entries:
        if not entry.is_reference:
            points = [_point(board.figure(entry.name, split=("seen_target", word))) for word in SEEN]
            pairs.append(plots.Pair(entry.name, points[0], points[1], points[2], partial=not entry.coverage.complete))
    return plots.seen_unseen(
        pairs,
        f"Dice on seen and unseen targets at step {board.last_step}",
        f"One row per model: Dice, mean over masks, {FAILED_IS_ZERO}, on seen, unseen and unknown targets; "
        f"the bars are 95 % intervals. {_TABLE}",
    )


def _heat_map(board: Board) -> str:
    sizes = _masks_by_target(board)
    if not sizes:
        return ""
    largest = sorted(sizes, key=lambda target: (-sizes[target], target))[:MOST_TARGETS]
    rest = (
        f" Of {len(sizes)} targets, the {MOST_TARGETS} with most masks are drawn." if len(sizes) > len(largest) else ""
    )
    names = [entry.name for entry in board.entries]
    found = [[board.figure(name, split=("target", target)) for name in names] for target in largest]
    return plots.heat_map(
        [f"{plots.label(target)} ({sizes[target]:,})" for target in largest],
        names,
        [[figure.value if figure else None for figure in row] for row in found],
        f"Dice by target and model at step {board.last_step}",
        f"One row per target with its number of masks, most masks first, one column per model: Dice, mean over masks, "
        f"{FAILED_IS_ZERO}.{rest} {_TABLE}",
    )


def _masks_by_target(board: Board) -> dict[str, int]:
    """Count the masks of each target: the most that any model has a Dice of."""
    sizes: dict[str, int] = {}
    for key, figure in board.figures.items():
        if key.split_by == "target" and key.step == board.last_step and key.metric == "dice":
            sizes[key.split] = max(sizes.get(key.split, 0), figure.n_masks)
    return sizes


def _stability(board: Board) -> str:
    bars = [plots.Bar(name, tuple(shares)) for name, shares in board.stability.items() if shares]
    if len(bars) < 2:
        return ""
    parts = plots.of_places(max(len(bar.shares) for bar in bars))
    return plots.stacked(
        [plots.Bar(bar.name, _merged(bar.shares, len(parts))) for bar in bars],
        parts,
        "stability",
        "share of the bootstrap resamples",
        "Places over the bootstrap resamples",
        f"One bar per ranked model: in which share of the resamples it has place 1, 2 and so on. {_TABLE}",
    )


def _merged(shares: tuple[float, ...], parts: int) -> tuple[float, ...]:
    """Put all later places into the last part."""
    return (*shares[: parts - 1], sum(shares[parts - 1 :]))


def _failures(board: Board) -> str:
    counts = {entry.name: entry.coverage.counts[board.last_step] for entry in board.entries}
    outcomes = [name for name in OUTCOMES if name == "ok" or any(count[name] for count in counts.values())]
    if outcomes == ["ok"]:
        return ""
    bars = [
        plots.Bar(
            entry.name,
            tuple(counts[entry.name][outcome] / entry.coverage.expected for outcome in outcomes),
            partial=not entry.coverage.complete,
        )
        for entry in board.entries
    ]
    return plots.stacked(
        bars,
        plots.of_outcomes([outcome.replace("_", " ") for outcome in outcomes]),
        "failures",
        "share of the suite's masks",
        f"Outcomes by model at step {board.last_step}",
        f"One bar per model: the share of the suite's masks that ended as each outcome. {_TABLE}",
    )


def _point(figure: Figure | None) -> plots.Point:
    return plots.Point(figure.value, figure.low, figure.high) if figure else plots.Point(None)


_CHARTS: Mapping[str, Callable[[Board], str]] = {
    "steps": _steps,
    "seen": _seen,
    "heatmap": _heat_map,
    "stability": _stability,
    "failures": _failures,
}
