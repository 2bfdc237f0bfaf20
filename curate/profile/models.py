"""The rules that a profile may list, as its TOML writes them; what each one does stands in `curate.rules`."""

from typing import Annotated, Literal

from pydantic import Field

from curate.plugins import StrictModel

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Share = Annotated[float, Field(gt=0, lt=1)]
Count = Annotated[int, Field(ge=1)]
Axis = Literal["x", "y", "z"]
"""Of a canonical volume: i, j, k."""


class Limit(StrictModel):
    """A rule that holds a measurement of each mask against a threshold; what lies just at it stays."""

    action: Literal["drop", "flag"] = "drop"
    """drop: the mask is left out; flag: it stays, and a row says that it is beyond the threshold."""


class MinVolumeCm3(Limit):
    """Drop masks of less than `threshold` cm3."""

    rule: Literal["min_volume_cm3"]
    threshold: Positive


class MinVolumeMm3(Limit):
    """Drop masks of less than `threshold` mm3."""

    rule: Literal["min_volume_mm3"]
    threshold: Positive


class MinExtentCm(Limit):
    """Drop masks whose bounding box has a side shorter than `threshold` cm."""

    rule: Literal["min_extent_cm"]
    threshold: Positive


class MinVoxels(Limit):
    """Drop masks of fewer than `threshold` voxels (pixels after `slice`)."""

    rule: Literal["min_voxels"]
    threshold: Count


class MinSideVoxels(Limit):
    """Drop masks whose bounding box has a side of fewer than `threshold` voxels."""

    rule: Literal["min_side_voxels"]
    threshold: Count


class MaxSideVoxels(Limit):
    """Drop masks whose bounding box has a side of more than `threshold` voxels."""

    rule: Literal["max_side_voxels"]
    threshold: Count


class MaxBackground(Limit):
    """Drop masks whose background is more than `threshold` of the image's voxels."""

    rule: Literal["max_background_share"]
    threshold: Share


class MinAreaShare(Limit):
    """Drop masks that cover less than `threshold` of their picture."""

    rule: Literal["min_area_share"]
    threshold: Share


class MaxAspect(Limit):
    """Drop masks on slices whose longer side is more than `threshold` times the shorter; pictures always stay."""

    rule: Literal["max_aspect"]
    threshold: Annotated[float, Field(ge=1, allow_inf_nan=False)]


class LargestComponents(StrictModel):
    """Keep the `threshold` largest 26-connected components of a mask (8-connected in 2D)."""

    rule: Literal["largest_components"]
    threshold: Count


class SplitComponents(StrictModel):
    """Make each 26-connected component (8-connected in 2D) a mask of its own."""

    rule: Literal["split_components"]


class SplitSides(StrictModel):
    """Split masks of paired targets into left and right, where the vocabulary has both."""

    rule: Literal["split_sides"]


class Resample(StrictModel):
    """Bring images and masks to an isotropic grid; the rules after it are measured there."""

    rule: Literal["resample"]
    spacing_mm: Positive


class Slice(StrictModel):
    """Cut volumes into 8-bit pictures, stretched from the volume's minimum to its maximum; pictures stay as they are.

    The rules after it are measured on pictures. A slice on which no mask is left is not stored.
    """

    rule: Literal["slice"]
    axes: Annotated[tuple[Axis, ...], Field(min_length=1)] = ("x", "y", "z")


class RequireMask(StrictModel):
    """Leave out images on which no mask is left."""

    rule: Literal["require_mask"]


Measured = (
    MinVolumeCm3
    | MinVolumeMm3
    | MinExtentCm
    | MinVoxels
    | MinSideVoxels
    | MaxSideVoxels
    | MaxBackground
    | MinAreaShare
    | MaxAspect
    | LargestComponents
    | SplitComponents
    | SplitSides
)
"""Rules that look at one mask at a time."""

Rule = Annotated[Measured | Resample | Slice | RequireMask, Field(discriminator="rule")]
