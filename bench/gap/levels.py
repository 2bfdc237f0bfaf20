"""The gaps of one run: target, modality, dataset and image, raw and matched."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.finished import FinishedRun
from bench.gap.estimate import Gap, estimate
from bench.gap.masks import Masks, masks_at
from bench.statistics.bootstrap import Strata
from bench.statistics.figures import LEVELS

MATCHED_BY = {level: ("size",) if level == "seen_modality" else ("modality", "size") for level in LEVELS}
"""What masks of one stratum share. Modalities are either seen or not, so their gap can be matched by size alone."""
SIZE_CLASSES = "powers of ten of the reference's voxels: 1 to 9, 10 to 99, 100 to 999 ..."
_POWERS = 10.0 ** np.arange(1, 16)


@dataclass(frozen=True, slots=True)
class LevelGap:
    """The gap of one level."""

    level: str
    """One of `bench.statistics.figures.LEVELS`."""
    step: int
    n_seen: int
    n_unseen: int
    n_unknown: int
    """Masks of which it is not disclosed: they are on neither side."""
    raw: Gap
    matched: Gap


def gaps(run: FinishedRun, step: int, strata: Strata) -> tuple[LevelGap, ...]:
    """Compute the gap of each level at one step; failures count as Dice 0.

    Args:
        run: The run.
        step: Prompting step.
        strata: Patients of all runs that are compared, as `bench.statistics.bootstrap.stratify` draws them.
    """
    masks = masks_at(run, step, strata)
    return tuple(_level_gap(masks, level, step, strata) for level in LEVELS)


def _level_gap(masks: Masks, level: str, step: int, strata: Strata) -> LevelGap:
    seen, unseen = masks.have(level, "seen"), masks.have(level, "unseen")
    one = np.zeros(len(masks.frame), dtype=np.int64)
    raw, matched = (
        estimate(masks.dice, masks.patients, seen, unseen, classes, strata)
        for classes in (one, strata_of(masks, level))
    )
    n_seen, n_unseen = int(seen.sum()), int(unseen.sum())
    return LevelGap(level, step, n_seen, n_unseen, len(masks.frame) - n_seen - n_unseen, raw, matched)


def strata_of(masks: Masks, level: str) -> NDArray[np.int64]:
    """Return (masks,) stratum of each mask for one level; -1 where the size of the reference is not known."""
    voxels = masks.frame["reference_voxels"].to_numpy(dtype=np.float64, na_value=np.nan)
    known = voxels >= 1
    size = np.searchsorted(_POWERS, voxels, side="right")
    if "modality" not in MATCHED_BY[level]:
        return np.where(known, size, -1)
    modality = np.asarray(masks.frame["modality"].astype("category").cat.codes, dtype=np.int64)
    return np.where(known, modality * (len(_POWERS) + 1) + size, -1)
