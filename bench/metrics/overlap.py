"""Metrics that count voxels."""

from dataclasses import dataclass

import numpy as np

from curate.labelmap import BoxMask


@dataclass(frozen=True, slots=True)
class VoxelCounts:
    """All that overlap metrics need to know of two masks."""

    reference: int
    prediction: int
    both: int


def count_voxels(reference: BoxMask, prediction: BoxMask) -> VoxelCounts:
    """Count the voxels of two masks on one grid; looks at their boxes only."""
    shared = np.count_nonzero(reference.voxels & prediction.within(reference.box))
    return VoxelCounts(reference.count, prediction.count, int(shared))


def dice(counts: VoxelCounts) -> float:
    """Return 2 |A and B| / (|A| + |B|), 0 to 1; at least one mask must hold a voxel."""
    return 2 * counts.both / (counts.reference + counts.prediction)


def iou(counts: VoxelCounts) -> float:
    """Return |A and B| / |A or B|, 0 to 1; at least one mask must hold a voxel."""
    return counts.both / (counts.reference + counts.prediction - counts.both)


def precision(counts: VoxelCounts) -> float:
    """Return |A and B| / |B| with B the prediction, 0 to 1; the prediction must hold a voxel."""
    return counts.both / counts.prediction


def recall(counts: VoxelCounts) -> float:
    """Return |A and B| / |A| with A the reference, 0 to 1; the reference must hold a voxel."""
    return counts.both / counts.reference


def volume_error(counts: VoxelCounts) -> float:
    """Return (predicted - reference) / reference volume, -1 or more; the reference must hold a voxel."""
    return (counts.prediction - counts.reference) / counts.reference


def volume_error_ml(counts: VoxelCounts, spacing_mm: tuple[float, float, float]) -> float:
    """Return predicted - reference volume in millilitres; either mask may be empty."""
    return (counts.prediction - counts.reference) * float(np.prod(spacing_mm)) / 1000
