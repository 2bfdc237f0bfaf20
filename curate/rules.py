"""The cleaning rules of a profile: one small function each, from a mask to masks and decisions."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from curate.geometry import Geometry
from curate.labelmap import BoxMask
from curate.masks import Mask
from curate.profile import Profile
from curate.vocabulary import Vocabulary

_SMALLEST_SIDE = 0.1
"""A left or right part smaller than this share of the whole is a fragment, not a kidney."""
_ROUNDING = 1e-6
"""Share by which a size may miss its limit: affines come as float32, and 5 slices of 3 mm are 15 mm."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What a rule did to one mask, and by which measurement."""

    mask: Mask
    code: str
    detail: str
    measured: float
    threshold: float | None
    dropped: bool


@dataclass(frozen=True, slots=True)
class Outcome:
    """The masks that go on (none, the same, or parts) and the decision, where there was one."""

    masks: tuple[Mask, ...]
    decision: Decision | None = None


def apply(profile: Profile, masks: Sequence[Mask], geometry: Geometry) -> tuple[list[Mask], list[Decision]]:
    """Send masks through the profile's rules, in the rules' order.

    Args:
        profile: Its `rules` are applied.
        masks: Masks on one grid.
        geometry: That grid.

    Returns:
        The masks that are left, in order, and every decision that dropped or changed one.
    """
    current, decisions = list(masks), []
    for rule in profile.rules:
        outcomes = [RULES[rule.rule](mask, geometry, float(getattr(rule, "threshold", 0))) for mask in current]
        current = [mask for outcome in outcomes for mask in outcome.masks]
        decisions += [outcome.decision for outcome in outcomes if outcome.decision is not None]
    return current, decisions


def min_volume_cm3(mask: Mask, geometry: Geometry, threshold: float) -> Outcome:
    """Drop a mask of less than `threshold` cm3."""
    volume_cm3 = mask.voxels.count * geometry.voxel_volume / 1000
    if volume_cm3 >= threshold * (1 - _ROUNDING):
        return Outcome((mask,))
    return _drop(mask, "below_min_volume", volume_cm3, threshold, "cm3")


def min_extent_cm(mask: Mask, geometry: Geometry, threshold: float) -> Outcome:
    """Drop a mask whose bounding box has a side (along the grid's axes) shorter than `threshold` cm."""
    sides_cm = [n * spacing / 10 for n, spacing in zip(mask.voxels.voxels.shape, geometry.spacing, strict=True)]
    if min(sides_cm) >= threshold * (1 - _ROUNDING):
        return Outcome((mask,))
    return _drop(mask, "below_min_extent", min(sides_cm), threshold, "cm")


def max_background_share(mask: Mask, geometry: Geometry, threshold: float) -> Outcome:
    """Drop a mask whose background fills more than `threshold` of the image."""
    size = prod(geometry.shape_ijk)
    share = (size - mask.voxels.count) / size
    if share <= threshold:
        return Outcome((mask,))
    return _drop(mask, "above_max_background", share, threshold, "of the image is background")


def largest_components(mask: Mask, _geometry: Geometry, threshold: float) -> Outcome:
    """Keep the largest 26-connected components; equal sizes are kept in scan order."""
    labels, sizes = components(mask.voxels.voxels)
    if len(sizes) <= threshold:
        return Outcome((mask,))
    kept = np.argsort(-sizes, kind="stable")[: int(threshold)] + 1
    gone = int(sizes.sum() - sizes[kept - 1].sum())
    detail = f"{len(sizes)} components, the {int(threshold)} largest stay; {gone} voxels go"
    decision = Decision(mask, "components_dropped", detail, float(len(sizes)), threshold, dropped=False)
    return Outcome((_with_voxels(mask, np.isin(labels, kept)),), decision)


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
    labels, sizes = components(mask.voxels.voxels)
    largest = np.argsort(-sizes, kind="stable")[:2]
    second_share = float(sizes[largest[1]] / sizes.sum()) if len(sizes) > 1 else 0.0
    centroids_mm = _centroids_mm(labels, len(sizes), mask.voxels, geometry)
    apart_mm = np.abs(centroids_mm[largest[0]] - centroids_mm[largest[-1]])
    if geometry.unit == "pixel" or second_share < _SMALLEST_SIDE or apart_mm[0] < apart_mm.max():
        detail = "no two parts that lie side by side; the mask keeps its target without a side"
        return Outcome(
            (mask,), Decision(mask, "side_undetermined", detail, second_share, _SMALLEST_SIDE, dropped=False)
        )
    middle_mm = centroids_mm[largest, 0].mean()
    is_right = np.concatenate([[False], centroids_mm[:, 0] > middle_mm])
    left, right = (replace(mask, target=side) for side in sides)
    inside = mask.voxels.voxels
    parts = (
        _with_voxels(left, inside & ~is_right[labels]),
        _with_voxels(right, inside & is_right[labels]),
    )
    detail = f"split at x = {middle_mm:.1f} mm into {sides[0]} and {sides[1]}"
    return Outcome(parts, Decision(mask, "sides_split", detail, float(len(sizes)), None, dropped=False))


def components(inside: NDArray[np.bool_]) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Label the 26-connected components (8-connected in a single slice); return labels and voxel counts from 1 on."""
    import cc3d

    labels, count = cc3d.connected_components(np.ascontiguousarray(inside), connectivity=26, return_N=True)
    return labels, np.bincount(labels.ravel(), minlength=count + 1)[1:].astype(np.int64)


def _centroids_mm(labels: NDArray[Any], count: int, mask: BoxMask, geometry: Geometry) -> NDArray[np.float64]:
    """Return the mean voxel centre of each component, (count, 3), in RAS+ mm."""
    where = np.argwhere(labels)
    owner = labels[labels > 0] - 1
    sums = np.stack([np.bincount(owner, weights=where[:, axis], minlength=count) for axis in range(3)], axis=1)
    means = sums / np.bincount(owner, minlength=count)[:, None]
    return geometry.to_world(means + np.array(mask.box[:3]))


def _with_voxels(mask: Mask, inside: NDArray[np.bool_]) -> Mask:
    """Return the mask with other voxels inside its box, the box shrunk to them."""
    shrunk = BoxMask.of(inside)
    low = mask.voxels.box[:3]
    box = tuple(int(n + low[axis % 3]) for axis, n in enumerate(shrunk.box))
    return replace(mask, voxels=BoxMask(mask.voxels.shape_ijk, box, shrunk.voxels))  # type: ignore[arg-type]


def _drop(mask: Mask, code: str, measured: float, threshold: float, unit: str) -> Outcome:
    detail = f"{measured:.6g} {unit}, the profile's limit is {threshold:g}"
    return Outcome((), Decision(mask, code, detail, measured, threshold, dropped=True))


RULES: dict[str, Callable[[Mask, Geometry, float], Outcome]] = {
    "min_volume_cm3": min_volume_cm3,
    "min_extent_cm": min_extent_cm,
    "max_background_share": max_background_share,
    "largest_components": largest_components,
    "split_sides": split_sides,
}
