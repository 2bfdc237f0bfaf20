"""Prompts as SAM-Med3D takes them: points inside the image, on the isotropic grid."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.errors import UnsupportedError
from bench.models.sam_med3d.isotropic import IsotropicGrid
from bench.models.sam_med3d.windows import Triple
from bench.records import Prompts
from curate.volume import Volume


@dataclass(frozen=True, slots=True)
class Click:
    """One point on the isotropic grid."""

    place: Triple
    label: int
    """1 inside the target, 0 outside."""


def usable_voxels(image: Volume) -> NDArray[Any]:
    """Return the intensities of an image that the network can take.

    Raises:
        UnsupportedError: For a single slice, an image without spacing in mm, NaN or infinity.
    """
    if image.geometry.is_2d or image.geometry.unit != "mm":
        raise UnsupportedError(f"SAM-Med3D takes volumes with a spacing in mm, found {image.geometry}")
    voxels = image.grey()
    if not np.isfinite(voxels).all():
        raise UnsupportedError("the image holds NaN or infinity, of which the network makes an empty mask")
    return voxels


def clicks_of(prompts: Prompts, grid: IsotropicGrid, *, beside_points: Collection[str] = ()) -> tuple[Click, ...]:
    """Return the points of some prompts on the isotropic grid.

    Args:
        prompts: On the image's own grid.
        grid: Over the image.
        beside_points: Kinds of prompt that may stand beside the points.

    Raises:
        UnsupportedError: For another kind of prompt, without any point, or for a point outside the image.
    """
    if "points" not in prompts.kinds or prompts.kinds - {"points", *beside_points}:
        takes = " and ".join(["points", *beside_points]) if beside_points else "points only"
        raise UnsupportedError(f"SAM-Med3D takes {takes}, found {sorted(prompts.kinds) or 'no prompt'}")
    for point in prompts.points_ijk.tolist():
        if not all(0 <= p < n for p, n in zip(point, grid.source.shape_ijk, strict=True)):
            raise UnsupportedError(f"point {tuple(point)} lies outside the image {grid.source.shape_ijk}")
    places = grid.points(prompts.points_ijk).tolist()
    return tuple(Click((i, j, k), label) for (i, j, k), label in zip(places, prompts.labels.tolist(), strict=True))
