"""A mask in pieces, one per frame or slice, and the whole that they make."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from curate.geometry import Box
from curate.labelmap import BoxMask, slices, union_box


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """Some voxels of a mask."""

    start_ijk: tuple[int, int, int]
    """Where the first voxel lies on the full grid."""
    voxels: NDArray[np.bool_]
    """(i, j, k)."""

    @property
    def box(self) -> Box:
        """Half-open box on the full grid."""
        (i, j, k), (ni, nj, nk) = self.start_ijk, self.voxels.shape
        return (i, j, k, i + ni, j + nj, k + nk)


def assemble(pieces: Iterable[Piece], shape_ijk: tuple[int, int, int]) -> BoxMask:
    """Return the union of pieces that lie inside the grid, in its bounding box; empty where they hold no voxel."""
    filled = [piece for piece in pieces if piece.voxels.any()]
    around: Box = (0, 0, 0, 0, 0, 0)
    for piece in filled:
        around = union_box(around, piece.box)
    voxels = np.zeros([around[axis + 3] - around[axis] for axis in range(3)], dtype=np.bool_)
    for piece in filled:
        low, high = np.array(piece.box[:3]) - around[:3], np.array(piece.box[3:]) - around[:3]
        voxels[slices((*low, *high))] |= piece.voxels
    tight = BoxMask.of(voxels)
    box = tuple(int(tight.box[n] + around[n % 3]) for n in range(6)) if filled else around
    return BoxMask(shape_ijk, (box[0], box[1], box[2], box[3], box[4], box[5]), tight.voxels)
