"""Rules that take a mask apart into its connected components."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from curate import labelmap
from curate.geometry import Geometry
from curate.labelmap import BoxMask
from curate.masks import Mask
from curate.rules.outcome import Decision, Outcome


def components(inside: NDArray[np.bool_]) -> tuple[NDArray[np.integer], NDArray[np.int64]]:
    """Label the 26-connected components of an array (8-connected in a single slice).

    Returns:
        Labels, and voxel counts from 1 on. Components are numbered by where they are reached first, with k running
        fastest, in any memory order.
    """
    return labelmap.components(np.ascontiguousarray(inside))


def largest_components(mask: Mask, _geometry: Geometry, threshold: float) -> Outcome:
    """Keep the largest components; equal sizes are kept in scan order."""
    labels, sizes = components(mask.voxels.voxels)
    if len(sizes) <= threshold:
        return Outcome((mask,))
    kept = np.argsort(-sizes, kind="stable")[: int(threshold)] + 1
    gone = int(sizes.sum() - sizes[kept - 1].sum())
    detail = f"{len(sizes)} components, the {int(threshold)} largest stay; {gone} voxels go"
    decision = Decision(mask, "components_dropped", detail, float(len(sizes)), threshold, "changed")
    return Outcome((with_voxels(mask, np.isin(labels, kept)),), decision)


def split_components(mask: Mask, _geometry: Geometry, _threshold: float) -> Outcome:
    """Make each component a mask of its own, in scan order; `curate.rules.apply` numbers them."""
    parts = connected_parts(mask.voxels)
    if len(parts) == 1:
        return Outcome((mask,))
    decision = Decision(mask, "components_split", f"{len(parts)} components", float(len(parts)), None, "changed")
    return Outcome(tuple(replace(mask, voxels=part) for part in parts), decision)


def connected_parts(mask: BoxMask) -> list[BoxMask]:
    """Return the components of a mask in scan order, k fastest; each in its own box."""
    from scipy.ndimage import find_objects

    labels, sizes = components(mask.voxels)
    if len(sizes) == 1:
        return [mask]
    found = []
    for number, box in enumerate(find_objects(labels), start=1):
        low = [side.start + offset for side, offset in zip(box, mask.box, strict=False)]
        high = [side.stop + offset for side, offset in zip(box, mask.box, strict=False)]
        corners = (low[0], low[1], low[2], high[0], high[1], high[2])
        found.append(BoxMask(mask.shape_ijk, corners, labels[box] == number))
    return found


def with_voxels(mask: Mask, inside: NDArray[np.bool_]) -> Mask:
    """Return the mask with other voxels inside its box, the box shrunk to them."""
    shrunk = BoxMask.of(inside)
    low = mask.voxels.box[:3]
    box = tuple(int(n + low[axis % 3]) for axis, n in enumerate(shrunk.box))
    return replace(mask, voxels=BoxMask(mask.voxels.shape_ijk, box, shrunk.voxels))  # type: ignore[arg-type]
