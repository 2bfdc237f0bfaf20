"""Fit one image's box to another's, so that a crop that is off by a voxel does not hide a copy."""

import numpy as np
from numpy.typing import NDArray

from curate.duplicates.grid import Shape, area_means, correlation
from curate.duplicates.turns import FloatBox

_ROUNDS = 12
_FURTHEST_CELLS = 1.0
"""How far a side may move in one round."""
_SHORTER = (1.0, 0.5, 0.25)
"""Shares of a move that are tried until one of them helps."""
_SMALLEST_GAIN = 1e-5


def fit_box(target: NDArray[np.float32], table: NDArray[np.float64], box: FloatBox) -> FloatBox:
    """Return the box near `box` whose area means correlate best with `target`.

    Gauss-Newton on shift and scale along each axis, with the gradient of the moving grid (Lucas and Kanade 1981,
    IJCAI); gain and offset of the intensities are unknowns, too.

    Args:
        target: Area means of the first image, (i, j, k).
        table: `integral` of the second image, turned as the first.
        box: Where to start.
    """
    shape = (target.shape[0], target.shape[1], target.shape[2])
    means = area_means(table, box, shape)
    best = correlation(target, means)
    for _ in range(_ROUNDS):
        moves = _moves(target, means)
        for share in _SHORTER:
            moved = _moved(box, shape, share * moves)
            candidate = area_means(table, moved, shape)
            found = correlation(target, candidate)
            if found > best + _SMALLEST_GAIN:
                break
        else:
            return box
        box, means, best = moved, candidate, found
    return box


def _moves(target: NDArray[np.float32], means: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return how far each of the six sides should move, in cells: target = gain * (means + slopes * moves) + offset."""
    columns = [means, np.ones_like(means)]
    axes = [axis for axis in range(3) if means.shape[axis] > 1]
    for axis in axes:
        gradient = np.gradient(means, axis=axis)
        along = [1, 1, 1]
        along[axis] = -1
        place = ((np.arange(means.shape[axis]) + 0.5) / means.shape[axis]).reshape(along)
        columns += [gradient * (1 - place), gradient * place]
    rows = np.stack([*columns, target]).reshape(len(columns) + 1, -1)
    normal = np.einsum("in,jn->ij", rows[:-1], rows, dtype=np.float64)  # no BLAS, whose threads would fight over cores
    solution = np.linalg.lstsq(normal[:, :-1], normal[:, -1])[0]
    gain, found = solution[0], solution[2:]
    moves = np.zeros(6)
    if gain > 0:
        moves[axes], moves[[axis + 3 for axis in axes]] = found[::2] / gain, found[1::2] / gain
    return np.clip(moves, -_FURTHEST_CELLS, _FURTHEST_CELLS)


def _moved(box: FloatBox, shape: Shape, moves: NDArray[np.float64]) -> FloatBox:
    cell = [(box[axis + 3] - box[axis]) / shape[axis] for axis in range(3)]
    i0, j0, k0, i1, j1, k1 = (box[n] + float(moves[n]) * cell[n % 3] for n in range(6))
    return i0, j0, k0, i1, j1, k1
