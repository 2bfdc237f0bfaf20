"""A prediction against its reference, as a suite wants it scored: at its tolerance, on its grid."""

from bench import metrics
from bench.suite import Suite
from curate.geometry import Geometry
from curate.labelmap import BoxMask

Scores = dict[str, float | str | None]


def scores_of(
    reference: BoxMask, prediction: BoxMask, geometry: Geometry, suite: Suite, kind: str | None = None
) -> Scores:
    """Return the columns of `bench.schema` SCORED and FURTHER.

    Args:
        reference: The true mask, on the image's own grid.
        prediction: The model's, on the same grid.
        geometry: That grid.
        suite: Says tolerance and grid; an image without spacing is scored on its own grid in any case.
        kind: Kind of the target in the vocabulary.
    """
    grid = scoring_grid(suite, geometry)
    if grid is None:
        scores = metrics.score_in_full(reference, prediction, geometry, tolerance(suite, geometry), kind)
        return {**scores, "grid": "native"}
    here, there = (metrics.resampled(mask, geometry, grid) for mask in (reference, prediction))
    scores = metrics.score_in_full(here, there, grid, tolerance(suite, grid), kind)
    return {**scores, "grid": f"{suite.metrics.grid_mm:g} mm"}


def require_voxels(reference: BoxMask, geometry: Geometry, suite: Suite) -> None:
    """Refuse a reference that is there, and has no voxel on the grid of the scores.

    Raises:
        ValueError: It is thinner than that grid, so nothing can be said of a prediction.
    """
    grid = scoring_grid(suite, geometry)
    if grid is not None and reference.count and not metrics.resampled(reference, geometry, grid).count:
        raise ValueError(f"the reference has no voxel on the grid of {suite.metrics.grid_mm:g} mm that scores are on")


def scoring_grid(suite: Suite, geometry: Geometry) -> Geometry | None:
    """Return the grid that a suite scores an image on; None for the image's own."""
    if suite.metrics.grid_mm is None or geometry.unit != "mm":
        return None
    return metrics.isotropic(geometry, suite.metrics.grid_mm)


def tolerance(suite: Suite, geometry: Geometry) -> float:
    """Return the suite's tolerance in the unit of the image's grid."""
    return suite.metrics.nsd_tolerance_mm if geometry.unit == "mm" else suite.metrics.nsd_tolerance_pixels
