"""What the published code cuts out of an image: resampled, turned and cut by torchio 0.20.4, here by the cube alone.

Intensities are interpolated as SimpleITK does it, under torchio: along i, then j, then k, in float64; integer images
stay integer, cut towards zero; outside the image is zero. Labels take the nearest voxel.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.models.sam_med3d.isotropic import IsotropicGrid, nearest
from bench.models.sam_med3d.windows import SIDE, Triple
from curate.geometry import Box
from curate.labelmap import BoxMask


def start_around(box: Box) -> Triple:
    """Return the start of the cube whose centre is that of a box of isotropic voxels (torchio's `CropOrPad`)."""
    i, j, k = ((box[axis] + box[axis + 3]) // 2 - SIDE // 2 for axis in range(3))
    return i, j, k


def box_on_grid(grid: IsotropicGrid, box: Box) -> Box:
    """Return the isotropic voxels whose nearest source voxel lies in a box; zeros where there is none."""
    hits = [_hits(grid, axis, box) for axis in range(3)]
    if any(axis.size == 0 for axis in hits):
        return (0, 0, 0, 0, 0, 0)
    i, j, k = ((int(axis[0]), int(axis[-1]) + 1) for axis in hits)
    return i[0], j[0], k[0], i[1], j[1], k[1]


def mask_on_grid(grid: IsotropicGrid, mask: BoxMask) -> BoxMask:
    """Bring a mask of the source onto the isotropic grid: each voxel takes the value of the nearest source voxel."""
    hits = [_hits(grid, axis, mask.box) for axis in range(3)]
    lows = [mask.box[source_axis] for source_axis in grid.order]
    picks = [nearest(_positions(grid, axis)[hits[axis]]) - lows[axis] for axis in range(3)]
    tight = BoxMask.of(mask.voxels.transpose(grid.order)[np.ix_(*picks)])
    if tight.count == 0:
        return BoxMask.empty(grid.geometry.shape_ijk)
    i, j, k = (int(axis[0]) for axis in hits)
    i0, j0, k0, i1, j1, k1 = tight.box
    return BoxMask(grid.geometry.shape_ijk, (i0 + i, j0 + j, k0 + k, i1 + i, j1 + j, k1 + k), tight.voxels)


def cube_of(grid: IsotropicGrid, voxels: NDArray[Any], start: Triple) -> NDArray[np.float32]:
    """Interpolate the intensities of one cube.

    Only the cube is computed, plane by plane, so that a whole CT costs no more memory than a small image.

    Args:
        grid: Over the image.
        voxels: (i, j, k) of the source, any real dtype.
        start: Isotropic voxel of the cube's corner; the cube may reach beyond the image.

    Returns:
        (128, 128, 128) float32, zero outside the image.
    """
    parts, positions = [slice(0, 0)] * 3, [np.zeros(0)] * 3
    for axis, source_axis in enumerate(grid.order):
        parts[source_axis], positions[source_axis] = _in_cube(grid, axis, start[axis])
    cube = np.zeros((SIDE, SIDE, SIDE), dtype=np.float32)  # in the order of the source's axes
    if all(line.size for line in positions):
        cube[tuple(parts)] = _interpolated(voxels, positions)
    return np.ascontiguousarray(cube.transpose(grid.order))


def _positions(grid: IsotropicGrid, axis: int) -> NDArray[np.float64]:
    """Return where each isotropic voxel along `axis` lies on the source's axis, rounded as SimpleITK rounds.

    SimpleITK divides the way along the source's first axis into equal steps, and transforms the place of each voxel
    along the others. The two differ by the last bit, by which an integer image gets another value where the
    interpolated one is whole.
    """
    source, along = grid.source, grid.order[axis]
    unturned = IsotropicGrid.from_corner(source, canonical=False).geometry
    size = unturned.shape_ijk[along]
    indices = np.array([0, size]) if along == 0 else np.arange(size)
    places = unturned.affine[:3, 3] + indices[:, np.newaxis] * unturned.affine[:3, along]
    line = (places - source.affine[:3, 3]) @ np.linalg.inv(source.affine[:3, :3])[along]
    if along == 0:
        line = line[0] + np.arange(size) / size * (line[1] - line[0])
    turned = source.affine[:3, along] @ grid.geometry.affine[:3, axis] < 0
    return np.asarray(line[::-1] if turned else line)


def _hits(grid: IsotropicGrid, axis: int, box: Box) -> NDArray[np.int64]:
    """Return the isotropic voxels along an axis whose nearest source voxel lies in the image and in a box of it."""
    positions, along = _positions(grid, axis), grid.order[axis]
    places = nearest(positions)
    within = (places >= box[along]) & (places < box[along + 3]) & _in_image(positions, grid.source.shape_ijk[along])
    return np.flatnonzero(within)


def _in_image(positions: NDArray[np.float64], size: int) -> NDArray[np.bool_]:
    """Tell which places lie in a voxel of the image: half a voxel around the first and the last belongs to it."""
    return (positions >= -0.5) & (positions < size - 0.5)


def _in_cube(grid: IsotropicGrid, axis: int, start: int) -> tuple[slice, NDArray[np.float64]]:
    """Return which part of the cube's axis lies in the image, and where its voxels lie on the source's axis."""
    positions = _positions(grid, axis)
    inside = np.flatnonzero(_in_image(positions, grid.source.shape_ijk[grid.order[axis]]))
    inside = inside[(inside >= start) & (inside < start + SIDE)]
    if inside.size == 0:
        return slice(0, 0), np.zeros(0)
    return slice(int(inside[0]) - start, int(inside[-1]) + 1 - start), positions[inside]


def _interpolated(voxels: NDArray[Any], positions: list[NDArray[np.float64]]) -> NDArray[np.float32]:
    """Interpolate linearly at the places of three lines; a plane of the source is kept until it is needed no more."""
    planes: dict[int, NDArray[np.float64]] = {}
    rows, columns = _neighbours(positions[0], voxels.shape[0]), _neighbours(positions[1], voxels.shape[1])
    made = np.empty([line.size for line in positions], dtype=np.float32)
    for n, (low, high, weight) in enumerate(zip(*_neighbours(positions[2], voxels.shape[2]), strict=True)):
        needed = (int(low), int(high))
        planes = {k: planes[k] if k in planes else _plane(voxels[:, :, k], rows, columns) for k in needed}
        mixed = planes[needed[0]] + (planes[needed[1]] - planes[needed[0]]) * weight
        made[:, :, n] = np.trunc(mixed) if voxels.dtype.kind in "iu" else mixed
    return made


Line = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]


def _neighbours(positions: NDArray[np.float64], size: int) -> Line:
    """Return the voxels below and above each place, held inside the image, and the weight of the upper one."""
    held = np.clip(positions, 0, size - 1)
    low = np.floor(held).astype(np.int64)
    return low, np.minimum(low + 1, size - 1), held - low


def _plane(plane: NDArray[Any], rows: Line, columns: Line) -> NDArray[np.float64]:
    """Interpolate one plane of the source, along its first axis and then along its second."""
    low, high, weight = rows
    below = plane[low].astype(np.float64)
    along_i = below + (plane[high].astype(np.float64) - below) * weight[:, np.newaxis]
    left = along_i[:, columns[0]]
    return np.asarray(left + (along_i[:, columns[1]] - left) * columns[2])
