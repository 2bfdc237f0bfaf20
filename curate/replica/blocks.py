"""Where the labels of a tiny case lie: one block of voxels each, on a lattice that equals none of its mirror images."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from curate.recipe.replica import ReplicaFile, Shows

Voxels = NDArray[np.bool_]

_CELL, _PITCH, _BEFORE, _BEHIND = (4, 4, 2), (6, 6, 3), (1, 1, 1), (2, 3, 4)
_PICTURE_CELL, _PICTURE_PITCH, _PICTURE_BEFORE, _PICTURE_BEHIND = (8, 8, 1), (16, 16, 1), (8, 8, 0), (8, 24, 0)
"""Pictures may be JPEG, which codes 8 x 8 pixels at a time: a block fills one such square, the next is left empty."""


@dataclass(frozen=True, slots=True)
class Block:
    """The voxels of one label of one file."""

    path: str
    label: str
    """Value, colour or name of the object; empty for a file that holds one mask."""
    targets: tuple[str, ...]
    """What they show."""


@dataclass(frozen=True, slots=True)
class Lattice:
    """The blocks of one case, on a grid in canonical orientation."""

    blocks: tuple[Block, ...]
    is_picture: bool

    @property
    def cells(self) -> tuple[int, int, int]:
        """How many blocks fit along each axis."""
        count = max(1, len(self.blocks))
        if self.is_picture:
            wide = math.ceil(math.sqrt(count))
            return wide, math.ceil(count / wide), 1
        wide = math.ceil(count ** (1 / 3) - 1e-9)
        return wide, wide, math.ceil(count / wide**2)

    @property
    def shape_ijk(self) -> tuple[int, int, int]:
        """Voxels of the grid: three lengths that differ, and more room behind the blocks than before them."""
        pitch, before, behind = (
            (_PICTURE_PITCH, _PICTURE_BEFORE, _PICTURE_BEHIND) if self.is_picture else (_PITCH, _BEFORE, _BEHIND)
        )
        i, j, k = (
            count * step + first + last
            for count, step, first, last in zip(self.cells, pitch, before, behind, strict=True)
        )
        j += j == i
        while k in (i, j):
            k += 1
        return i, j, k

    def voxels(self, block: Block) -> Voxels:
        """Return the voxels of a block, bool (i, j, k)."""
        cell, pitch, before = (
            (_PICTURE_CELL, _PICTURE_PITCH, _PICTURE_BEFORE) if self.is_picture else (_CELL, _PITCH, _BEFORE)
        )
        at = np.unravel_index(self.blocks.index(block), self.cells)
        first = [int(n) * step + start for n, step, start in zip(at, pitch, before, strict=True)]
        inside = np.zeros(self.shape_ijk, bool)
        inside[tuple(slice(start, start + size) for start, size in zip(first, cell, strict=True))] = True
        return inside


def lattice(files: Sequence[ReplicaFile]) -> Lattice:
    """Lay out the blocks of a case's files."""
    blocks = tuple(block for file in files for block in blocks_of(file))
    return Lattice(blocks, any(file.is_picture for file in files))


def blocks_of(file: ReplicaFile) -> list[Block]:
    """List the blocks of a file."""
    shown: dict[str, Shows] = {}
    if file.kind == "labels":
        shown = file.values
    elif file.kind in ("segments", "rois"):
        shown = file.objects
    elif file.kind == "mask":
        shown = {_part(file): file.shows or ()}
    return [Block(file.path, label, (one,) if isinstance(one, str) else tuple(one)) for label, one in shown.items()]


def _part(file: ReplicaFile) -> str:
    """Tell masks apart that lie in one file."""
    return f"{file.array or ''}{'' if file.volume_index is None else file.volume_index}"
