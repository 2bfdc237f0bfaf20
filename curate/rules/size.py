"""Rules that measure how large a mask is; each keeps the mask or drops it."""

from math import prod

from curate import slicing
from curate.geometry import Geometry
from curate.masks import Mask
from curate.rules.outcome import Outcome, beyond

_ROUNDING = 1e-6
"""Share by which a size in mm may miss its limit: affines come as float32, and 5 slices of 3 mm are 15 mm."""


def min_volume_cm3(mask: Mask, geometry: Geometry, threshold: float) -> Outcome:
    """Drop a mask of less than `threshold` cm3."""
    volume_cm3 = mask.voxels.count * geometry.voxel_volume / 1000
    if volume_cm3 >= threshold * (1 - _ROUNDING):
        return Outcome((mask,))
    return beyond(mask, "below_min_volume", volume_cm3, threshold, "cm3")


def min_volume_mm3(mask: Mask, geometry: Geometry, threshold: float) -> Outcome:
    """Drop a mask of less than `threshold` mm3."""
    volume_mm3 = mask.voxels.count * geometry.voxel_volume
    if volume_mm3 >= threshold * (1 - _ROUNDING):
        return Outcome((mask,))
    return beyond(mask, "below_min_volume_mm3", volume_mm3, threshold, "mm3")


def min_extent_cm(mask: Mask, geometry: Geometry, threshold: float) -> Outcome:
    """Drop a mask whose bounding box has a side (along the grid's axes) shorter than `threshold` cm."""
    sides_cm = [n * spacing / 10 for n, spacing in zip(_sides(mask), geometry.spacing, strict=True)]
    if min(sides_cm) >= threshold * (1 - _ROUNDING):
        return Outcome((mask,))
    return beyond(mask, "below_min_extent", min(sides_cm), threshold, "cm")


def min_voxels(mask: Mask, _geometry: Geometry, threshold: float) -> Outcome:
    """Drop a mask of fewer than `threshold` voxels."""
    count = mask.voxels.count
    return Outcome((mask,)) if count >= threshold else beyond(mask, "below_min_voxels", count, threshold, "voxels")


def min_side_voxels(mask: Mask, _geometry: Geometry, threshold: float) -> Outcome:
    """Drop a mask whose bounding box has a side of fewer than `threshold` voxels; a picture has two sides."""
    side = min(_sides(mask)[: _dimensions(mask)])
    return Outcome((mask,)) if side >= threshold else beyond(mask, "below_min_side", side, threshold, "voxels")


def max_side_voxels(mask: Mask, _geometry: Geometry, threshold: float) -> Outcome:
    """Drop a mask whose bounding box has a side of more than `threshold` voxels."""
    side = max(_sides(mask))
    return Outcome((mask,)) if side <= threshold else beyond(mask, "above_max_side", side, threshold, "voxels")


def max_background_share(mask: Mask, _geometry: Geometry, threshold: float) -> Outcome:
    """Drop a mask whose background fills more than `threshold` of the image."""
    size = prod(mask.voxels.shape_ijk)
    share = (size - mask.voxels.count) / size
    if share <= threshold:
        return Outcome((mask,))
    return beyond(mask, "above_max_background", share, threshold, "of the image is background")


def min_area_share(mask: Mask, _geometry: Geometry, threshold: float) -> Outcome:
    """Drop a mask that covers less than `threshold` of its picture."""
    count, size = mask.voxels.count, prod(mask.voxels.shape_ijk)
    if count >= threshold * size:
        return Outcome((mask,))
    return beyond(mask, "below_min_area", count / size, threshold, "of the picture")


def max_aspect(mask: Mask, _geometry: Geometry, threshold: float) -> Outcome:
    """Drop a mask on a slice whose longer side is more than `threshold` times the shorter."""
    aspect = slicing.aspect(mask.voxels.shape_ijk)
    if aspect <= threshold:
        return Outcome((mask,))
    return beyond(mask, "above_max_aspect", aspect, threshold, "times as long as wide")


def _sides(mask: Mask) -> tuple[int, int, int]:
    """Return the voxels along each side of the bounding box."""
    i0, j0, k0, i1, j1, k1 = mask.voxels.box
    return i1 - i0, j1 - j0, k1 - k0


def _dimensions(mask: Mask) -> int:
    return 2 if mask.voxels.shape_ijk[2] == 1 else 3
