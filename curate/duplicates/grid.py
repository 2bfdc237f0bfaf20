"""Small grids: area means of a box of voxels, and what two grids have in common."""

import numpy as np
from numpy.typing import NDArray

from curate.duplicates.turns import FloatBox

Shape = tuple[int, int, int]

_SIGMA_CELLS = 2.0
_FLOOR = 1.0
"""Added to the local contrast, in units of the overall one: keeps noise in flat regions small."""


def integral(voxels: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the sums of `voxels`, (i, j, k), from the origin up to each corner between them: one longer per axis.

    A summed-area table (Crow 1984, SIGGRAPH): with it, the sum over any box costs eight look-ups.
    """
    table = np.pad(voxels.astype(np.float64), ((1, 0), (1, 0), (1, 0)))
    for axis in range(3):
        np.cumsum(table, axis=axis, out=table)
    return table


def area_means(table: NDArray[np.float64], box: FloatBox, shape: Shape) -> NDArray[np.float32]:
    """Average the voxels of a table of `integral` over the cells of a grid of `shape` that fills `box`.

    The box may end between voxels. A cell smaller than a voxel takes the voxel's value; beyond the array its border
    values continue.
    """
    for axis, cells in enumerate(shape):
        length = (box[axis + 3] - box[axis]) / cells
        edges = box[axis] + length * np.arange(cells + 1)
        before = np.clip(np.floor(edges).astype(int), 0, table.shape[axis] - 2)
        share = np.expand_dims(edges - before, [n for n in range(3) if n != axis])
        low, high = table.take(before, axis), table.take(before + 1, axis)
        table = np.diff(low + share * (high - low), axis=axis) / length
    return table.astype(np.float32)


def standardised(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Shift and scale to mean 0 and standard deviation 1; a constant array becomes 0."""
    centred = values - values.mean()
    deviation = float(np.sqrt(np.mean(centred * centred)))
    return np.asarray(centred / deviation if deviation > 0 else centred, dtype=np.float32)


def correlation(first: NDArray[np.float32], second: NDArray[np.float32]) -> float:
    """Return Pearson's correlation of two arrays of one shape; 0 when one of them is constant."""
    return float(np.mean(standardised(first) * standardised(second), dtype=np.float64))


def fine_structure(means: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return local contrast: what is above or below its surroundings, over how much the surroundings vary.

    Registered brains of two patients, or two fundus pictures, correlate above 0.95 by their outlines and shading
    alone; their fine structure does not. Local contrast normalisation as in Jarrett et al. 2009 (ICCV), with a
    Gaussian window and a floor.

    Args:
        means: Grid of area means, (i, j, k); along axes of one cell nothing is smoothed.
    """
    from scipy.ndimage import gaussian_filter

    sigma = [_SIGMA_CELLS if size > 1 else 0.0 for size in means.shape]
    detail = means - gaussian_filter(means, sigma, mode="nearest")
    overall = float(detail.std())
    if overall == 0:
        return np.zeros_like(means)
    contrast = np.sqrt(np.maximum(gaussian_filter(detail * detail, sigma, mode="nearest"), 0))
    return np.asarray(detail / (contrast + _FLOOR * overall), dtype=np.float32)
