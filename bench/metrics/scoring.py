"""All scores of one prediction."""

import math
from dataclasses import dataclass

from bench.metrics.overlap import VoxelCounts, count_voxels, dice, iou, volume_error
from bench.metrics.registry import METRICS, EmptyCase
from bench.metrics.surface import SurfaceDistances, assd, hd95, nsd, surface_distances
from curate.errors import GeometryError, UsageError
from curate.geometry import Geometry
from curate.labelmap import BoxMask, union_box

Scores = dict[str, float | str | None]


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """What is measured of two masks once, and read by many metrics."""

    counts: VoxelCounts
    case: EmptyCase | None
    measured: SurfaceDistances | None
    """None when either mask is empty, which then has no surface."""


def score(reference: BoxMask, prediction: BoxMask, geometry: Geometry, tolerance: float) -> Scores:
    """Score a prediction against its reference by every metric of `bench.metrics.registry`.

    Cost follows the box around both masks, never the full grid. Distances are measured along the axes of the grid:
    right for rotated grids, an approximation where an affine shears.

    Args:
        reference: The true mask.
        prediction: The mask to score, on the same grid.
        geometry: The grid; its spacing gives distances, its unit their unit.
        tolerance: Tolerance of NSD, in the unit of the grid.

    Returns:
        One value for each column of `bench.schema.SCORED` but `grid`; None is null, nothing is NaN or infinite. Two
        equal masks score exactly 1 in overlap and NSD and exactly 0 in distance.

    Raises:
        GeometryError: If the masks do not lie on the grid.
        UsageError: If the tolerance is negative or not finite.
    """
    check(reference, prediction, geometry, tolerance)
    return core_scores(compare(reference, prediction, geometry), geometry, tolerance)


def empty_case(reference: BoxMask, prediction: BoxMask) -> EmptyCase | None:
    """Say which mask is empty, the reason why a score is null; None when both hold voxels."""
    return empty_case_of(VoxelCounts(reference.count, prediction.count, 0))


def compare(
    reference: BoxMask, prediction: BoxMask, geometry: Geometry, counts: VoxelCounts | None = None
) -> Comparison:
    """Measure two masks on one grid; `counts`, where known from a joint histogram, saves the counting."""
    counts = count_voxels(reference, prediction) if counts is None else counts
    case = empty_case_of(counts)
    if case is not None:
        return Comparison(counts, case, None)
    box = union_box(reference.box, prediction.box)
    masks = reference.within(box), prediction.within(box)
    return Comparison(counts, None, surface_distances(*masks, geometry.spacing, single_slice=geometry.is_2d))


def core_scores(compared: Comparison, geometry: Geometry, tolerance: float) -> Scores:
    """Return the metrics of `bench.metrics.registry`, the tolerance and its unit."""
    counts, measured = compared.counts, compared.measured
    scores: Scores
    if measured is None:
        scores = {name: None if compared.case is None else one.when(compared.case) for name, one in METRICS.items()}
    else:
        scores = {
            "dice": dice(counts),
            "iou": iou(counts),
            "nsd": nsd(measured, tolerance),
            "hd95_mm": hd95(measured),
            "assd_mm": assd(measured),
            "volume_error": volume_error(counts),
        }
    return {**scores, "tolerance": float(tolerance), "distance_unit": geometry.unit}


def check(reference: BoxMask, prediction: BoxMask, geometry: Geometry, tolerance: float) -> None:
    """Refuse masks that do not lie on the grid, and tolerances that are no distance.

    Raises:
        GeometryError: If the masks do not lie on the grid.
        UsageError: If the tolerance is negative or not finite.
    """
    for name, mask in (("reference", reference), ("prediction", prediction)):
        if mask.shape_ijk != geometry.shape_ijk:
            raise GeometryError(f"{name} must lie on the image's own grid {geometry.shape_ijk}, found {mask.shape_ijk}")
    if not (math.isfinite(tolerance) and tolerance >= 0):
        raise UsageError(f"tolerance must be a distance of 0 or more in {geometry.unit}, found {tolerance}")


def empty_case_of(counts: VoxelCounts) -> EmptyCase | None:
    """Name the empty case by voxel counts."""
    if counts.reference and counts.prediction:
        return None
    if counts.reference:
        return "prediction_empty"
    return "reference_empty" if counts.prediction else "both_empty"
