"""Estimate seen minus unseen within strata, with an interval from resampled patients.

The estimate is the average treatment effect on the unseen: in every stratum that holds both sides the mean of its seen
masks minus that of its unseen ones, averaged over strata with the number of unseen masks as weight. It says what being
unseen costs the masks that are unseen, if within a stratum seen and unseen masks are equally hard otherwise
(subclassification: Rosenbaum and Rubin, J Am Stat Assoc 1984;79:516-524; effect on the treated: Imbens, Rev Econ Stat
2004;86:4-29).
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.statistics.bootstrap import MIN_PATIENTS, Strata, interval
from bench.statistics.figures import FEW_PATIENTS_A_SIDE, NO_SIDE

NO_MATCH = "no unseen mask has a seen one of its stratum"
_DECIMALS = 6
_Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Gap:
    """Seen minus unseen, in Dice; the counts are of the masks that the value is made of."""

    value: float | None
    """Positive: better on what was seen. None where there is none, with the reason."""
    low: float | None
    high: float | None
    """95 % interval: percentile bootstrap of patients within datasets."""
    n_seen: int
    n_unseen: int
    patients_seen: int
    patients_unseen: int
    matched_share: float | None
    """Share of the unseen masks that have a seen one in their stratum; None without unseen masks."""
    n_strata: int
    """Strata that hold both sides."""
    why_no_value: str | None = None
    why_no_interval: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Side:
    """The seen or the unseen masks: what every resample drew of them, stratum by stratum."""

    total: _Floats
    """(1 + RESAMPLES, strata) summed Dice; the first row is the sample itself."""
    number: _Floats
    """(1 + RESAMPLES, strata) masks."""
    has: NDArray[np.bool_]
    """(strata, patients) True where the patient has a mask."""
    n_masks: int
    """Those without a stratum too."""


def estimate(
    dice: _Floats,
    patients: NDArray[np.int64],
    seen: NDArray[np.bool_],
    unseen: NDArray[np.bool_],
    classes: NDArray[np.int64],
    strata: Strata,
) -> Gap:
    """Estimate one gap.

    Args:
        dice: (masks,) Dice, 0 to 1.
        patients: (masks,) place of each mask's patient in `strata.patients`.
        seen: (masks,) True for the masks that were seen.
        unseen: (masks,) True for those that were not; a mask may be on neither side.
        classes: (masks,) stratum of each mask, from 0; negative where it has none. All zero gives the raw gap.
        strata: Patients and their resamples. The same ones as a leaderboard's give paired intervals.
    """
    sides = (draw_side(dice, patients, chosen, classes, strata) for chosen in (seen, unseen))
    return compare(*sides)


def draw_side(
    dice: _Floats,
    patients: NDArray[np.int64],
    chosen: NDArray[np.bool_],
    classes: NDArray[np.int64],
    strata: Strata,
) -> Side:
    """Draw the resamples of one side; arguments as in `estimate`, both sides with the same `classes`."""
    used = chosen & (classes >= 0)
    shape = (int(classes.max(initial=-1)) + 1, len(strata.patients))
    cells = classes[used] * shape[1] + patients[used]
    counts = np.bincount(cells, minlength=shape[0] * shape[1]).reshape(shape).astype(np.float64)
    sums = np.bincount(cells, weights=dice[used], minlength=shape[0] * shape[1]).reshape(shape)
    there = counts.any(axis=0)
    drawn = np.concatenate([np.ones((1, int(there.sum()))), _weights(strata)[:, there]])
    return Side(drawn @ sums[:, there].T, drawn @ counts[:, there].T, counts > 0, int(chosen.sum()))


def compare(seen: Side, unseen: Side) -> Gap:
    """Subtract unseen from seen in every stratum that holds both, weighted by the unseen masks."""
    shared = (seen.number[0] > 0) & (unseen.number[0] > 0)
    counts = _counts(seen, unseen, shared)
    if not shared.any():
        why = NO_MATCH if seen.n_masks and unseen.n_masks else NO_SIDE
        return Gap(None, None, None, **counts, why_no_value=why, why_no_interval=why)
    values = _effects(seen, unseen, shared)
    low, high = interval(values[1:, None])
    few = min(counts["patients_seen"], counts["patients_unseen"]) < MIN_PATIENTS
    ends = (None, None) if few else (_number(low[0]), _number(high[0]))
    return Gap(_number(values[0]), *ends, **counts, why_no_interval=FEW_PATIENTS_A_SIDE if few else None)


def _counts(seen: Side, unseen: Side, shared: NDArray[np.bool_]) -> dict[str, Any]:
    matched = int(unseen.number[0, shared].sum())
    return {
        "n_seen": int(seen.number[0, shared].sum()),
        "n_unseen": matched,
        "patients_seen": int(seen.has[shared].any(axis=0).sum()),
        "patients_unseen": int(unseen.has[shared].any(axis=0).sum()),
        "matched_share": matched / unseen.n_masks if unseen.n_masks else None,
        "n_strata": int(shared.sum()),
    }


def _effects(seen: Side, unseen: Side, shared: NDArray[np.bool_]) -> _Floats:
    """Return (1 + RESAMPLES,) gaps, of the sample first; NaN where a resample has no stratum with both sides."""
    means = [_divide(side.total[:, shared], side.number[:, shared]) for side in (seen, unseen)]
    difference = means[0] - means[1]
    weights = np.where(np.isfinite(difference), unseen.number[:, shared], 0.0)
    return _divide((weights * np.nan_to_num(difference)).sum(axis=1), weights.sum(axis=1))


def _divide(top: _Floats, bottom: _Floats) -> _Floats:
    quotient = np.full(top.shape, np.nan)
    np.divide(top, bottom, out=quotient, where=bottom > 0)
    return quotient


@lru_cache(maxsize=1)
def _weights(strata: Strata) -> _Floats:
    """Join the datasets' resamples: (RESAMPLES, patients); the same strata serve hundreds of gaps."""
    return np.concatenate(strata.weights, axis=1)


def _number(value: float) -> float | None:
    """Round to what is written; None for NaN. Adding zero turns -0.0 into 0.0."""
    return round(float(value), _DECIMALS) + 0.0 if np.isfinite(value) else None
