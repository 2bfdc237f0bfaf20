"""What is compared of an image: its intensities at a handy size, and where in it the content lies."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from curate import volume
from curate.duplicates.crop import content_box, intensity_range
from curate.duplicates.grid import Shape, area_means, integral
from curate.duplicates.turns import FloatBox, Turn
from curate.errors import ReadError
from curate.labelmap import slices

_FEWEST_CELLS = {True: 256, False: 64}
"""Per axis of a picture, of a volume: axes of twice as many voxels are averaged down, so that no scan costs much."""
_FINGERPRINT: dict[bool, Shape] = {True: (48, 48, 1), False: (16, 16, 16)}
_OUTLIERS_PERCENT = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class Content:
    """An image's intensities and where its content lies."""

    cells: NDArray[np.float32]
    """(i, j, k); means of whole voxels; colour as luma; clipped, so that no hot spot or filling decides."""
    box: FloatBox
    """Half-open, in cells, without flat borders."""
    voxels_per_cell: tuple[float, float, float]
    margins: FloatBox
    """Voxels between each side of the image and the content."""

    @property
    def is_2d(self) -> bool:
        """True for a picture."""
        return bool(self.cells.shape[2] == 1)

    def turned(self, turn: Turn) -> "Content":
        """Turn the axes and all that goes with them."""
        i, j, k = turn.axes
        per_cell = self.voxels_per_cell
        return Content(
            np.ascontiguousarray(turn.array(self.cells)),
            turn.box(self.box, self.cells.shape),
            (per_cell[i], per_cell[j], per_cell[k]),
            turn.sides(self.margins),
        )

    def fingerprint(self) -> "Content":
        """Return the content alone on a small grid: 16 x 16 x 16, or 48 x 48 x 1 for a picture."""
        shape = _FINGERPRINT[self.is_2d]
        per_cell = [(self.box[n + 3] - self.box[n]) * self.voxels_per_cell[n] / shape[n] for n in range(3)]
        return replace(
            self,
            cells=area_means(integral(self.cells), self.box, shape),
            box=(0, 0, 0, *shape),
            voxels_per_cell=(per_cell[0], per_cell[1], per_cell[2]),
        )


def content(path: Path) -> Content:
    """Read an image of a store and find its content.

    Raises:
        ReadError: When the file is missing or damaged, holds NaN or infinity, or all its voxels are equal.
    """
    return content_of(volume.read(path).grey(), path.name)


def content_of(voxels: NDArray[Any], name: str) -> Content:
    """Find the content of (i, j, k) intensities that are already read; `name` is for messages.

    Raises:
        ReadError: When they hold NaN or infinity, or are all equal.
    """
    fewest = _FEWEST_CELLS[voxels.shape[2] == 1]
    i, j, k = (max(1, size // fewest) for size in voxels.shape)
    cells = _block_means(voxels, (i, j, k))
    if not np.isfinite(cells).all():
        raise ReadError("nonfinite_voxels", f"{name}: NaN or infinite voxels")
    box = content_box(cells)
    low, high = intensity_range(cells[slices(box)], _OUTLIERS_PERCENT)
    if low == high:
        low, high = float(cells.min()), float(cells.max())
    if low == high:
        raise ReadError("unreadable", f"{name}: all voxels are {low:g}, so nothing can be compared")
    low_sides = [box[n] * size for n, size in enumerate((i, j, k))]
    high_sides = [voxels.shape[n] - box[n + 3] * size for n, size in enumerate((i, j, k))]
    margins = (low_sides[0], low_sides[1], low_sides[2], high_sides[0], high_sides[1], high_sides[2])
    return Content(np.clip(cells, low, high), box, (i, j, k), margins)


def _block_means(voxels: NDArray[Any], block: Shape) -> NDArray[np.float32]:
    """Average over blocks of voxels; what does not fill a block at the far ends is left out."""
    for axis, size in enumerate(block):
        if size > 1:
            planes = np.moveaxis(voxels, axis, 0)
            end = len(planes) // size * size
            total = sum(planes[first:end:size].astype(np.float32) for first in range(size))
            voxels = np.moveaxis(np.asarray(total) / size, 0, axis)
    return np.ascontiguousarray(voxels, dtype=np.float32)
