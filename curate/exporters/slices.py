"""How SA-Med2D-20M makes pictures of volumes and of masks: which slices, which regions, which grey values.

Rules as far as they are published (Ye et al. 2023, arXiv 2311.11969, and the released files): every slice along all
three axes at its native size; no slice whose shorter side is less than half of the longer; volumes scaled from their
minimum and maximum to 0 to 255; one picture for each 8-connected region of a target; no region below 100 / 256^2 of its
picture. Where they leave a choice open: a region of just that share is kept, fractions are cut off, and slices are not
turned (`curate.slicing`).
"""

from collections.abc import Iterator, Sequence
from math import prod

import numpy as np

from curate import slicing
from curate.geometry import Geometry
from curate.labelmap import BoxMask
from curate.rules import connected_parts
from curate.slicing import Place
from curate.volume import Volume

LEAST_SHARE = 100 / 256**2
"""Least part of a picture that a region may cover."""
MOST_ASPECT = 2.0
"""Most that a slice may be longer than wide."""


def sound_axes(shape_ijk: tuple[int, int, int]) -> list[int]:
    """Return the axes along which slices are not too elongated; of a 2D image always the third."""
    if shape_ijk[2] == 1:
        return [2]
    sides = {axis: [shape_ijk[other] for other in range(3) if other != axis] for axis in range(3)}
    return [axis for axis, two in sides.items() if slicing.aspect(two) <= MOST_ASPECT]


def regions(mask: BoxMask, axes: Sequence[int]) -> Iterator[tuple[Place, BoxMask | None]]:
    """Yield the regions of a mask on each slice that it touches, (column, row, 1); None for one that is too small."""
    for place, cut in slicing.cuts(mask, axes):
        for region in connected_parts(cut):
            yield place, region if region.count >= LEAST_SHARE * prod(region.shape_ijk) else None


def coloured(picture: Volume) -> Volume:
    """Return a picture in three equal channels, (column, row, 1, 3), or in its own."""
    voxels = picture.voxels
    return _on_pixels(voxels if voxels.ndim == 4 else np.repeat(voxels[..., np.newaxis], 3, axis=3))


def mask_picture(region: BoxMask) -> Volume:
    """Return a region as a picture of one channel with the values 0 and 255."""
    return _on_pixels(np.where(region.full(), 255, 0).astype(np.uint8))


def _on_pixels(voxels: np.ndarray) -> Volume:
    return Volume(voxels, Geometry((voxels.shape[0], voxels.shape[1], 1), np.eye(4), unit="pixel"))
