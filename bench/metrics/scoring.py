"""All scores of one prediction."""

import math

from bench.metrics.overlap import VoxelCounts, count_voxels, dice, iou, volume_error
from bench.metrics.registry import METRICS, EmptyCase
from bench.metrics.surface import assd, hd95, nsd, surface_distances
from curate.errors import GeometryError, UsageError
from curate.geometry import Geometry
from curate.labelmap import BoxMask, union_box


def score(
    reference: BoxMask, prediction: BoxMask, geometry: Geometry, tolerance: float
) -> dict[str, float | str | None]:
    """Score a prediction against its reference by every metric of `bench.metrics.registry`.

    Cost follows the box around both masks, never the full grid. Distances are measured along the axes of the grid:
    right for rotated grids, an approximation where an affine shears.

    Args:
        reference: The true mask.
        prediction: The mask to score, on the same grid.
        geometry: The grid; its spacing gives distances, its unit their unit.
        tolerance: Tolerance of NSD, in the unit of the grid.

    Returns:
        One value for each column of `bench.schema.SCORED`; None is null, nothing is NaN or infinite. Two equal masks
        score exactly 1 in overlap and NSD and exactly 0 in distance.

    Raises:
        GeometryError: If the masks do not lie on the grid.
        UsageError: If the tolerance is negative or not finite.
    """
    _check(reference, prediction, geometry, tolerance)
    counts = count_voxels(reference, prediction)
    case = _empty_case(counts)
    if case is None:
        scores = _scores(reference, prediction, geometry, tolerance, counts)
    else:
        scores = {name: metric.when(case) for name, metric in METRICS.items()}
    return {**scores, "tolerance": float(tolerance), "distance_unit": geometry.unit}


def empty_case(reference: BoxMask, prediction: BoxMask) -> EmptyCase | None:
    """Say which mask is empty, the reason why a score is null; None when both hold voxels."""
    return _empty_case(VoxelCounts(reference.count, prediction.count, 0))


def _empty_case(counts: VoxelCounts) -> EmptyCase | None:
    """Name the empty case by voxel counts."""
    if counts.reference and counts.prediction:
        return None
    if counts.reference:
        return "prediction_empty"
    return "reference_empty" if counts.prediction else "both_empty"


def _scores(
    reference: BoxMask, prediction: BoxMask, geometry: Geometry, tolerance: float, counts: VoxelCounts
) -> dict[str, float | None]:
    """Score two masks that both hold voxels."""
    box = union_box(reference.box, prediction.box)
    measured = surface_distances(
        reference.within(box), prediction.within(box), geometry.spacing, single_slice=geometry.is_2d
    )
    return {
        "dice": dice(counts),
        "iou": iou(counts),
        "nsd": nsd(measured, tolerance),
        "hd95_mm": hd95(measured),
        "assd_mm": assd(measured),
        "volume_error": volume_error(counts),
    }


def _check(reference: BoxMask, prediction: BoxMask, geometry: Geometry, tolerance: float) -> None:
    """Refuse masks that do not lie on the grid, and tolerances that are no distance."""
    for name, mask in (("reference", reference), ("prediction", prediction)):
        if mask.shape_ijk != geometry.shape_ijk:
            raise GeometryError(f"{name} must lie on the image's own grid {geometry.shape_ijk}, found {mask.shape_ijk}")
    if not (math.isfinite(tolerance) and tolerance >= 0):
        raise UsageError(f"tolerance must be a distance of 0 or more in {geometry.unit}, found {tolerance}")
