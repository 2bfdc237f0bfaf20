"""Estimates of one statistic in every cell (split, step) of a table: over masks, over targets and over datasets."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from bench.statistics.bootstrap import Strata, means, pooled_means
from bench.statistics.figures import OVER_DATASETS, OVER_MASKS, OVER_TARGETS
from bench.statistics.trials import Codes, Floats, divided


@dataclass(frozen=True, slots=True, eq=False)
class Places:
    """Where each mask belongs; masks without a number are not there."""

    cells: Codes
    n_cells: int
    targets: Codes
    patients: Codes
    datasets: Codes


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """Estimates of the cells of one statistic, by aggregation."""

    sample: Mapping[str, Floats]
    """(cells,) each; NaN where there is no mask."""
    replicates: Mapping[str, Floats]
    """(RESAMPLES, cells) each; empty for what has no intervals."""
    n_masks: Codes
    has: NDArray[np.bool_]
    """(cells, patients): the patient has a mask in the cell."""
    fewest: Codes | None = None
    """(cells,) of a difference: patients of the side that has fewer."""

    @property
    def least_patients(self) -> Codes:
        """Patients of each cell; of a difference, of its smaller side: what decides whether there is an interval."""
        return self.has.sum(axis=1) if self.fewest is None else self.fewest

    def minus(self, other: "Cells") -> "Cells":
        """Subtract cells resample by resample, so that patients in both count as pairs."""
        sample = {name: one - other.sample[name] for name, one in self.sample.items()}
        replicates = {name: one - other.replicates[name] for name, one in self.replicates.items()}
        fewest = np.minimum(self.least_patients, other.least_patients)
        return Cells(sample, replicates, self.n_masks + other.n_masks, self.has | other.has, fewest)

    def part(self, which: slice) -> "Cells":
        """Return some of the cells."""
        sample = {name: one[which] for name, one in self.sample.items()}
        replicates = {name: one[:, which] for name, one in self.replicates.items()}
        fewest = None if self.fewest is None else self.fewest[which]
        return Cells(sample, replicates, self.n_masks[which], self.has[which], fewest)


def mean_cells(values: Floats, places: Places, strata: Strata, *, over_targets: bool) -> Cells:
    """Estimate means: the bootstrap of every cell is one matrix product per dataset.

    Args:
        values: (masks,), finite.
        places: Where they belong.
        strata: Patients and their resamples.
        over_targets: True for the mean of the targets' means too.
    """
    sums, counts = _per_patient(values, places.cells, places.n_cells, places.patients, strata)
    found: list[dict[str, Floats]] = []
    for resampled in (False, True):
        over_masks, over_datasets = means(sums, counts, strata, resampled=resampled)
        found.append({OVER_MASKS: over_masks, OVER_DATASETS: over_datasets})
        if over_targets:
            found[-1][OVER_TARGETS] = _over_targets(values, places, strata, resampled=resampled)
    sample = {name: table[0] for name, table in found[0].items()}
    return Cells(sample, found[1], counts.sum(axis=1).astype(np.int64), counts > 0)


def cells_without_resamples(values: Floats, places: Places, strata: Strata, how: Literal["median", "maximum"]) -> Cells:
    """Take medians or maxima over masks, and the means of those of the targets and of the datasets.

    Args:
        values: (masks,), finite.
        places: Where they belong.
        strata: Patients.
        how: What to take.
    """
    import pandas as pd

    columns = {"cell": places.cells, OVER_TARGETS: places.targets, OVER_DATASETS: places.datasets, "value": values}
    frame, take = pd.DataFrame(columns), {"median": "median", "maximum": "max"}[how]
    found = {OVER_MASKS: frame.groupby("cell")["value"].agg(take)}
    for name in (OVER_TARGETS, OVER_DATASETS):
        found[name] = frame.groupby(["cell", name])["value"].agg(take).groupby(level="cell").mean()
    cells = range(places.n_cells)
    sample = {name: one.reindex(cells).to_numpy(dtype=np.float64) for name, one in found.items()}
    counts = _per_patient(values, places.cells, places.n_cells, places.patients, strata)[1]
    return Cells(sample, {}, counts.sum(axis=1).astype(np.int64), counts > 0)


def _over_targets(values: Floats, places: Places, strata: Strata, *, resampled: bool) -> Floats:
    """Average the means of the targets of each cell: (RESAMPLES or 1, cells); a target without masks is left out."""
    n_targets = int(places.targets.max(initial=0)) + 2
    pairs, pair_of = np.unique(places.cells * n_targets + places.targets + 1, return_inverse=True)
    sums, counts = _per_patient(values, pair_of, len(pairs), places.patients, strata)
    found = pooled_means(sums, counts, strata, resampled=resampled)
    starts = np.searchsorted(pairs // n_targets, np.arange(places.n_cells + 1))
    return _mean_of_groups(found, starts)


def _per_patient(
    values: Floats, groups: Codes, n_groups: int, patients: Codes, strata: Strata
) -> tuple[Floats, Floats]:
    """Return (groups, patients) sums and counts."""
    shape = (n_groups, len(strata.patients))
    index, size = groups * shape[1] + patients, shape[0] * shape[1]
    sums = np.bincount(index, weights=values, minlength=size).astype(np.float64)
    return sums.reshape(shape), np.bincount(index, minlength=size).astype(np.float64).reshape(shape)


def _mean_of_groups(values: Floats, starts: Codes) -> Floats:
    """Average the columns `starts[g]` to `starts[g + 1]` of each row, NaN left out: (rows, groups)."""
    there = np.isfinite(values)
    zero = np.zeros((len(values), 1))
    total = np.concatenate([zero, np.cumsum(np.where(there, values, 0.0), axis=1)], axis=1)
    number = np.concatenate([zero, np.cumsum(there, axis=1)], axis=1)
    return divided(total[:, starts[1:]] - total[:, starts[:-1]], number[:, starts[1:]] - number[:, starts[:-1]])
