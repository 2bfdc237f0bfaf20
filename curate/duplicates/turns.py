"""The ways in which an array may be turned: 48 permutations and flips of a volume, 8 of a picture."""

from dataclasses import dataclass
from functools import cache
from itertools import permutations, product
from typing import Any

import numpy as np
from numpy.typing import NDArray

FloatBox = tuple[float, float, float, float, float, float]
"""A half-open box with borders between voxels: i0 j0 k0 i1 j1 k1, where voxel n fills [n, n + 1)."""


@dataclass(frozen=True, slots=True)
class Turn:
    """A permutation of the axes, then flips: a member of the symmetry group of the cube."""

    axes: tuple[int, int, int]
    """Axis of the source that becomes axis 0, 1, 2."""
    flips: tuple[bool, bool, bool]
    """Which axes of the result are reversed."""

    @property
    def code(self) -> str:
        """Say where i, j, k of the result come from, as in `+i+j+k` (nothing done) or `-j+i+k`."""
        return "".join(("-" if flip else "+") + "ijk"[axis] for axis, flip in zip(self.axes, self.flips, strict=True))

    @property
    def is_identity(self) -> bool:
        """True when nothing is turned."""
        return self.axes == (0, 1, 2) and not any(self.flips)

    @property
    def inverse(self) -> "Turn":
        """The turn that undoes this one."""
        i, j, k = (self.axes.index(axis) for axis in range(3))
        return Turn((i, j, k), (self.flips[i], self.flips[j], self.flips[k]))

    def array(self, voxels: NDArray[Any]) -> NDArray[Any]:
        """Turn an array, (i, j, k); a view, not a copy."""
        return np.flip(voxels.transpose(self.axes), tuple(n for n in range(3) if self.flips[n]))

    def box(self, box: FloatBox, shape_ijk: tuple[int, ...]) -> FloatBox:
        """Turn a box of an array of `shape_ijk` along with the array."""
        low, high = [box[axis] for axis in self.axes], [box[axis + 3] for axis in self.axes]
        for n, axis in enumerate(self.axes):
            if self.flips[n]:
                low[n], high[n] = shape_ijk[axis] - high[n], shape_ijk[axis] - low[n]
        return (low[0], low[1], low[2], high[0], high[1], high[2])

    def sides(self, values: FloatBox) -> FloatBox:
        """Turn what belongs to the six sides of an array, ordered as in a box."""
        low, high = [values[axis] for axis in self.axes], [values[axis + 3] for axis in self.axes]
        for n in range(3):
            if self.flips[n]:
                low[n], high[n] = high[n], low[n]
        return (low[0], low[1], low[2], high[0], high[1], high[2])


@cache
def turns(*, is_2d: bool) -> tuple[Turn, ...]:
    """Return all 48 turns of a volume, or the 8 of a picture (k = 1), nothing done first."""
    orders = [order for order in permutations(range(3)) if not is_2d or order[2] == 2]
    flips = [flip for flip in product((False, True), repeat=3) if not (is_2d and flip[2])]
    return tuple(Turn((a, b, c), (x, y, z)) for a, b, c in orders for x, y, z in flips)
