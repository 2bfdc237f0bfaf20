"""Hold two images against each other, voxels against voxels, and say what was done to one to get the other."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from curate.duplicates.content import Content
from curate.duplicates.fit import fit_box
from curate.duplicates.grid import area_means, correlation, fine_structure, integral
from curate.duplicates.turns import FloatBox, Turn

LEAST_SIMILARITY = 0.86
"""Least correlation of the fine structure of a duplicate; docs/duplicates.md has the distributions."""
LEAST_CORRELATION = 0.95
"""Least correlation of the intensities of a duplicate."""

_GRIDS = {True: (32, 96), False: (12, 32)}
"""Cells per axis of a picture, of a volume, for the first fit and for the last."""
_FINEST = 0.8
"""Cells per voxel of the coarser image: a grid as fine as its voxels would see where they begin."""
_SAME_SIZE_VOXELS = 1.0
"""A side of the content that differs by less is as long as the other's."""
_SAME_EDGE_VOXELS = 1.5
_SAME_INTENSITY = 0.05
"""How far, of the range, the line may lead from equal intensities: resampling and noise change the contrast, too."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """How two images agree; the second is read as turned onto the first."""

    similarity: float
    """Correlation of the fine structure, -1 to 1."""
    correlation: float
    """Pearson's correlation of the intensities, -1 to 1."""
    turn: Turn
    zoom_ijk: tuple[float, float, float]
    """Voxels of the second per voxel of the first."""
    padded: bool
    """True when their outer borders lie at different places around the content."""
    resampled: bool
    slope: float
    offset: float
    """second = slope * first + offset"""
    residual: float
    """RMS of what the line leaves on the common grid, over the second's range."""
    rescaled: bool

    @property
    def is_duplicate(self) -> bool:
        """True when both correlations reach their thresholds."""
        return self.similarity >= LEAST_SIMILARITY and self.correlation >= LEAST_CORRELATION

    @property
    def kind(self) -> str:
        """Name what was done, joined by `+`; `altered` where pose, extent, grid and line of intensities are equal."""
        parts = {
            "reoriented": not self.turn.is_identity,
            "padded": self.padded,
            "resampled": self.resampled,
            "rescaled": self.rescaled,
        }
        return "+".join(name for name, found in parts.items() if found) or "altered"


def compare(first: Content, second: Content, turn: Turn) -> Evidence:
    """Fit the second image to the first and measure how they agree.

    Args:
        first: An image.
        second: An image that may be the same.
        turn: What brings the second onto the first, from the search.
    """
    second = second.turned(turn)
    fitted, ours, theirs = _fitted(first, second)
    zoom = _zoom(first, second, fitted)
    inside = _inside(ours, theirs)
    slope, offset, residual = _line(ours[inside], theirs[inside])
    low, high = float(first.cells.min()), float(first.cells.max())
    change = max(abs(slope * value + offset - value) for value in (low, high))
    return Evidence(
        similarity=correlation(fine_structure(ours), fine_structure(theirs)),
        correlation=correlation(ours, theirs),
        turn=turn,
        zoom_ijk=zoom,
        padded=_padded(first, second, fitted, zoom),
        resampled=any(abs(zoom[n] - 1) * _voxels(first, n) > _SAME_SIZE_VOXELS for n in range(3)),
        slope=slope,
        offset=offset,
        residual=residual / float(np.ptp(second.cells)),
        rescaled=change > _SAME_INTENSITY * (high - low),
    )


def _fitted(first: Content, second: Content) -> tuple[FloatBox, NDArray[np.float32], NDArray[np.float32]]:
    """Fit the second's box, coarse then fine; return it, and both images on one grid."""
    sizes = [max(1.0, _FINEST * min(one.box[n + 3] - one.box[n] for one in (first, second))) for n in range(3)]
    first_table, second_table, box = integral(first.cells), integral(second.cells), second.box
    for most in _GRIDS[first.is_2d]:
        shape = (round(min(most, sizes[0])), round(min(most, sizes[1])), round(min(most, sizes[2])))
        ours = area_means(first_table, first.box, shape)
        box = fit_box(ours, second_table, box)
    return box, ours, area_means(second_table, box, shape)


def _inside(ours: NDArray[np.float32], theirs: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Return the cells at and around which neither image is clipped; all where there are none."""
    from scipy.ndimage import binary_erosion

    within = [(one > one.min()) & (one < one.max()) for one in (ours, theirs)]
    inside = binary_erosion(within[0] & within[1], border_value=1)
    return np.asarray(inside) if inside.any() else np.ones(ours.shape, dtype=np.bool_)


def _line(x: NDArray[np.float32], y: NDArray[np.float32]) -> tuple[float, float, float]:
    """Return slope, offset and the RMS of what is left of y = slope * x + offset.

    The slope is the ratio of the standard deviations (the reduced major axis): least squares would flatten it for
    noise in x alone.
    """
    spread = float(x.std())
    slope = float(y.std()) / spread if spread > 0 else 0.0
    offset = float(y.mean()) - slope * float(x.mean())
    return slope, offset, float(np.sqrt(np.mean((y - slope * x - offset) ** 2)))


def _voxels(image: Content, axis: int) -> float:
    return (image.box[axis + 3] - image.box[axis]) * image.voxels_per_cell[axis]


def _zoom(first: Content, second: Content, fitted: FloatBox) -> tuple[float, float, float]:
    i, j, k = ((fitted[n + 3] - fitted[n]) * second.voxels_per_cell[n] / _voxels(first, n) for n in range(3))
    return i, j, k


def _padded(first: Content, second: Content, fitted: FloatBox, zoom: tuple[float, float, float]) -> bool:
    """Tell whether the second's outer borders lie elsewhere than the first's, in voxels of the coarser."""
    for side in range(6):
        axis, outwards = side % 3, -1 if side < 3 else 1
        moved = outwards * (fitted[side] - second.box[side]) * second.voxels_per_cell[axis]
        margin = (second.margins[side] - moved) / zoom[axis]
        if abs(margin - first.margins[side]) > _SAME_EDGE_VOXELS * max(1.0, 1 / zoom[axis]):
            return True
    return False
