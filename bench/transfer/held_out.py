"""What a model has not seen, one by one: which of it transfers, and the seen target that stands nearest."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.gap import Gap, Masks, compare, draw_side, strata_of
from bench.statistics.bootstrap import Strata
from bench.statistics.figures import Figure
from bench.transfer.averages import average_by, averages
from bench.transfer.nearest import SAME_TARGET, Nearest, nearest_seen

MARGIN = 0.05
"""Dice that a held-out target may lose and still transfer."""
TRANSFERS, FALLS, UNDECIDED = "transfers", "does not transfer", "undecided"
VERDICTS = {
    TRANSFERS: f"the whole interval of the matched gap lies below {MARGIN:g}",
    FALLS: f"the whole interval of the matched gap lies above {MARGIN:g}",
    UNDECIDED: f"the interval holds {MARGIN:g}, or there is none",
}
COLUMNS_OF = {"seen_target": ("target",), "seen_modality": ("modality", "target"), "seen_dataset": ("dataset",)}
"""Level -> what its held-out things are told apart by."""


@dataclass(frozen=True, slots=True)
class HeldOut:
    """One thing that the model has not seen: a target, a target in an unseen modality, or a dataset."""

    names: tuple[str, ...]
    """Values of `COLUMNS_OF`."""
    dice: Figure
    gap: Gap
    """All seen masks minus these, matched."""
    verdict: str
    """One of VERDICTS."""
    nearest: Nearest | None = None
    nearest_dice: Figure | None = None
    """None where the nearest target is not evaluated as a seen one."""


def held_out(masks: Masks, level: str, trained_on: frozenset[str] | None, strata: Strata) -> tuple[HeldOut, ...]:
    """Examine everything that one level calls unseen, sorted by verdict and name.

    Args:
        masks: Masks of one run at one step.
        level: `seen_target`, `seen_modality` or `seen_dataset`.
        trained_on: Targets of the training card; None where it cannot be read.
        strata: Patients and their resamples.
    """
    names, parts = _parts(masks, level)
    figures = averages(masks, parts, len(names), strata)
    classes, seen = strata_of(masks, level), masks.have(level, "seen")
    seen_side = draw_side(masks.dice, masks.patients, seen, classes, strata)
    find = _finder(level, average_by(masks.where(seen), "target", strata), trained_on)
    found = []
    for at, (name, figure) in enumerate(zip(names, figures, strict=True)):
        gap = compare(seen_side, draw_side(masks.dice, masks.patients, parts == at, classes, strata))
        found.append(HeldOut(name, figure, gap, verdict(gap), *find(name[-1])))
    order = list(VERDICTS)
    return tuple(sorted(found, key=lambda one: (order.index(one.verdict), one.names)))


def verdict(gap: Gap) -> str:
    """Say whether the loss is certainly within the margin, certainly beyond it, or neither (non-inferiority)."""
    if gap.low is None or gap.high is None:
        return UNDECIDED
    return TRANSFERS if gap.high < MARGIN else FALLS if gap.low > MARGIN else UNDECIDED


def of_unknown_target(masks: Masks, strata: Strata) -> dict[str, Figure]:
    """Average Dice per target of which it is not disclosed whether it was seen."""
    return average_by(masks.where(masks.have("seen_target", "unknown")), "target", strata)


def _parts(masks: Masks, level: str) -> tuple[list[tuple[str, ...]], NDArray[np.int64]]:
    """Return the names of everything unseen, and (masks,) which of them each mask is; -1 for the others."""
    unseen = masks.have(level, "unseen")
    keys = list(zip(*(masks.frame[column].astype(str) for column in COLUMNS_OF[level]), strict=True))
    names = sorted({key for key, held in zip(keys, unseen, strict=True) if held})
    place = {name: at for at, name in enumerate(names)}
    parts = [place[key] if held else -1 for key, held in zip(keys, unseen, strict=True)]
    return names, np.array(parts, dtype=np.int64)


Finder = Callable[[str], tuple[Nearest | None, Figure | None]]


def _finder(level: str, evaluated: Mapping[str, Figure], trained_on: frozenset[str] | None) -> Finder:
    """Return what finds the seen counterpart of a target, and its Dice where it is evaluated."""
    known = (trained_on or frozenset()) | evaluated.keys()

    def find(target: str) -> tuple[Nearest | None, Figure | None]:
        if level == "seen_target":
            nearest = nearest_seen(target, known, evaluated.keys())
            return nearest, evaluated.get(nearest.target) if nearest else None
        same = level == "seen_modality" and target in evaluated
        return (Nearest(target, SAME_TARGET), evaluated[target]) if same else (None, None)

    return find
