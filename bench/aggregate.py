"""Compute the figures of one run: means over masks and over datasets, with intervals, for every split and step."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bench.bootstrap import MIN_PATIENTS, Strata, interval, means
from bench.coverage import COUNTED
from bench.figures import (
    ALL,
    FAILED_IS_ZERO,
    FEW_PATIENTS,
    GAP,
    GROUPS,
    LEVELS,
    NO_GROUP,
    NO_MASK,
    NO_MEDIAN_INTERVAL,
    NO_SIDE,
    OVER_DATASETS,
    OVER_MASKS,
    STATISTICS,
    Figure,
    Figures,
    Key,
    Statistic,
)
from bench.finished import FinishedRun
from bench.schema import SEEN

VERSION: Final = "1"
"""Raised whenever the same rows would give other numbers; it stands on every leaderboard."""
_DECIMALS: Final = 6
_Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Aggregate:
    """Everything that a leaderboard says of one model."""

    figures: Figures
    headline: Mapping[str, _Floats]
    """Aggregation -> (RESAMPLES,) Dice of all masks at the last step, failed = 0: what ranks are resampled from."""


@dataclass(frozen=True, slots=True, eq=False)
class _Places:
    """Where each row belongs, as integers."""

    patients: NDArray[np.int64]
    datasets: NDArray[np.int64]
    steps: NDArray[np.int64]
    n_steps: int


@dataclass(frozen=True, slots=True, eq=False)
class _Cells:
    """Estimates of the cells of one statistic; pairs are over masks, over datasets."""

    sample: tuple[_Floats, _Floats]
    """(cells,) each; NaN where there is no mask."""
    replicates: tuple[_Floats, _Floats]
    """(RESAMPLES, cells) each."""
    n_masks: NDArray[np.int64]
    has: NDArray[np.bool_]
    """(cells, patients): the patient has a mask in the cell."""


def aggregate(run: FinishedRun, strata: Strata, steps: Sequence[int]) -> Aggregate:
    """Compute every figure of one run.

    Args:
        run: Rows and facts of the run.
        strata: Patients of every run of the table; the resamples belong to them.
        steps: Steps of the table, ascending.
    """
    places = _places(run, strata, steps)
    columns = {statistic: _column(run, statistic) for statistic in STATISTICS}
    figures: dict[Key, Figure] = {}
    headline: Mapping[str, _Floats] = {}
    for split_by in (ALL, *LEVELS, *GROUPS):
        codes, names = _splits(run, split_by)
        chosen = {one: column for one, column in columns.items() if split_by not in GROUPS or one.column == "dice"}
        for statistic, cells in _estimate(chosen, codes, len(names), places, strata):
            keys = [(split_by, name, step) for name in names for step in steps]
            figures.update(_figures(run.model, statistic, keys, cells, strata))
            if split_by in LEVELS:
                gaps = [(split_by, GAP, step) for step in steps]
                figures.update(_figures(run.model, statistic, gaps, _gap(cells, len(steps)), strata))
            if split_by == ALL and (statistic.name, statistic.policy) == ("dice", FAILED_IS_ZERO):
                headline = {
                    name: table[:, -1]
                    for name, table in zip((OVER_MASKS, OVER_DATASETS), cells.replicates, strict=True)
                }
    return Aggregate(figures, headline)


def _splits(run: FinishedRun, split_by: str) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """Return the split of each row as a code, and the names of the codes."""
    if split_by == ALL:
        return np.zeros(len(run.scores), dtype=np.int64), (ALL,)
    labels = run.scores[split_by].cat
    names = SEEN if split_by in LEVELS else tuple(map(str, labels.categories))
    codes = np.array(labels.set_categories(names).cat.codes, dtype=np.int64)
    void = codes < 0
    codes[void] = len(names)
    return codes, (*names, NO_GROUP) if void.any() else names


def _places(run: FinishedRun, strata: Strata, steps: Sequence[int]) -> _Places:
    patient_of = {key: index for index, key in enumerate(strata.patients)}
    keys = zip(run.scores["dataset"].astype(object), run.scores["patient_id"].astype(object), strict=True)
    patients = np.fromiter((patient_of[key] for key in keys), dtype=np.int64, count=len(run.scores))
    datasets = np.searchsorted([part.stop for part in strata.parts], patients, side="right")
    step_codes = np.searchsorted(np.asarray(steps), run.scores["step"].to_numpy(dtype=np.int64))
    return _Places(patients, datasets, step_codes, len(steps))


def _column(run: FinishedRun, statistic: Statistic) -> _Floats:
    """Return one number per row, NaN where the row has no part in the statistic."""
    ok = (run.scores["status"] == "ok").to_numpy(dtype=bool)
    scores = run.scores[statistic.column].to_numpy(dtype=np.float64, na_value=np.nan)
    values = np.where(ok, np.abs(scores) if statistic.absolute else scores, np.nan)
    if statistic.unit == "mm":
        values[(run.scores["distance_unit"] != "mm").to_numpy(dtype=bool, na_value=True)] = np.nan
    if statistic.policy == FAILED_IS_ZERO:
        values[run.scores["status"].isin(COUNTED).to_numpy(dtype=bool) & ~ok] = 0.0
    return values


def _estimate(
    columns: Mapping[Statistic, _Floats], splits: NDArray[np.int64], n_splits: int, places: _Places, strata: Strata
) -> Iterator[tuple[Statistic, _Cells]]:
    """Estimate each statistic in every cell (split, step); the resampling of all of them is one matrix product."""
    cells, n_cells = splits * places.n_steps + places.steps, n_splits * places.n_steps
    shape = (n_cells, len(strata.patients))
    sums, counts = np.empty((len(columns), *shape)), np.empty((len(columns), *shape))
    for at, values in enumerate(columns.values()):
        kept = np.isfinite(values)
        index = cells[kept] * shape[1] + places.patients[kept]
        counts[at] = np.bincount(index, minlength=shape[0] * shape[1]).reshape(shape)
        sums[at] = np.bincount(index, weights=values[kept], minlength=shape[0] * shape[1]).reshape(shape)
    flat = (len(columns) * n_cells, shape[1])
    sample = means(sums.reshape(flat), counts.reshape(flat), strata, resampled=False)
    resamples = means(sums.reshape(flat), counts.reshape(flat), strata, resampled=True)
    for at, (statistic, values) in enumerate(columns.items()):
        part = slice(at * n_cells, (at + 1) * n_cells)
        medians = _medians(values, cells, n_cells, places.datasets) if statistic.median else None
        yield (
            statistic,
            _Cells(
                sample=medians or (sample[0][0, part], sample[1][0, part]),
                replicates=(resamples[0][:, part], resamples[1][:, part]),
                n_masks=counts[at].sum(axis=1).astype(np.int64),
                has=counts[at] > 0,
            ),
        )


def _medians(
    values: _Floats, cells: NDArray[np.int64], n_cells: int, datasets: NDArray[np.int64]
) -> tuple[_Floats, _Floats]:
    """Return the median over masks and the mean over datasets of the datasets' medians, (cells,) each."""
    import pandas as pd

    frame = pd.DataFrame({"cell": cells, "dataset": datasets, "value": values}).dropna()
    over_masks = frame.groupby("cell")["value"].median().reindex(range(n_cells))
    of_datasets = frame.groupby(["cell", "dataset"])["value"].median()
    over_datasets = of_datasets.groupby(level="cell").mean().reindex(range(n_cells))
    return over_masks.to_numpy(dtype=np.float64), over_datasets.to_numpy(dtype=np.float64)


def _gap(cells: _Cells, n_steps: int) -> _Cells:
    """Subtract unseen from seen, resample by resample, so that patients with both kinds of target count as pairs."""
    seen, unseen = (slice(SEEN.index(name) * n_steps, (SEEN.index(name) + 1) * n_steps) for name in ("seen", "unseen"))
    return _Cells(
        sample=(cells.sample[0][seen] - cells.sample[0][unseen], cells.sample[1][seen] - cells.sample[1][unseen]),
        replicates=(
            cells.replicates[0][:, seen] - cells.replicates[0][:, unseen],
            cells.replicates[1][:, seen] - cells.replicates[1][:, unseen],
        ),
        n_masks=cells.n_masks[seen] + cells.n_masks[unseen],
        has=cells.has[seen] | cells.has[unseen],
    )


def _figures(
    model: str, statistic: Statistic, keys: Sequence[tuple[str, str, int]], cells: _Cells, strata: Strata
) -> Iterator[tuple[Key, Figure]]:
    """Round the estimates and say why one is missing."""
    n_patients = cells.has.sum(axis=1)
    n_datasets = np.sum([cells.has[:, part].any(axis=1) for part in strata.parts], axis=0)
    for aggregation, values, replicates in zip(
        (OVER_MASKS, OVER_DATASETS), cells.sample, cells.replicates, strict=True
    ):
        low, high = interval(replicates)
        for at, (split_by, split, step) in enumerate(keys):
            value = _number(values[at])
            why = None if value is not None else NO_SIDE if split == GAP else NO_MASK
            why_no_interval = why or (NO_MEDIAN_INTERVAL if statistic.median else None)
            why_no_interval = why_no_interval or (FEW_PATIENTS if n_patients[at] < MIN_PATIENTS else None)
            ends = (None, None) if why_no_interval else (_number(low[at]), _number(high[at]))
            n = (int(cells.n_masks[at]), int(n_patients[at]), int(n_datasets[at]))
            key = Key(model, split_by, split, step, statistic.name, statistic.policy, aggregation)
            yield key, Figure(value, *ends, *n, why, why_no_interval)


def _number(value: float) -> float | None:
    """Round to what is written; None for NaN. Adding zero turns -0.0 into 0.0."""
    return round(float(value), _DECIMALS) + 0.0 if np.isfinite(value) else None
