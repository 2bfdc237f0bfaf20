"""Fill polygons by the even-odd rule."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def fill(polygons: Sequence[NDArray[np.float64]], shape: tuple[int, int]) -> NDArray[np.bool_]:
    """Return the grid points inside polygons: those from which a ray crosses their edges an odd number of times.

    All polygons count together, so that a polygon inside another one is a hole, one inside that hole is filled again,
    and an edge that is walked back and forth (the channel of a keyhole) leaves no trace. A point exactly on the border
    belongs to the polygon that lies on its side of growing coordinates: polygons that share an edge share no point and
    leave none out.

    Args:
        polygons: Vertices, (n, 2), of closed polygons in units of the grid; the last edge, back to the first vertex, is
            implied.
        shape: Points of the grid along both axes; their coordinates are 0, 1, 2 ...

    Returns:
        Boolean array of `shape`.
    """
    starts, ends = _edges(polygons)
    first = np.clip(np.ceil(starts[:, 1]), 0, shape[1]).astype(np.int64)
    last = np.clip(np.ceil(ends[:, 1]), 0, shape[1]).astype(np.int64)
    edge = np.repeat(np.arange(len(starts)), last - first)
    line = np.arange(len(edge)) - np.repeat(np.cumsum(last - first) - last, last - first)
    slope = (ends[edge, 0] - starts[edge, 0]) / (ends[edge, 1] - starts[edge, 1])
    crossing = starts[edge, 0] + (line - starts[edge, 1]) * slope
    column = np.clip(np.ceil(crossing), 0, shape[0]).astype(np.int64)
    crossings = np.bincount(line * (shape[0] + 1) + column, minlength=shape[1] * (shape[0] + 1))
    passed = np.cumsum(crossings.reshape(shape[1], shape[0] + 1), axis=1)
    return np.asarray((passed[:, : shape[0]] % 2 == 1).T)


def _edges(polygons: Sequence[NDArray[np.float64]]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return both ends of every edge, lower second coordinate first, so that direction changes no rounding."""
    starts = np.concatenate([np.empty((0, 2)), *polygons])
    ends = np.concatenate([np.empty((0, 2)), *(np.roll(polygon, -1, axis=0) for polygon in polygons)])
    swap = (starts[:, 1] > ends[:, 1])[:, np.newaxis]
    return np.where(swap, ends, starts), np.where(swap, starts, ends)
