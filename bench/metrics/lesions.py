"""Lesion by lesion: which ones were found, and how well, in masks that may hold many.

A lesion is a 26-connected component of a mask (8-connected in a single slice).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.metrics.histogram import JointHistogram, joint_histogram
from curate.labelmap import components


@dataclass(frozen=True, slots=True, eq=False)
class LesionMatch:
    """How the lesions of two masks meet."""

    dice: NDArray[np.float64]
    """(reference lesions,): Dice of each with all predicted lesions that touch it, taken as one; 0 where none does."""
    detected: int
    """Reference lesions of which the prediction holds at least one voxel."""
    predicted: int
    false: int
    """Predicted lesions that hold no voxel of the reference."""

    @property
    def missed(self) -> int:
        """Reference lesions of which the prediction holds no voxel."""
        return self.dice.size - self.detected


def match_lesions(reference: NDArray[np.bool_], prediction: NDArray[np.bool_]) -> LesionMatch:
    """Match the lesions of two masks, (i, j, k) each, on one grid; either may be empty."""
    reference_labels, reference_sizes = _lesions(reference)
    prediction_labels, prediction_sizes = _lesions(prediction)
    meetings = joint_histogram(reference_labels, prediction_labels)
    both = (meetings.reference > 0) & (meetings.prediction > 0)
    touched = np.unique(meetings.prediction[both])
    return LesionMatch(
        dice=_dice(meetings, both, reference_sizes, prediction_sizes),
        detected=np.unique(meetings.reference[both]).size,
        predicted=prediction_sizes.size,
        false=prediction_sizes.size - touched.size,
    )


def lesion_f1(match: LesionMatch) -> float:
    """Return 2 TP / (2 TP + FP + FN) with TP the detected reference lesions; at least one mask must hold a lesion."""
    return 2 * match.detected / (2 * match.detected + match.false + match.missed)


def lesion_dice(match: LesionMatch) -> float:
    """Return the mean Dice over reference lesions and false predicted ones, which count 0; one must hold a lesion."""
    return float(match.dice.sum() / (match.dice.size + match.false))


def lesion_count_error(match: LesionMatch) -> int:
    """Return predicted - reference number of lesions."""
    return match.predicted - match.dice.size


def _lesions(mask: NDArray[np.bool_]) -> tuple[NDArray[np.integer], NDArray[np.int64]]:
    """Return labels and sizes of components; a mask without voxels, even without extent, has none."""
    if not mask.any():
        return np.zeros(mask.shape, dtype=np.uint8), np.zeros(0, dtype=np.int64)
    return components(mask)


def _dice(
    meetings: JointHistogram,
    both: NDArray[np.bool_],
    reference_sizes: NDArray[np.int64],
    prediction_sizes: NDArray[np.int64],
) -> NDArray[np.float64]:
    """Return the Dice of each reference lesion with the union of the predicted ones that touch it."""
    lesions, partners = meetings.reference[both] - 1, meetings.prediction[both] - 1
    count = reference_sizes.size
    shared = np.bincount(lesions, weights=meetings.voxels[both], minlength=count)
    answered = np.bincount(lesions, weights=prediction_sizes[partners], minlength=count)
    return 2 * shared / (reference_sizes + answered)
