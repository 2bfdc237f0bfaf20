"""Images whose targets are known: a large and a small ball in noise, on any grid, and prompts of every kind."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.models.base import Capabilities
from bench.records import Prompts
from curate.geometry import Geometry
from curate.labelmap import BoxMask
from curate.volume import Volume

KEYS = ("one", "two")
"""What the two targets are called."""
OUTSIDE = (2, 2, 0)
"""A voxel of no target."""
_SHAPE = (24, 27, 18)
_CENTRES = ((11, 13, 8), (19, 21, 14))
_RADII_MM = (9.0, 4.0)
_SPACING_MM = 1.5
_NOISE, _DARK, _BRIGHT = 5.0, 40.0, 200.0
_ANY_TARGET = "liver"
"""Asked for where a model says that it takes any target."""


@dataclass(frozen=True, slots=True, eq=False)
class Phantom:
    """An image and its targets by key."""

    image: Volume
    targets: dict[str, BoxMask]

    def prompts(self, takes: Capabilities, key: str = KEYS[0]) -> Prompts:
        """Return a click in the middle of a target, its box, its name: all that a model takes."""
        mask = self.targets[key]
        box = mask.box if "box" in takes.prompts else None
        slugs = sorted(takes.targets) or [_ANY_TARGET]
        slug = slugs[KEYS.index(key) % len(slugs)] if "target" in takes.prompts else None
        shown = Prompts(key, box=box, target=slug)
        return shown.with_point(middle(mask), 1) if "points" in takes.prompts else shown

    def turned(self) -> "Phantom":
        """Return the same scan with its axes stored in another order and direction."""
        grid = self.image.geometry
        order = (1, 0, 2) if grid.is_2d else (2, 0, 1)
        affine = grid.affine.copy()
        affine[:, :3] = grid.affine[:, list(order)]
        affine[:, 3] += affine[:, 0] * (grid.shape_ijk[order[0]] - 1)
        affine[:, 0] *= -1
        shape = (grid.shape_ijk[order[0]], grid.shape_ijk[order[1]], grid.shape_ijk[order[2]])
        targets = {key: BoxMask.of(turned(mask.full(), flat=grid.is_2d)) for key, mask in self.targets.items()}
        voxels = np.ascontiguousarray(turned(self.image.voxels, flat=grid.is_2d))
        return Phantom(Volume(voxels, Geometry(shape, affine)), targets)


def turned(voxels: NDArray[np.generic], *, flat: bool) -> NDArray[np.generic]:
    """Store voxels as `Phantom.turned` does: (k, i, j) (a single slice: (j, i, k)), the first axis reversed."""
    return np.transpose(voxels, (1, 0, 2) if flat else (2, 0, 1))[::-1]


def straight(*, flat: bool) -> Phantom:
    """Return the phantom on an isotropic grid along the world's axes."""
    return _phantom(Geometry(_shape(flat=flat), np.diag([_SPACING_MM, _SPACING_MM, _SPACING_MM, 1.0])))


def oblique(*, flat: bool) -> Phantom:
    """Return the phantom on a flipped, oblique and anisotropic grid."""
    c, s = np.cos(0.3), np.sin(0.3)
    affine = np.eye(4)
    affine[:3, :3] = np.array([[-c, s, 0], [-s, -c, 0], [0, 0, 1]]) @ np.diag([1.2, 1.7, 3.1])
    affine[:3, 3] = (30, -20, 100)
    return _phantom(Geometry(_shape(flat=flat), affine))


def constant(phantom: Phantom) -> Phantom:
    """Return the phantom without any contrast."""
    return Phantom(Volume(np.zeros_like(phantom.image.voxels), phantom.image.geometry), phantom.targets)


def cornered(phantom: Phantom) -> Phantom:
    """Return the phantom's grid with two targets of one voxel, in its first and its last corner."""
    grid = phantom.image.geometry
    voxels = np.full(grid.shape_ijk, _DARK, dtype=np.float32)
    targets = {}
    for key, corner in zip(KEYS, ((0, 0, 0), tuple(n - 1 for n in grid.shape_ijk)), strict=True):
        inside = np.zeros(grid.shape_ijk, dtype=np.bool_)
        inside[corner] = True
        voxels[corner] = _BRIGHT
        targets[key] = BoxMask.of(inside)
    return Phantom(Volume(voxels, grid), targets)


def middle(mask: BoxMask) -> tuple[int, int, int]:
    """Return the voxel in the middle of a target's box; the targets here are convex."""
    i, j, k = ((mask.box[axis] + mask.box[axis + 3] - 1) // 2 for axis in range(3))
    return i, j, k


def _shape(*, flat: bool) -> tuple[int, int, int]:
    return (_SHAPE[0], _SHAPE[1], 1 if flat else _SHAPE[2])


def _phantom(grid: Geometry) -> Phantom:
    balls = [_ball(grid, centre, radius) for centre, radius in zip(_CENTRES, _RADII_MM, strict=True)]
    noise = np.random.default_rng(0).normal(0, _NOISE, grid.shape_ijk)
    voxels = (np.where(balls[0] | balls[1], _BRIGHT, _DARK) + noise).astype(np.float32)
    return Phantom(Volume(voxels, grid), dict(zip(KEYS, map(BoxMask.of, balls), strict=True)))


def _ball(grid: Geometry, centre: Sequence[int], radius_mm: float) -> NDArray[np.bool_]:
    inside = [min(n, size - 1) for n, size in zip(centre, grid.shape_ijk, strict=True)]
    voxels = np.stack(np.meshgrid(*[np.arange(n) for n in grid.shape_ijk], indexing="ij"), axis=-1)
    offset = (voxels - inside) * np.array(grid.spacing)
    return np.asarray((offset**2).sum(axis=-1) <= radius_mm**2)
