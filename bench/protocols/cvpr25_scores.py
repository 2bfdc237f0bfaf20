"""The scores of the CVPR 2025 challenge on interactive 3D segmentation, from scores of the steps of `cvpr25`.

Source: JunMa11/CVPR-MedSegFMCompetition at 748e862, CVPR25_iter_eval.py. Its quirks, kept here: NSD counts as 0 in a
step whose Dice is 0.2 or less; Dice and NSD are means over the classes of an image before anything else; the areas
run over the last five steps at unit distance, so that the first step is left out and the largest area is 4, not 1;
classes are weighted equally within an image and images equally among themselves.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_CLICKS = 5
_LOWEST_DICE = 0.2
NSD_TOLERANCE_MM = 2.0
"""Of the NSD that the challenge takes."""


@dataclass(frozen=True, slots=True)
class ChallengeScores:
    """Scores of one image."""

    dice_area: float
    """0 to 4."""
    nsd_area: float
    """0 to 4."""
    final_dice: float
    final_nsd: float


def challenge_scores(dice: Sequence[Sequence[float]], nsd: Sequence[Sequence[float]]) -> ChallengeScores:
    """Score one image.

    Args:
        dice: Of each class, after each of the six steps (or five, where there is no box).
        nsd: Same shape, at a tolerance of 2 mm.

    Raises:
        ValueError: When both do not have the same classes and steps, or fewer than five steps.
    """
    by_class, nsd_by_class = np.asarray(dice, dtype=np.float64), np.asarray(nsd, dtype=np.float64)
    if by_class.ndim != 2 or by_class.shape != nsd_by_class.shape or by_class.shape[1] < _CLICKS:
        raise ValueError(f"scores must be (classes, 5 or 6 steps), found {by_class.shape} and {nsd_by_class.shape}")
    mean_dice = by_class.mean(axis=0)
    mean_nsd = np.where(mean_dice > _LOWEST_DICE, nsd_by_class.mean(axis=0), 0.0)
    return ChallengeScores(_area(mean_dice), _area(mean_nsd), float(mean_dice[-1]), float(mean_nsd[-1]))


def _area(scores: NDArray[np.float64]) -> float:
    return float(np.trapezoid(scores[-_CLICKS:]))
