"""Intervals of means: percentile bootstrap of patients within datasets.

The masks of one patient are not independent, so patients are drawn, not masks; datasets are the strata. The generator
of a dataset is seeded with its name alone. Every model, step and split therefore meets the same resamples: differences
(seen - unseen, one model - another) are paired, and a further run never changes the interval of an earlier one.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import accumulate, pairwise

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 1000
LEVEL = 0.95
MIN_PATIENTS = 5
"""Below this number of patients no interval is given: a percentile of so few would look more certain than it is."""
_SEED = "medseen leaderboard bootstrap 1"


@dataclass(frozen=True, slots=True, eq=False)
class Strata:
    """The patients of a suite, dataset by dataset."""

    datasets: tuple[str, ...]
    """Sorted names."""
    patients: tuple[tuple[str, str], ...]
    """Sorted (dataset, patient) keys; patients of different datasets are different people."""
    parts: tuple[slice, ...]
    """Where the patients of each dataset stand."""
    weights: tuple[NDArray[np.float64], ...]
    """Per dataset (RESAMPLES, patients): how often a resample drew the patient."""


def stratify(keys: Iterable[tuple[str, str]]) -> Strata:
    """Sort (dataset, patient) keys into strata and draw their resamples."""
    patients = tuple(sorted(set(keys)))
    datasets = tuple(sorted({dataset for dataset, _ in patients}))
    number = Counter(dataset for dataset, _ in patients)
    bounds = (0, *accumulate(number[dataset] for dataset in datasets))
    parts = tuple(slice(start, stop) for start, stop in pairwise(bounds))
    weights = tuple(draw(name, part.stop - part.start) for name, part in zip(datasets, parts, strict=True))
    return Strata(datasets, patients, parts, weights)


def draw(dataset: str, n_patients: int) -> NDArray[np.float64]:
    """Draw `n_patients` patients with replacement, RESAMPLES times.

    Returns:
        (RESAMPLES, n_patients) counts; every row sums to `n_patients`.
    """
    seed = int.from_bytes(hashlib.sha256(f"{_SEED}/{dataset}".encode()).digest()[:16], "big")
    drawn = np.random.Generator(np.random.PCG64(seed)).integers(n_patients, size=(RESAMPLES, n_patients))
    drawn += np.arange(RESAMPLES)[:, None] * n_patients
    counts = np.bincount(drawn.ravel(), minlength=RESAMPLES * n_patients)
    return counts.reshape(RESAMPLES, n_patients).astype(np.float64)


def means(
    sums: NDArray[np.float64], counts: NDArray[np.float64], strata: Strata, *, resampled: bool
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Compute both means of cells from per-patient sums and counts.

    Args:
        sums: (cells, patients) sum of the scores of a patient's masks.
        counts: (cells, patients) number of those masks.
        strata: Patients and their resamples.
        resampled: True for one value per resample, False for the one value of the sample itself.

    Returns:
        Mean over masks and mean of the datasets' means, each (RESAMPLES or 1, cells); NaN where there is no mask.
        A resample without any mask of a dataset averages the other datasets.
    """
    rows = RESAMPLES if resampled else 1
    total, number, dataset_means, datasets = (np.zeros((len(sums), rows)) for _ in range(4))
    for part, weights in zip(strata.parts, strata.weights, strict=True):
        used = np.flatnonzero(counts[:, part].any(axis=1))
        drawn = weights if resampled else np.ones((1, weights.shape[1]))
        part_sum, part_number = sums[used, part] @ drawn.T, _product(counts[used, part], drawn)
        total[used] += part_sum
        number[used] += part_number
        dataset_means[used] += _divide(part_sum, part_number, empty=0.0)
        datasets[used] += part_number > 0
    return _divide(total, number).T, _divide(dataset_means, datasets).T


def pooled_means(
    sums: NDArray[np.float64], counts: NDArray[np.float64], strata: Strata, *, resampled: bool
) -> NDArray[np.float64]:
    """Compute the mean over masks alone, as `means` does.

    Returns:
        (RESAMPLES or 1, cells); NaN where there is no mask.
    """
    weights = np.concatenate(strata.weights, axis=1) if resampled else np.ones((1, len(strata.patients)))
    return _divide(sums @ weights.T, _product(counts, weights)).T


def interval(replicates: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Take the 2.5th and 97.5th percentile (linear interpolation) of each cell over its resamples.

    Args:
        replicates: (RESAMPLES, cells); NaN marks a resample in which the cell has no mask, and is left out.

    Returns:
        Low and high, (cells,); NaN where no resample has a mask.
    """
    ordered = np.sort(replicates, axis=0)
    defined = np.isfinite(ordered).sum(axis=0)
    cells = np.arange(replicates.shape[1])
    ends = []
    for quantile in ((1 - LEVEL) / 2, (1 + LEVEL) / 2):
        position = np.maximum(quantile * (defined - 1), 0)
        below = np.floor(position).astype(int)
        above = np.minimum(below + 1, np.maximum(defined - 1, 0))
        lower, upper = ordered[below, cells], ordered[above, cells]
        ends.append(lower + (upper - lower) * (position - below))
    return ends[0], ends[1]


def _product(counts: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Multiply counts by weights, equal rows once: the steps of a mask and most metrics have the same counts."""
    first: dict[bytes, int] = {}
    row_of = [first.setdefault(row.tobytes(), len(first)) for row in counts]
    distinct = np.array([np.frombuffer(row) for row in first]).reshape(len(first), counts.shape[1])
    return np.asarray((distinct @ weights.T)[row_of], dtype=np.float64)


def _divide(top: NDArray[np.float64], bottom: NDArray[np.float64], empty: float = np.nan) -> NDArray[np.float64]:
    quotient = np.full(top.shape, empty)
    np.divide(top, bottom, out=quotient, where=bottom > 0)
    return quotient
