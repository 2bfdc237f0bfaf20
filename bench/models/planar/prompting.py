"""From the prompts of a target to the prompts of each slice."""

from dataclasses import dataclass

from bench.errors import UnsupportedError
from bench.models.planar.planes import PlaneBox, Planes
from bench.records import Prompts

TAKEN = frozenset({"points", "box"})
"""Kinds of prompt that can be put on slices."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What is shown of one target on one slice, in pixels of the slice."""

    box: PlaneBox | None = None
    """Half-open."""
    points: tuple[tuple[int, int, int], ...] = ()
    """x, y and label (1 inside, 0 outside), oldest first."""

    @property
    def says_where(self) -> bool:
        """True with a box or a point inside; points outside alone do not say where the target is."""
        return self.box is not None or any(label == 1 for _, _, label in self.points)

    def steps(self) -> list["Shown"]:
        """Return what had been shown after each action, from the first that says where the target is.

        The box counts as the first action, each point as one more.
        """
        grown = [Shown(self.box, self.points[:count]) for count in range(len(self.points) + 1)]
        return [step for step in grown if step.says_where]


def per_slice(prompts: Prompts, planes: Planes) -> dict[int, Shown]:
    """Put each prompt on its slices: a point on the one that it lies on, a box on every one that it spans."""
    spanned, box = planes.flat(prompts.box) if prompts.box else (range(0), None)
    points: dict[int, list[tuple[int, int, int]]] = {number: [] for number in spanned}
    slices, places = planes.split(prompts.points_ijk)
    for number, (x, y), label in zip(slices.tolist(), places.tolist(), prompts.labels.tolist(), strict=True):
        points.setdefault(number, []).append((x, y, label))
    return {number: Shown(box if number in spanned else None, tuple(points[number])) for number in sorted(points)}


def require_answerable(prompts: Prompts, shape: tuple[int, int, int], taken: frozenset[str] = TAKEN) -> None:
    """Refuse what slices cannot be prompted with.

    Raises:
        UnsupportedError: For kinds of prompt that are not taken, without a box and without a point inside, or for
            prompts that leave the image.
    """
    others = sorted(prompts.kinds - taken)
    if others:
        raise UnsupportedError(f"takes {' and '.join(sorted(taken))} only, found {', '.join(others)}")
    if prompts.box is None and not (prompts.labels == 1).any():
        raise UnsupportedError("takes a box or at least one point inside the target, found neither")
    for point in prompts.points_ijk.tolist():
        if not all(0 <= p < n for p, n in zip(point, shape, strict=True)):
            raise UnsupportedError(f"point {tuple(point)} lies outside the image {shape}")
    box = prompts.box
    if box and not all(0 <= a < b <= n for a, b, n in zip(box[:3], box[3:], shape, strict=True)):
        raise UnsupportedError(f"box {tuple(box)} is no half-open box inside the image {shape}")
