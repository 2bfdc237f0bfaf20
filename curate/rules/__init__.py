"""The cleaning rules of a profile: one small function each, from a mask to masks and a decision."""

from curate.rules.cleaned import Cleaned, Part
from curate.rules.outcome import Decision, Outcome
from curate.rules.parts import components, connected_parts, largest_components, split_components
from curate.rules.sides import split_sides
from curate.rules.size import (
    max_aspect,
    max_background_share,
    max_side_voxels,
    min_area_share,
    min_extent_cm,
    min_side_voxels,
    min_volume_cm3,
    min_volume_mm3,
    min_voxels,
)
from curate.rules.steps import RULES, apply

__all__ = [
    "RULES",
    "Cleaned",
    "Decision",
    "Outcome",
    "Part",
    "apply",
    "components",
    "connected_parts",
    "largest_components",
    "max_aspect",
    "max_background_share",
    "max_side_voxels",
    "min_area_share",
    "min_extent_cm",
    "min_side_voxels",
    "min_volume_cm3",
    "min_volume_mm3",
    "min_voxels",
    "split_components",
    "split_sides",
]
