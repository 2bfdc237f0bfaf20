"""Means over masks of arbitrary cells, with the leaderboard's resamples."""

import numpy as np
from numpy.typing import NDArray

from bench.gap import Masks
from bench.statistics.bootstrap import MIN_PATIENTS, Strata, interval, pooled_means
from bench.statistics.figures import FEW_PATIENTS, NO_MASK, Figure

_DECIMALS = 6


def averages(masks: Masks, cells: NDArray[np.int64], n_cells: int, strata: Strata) -> tuple[Figure, ...]:
    """Average Dice over the masks of each cell; failures count as 0.

    Args:
        masks: Masks of one run at one step.
        cells: (masks,) cell of each mask, from 0; negative for masks of no cell.
        n_cells: Number of cells.
        strata: Patients and their resamples.

    Returns:
        One figure per cell, with its interval and n.
    """
    inside = cells >= 0
    patients, dice = masks.patients[inside], masks.dice[inside]
    index, shape = cells[inside] * len(strata.patients) + patients, (n_cells, len(strata.patients))
    sums = np.bincount(index, weights=dice, minlength=shape[0] * shape[1]).reshape(shape).astype(np.float64)
    counts = np.bincount(index, minlength=shape[0] * shape[1]).reshape(shape).astype(np.float64)
    values = pooled_means(sums, counts, strata, resampled=False)[0]
    low, high = interval(pooled_means(sums, counts, strata, resampled=True))
    n_datasets = np.sum([counts[:, part].any(axis=1) for part in strata.parts], axis=0)
    return tuple(
        _figure(
            (values[at], low[at], high[at]),
            (int(counts[at].sum()), int((counts[at] > 0).sum()), int(n_datasets[at])),
        )
        for at in range(n_cells)
    )


def average_by(masks: Masks, column: str, strata: Strata) -> dict[str, Figure]:
    """Average Dice over the masks of each value of a column, sorted by it; masks without a value are left out."""
    values = masks.frame[column].astype(object)
    names = sorted({str(value) for value in values.dropna()})
    place = {name: at for at, name in enumerate(names)}
    cells = np.array([-1 if value is None or value != value else place[str(value)] for value in values], dtype=np.int64)  # noqa: PLR0124, NaN
    return dict(zip(names, averages(masks, cells, len(names), strata), strict=True))


def average_where(masks: Masks, chosen: NDArray[np.bool_], strata: Strata) -> Figure:
    """Average Dice over some masks."""
    return averages(masks, np.where(chosen, 0, -1), 1, strata)[0]


def _figure(numbers: tuple[float, float, float], n: tuple[int, int, int]) -> Figure:
    if n[0] == 0:
        return Figure(None, None, None, *n, NO_MASK, NO_MASK)
    value, *ends = (round(float(number), _DECIMALS) + 0.0 for number in numbers)
    if n[1] < MIN_PATIENTS:
        return Figure(value, None, None, *n, None, FEW_PATIENTS)
    return Figure(value, ends[0], ends[1], *n)
