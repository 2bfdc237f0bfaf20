"""The network's cubes on the isotropic grid: where they lie, what they hold, where a prediction leaves them.

A window is named by its start, the isotropic voxel of its corner; it may lie partly outside the image. The windows of
one target stand on a lattice of half-overlapping cubes around the window of the first click.
"""

import numpy as np
from numpy.typing import NDArray

from curate.geometry import Box

SIDE = 128
STRIDE = SIDE // 2
"""Half-overlap, as the paper extends its prediction of large targets."""
CT_RANGE_HU = (-1000.0, 1000.0)
"""What the training code clamps CT to."""

Triple = tuple[int, int, int]


def window_of(click: Triple, first: Triple) -> Triple:
    """Return the start of the window that answers `click`.

    That is the cube around the first click where it holds the click, else the window of the lattice whose centre is
    nearest to the click.
    """
    home = tuple(place - STRIDE for place in first)
    if holds(home, click):
        return home[0], home[1], home[2]
    steps = [round((place - origin) / STRIDE) for place, origin in zip(click, first, strict=True)]
    i, j, k = (corner + STRIDE * step for corner, step in zip(home, steps, strict=True))
    return i, j, k


def holds(start: tuple[int, ...], place: Triple) -> bool:
    """Tell whether a voxel lies in the window."""
    return all(0 <= p - s < SIDE for p, s in zip(place, start, strict=True))


def inside(start: Triple, place: Triple) -> Triple:
    """Return a voxel of the image in the window's own voxels."""
    return place[0] - start[0], place[1] - start[1], place[2] - start[2]


def box_in_image(start: Triple, shape: Triple) -> Box:
    """Return the part of a window that lies in the image, as a half-open box of isotropic voxels."""
    i0, j0, k0 = (min(max(s, 0), n) for s, n in zip(start, shape, strict=True))
    i1, j1, k1 = (min(max(s + SIDE, 0), n) for s, n in zip(start, shape, strict=True))
    return i0, j0, k0, i1, j1, k1


def window_slices(box: Box, start: Triple) -> tuple[slice, slice, slice]:
    """Return the index expression of a box inside a window's own array."""
    i, j, k = (slice(box[axis] - start[axis], box[axis + 3] - start[axis]) for axis in range(3))
    return i, j, k


def crop(image: NDArray[np.float32], start: Triple, *, clamp_ct: bool) -> NDArray[np.float32]:
    """Cut a window out of the image, zero where it leaves it, and normalise it.

    The order is that of training: clamp (CT only), pad with zeros, normalise everything including the padding.
    """
    shape = (image.shape[0], image.shape[1], image.shape[2])
    box = box_in_image(start, shape)
    cube = np.zeros((SIDE, SIDE, SIDE), dtype=np.float32)
    part = image[box[0] : box[3], box[1] : box[4], box[2] : box[5]]
    cube[window_slices(box, start)] = np.clip(part, *CT_RANGE_HU) if clamp_ct else part
    return z_normalised(cube)


def z_normalised(cube: NDArray[np.float32]) -> NDArray[np.float32]:
    """Subtract the mean and divide by the (unbiased) standard deviation of the voxels above zero.

    A cube without two different values above zero has no contrast to scale: it becomes zeros.
    """
    positive = cube[cube > 0]
    if positive.size == 0 or positive.min() == positive.max():
        return np.zeros_like(cube)
    mean, deviation = positive.mean(dtype=np.float64), positive.std(dtype=np.float64, ddof=1)
    return (cube - np.float32(mean)) / np.float32(deviation)


def open_faces(mask: NDArray[np.bool_], start: Triple, shape: Triple) -> list[tuple[int, int]]:
    """Return the faces that a prediction touches while the image goes on behind them.

    Args:
        mask: (128, 128, 128), the prediction in the window.
        start: Of the window.
        shape: Of the image, isotropic voxels.

    Returns:
        (axis, -1 or 1) of each face, in a fixed order.
    """
    faces = []
    for axis in range(3):
        if start[axis] > 0 and mask.take(0, axis).any():
            faces.append((axis, -1))
        if start[axis] + SIDE < shape[axis] and mask.take(SIDE - 1, axis).any():
            faces.append((axis, 1))
    return faces


def neighbour(start: Triple, face: tuple[int, int]) -> Triple:
    """Return the window half a side further through a face."""
    moved = list(start)
    moved[face[0]] += STRIDE * face[1]
    return moved[0], moved[1], moved[2]


def entry_point(mask: NDArray[np.bool_], face: tuple[int, int]) -> Triple:
    """Return the point that shows a target to the neighbour behind a face, in the neighbour's own voxels.

    It is the voxel of the prediction in the overlap of both windows that is nearest to the neighbour's centre.
    """
    axis, side = face
    overlap = [slice(None)] * 3
    overlap[axis] = slice(STRIDE, None) if side > 0 else slice(0, STRIDE)
    lines = [(np.arange(SIDE) - (SIDE - 1) / 2) ** 2] * 3
    lines[axis] = lines[axis][:STRIDE] if side > 0 else lines[axis][STRIDE:]  # where the overlap lies in the neighbour
    squared = lines[0][:, None, None] + lines[1][:, None] + lines[2]
    place = list(np.unravel_index(np.argmin(np.where(mask[tuple(overlap)], squared, np.inf)), squared.shape))
    if side < 0:
        place[axis] += STRIDE
    return int(place[0]), int(place[1]), int(place[2])
