"""From the prompts of a target to the prompts of each slice."""

from collections.abc import Sequence
from dataclasses import dataclass

from bench.errors import UnsupportedError
from bench.models.planar.planes import PlaneBox, Planes
from bench.records import Prompts
from curate.geometry import Box

TAKEN = frozenset({"points", "box", "boxes"})
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
    """Put each prompt on its slices: a point and a slice's box on the one that they lie on, a box on all it spans."""
    boxes: dict[int, PlaneBox] = {}
    for whole in (prompts.box, *prompts.boxes):
        spanned, box = planes.flat(whole) if whole else (range(0), None)
        boxes |= {number: box for number in spanned if box}
    points: dict[int, list[tuple[int, int, int]]] = {number: [] for number in boxes}
    slices, places = planes.split(prompts.points_ijk)
    for number, (x, y), label in zip(slices.tolist(), places.tolist(), prompts.labels.tolist(), strict=True):
        points.setdefault(number, []).append((x, y, label))
    return {number: Shown(boxes.get(number), tuple(points[number])) for number in sorted(points)}


def require_answerable(
    prompts: Prompts, shape: tuple[int, int, int], across: int, taken: frozenset[str] = TAKEN
) -> None:
    """Refuse what slices cannot be prompted with.

    Args:
        prompts: On the image's own grid.
        shape: Of that grid.
        across: Its axis across the slices.
        taken: Kinds of prompt that the network takes.

    Raises:
        UnsupportedError: For kinds of prompt that are not taken, without a box and without a point inside, for
            prompts that leave the image, a slice's box that is not one slice thick, or two boxes on one slice.
    """
    others = sorted(prompts.kinds - taken)
    if others:
        raise UnsupportedError(f"takes {', '.join(sorted(taken))} only, found {', '.join(others)}")
    if prompts.box is None and not prompts.boxes and not (prompts.labels == 1).any():
        raise UnsupportedError("takes a box or at least one point inside the target, found neither")
    for point in prompts.points_ijk.tolist():
        if not all(0 <= p < n for p, n in zip(point, shape, strict=True)):
            raise UnsupportedError(f"point {tuple(point)} lies outside the image {shape}")
    boxes = [box for box in (prompts.box, *prompts.boxes) if box]
    for box in boxes:
        if not all(0 <= a < b <= n for a, b, n in zip(box[:3], box[3:], shape, strict=True)):
            raise UnsupportedError(f"box {tuple(box)} is no half-open box inside the image {shape}")
    _require_one_each(boxes, prompts.boxes, across)


def _require_one_each(boxes: Sequence[Box], of_slices: Sequence[Box], across: int) -> None:
    for box in of_slices:
        if box[across + 3] - box[across] != 1:
            axis = "ijk"[across]
            raise UnsupportedError(
                f"boxes of slices must span one slice across {axis}, as this model sees the image; found {tuple(box)}; "
                f'choose the protocol\'s axis = "{axis}"'
            )
    slices = [number for box in boxes for number in range(box[across], box[across + 3])]
    if len(slices) != len(set(slices)):
        raise UnsupportedError("takes one box on a slice, found two")
