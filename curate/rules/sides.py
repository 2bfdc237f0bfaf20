"""The rule that tells left from right."""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from curate.geometry import Geometry
from curate.labelmap import BoxMask
from curate.masks import Mask
from curate.rules.outcome import Decision, Outcome
from curate.rules.parts import components, with_voxels
from curate.vocabulary import Vocabulary

_SMALLEST_SIDE = 0.1
"""A left or right part smaller than this share of the whole is a fragment, not a kidney."""


def split_sides(mask: Mask, geometry: Geometry, _threshold: float) -> Outcome:
    """Split a paired target into left and right parts.

    The paper does not say how SA-Med3D does it. Here the two largest components must each hold a tenth of the mask
    and lie apart mainly along the patient's left-right axis; the plane halfway between their centroids decides for
    every component. Where that fails (one side in the image, sides that touch, a picture, which does not state where
    the patient's left is) the mask stays whole, with a row.
    """
    sides = Vocabulary.load().sides(mask.target)
    if sides is None:
        return Outcome((mask,))
    inside = mask.voxels.voxels
    labels, sizes = components(inside)
    largest = np.argsort(-sizes, kind="stable")[:2]
    second_share = float(sizes[largest[1]] / sizes.sum()) if len(sizes) > 1 else 0.0
    centroids_mm = _centroids_mm(labels, len(sizes), mask.voxels, geometry)
    apart_mm = np.abs(centroids_mm[largest[0]] - centroids_mm[largest[-1]])
    if geometry.unit == "pixel" or second_share < _SMALLEST_SIDE or apart_mm[0] < apart_mm.max():
        detail = "no two parts that lie side by side; the mask keeps its target without a side"
        decision = Decision(mask, "side_undetermined", detail, second_share, _SMALLEST_SIDE, "noted")
        return Outcome((mask,), decision)
    middle_mm = centroids_mm[largest, 0].mean()
    is_right = np.concatenate([[False], centroids_mm[:, 0] > middle_mm])
    left, right = (replace(mask, target=side) for side in sides)
    parts = (with_voxels(left, inside & ~is_right[labels]), with_voxels(right, inside & is_right[labels]))
    detail = f"split at x = {middle_mm:.1f} mm into {sides[0]} and {sides[1]}"
    return Outcome(parts, Decision(mask, "sides_split", detail, float(len(sizes)), None, "changed"))


def _centroids_mm(labels: NDArray[Any], count: int, mask: BoxMask, geometry: Geometry) -> NDArray[np.float64]:
    """Return the mean voxel centre of each component, (count, 3), in RAS+ mm."""
    where = np.argwhere(labels)
    owner = labels[labels > 0] - 1
    sums = np.stack([np.bincount(owner, weights=where[:, axis], minlength=count) for axis in range(3)], axis=1)
    means = sums / np.bincount(owner, minlength=count)[:, None]
    return geometry.to_world(means + np.array(mask.box[:3]))
