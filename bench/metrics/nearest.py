"""How far each point of one surface lies from the nearest point of another, on one grid.

A good prediction lies within a voxel or two of the reference almost everywhere, so the neighbours of a point are looked
at first, nearest first. What then has no distance is searched in a tree or read from a distance transform of the box,
whichever costs less.
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray

Spacing = tuple[float, float, float]
_REACH = 2
"""Neighbours of a point that are looked at, in voxels along each axis."""
_VOXELS_PER_SEARCH = 1000
"""One search in the tree costs at worst about as much as the distance transform of so many voxels."""


def distances(surface: NDArray[np.bool_], other: NDArray[np.bool_], spacing: Spacing) -> NDArray[np.float64]:
    """Measure how far each point of `surface` lies from the nearest point of `other`.

    Args:
        surface: (i, j, k), True at its points.
        other: Same shape, with at least one point.
        spacing: Distance of neighbouring points along i, j, k.

    Returns:
        (n,), in C order of the points and in the unit of spacing, to about seven digits.
    """
    apart = ~other[surface]
    found = np.zeros(apart.size)
    if not apart.any():
        return found
    alone = surface & ~other
    near = _among_neighbours(alone, other, spacing)
    far = np.isnan(near)
    if far.any():
        left = np.zeros_like(alone)
        left[alone] = far
        by_tree = np.count_nonzero(far) * _VOXELS_PER_SEARCH < surface.size
        near[far] = (_by_tree if by_tree else _by_transform)(left, other, spacing)
    found[apart] = near
    return found


def _among_neighbours(points: NDArray[np.bool_], other: NDArray[np.bool_], spacing: Spacing) -> NDArray[np.float64]:
    """Return the distance of each point that has a neighbour in `other`, NaN for the rest."""
    padded = np.pad(other, _REACH)
    flat, strides = padded.ravel(), np.array(padded.strides)
    places = np.flatnonzero(np.pad(points, _REACH))
    nearest = np.full(places.size, np.nan)
    left = np.arange(places.size)
    for offset, distance in _neighbours(spacing):
        hit = flat[places[left] + int(strides @ offset)]
        nearest[left[hit]] = distance
        left = left[~hit]
        if left.size == 0:
            break
    return nearest


@cache
def _neighbours(spacing: Spacing, reach: int = _REACH) -> tuple[tuple[tuple[int, int, int], float], ...]:
    """Return offsets with their distances, nearest first: all that are nearer than any beyond the reach."""
    axis = range(-reach, reach + 1)
    offsets = [(i, j, k) for i in axis for j in axis for k in axis if (i, j, k) != (0, 0, 0)]
    measured = [(offset, float(np.linalg.norm(np.multiply(offset, spacing)))) for offset in offsets]
    limit = (reach + 1) * min(spacing)
    return tuple(sorted((one for one in measured if one[1] <= limit), key=lambda one: one[1]))


def _by_tree(points: NDArray[np.bool_], other: NDArray[np.bool_], spacing: Spacing) -> NDArray[np.float64]:
    """Search the nearest point of `other` for each point; costs the points, which are few where a stray voxel lies."""
    from scipy.spatial import KDTree

    # Points come sorted, and balancing them costs more than it saves.
    tree = KDTree(_positions(other, spacing), leafsize=32, balanced_tree=False, compact_nodes=False)
    found, _ = tree.query(_positions(points, spacing))
    return np.asarray(found, dtype=np.float64)


def _by_transform(points: NDArray[np.bool_], other: NDArray[np.bool_], spacing: Spacing) -> NDArray[np.float64]:
    """Read the distance transform of `other`, float32 inside, at the points; costs the box, whatever lies in it."""
    import edt

    squared = edt.edtsq((~other).view(np.uint8), anisotropy=spacing, black_border=False, parallel=1)
    found: NDArray[np.float64] = np.sqrt(squared[points].astype(np.float64))
    return found


def _positions(points: NDArray[np.bool_], spacing: Spacing) -> NDArray[np.float64]:
    """Return the positions of points, (n, 3), in C order and in the unit of spacing."""
    indices = np.unravel_index(np.flatnonzero(points), points.shape)
    positions: NDArray[np.float64] = np.stack(indices, axis=1) * np.array(spacing)
    return positions
