"""What the study finds of one run: the curves of every level, the gaps, and what was held out."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from bench.gap import LevelGap, Masks, gaps, masks_at
from bench.schema import SEEN
from bench.statistics.bootstrap import Strata
from bench.statistics.figures import LEVELS, Figure
from bench.transfer.averages import averages
from bench.transfer.held_out import COLUMNS_OF, HeldOut, held_out, of_unknown_target
from bench.transfer.reading import Series


@dataclass(frozen=True, slots=True, eq=False)
class Findings:
    """Everything of one series."""

    series: Series
    masks: Mapping[int, Masks]
    """Step -> masks."""
    curves: Mapping[tuple[str, str], tuple[Figure, ...]]
    """(level, answer) -> Dice at each step of the series."""
    gaps: tuple[LevelGap, ...]
    """Every level at every step."""
    held_out: Mapping[str, tuple[HeldOut, ...]]
    """Level (target, modality, dataset) -> what of it was not seen, at the last step."""
    unknown: Mapping[str, Figure]
    """Target of unknown answer -> Dice at the last step."""

    @property
    def label(self) -> str:
        """Name of the series."""
        return self.series.label

    def average(self, step: int, strata: Strata) -> Figure:
        """Return Dice of all masks at a step."""
        masks = self.masks[step]
        return averages(masks, np.zeros(len(masks.frame), dtype=np.int64), 1, strata)[0]

    def last_gaps(self) -> tuple[LevelGap, ...]:
        """Return the gaps at the last step."""
        return tuple(one for one in self.gaps if one.step == self.series.last_step)


def examine(series: Series, strata: Strata) -> Findings:
    """Compute everything that the study says of one run."""
    masks = {step: masks_at(series.run, step, strata) for step in series.steps}
    last = masks[series.last_step]
    return Findings(
        series=series,
        masks=masks,
        curves=_curves(series, masks, strata),
        gaps=tuple(gap for step in series.steps for gap in gaps(series.run, step, strata)),
        held_out={level: held_out(last, level, series.trained_on, strata) for level in COLUMNS_OF},
        unknown=of_unknown_target(last, strata),
    )


def _curves(series: Series, masks: Mapping[int, Masks], strata: Strata) -> dict[tuple[str, str], tuple[Figure, ...]]:
    curves: dict[tuple[str, str], tuple[Figure, ...]] = {}
    for level in LEVELS:
        per_step = []
        for step in series.steps:
            cells = np.select([masks[step].have(level, answer) for answer in SEEN], range(len(SEEN)), -1)
            per_step.append(averages(masks[step], cells.astype(np.int64), len(SEEN), strata))
        for answer, figures in zip(SEEN, zip(*per_step, strict=True), strict=True):
            curves[level, answer] = figures
    return curves
