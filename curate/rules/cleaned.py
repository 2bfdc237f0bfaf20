"""What a profile's rules leave of the masks of an image."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from curate.geometry import Geometry
from curate.masks import Mask
from curate.rules.outcome import Decision
from curate.slicing import Place


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """A mask on its way through the rules, or what is left of one."""

    mask: Mask
    origin: int
    """Which of the masks that were given it comes from."""
    place: Place | None = None
    """The slice that it lies on; None for a volume, and for what was a picture from the start."""


@dataclass(frozen=True, slots=True, eq=False)
class Cleaned:
    """The masks that are left, and why others are not."""

    grid: Geometry
    """Of the volume or picture, resampled where the profile says so."""
    parts: Sequence[Part]
    """Those of one mask stand together, in the order of the masks that were given."""
    decisions: Sequence[Decision]
    """Whatever dropped, changed or noted a mask, in the order of the rules."""
    on_slice: Mapping[Place, frozenset[str]]
    """For each slice the targets that have voxels on it, whatever the rules after `slice` made of them."""

    @property
    def masks(self) -> list[Mask]:
        """The masks that are left."""
        return [part.mask for part in self.parts]

    def by_place(self) -> dict[Place | None, list[Mask]]:
        """Return the masks of each slice that has any, in the order x, y, z; those of no slice stand under None."""
        found: dict[Place | None, list[Mask]] = {}
        for part in sorted(self.parts, key=lambda part: part.place or (-1, -1)):
            found.setdefault(part.place, []).append(part.mask)
        return found

    def doubtful(self, place: Place) -> set[str]:
        """Return the targets of whose voxels on a slice some may have been dropped: without a mask they are unknown."""
        first_on_slices = next((one.step for one in self.decisions if one.rule == "slice"), 0)
        before = {one.mask.target for one in self.decisions if one.effect == "left_out" and one.step < first_on_slices}
        return before | self.on_slice.get(place, frozenset())
