"""Images whose targets are known: a large and a small ball in noise, on any grid, and prompts of every kind."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from bench.models.base import Capabilities
from bench.records import Prompts
from curate.geometry import Box, Geometry
from curate.labelmap import BoxMask
from curate.volume import Volume

LARGE, SMALL = KEYS = ("one", "two")
"""What the two targets are called."""
OUTSIDE = (2, 2, 0)
"""A voxel of no target."""
_RADII_MM = (9.0, 4.0)
_SPACING_MM = 1.5
_NOISE, _DARK, _BRIGHT = 5.0, 40.0, 200.0
_ANY_TARGET = "liver"
"""Asked for where a model says that it takes any target."""


Form = Literal["volume", "thin", "slice"]
"""A volume; one of three slices, for models that may see it slice by slice and need seconds for each; one slice."""


@dataclass(frozen=True, slots=True)
class _Layout:
    """A grid, and where the targets stand on it."""

    shape: tuple[int, int, int]
    centres: tuple[tuple[int, int, int], ...]
    slices_mm: float
    """Distance of the slices of the straight grid."""
    oblique_mm: float
    """Distance of the slices of the oblique grid."""


_LAYOUTS: dict[Form, _Layout] = {
    "volume": _Layout((24, 27, 18), ((11, 13, 8), (19, 21, 14)), _SPACING_MM, 3.1),
    "thin": _Layout((60, 67, 3), ((27, 33, 0), (47, 51, 1)), 6.0, 6.1),
    "slice": _Layout((60, 67, 1), ((27, 33, 0), (47, 51, 0)), _SPACING_MM, 3.1),
}
"""On the thin grids the large target spans slices 0 and 1, the small one slice 1."""


@dataclass(frozen=True, slots=True, eq=False)
class Phantom:
    """An image and its targets by key."""

    image: Volume
    targets: dict[str, BoxMask]

    def prompts(self, takes: Capabilities, key: str) -> Prompts:
        """Return a click in the middle of a target, its box, its name: all that a model takes."""
        mask = self.targets[key]
        box = mask.box if "box" in takes.prompts else None
        slugs = sorted(takes.targets) or [_ANY_TARGET]
        slug = slugs[KEYS.index(key) % len(slugs)] if "target" in takes.prompts else None
        alone = {"points", "box", "target"}.isdisjoint(takes.prompts) and "boxes" in takes.prompts
        shown = Prompts(key, box=box, target=slug, boxes=self.boxes(key) if alone else ())
        return shown.with_point(middle(mask), 1) if "points" in takes.prompts else shown

    def boxes(self, key: str) -> tuple[Box, ...]:
        """Return the box of a target on each of its slices across k, the same on all of them."""
        i0, j0, k0, i1, j1, k1 = self.targets[key].box
        return tuple((i0, j0, k, i1, j1, k + 1) for k in range(k0, k1))

    def wider(self, box: Box) -> Box:
        """Return a box one voxel wider along i and j, inside the image."""
        (m, n, _), (i0, j0, k0, i1, j1, k1) = self.image.geometry.shape_ijk, box
        return max(0, i0 - 1), max(0, j0 - 1), k0, min(m, i1 + 1), min(n, j1 + 1), k1

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


def form_for(dimensions: frozenset[int]) -> Form:
    """Return the form of phantom for a model of slices (2), volumes (3), or both."""
    if 2 not in dimensions:
        return "volume"
    return "thin" if 3 in dimensions else "slice"


def straight(form: Form) -> Phantom:
    """Return the phantom on a grid along the world's axes."""
    layout = _LAYOUTS[form]
    return _phantom(layout, Geometry(layout.shape, np.diag([_SPACING_MM, _SPACING_MM, layout.slices_mm, 1.0])))


def oblique(form: Form) -> Phantom:
    """Return the phantom on a flipped, oblique and anisotropic grid."""
    layout = _LAYOUTS[form]
    c, s = np.cos(0.3), np.sin(0.3)
    affine = np.eye(4)
    affine[:3, :3] = np.array([[-c, s, 0], [-s, -c, 0], [0, 0, 1]]) @ np.diag([1.2, 1.7, layout.oblique_mm])
    affine[:3, 3] = (30, -20, 100)
    return _phantom(layout, Geometry(layout.shape, affine))


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


def _phantom(layout: _Layout, grid: Geometry) -> Phantom:
    balls = [_ball(grid, centre, radius) for centre, radius in zip(layout.centres, _RADII_MM, strict=True)]
    noise = np.random.default_rng(0).normal(0, _NOISE, grid.shape_ijk)
    voxels = (np.where(balls[0] | balls[1], _BRIGHT, _DARK) + noise).astype(np.float32)
    return Phantom(Volume(voxels, grid), dict(zip(KEYS, map(BoxMask.of, balls), strict=True)))


def _ball(grid: Geometry, centre: Sequence[int], radius_mm: float) -> NDArray[np.bool_]:
    voxels = np.stack(np.meshgrid(*[np.arange(n) for n in grid.shape_ijk], indexing="ij"), axis=-1)
    offset = (voxels - np.array(centre)) * np.array(grid.spacing)
    return np.asarray((offset**2).sum(axis=-1) <= radius_mm**2)
