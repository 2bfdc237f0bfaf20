"""Compute the figures of one run: means over masks, targets and datasets, with intervals, for every split and step."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from bench.finished import FinishedRun
from bench.schema import SEEN
from bench.statistics.bootstrap import MIN_PATIENTS, Strata, interval
from bench.statistics.cells import Cells, Places, cells_without_resamples, mean_cells
from bench.statistics.columns import column
from bench.statistics.figures import (
    ALL,
    FAILED_IS_ZERO,
    FEW_PATIENTS,
    FEW_PATIENTS_A_SIDE,
    GAP,
    GROUPS,
    LEVELS,
    NO_CURVE,
    NO_MASK,
    NO_SIDE,
    STATISTICS,
    Figure,
    Figures,
    Key,
    Statistic,
)
from bench.statistics.headline import LastStep, last_step
from bench.statistics.splits import split
from bench.statistics.trials import Codes, Floats, Trials, trials

VERSION: Final = "2"
"""Raised whenever the same rows would give other numbers; it stands on every leaderboard."""
HEADLINE: Final = ("dice", FAILED_IS_ZERO)
"""Metric and policy that models are ranked by."""
_DECIMALS: Final = 6


@dataclass(frozen=True, slots=True, eq=False)
class Aggregate:
    """Everything that a leaderboard says of one model alone."""

    figures: Figures
    headline: Mapping[str, Floats]
    """Aggregation -> (RESAMPLES,) Dice of all masks at the last step, failed = 0: what ranks are resampled from."""
    last: LastStep
    """The same Dice, mask by mask."""


def aggregate(run: FinishedRun, strata: Strata, steps: Sequence[int]) -> Aggregate:
    """Compute every figure of one run.

    Args:
        run: Rows and facts of the run.
        strata: Patients of every run of the table; the resamples belong to them.
        steps: Steps of the table, ascending.
    """
    found = trials(run, strata, steps)
    statistics = [one for one in STATISTICS if one.over != "seeds" or found.repeated]
    columns = {one: column(found, one, np.asarray(steps)) for one in statistics}
    figures: dict[Key, Figure] = {}
    headline: Mapping[str, Floats] = {}
    for split_by in (ALL, *LEVELS, *GROUPS):
        codes, names = split(found.units, split_by)
        for statistic, values in columns.items():
            if split_by not in statistic.splits:
                continue
            places = _places(values, codes, len(names), found)
            cells = _estimate(statistic, split_by, values[np.isfinite(values)], places, strata)
            figures.update(_with_gap(run.model, statistic, split_by, names, cells, steps, strata))
            if split_by == ALL and (statistic.name, statistic.policy) == HEADLINE:
                headline = {name: table[:, -1] for name, table in cells.replicates.items()}
    dice = next(values for one, values in columns.items() if (one.name, one.policy) == HEADLINE)
    return Aggregate(figures, headline, last_step(found, dice))


def _places(values: Floats, splits: Codes, n_splits: int, found: Trials) -> Places:
    """Return where the masks that have a number belong."""
    kept = np.flatnonzero(np.isfinite(values))
    cells = splits * found.n_steps + found.steps
    return Places(
        cells[kept], n_splits * found.n_steps, found.targets[kept], found.patients[kept], found.datasets[kept]
    )


def _estimate(statistic: Statistic, split_by: str, values: Floats, places: Places, strata: Strata) -> Cells:
    """Estimate the cells of one split; means over targets are of everything, and of Dice wherever it is split."""
    if statistic.how != "mean":
        return cells_without_resamples(values, places, strata, statistic.how)
    leads = (statistic.name, statistic.policy) == HEADLINE and split_by != "target"
    return mean_cells(values, places, strata, over_targets=leads or split_by == ALL)


def _with_gap(
    model: str,
    statistic: Statistic,
    split_by: str,
    names: Sequence[str],
    cells: Cells,
    steps: Sequence[int],
    strata: Strata,
) -> Iterator[tuple[Key, Figure]]:
    """Yield the figures of every part of a split, and of a level of seen and unseen their difference."""
    tables = [(names, cells)]
    if split_by in LEVELS:
        seen, unseen = (
            cells.part(slice(SEEN.index(word) * len(steps), (SEEN.index(word) + 1) * len(steps)))
            for word in ("seen", "unseen")
        )
        tables.append(((GAP,), seen.minus(unseen)))
    for splits, part in tables:
        keys = [(split_by, name, step) for name in splits for step in steps]
        for key, figure in _figures(model, statistic, keys, part, strata):
            if statistic.over != "curve" or key.step == steps[-1]:
                yield key, _without_curve(figure) if statistic.column == "area" and len(steps) < 2 else figure


def _figures(
    model: str, statistic: Statistic, keys: Sequence[tuple[str, str, int]], cells: Cells, strata: Strata
) -> Iterator[tuple[Key, Figure]]:
    """Round the estimates and say why one is missing."""
    n_patients = cells.has.sum(axis=1)
    n_datasets = np.sum([cells.has[:, part].any(axis=1) for part in strata.parts], axis=0)
    for aggregation, values in cells.sample.items():
        low, high = interval(cells.replicates[aggregation]) if cells.replicates else (None, None)
        for at, (split_by, name, step) in enumerate(keys):
            value = rounded(values[at])
            lacking, reason = (NO_SIDE, FEW_PATIENTS_A_SIDE) if name == GAP else (NO_MASK, FEW_PATIENTS)
            why = None if value is not None else lacking
            few = reason if cells.least_patients[at] < MIN_PATIENTS else None
            why_no_interval = why or statistic.why_no_interval or few
            ends: tuple[float | None, float | None] = (None, None)
            if low is not None and high is not None and not why_no_interval:
                ends = rounded(low[at]), rounded(high[at])
            n = (int(cells.n_masks[at]), int(n_patients[at]), int(n_datasets[at]))
            key = Key(model, split_by, name, step, statistic.name, statistic.policy, aggregation)
            yield key, Figure(value, *ends, *n, why, why_no_interval)


def _without_curve(figure: Figure) -> Figure:
    n = (figure.n_masks, figure.n_patients, figure.n_datasets)
    return Figure(None, None, None, *n, NO_CURVE, NO_CURVE)


def rounded(value: float) -> float | None:
    """Round to what is written; None for NaN. Adding zero turns -0.0 into 0.0."""
    return round(float(value), _DECIMALS) + 0.0 if np.isfinite(value) else None
