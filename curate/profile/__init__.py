"""A profile: the named set of harmonising and cleaning rules of a build, as a readable list."""

from typing import Annotated, Literal

from pydantic import Field, field_validator

from curate.files import sha256_of_json
from curate.plugins import StrictModel, find, load_toml
from curate.profile.models import Limit, MaxAspect, RequireMask, Resample, Rule, Slice, SplitComponents, SplitSides

__all__ = [
    "Limit",
    "MaxAspect",
    "Profile",
    "RequireMask",
    "Resample",
    "Rule",
    "Slice",
    "SplitComponents",
    "SplitSides",
    "load",
]

_OF_VOLUMES = {"min_volume_cm3", "min_volume_mm3", "min_extent_cm", "split_sides", "resample"}
"""Rules that know no pictures."""
_OF_PICTURES = {"min_area_share", "max_aspect"}
"""Rules that know nothing else."""
_ONCE = ("resample", "slice", "split_components", "split_sides", "require_mask")


class Profile(StrictModel):
    """How images and masks are harmonised and cleaned.

    The rules act in their order: those before `resample` on the image's own (canonical) grid, those after it on the new
    one, those after `slice` on pictures.
    """

    schema_version: Annotated[Literal[1], Field(alias="schema")]
    name: str
    description: str
    source: str
    """Where the thresholds are from."""
    rules: tuple[Rule, ...] = ()

    @field_validator("rules")
    @classmethod
    def _in_order(cls, rules: tuple[Rule, ...]) -> tuple[Rule, ...]:
        names: list[str] = [rule.rule for rule in rules]
        for name in _ONCE:
            if names.count(name) > 1:
                raise ValueError(f"`{name}` is listed twice")
        cut = names.index("slice") if "slice" in names else len(names)
        for place, name in enumerate(names):
            if name in _OF_PICTURES and place < cut:
                raise ValueError(f"`{name}` measures pictures; list it after `slice`")
            if name in _OF_VOLUMES and place > cut:
                raise ValueError(f"`{name}` needs volumes; list it before `slice`")
            if name == "split_sides" and "split_components" in names[:place]:
                raise ValueError("`split_sides` needs whole masks; list it before `split_components`")
        return rules

    @property
    def spacing_mm(self) -> float | None:
        """Isotropic spacing to resample to; None where the grid is kept."""
        return next((rule.spacing_mm for rule in self.rules if isinstance(rule, Resample)), None)

    @property
    def axes(self) -> tuple[str, ...]:
        """Axes (x, y, z) across which volumes are cut into pictures; none where they stay volumes."""
        return next((rule.axes for rule in self.rules if isinstance(rule, Slice)), ())

    @property
    def requires_mask(self) -> bool:
        """True when images without a mask are left out."""
        return any(isinstance(rule, RequireMask) for rule in self.rules)

    @property
    def keeps_images(self) -> bool:
        """True when every image of a dataset becomes one image of the store."""
        return not (self.axes or self.requires_mask)

    @property
    def needs_volume(self) -> bool:
        """True when the profile works in millimetres and therefore takes no pictures."""
        return any(rule.rule in _OF_VOLUMES - {"split_sides"} for rule in self.rules)

    def step_of(self, rule: str) -> int:
        """Return the place of a rule in the list, from 1.

        Raises:
            ValueError: When the profile does not list it.
        """
        names: list[str] = [one.rule for one in self.rules]
        return 1 + names.index(rule)

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
