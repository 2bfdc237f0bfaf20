"""Why something was left out or changed: a closed list of codes, and the row that carries one."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

Stage = Literal["scan", "check", "label", "rule", "build"]

CODES: dict[str, str] = {
    # scan: file names only
    "no_image": "a label whose image is not there",
    "no_label": "an image for which no label file is there",
    "ambiguous_file": "a second file that claims the role of another (same case, same channel or label)",
    "ambiguous_case": "a case whose key differs from another's only by characters that a file name cannot carry",
    "excluded": "left out by the recipe, which says why",
    "system_file": "a file that an operating system left behind (AppleDouble, thumbnails)",
    "unknown_label_name": "a label file whose name the recipe does not map to a target",
    "bad_name": "a file whose name is not UTF-8 text",
    # check: one file at a time
    "unreadable": "a file that cannot be decoded: truncated, damaged, or not what its suffix says",
    "bad_geometry": "an affine, spacing or origin that describes no place in space (NaN, zero, singular)",
    "not_a_volume": "an array that is neither 2D nor 3D once trailing axes of length one are gone",
    "too_large": "a header that claims more memory than one image may take",
    "nonfinite_voxels": "an image with NaN or infinite voxels",
    "grid_mismatch": "a label whose grid is not the grid of its image",
    "grid_replaced": "a label whose grid was not its image's stays, repaired as the recipe says",
    "image_rejected": "a label that is sound, but whose image was rejected",
    "profile_needs_volume": "a 2D image, or one without spacing, in a profile that works in millimetres",
    # label: one mask at a time
    "fractional_values": "a label file with values that are no integers: a probability map, not a segmentation",
    "not_a_label_map": "a label picture in colour whose channels differ",
    "not_binary": "a label file that should hold one mask but has several foreground values",
    "unknown_value": "a label value that the recipe does not know",
    "duplicate_target": "a second mask of the same target on the same image; give the label files `rater` names",
    "open_outline": "an outline that was to be filled and encloses nothing",
    "empty_mask": "a target that was looked for and has no voxels: a true negative",
    # rule: decisions of the profile
    "below_min_volume": "a mask smaller than the profile's least volume (cm3)",
    "below_min_extent": "a mask with a bounding-box side shorter than the profile's least extent (cm)",
    "above_max_background": "a mask whose background share of the image is above the profile's limit",
    "components_dropped": "the mask stays; components beyond the largest ones were removed",
    "sides_split": "the mask was split into its left and right parts, which stay",
    "side_undetermined": "the mask stays whole: its left and right parts cannot be told apart",
    "empty_after_resampling": "a mask that has no voxel on the profile's grid",
    "below_min_volume_mm3": "a mask smaller than the profile's least volume (mm3)",
    "below_min_voxels": "a mask of fewer voxels than the profile's least number",
    "below_min_side": "a mask with a bounding-box side shorter than the profile's least side (voxels)",
    "above_max_side": "a mask with a bounding-box side longer than the profile's largest side (voxels)",
    "sliced": "the mask became one mask for each slice that it lies on",
    "above_max_aspect": "a mask on slices that are longer for their width than the profile's limit",
    "components_split": "the mask became one mask for each of its connected components",
    "below_min_area": "a mask that covers a smaller share of its picture than the profile's least",
    "without_mask": "an image, or slices of one, on which no mask is left, in a profile that keeps only what has one",
    # build
    "unexpected_error": "a case that failed in a way that nobody foresaw; the detail names the error",
}
"""Every code and what it means. New codes are appended; a code never changes its meaning."""

NO_FAULT = frozenset({"empty_mask", "excluded", "grid_replaced", "system_file"})
"""What a recipe that is right leads to: true negatives, what it leaves out or repairs, what macOS left behind. How many
there are is compared with `[expect]` only where it says a number."""


@dataclass(frozen=True, slots=True)
class Rejection:
    """One row of the rejections table."""

    dataset: str
    stage: Stage
    code: str
    detail: str
    case_id: str | None = None
    image_id: str | None = None
    target: str | None = None
    source_path: str | None = None
    measured: float | None = None
    threshold: float | None = None
    effect: Literal["left_out", "changed", "noted"] = "left_out"
    step: int | None = None
    rule: str | None = None
    masks_before: int | None = None
    masks_after: int | None = None

    def __post_init__(self) -> None:
        """Refuse codes that are not on the list."""
        if self.code not in CODES:
            raise ValueError(f"`{self.code}` is not a rejection code")

    def row(self) -> dict[str, Any]:
        """Return the row as a dictionary of the table's columns."""
        return asdict(self)
