"""The same metrics on tensors, for masks that a model left on a GPU: only counts and surface distances come back.

Everything that follows from counts and distances (percentiles, shares, means) is that of `bench.metrics.surface` and
`bench.metrics.overlap`, so there is one definition. Import this module only where a tensor is at hand: it needs torch.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import pad

from bench.metrics.histogram import JointHistogram
from bench.metrics.overlap import VoxelCounts
from bench.metrics.scoring import Comparison, Scores, core_scores, empty_case_of
from bench.metrics.surface import SurfaceDistances
from bench.metrics.surfels import surfel_areas
from curate.errors import GeometryError, UsageError
from curate.geometry import Geometry

_FULL = 255


def score_tensors(reference: Tensor, prediction: Tensor, geometry: Geometry, tolerance: float) -> Scores:
    """Score a prediction by every metric of `bench.metrics.registry`, as `bench.metrics.score` does for masks in boxes.

    Args:
        reference: bool, (i, j, k), the full grid, on the CPU or a CUDA device.
        prediction: bool, same shape, same device.
        geometry: The grid.
        tolerance: Tolerance of NSD, in the unit of the grid.

    Returns:
        The columns of `bench.schema.SCORED` but `grid`. Distances are exact to float64, those of the CPU to float32.

    Raises:
        GeometryError: If the masks do not lie on the grid.
        UsageError: If the tolerance is negative or not finite.
    """
    for name, mask in (("reference", reference), ("prediction", prediction)):
        if tuple(mask.shape) != geometry.shape_ijk:
            raise GeometryError(f"{name} must lie on the grid {geometry.shape_ijk}, found {tuple(mask.shape)}")
    if not 0 <= tolerance < float("inf"):
        raise UsageError(f"tolerance must be a distance of 0 or more in {geometry.unit}, found {tolerance}")
    sums = torch.stack([reference.sum(), prediction.sum(), (reference & prediction).sum()]).tolist()
    counts = VoxelCounts(*sums)
    case = empty_case_of(counts)
    if case is not None:
        return core_scores(Comparison(counts, case, None), geometry, tolerance)
    measured = surface_distances(reference, prediction, geometry.spacing, single_slice=geometry.is_2d)
    return core_scores(Comparison(counts, None, measured), geometry, tolerance)


def joint_histogram(reference: Tensor, prediction: Tensor) -> JointHistogram:
    """Count every pair of labels of two label maps of one shape and device, as `bench.metrics.histogram` does.

    Raises:
        GeometryError: If the shapes differ.
    """
    if reference.shape != prediction.shape:
        raise GeometryError(
            f"prediction must have the reference's shape {tuple(reference.shape)}, found {tuple(prediction.shape)}"
        )
    first, second = reference.reshape(-1).long(), prediction.reshape(-1).long()
    width = 1 + (int(second.max()) if second.numel() else 0)
    pairs, voxels = torch.unique(first * width + second, return_counts=True)
    pairs, voxels = pairs.cpu().numpy(), voxels.cpu().numpy()
    kept = pairs != 0
    return JointHistogram(pairs[kept] // width, pairs[kept] % width, voxels[kept])


def surface_distances(
    reference: Tensor, prediction: Tensor, spacing: tuple[float, float, float], *, single_slice: bool = False
) -> SurfaceDistances:
    """Measure every surfel of two masks, neither of them empty, as `bench.metrics.surface.surface_distances` does.

    Args:
        reference: bool, (i, j, k). What lies beyond the tensor is background.
        prediction: Same shape and device.
        spacing: Distance of voxel centres along i, j, k.
        single_slice: The masks are 2D images, (i, j, 1).
    """
    box = _box(reference | prediction)
    reference_codes, prediction_codes = (_codes(mask[box], single_slice) for mask in (reference, prediction))
    reference_surface, prediction_surface = (
        (codes != 0) & (codes != _FULL) for codes in (reference_codes, prediction_codes)
    )
    areas = surfel_areas(spacing)
    return SurfaceDistances(
        _distances(reference_surface, prediction_surface, spacing),
        areas[reference_codes[reference_surface].cpu().numpy()],
        _distances(prediction_surface, reference_surface, spacing),
        areas[prediction_codes[prediction_surface].cpu().numpy()],
    )


def squared_distances(seeds: Tensor, spacing: tuple[float, float, float]) -> Tensor:
    """Return the squared distance of every voxel to the nearest seed, float64, (i, j, k); exact, axis by axis."""
    field = torch.full(seeds.shape, float("inf"), dtype=torch.float64, device=seeds.device)
    field[seeds] = 0.0
    for axis, step in enumerate(spacing):
        field = _spread(field, axis, step)
    return field


def _spread(field: Tensor, axis: int, step: float) -> Tensor:
    """Let every voxel take the least of all voxels along one axis, each plus its squared distance."""
    least, extent = field.clone(), field.shape[axis]
    for shift in range(1, extent):
        cost = (shift * step) ** 2
        for source, target in ((0, shift), (shift, 0)):
            along = least.narrow(axis, target, extent - shift)
            torch.minimum(along, field.narrow(axis, source, extent - shift) + cost, out=along)
    return least


def _distances(surface: Tensor, other: Tensor, spacing: tuple[float, float, float]) -> NDArray[np.float64]:
    distances: NDArray[np.float64] = squared_distances(other, spacing)[surface].sqrt().cpu().numpy()
    return distances


def _codes(mask: Tensor, single_slice: bool) -> Tensor:
    """Return the code of every corner, as `bench.metrics.surfels.surfel_codes`."""
    margin_k = 0 if single_slice else 1
    if single_slice:
        mask = mask.repeat(1, 1, 2)
    bits = pad(mask.to(torch.uint8), (margin_k, margin_k, 1, 1, 1, 1))
    pairs = bits[:-1] | bits[1:] << 1
    squares = pairs[:, :-1] | pairs[:, 1:] << 2
    return squares[:, :, :-1] | squares[:, :, 1:] << 4


def _box(inside: Tensor) -> tuple[slice, slice, slice]:
    """Return the index expression of the bounding box of a mask that holds voxels."""
    ends = []
    for axis in range(3):
        others = [n for n in range(3) if n != axis]
        hits = inside.any(dim=others[1]).any(dim=others[0]).nonzero()
        ends.append(slice(int(hits[0]), int(hits[-1]) + 1))
    return ends[0], ends[1], ends[2]
