"""Where an array lies in space: a shape, an affine, and nothing else.

World is RAS+ in millimetres (x to the patient's right, y to the front, z to the head); arrays are indexed
(i, j, k); the affine maps the centre of voxel (i, j, k) to world. This is nibabel's convention.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from curate.errors import GeometryError

Unit = Literal["mm", "pixel"]
Box = tuple[int, int, int, int, int, int]
"""A half-open box in voxels: i0 j0 k0 i1 j1 k1."""

_WORLD_AXES = (("L", "R"), ("P", "A"), ("I", "S"))
_SMALLEST_SPACING_MM = 1e-6
_SMALLEST_VOLUME_SHARE = 1e-3
"""Volume of a voxel over that of a box with its edge lengths; less is a grid whose axes lie in one plane."""


@dataclass(frozen=True, eq=False)  # slots would leave no place for what is kept
class Geometry:
    """The grid of an image."""

    shape_ijk: tuple[int, int, int]
    """Voxels along i, j, k; a 2D image has k = 1."""
    affine: NDArray[np.float64]
    """(4, 4). Voxel index to RAS+ millimetres; the identity for sources without geometry."""
    unit: Unit = "mm"
    """`pixel` where the source states no spacing (PNG, JPG, most TIFF)."""

    def __post_init__(self) -> None:
        """Refuse grids that lie nowhere.

        Raises:
            GeometryError: For a shape that is not three positive whole numbers, or an affine that is not invertible.
        """
        affine = np.array(self.affine, dtype=np.float64)
        if len(self.shape_ijk) != 3 or not all(n >= 1 and float(n).is_integer() for n in self.shape_ijk):
            raise GeometryError(f"shape must be three positive whole numbers, found {tuple(self.shape_ijk)}")
        if affine.shape != (4, 4) or not np.isfinite(affine).all():
            raise GeometryError(f"affine must be 4x4 and finite, found {affine.tolist()}")
        if not np.allclose(affine[3], (0, 0, 0, 1)):
            raise GeometryError(f"affine must end in the row 0 0 0 1, found {affine[3].tolist()}")
        with np.errstate(all="ignore"):
            lengths = np.linalg.norm(affine[:3, :3], axis=0)
            volume_share = abs(np.linalg.det(affine[:3, :3] / lengths))
        if not (lengths.min() >= _SMALLEST_SPACING_MM and volume_share >= _SMALLEST_VOLUME_SHARE):
            raise GeometryError(f"affine must be invertible, found spacing {lengths.tolist()} mm")
        affine.setflags(write=False)
        object.__setattr__(self, "affine", affine)
        object.__setattr__(self, "shape_ijk", tuple(int(n) for n in self.shape_ijk))

    @cached_property
    def spacing(self) -> tuple[float, float, float]:
        """Distance between voxel centres along i, j, k, in `unit`."""
        si, sj, sk = np.linalg.norm(self.affine[:3, :3], axis=0)
        return float(si), float(sj), float(sk)

    @property
    def spacing_mm(self) -> tuple[float, float, float] | None:
        """Spacing in millimetres, or None where the source states none."""
        return self.spacing if self.unit == "mm" else None

    @cached_property
    def voxel_volume(self) -> float:
        """Volume of one voxel in `unit` cubed (shear taken into account)."""
        return float(abs(np.linalg.det(self.affine[:3, :3])))

    @property
    def is_2d(self) -> bool:
        """True for a single slice."""
        return self.shape_ijk[2] == 1

    @property
    def orientation(self) -> str:
        """Axis codes such as `RAS` or `LPS`: where i, j and k grow towards, to the nearest world axis."""
        axes, signs = self._nearest_world_axes()
        return "".join(_WORLD_AXES[axis][sign > 0] for axis, sign in zip(axes, signs, strict=True))

    def to_world(self, points_ijk: ArrayLike) -> NDArray[np.float64]:
        """Map voxel indices, (..., 3), to RAS+ millimetres, (..., 3)."""
        points = np.asarray(points_ijk, dtype=np.float64)
        return points @ self.affine[:3, :3].T + self.affine[:3, 3]

    def to_voxel(self, points_mm: ArrayLike) -> NDArray[np.float64]:
        """Map RAS+ millimetres, (..., 3), to fractional voxel indices, (..., 3)."""
        points = np.asarray(points_mm, dtype=np.float64)
        return (points - self.affine[:3, 3]) @ np.linalg.inv(self.affine[:3, :3]).T

    def canonical_transform(self) -> tuple[tuple[int, int, int], tuple[bool, bool, bool]]:
        """Return how to turn this grid to the nearest RAS+ one: axes to transpose by, then axes to flip.

        The axis across a single slice comes last whatever its direction, so that every 2D image has k = 1.
        """
        axes, signs = self._nearest_world_axes()
        single_slice = self.shape_ijk.count(1) == 1
        first, second, third = sorted(range(3), key=lambda n: (single_slice and self.shape_ijk[n] == 1, axes[n]))
        return (first, second, third), (signs[first] < 0, signs[second] < 0, signs[third] < 0)

    def canonical(self) -> "Geometry":
        """Return the grid after `canonical_transform`: same voxels, same places, axes in the order R, A, S."""
        order, flips = self.canonical_transform()
        shape = (self.shape_ijk[order[0]], self.shape_ijk[order[1]], self.shape_ijk[order[2]])
        affine = self.affine.copy()
        affine[:, :3] = affine[:, list(order)]
        for axis, flip in enumerate(flips):
            if flip:
                affine[:, 3] += affine[:, axis] * (shape[axis] - 1)
                affine[:, axis] = -affine[:, axis]
        return Geometry(shape, affine, self.unit)

    def resampled(self, spacing_mm: float) -> "Geometry":
        """Return an isotropic grid over the same field of view, around the same centre.

        Each axis gets round(extent / spacing) voxels, at least one; directions are kept.
        """
        extents = np.array(self.shape_ijk) * np.array(self.spacing)
        shape = np.maximum(1, np.rint(extents / spacing_mm)).astype(int)
        directions = self.affine[:3, :3] / np.array(self.spacing)
        centre_mm = self.to_world((np.array(self.shape_ijk) - 1) / 2)
        affine = np.eye(4)
        affine[:3, :3] = directions * spacing_mm
        affine[:3, 3] = centre_mm - affine[:3, :3] @ ((shape - 1) / 2)
        return Geometry((int(shape[0]), int(shape[1]), int(shape[2])), affine, self.unit)

    def same_grid(self, other: "Geometry", tolerance: float = 1e-3) -> bool:
        """Tell whether both grids have one shape and no voxel centre differs by more than `tolerance` of a voxel."""
        if self.shape_ijk != other.shape_ijk:
            return False
        corners = np.array(np.meshgrid(*[(0, n - 1) for n in self.shape_ijk])).reshape(3, -1).T
        shift = np.abs(self.to_world(corners) - other.to_world(corners)).max()
        return bool(shift <= tolerance * min(*self.spacing, *other.spacing))

    def _nearest_world_axes(self) -> tuple[list[int], list[float]]:
        """Pair each array axis with one world axis, the strongest alignment first."""
        cosines = self.affine[:3, :3] / np.linalg.norm(self.affine[:3, :3], axis=0)
        remaining = np.abs(cosines)
        axes, signs = [0, 0, 0], [1.0, 1.0, 1.0]
        for _ in range(3):
            world, array = np.unravel_index(int(np.argmax(remaining)), (3, 3))
            axes[array], signs[array] = int(world), float(cosines[world, array])
            remaining[world, :] = -1
            remaining[:, array] = -1
        return axes, signs

    def __str__(self) -> str:
        """Say shape, spacing and orientation, as in `(512, 512, 88) @ 0.7 x 0.7 x 5 mm LPS`."""
        spacing = " x ".join(f"{value:.4g}" for value in self.spacing)
        return f"{self.shape_ijk} @ {spacing} {self.unit} {self.orientation}"
