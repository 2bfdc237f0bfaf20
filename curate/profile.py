"""A profile: the named set of harmonising and cleaning rules of a build, as a readable list."""

from typing import Annotated, Literal

from pydantic import Field

from curate.files import sha256_of_json
from curate.plugins import StrictModel, find, load_toml


class MinVolume(StrictModel):
    """Drop masks of less than `threshold` cm3."""

    rule: Literal["min_volume_cm3"]
    threshold: Annotated[float, Field(gt=0)]


class MinExtent(StrictModel):
    """Drop masks whose bounding box has a side shorter than `threshold` cm."""

    rule: Literal["min_extent_cm"]
    threshold: Annotated[float, Field(gt=0)]


class MaxBackground(StrictModel):
    """Drop masks whose background is more than `threshold` of the image's voxels."""

    rule: Literal["max_background_share"]
    threshold: Annotated[float, Field(gt=0, lt=1)]


class LargestComponents(StrictModel):
    """Keep the `threshold` largest 26-connected components of a mask (8-connected in 2D)."""

    rule: Literal["largest_components"]
    threshold: Annotated[int, Field(ge=1)]


class SplitSides(StrictModel):
    """Split masks of paired targets into left and right, where the vocabulary has both."""

    rule: Literal["split_sides"]


Rule = Annotated[MinVolume | MinExtent | MaxBackground | LargestComponents | SplitSides, Field(discriminator="rule")]


class Profile(StrictModel):
    """How images and masks are harmonised. The rules act in their order, on the image's own (canonical) grid."""

    schema_version: Annotated[Literal[1], Field(alias="schema")]
    name: str
    description: str
    source: str
    """Where the thresholds are from."""
    spacing_mm: Annotated[float, Field(gt=0)] | None = None
    """Isotropic spacing to resample to after the rules; without it the grid is kept."""
    rules: tuple[Rule, ...] = ()

    @property
    def needs_volume(self) -> bool:
        """True when the profile works in millimetres and therefore takes no pictures."""
        return self.spacing_mm is not None or any(rule.rule.endswith(("_cm", "_cm3")) for rule in self.rules)

    @property
    def sha256(self) -> str:
        """Hash of the profile's content."""
        return sha256_of_json(self.model_dump(mode="json", by_alias=True))


def load(name_or_path: str) -> Profile:
    """Load a profile that ships, or one of the user's own.

    Raises:
        ConfigError: For a broken profile, in one line that says what to type.
        UnknownNameError: For a name or path that is not there.
    """
    return load_toml(find("profiles", name_or_path), Profile)
