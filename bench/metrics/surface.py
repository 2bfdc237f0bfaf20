"""Distances between the surfaces of two masks, weighted by area, as google-deepmind/surface-distance defines them.

HD95 and NSD differ between tools by how a surface is discretised, by weights and by how percentiles are pooled
(arXiv 2410.02630); `bench.metrics.registry` states what is pinned here.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.metrics.nearest import distances
from bench.metrics.surfels import is_surfel, surfel_areas, surfel_codes
from curate.labelmap import bounding_box, slices

# Relative error of distances (the distance transform is float32) and of sums of areas (float64), rounded up.
_DISTANCE_ROUNDING = 1e-6
_AREA_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class SurfaceDistances:
    """How far each surfel of two masks lies from the other mask's surface."""

    from_reference: NDArray[np.float64]
    """(n,), in the unit of spacing: distance of each reference surfel to the nearest surfel of the prediction."""
    reference_areas: NDArray[np.float64]
    """(n,), in squared units of spacing; for single slices length times spacing along k, which cancels in any score."""
    from_prediction: NDArray[np.float64]
    """(m,): distance of each predicted surfel to the nearest surfel of the reference."""
    prediction_areas: NDArray[np.float64]
    """(m,)."""


def surface_distances(
    reference: NDArray[np.bool_],
    prediction: NDArray[np.bool_],
    spacing: tuple[float, float, float],
    *,
    single_slice: bool = False,
) -> SurfaceDistances:
    """Measure every surfel of two masks, neither of them empty.

    Args:
        reference: (i, j, k). What lies beyond the array is background.
        prediction: Same shape.
        spacing: Distance of voxel centres along i, j, k.
        single_slice: The masks are 2D images, (i, j, 1): contours instead of surfaces.

    Returns:
        Distances to about seven digits, and areas.
    """
    box = slices(bounding_box(reference | prediction))
    areas = surfel_areas(spacing)
    reference_codes = surfel_codes(reference[box], single_slice=single_slice)
    prediction_codes = surfel_codes(prediction[box], single_slice=single_slice)
    reference_surface, prediction_surface = is_surfel(reference_codes), is_surfel(prediction_codes)
    return SurfaceDistances(
        distances(reference_surface, prediction_surface, spacing),
        areas[reference_codes[reference_surface]],
        distances(prediction_surface, reference_surface, spacing),
        areas[prediction_codes[prediction_surface]],
    )


def nsd(measured: SurfaceDistances, tolerance: float) -> float:
    """Return the share of the area of both surfaces that lies within `tolerance` of the other, 0 to 1.

    A distance that only rounding puts beyond the tolerance (three voxels of 0.1 mm at 0.3 mm) is within.
    """
    limit = tolerance * (1 + _DISTANCE_ROUNDING)
    within = measured.reference_areas[measured.from_reference <= limit].sum()
    within += measured.prediction_areas[measured.from_prediction <= limit].sum()
    return float(within / (measured.reference_areas.sum() + measured.prediction_areas.sum()))


def hd95(measured: SurfaceDistances) -> float:
    """Return the larger of the two directed 95th percentiles, in the unit of spacing.

    A directed percentile is the smallest distance d such that surfels no farther than d make up 95 % of the area.
    """
    return max(
        _percentile(measured.from_reference, measured.reference_areas, 0.95),
        _percentile(measured.from_prediction, measured.prediction_areas, 0.95),
    )


def hd(measured: SurfaceDistances) -> float:
    """Return the Hausdorff distance, the farthest that any surfel lies from the other surface."""
    return float(max(measured.from_reference.max(), measured.from_prediction.max()))


def assd(measured: SurfaceDistances) -> float:
    """Return the mean distance of both surfaces, pooled and weighted by area, in the unit of spacing.

    Pooled, as in Heimann et al. (2009): the sum over both surfaces by the area of both, not the mean of two means.
    """
    # A dot product would add in an order that depends on the threads of the linear algebra library.
    total = (measured.from_reference * measured.reference_areas).sum()
    total += (measured.from_prediction * measured.prediction_areas).sum()
    return float(total / (measured.reference_areas.sum() + measured.prediction_areas.sum()))


def _percentile(distances: NDArray[np.float64], areas: NDArray[np.float64], share: float) -> float:
    """Return the smallest distance within which `share` of the area lies; sums that rounding keeps below count."""
    order = np.argsort(distances)
    reached = np.cumsum(areas[order])
    index = np.searchsorted(reached, share * reached[-1] * (1 - _AREA_ROUNDING))
    return float(distances[order[index]])
