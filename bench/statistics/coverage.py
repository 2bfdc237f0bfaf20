"""Coverage: what became of every mask of the suite, model by model."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bench.finished import FinishedRun
from bench.schema import STATUSES

MISSING = "missing"
"""The status of a mask that another run of the table has and this run has not."""
OUTCOMES = (*STATUSES, MISSING)
COUNTED = ("ok", "failed", "timeout", "out_of_memory")
"""The model was asked and is answerable: such a mask counts in the mean, as 0 unless it is ok."""
_CODES = {status: code for code, status in enumerate(OUTCOMES)}


@dataclass(frozen=True, slots=True)
class Coverage:
    """What became of the masks of one run."""

    expected: int
    """Masks of the suite: every mask that any run of the table has."""
    counts: Mapping[int, Mapping[str, int]]
    """Step -> outcome -> masks; the outcomes of a step sum to `expected`."""
    complete: bool
    """True when every mask that the protocol applies to is counted at every step: the condition for a rank."""
    lost: tuple[tuple[str, str, int], ...]
    """(dataset, outcome, masks) at the last step, of every outcome but ok."""


def coverage(runs: Sequence[FinishedRun], steps: Sequence[int]) -> dict[str, Coverage]:
    """Work out the coverage of every run, by model name.

    A mask leaves the expected ones only when every run that has it says `not_applicable`.
    """
    dataset_of = {
        str(mask): str(dataset)
        for run in runs
        for mask, dataset in run.scores[["mask_id", "dataset"]].drop_duplicates("mask_id").itertuples(index=False)
    }
    masks = sorted(dataset_of)
    outcomes = np.stack([_outcomes(run, masks, steps) for run in runs])
    silent = np.isin(outcomes, [_CODES["not_applicable"], _CODES[MISSING]]).all(axis=0)
    applicable = ~(silent & (outcomes == _CODES["not_applicable"]).any(axis=0))
    counted = np.isin(outcomes, [_CODES[status] for status in COUNTED])
    datasets = [dataset_of[mask] for mask in masks]
    return {
        run.model: Coverage(
            expected=len(masks),
            counts={step: _count(table[:, column]) for column, step in enumerate(steps)},
            complete=bool((seen | ~applicable).all()),
            lost=_lost(table[:, -1], datasets),
        )
        for run, table, seen in zip(runs, outcomes, counted, strict=True)
    }


def _outcomes(
    run: FinishedRun, masks: Sequence[str], steps: Sequence[int]
) -> np.ndarray[tuple[int, ...], np.dtype[np.int8]]:
    """Return (masks, steps) codes of outcomes; of several seeds, the one that stands last in OUTCOMES."""
    row_of = {mask: row for row, mask in enumerate(masks)}
    column_of = {step: column for column, step in enumerate(steps)}
    table = np.full((len(masks), len(steps)), -1, dtype=np.int8)
    rows, columns = run.scores["mask_id"].map(row_of), run.scores["step"].map(column_of)
    found = run.scores["status"].map(_CODES).to_numpy(dtype=np.int8)
    np.maximum.at(table, (rows.to_numpy(dtype=int), columns.to_numpy(dtype=int)), found)
    table[table < 0] = _CODES[MISSING]
    return table


def _count(codes: np.ndarray[tuple[int, ...], np.dtype[np.int8]]) -> dict[str, int]:
    return dict(zip(OUTCOMES, np.bincount(codes, minlength=len(OUTCOMES)).tolist(), strict=True))


def _lost(
    codes: np.ndarray[tuple[int, ...], np.dtype[np.int8]], datasets: Sequence[str]
) -> tuple[tuple[str, str, int], ...]:
    lost: dict[tuple[str, int], int] = {}
    for dataset, code in zip(datasets, codes.tolist(), strict=True):
        if code != _CODES["ok"]:
            lost[dataset, code] = lost.get((dataset, code), 0) + 1
    return tuple((dataset, OUTCOMES[code], number) for (dataset, code), number in sorted(lost.items()))
