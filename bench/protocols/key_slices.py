"""`key-slices`, `propagation`: prompts on a few slices, and what a program makes of them for the others."""

from dataclasses import replace
from typing import Annotated, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from bench.protocols.boxing import Slice, axis_of, box_on_slice, middle_slice, target_slices
from bench.protocols.errors_of import largest_components
from bench.protocols.key import Key
from bench.protocols.options import AxisName, Parametric, require_target
from bench.records import Prompts
from curate.labelmap import BoxMask, bounding_box


class KeySlices(Parametric):
    """A point or a box on a few slices, evenly spaced over the target, and straight lines between them.

    The point is the pixel of the target nearest to the middle of the box around its largest part on the slice. Only
    the slices that the user works on cost: one action a point, two a box. An interpolated point may miss the target;
    then it is not shown (`off_target = "keep"` shows it as inside all the same). Source: the interpolation prompts
    of RadioActive (MIC-DKFZ/radioactive at 1796386, prompts/prompt_utils.py), with 3, 5 and 10 slices; it keeps all.
    """

    name: ClassVar[str] = "key-slices"

    slices: Annotated[int, Field(ge=2)] = 3
    shows: Literal["points", "boxes"] = "points"
    axis: AxisName = "k"
    off_target: Literal["drop", "keep"] = "drop"

    @property
    def shown_kinds(self) -> set[str]:
        """Points or boxes."""
        return {self.shows}

    def prompt(self, reference: BoxMask, prediction: BoxMask | None, history: Prompts, key: Key) -> Prompts:
        """Add what is shown on all slices between the first and the last."""
        del prediction, key
        require_target(reference)
        axis = axis_of(reference, self.axis)
        planes = target_slices(reference, axis)
        numbers = _key_numbers(list(planes), self.slices)
        if self.shows == "boxes":
            corners = np.array([box_on_slice(reference, axis, n, planes[n]) for n in numbers])
            rows = _between(corners, numbers)
            rows[:, axis] = np.arange(numbers[0], numbers[-1] + 1)
            rows[:, axis + 3] = rows[:, axis] + 1
            boxes = tuple((r[0], r[1], r[2], r[3], r[4], r[5]) for r in rows.tolist())
            return replace(history, boxes=boxes, n_actions=history.n_actions + 2 * len(numbers))
        points = _between(np.array([_centre(reference, axis, n, planes[n]) for n in numbers]), numbers)
        if self.off_target == "drop":
            points = points[_inside(reference, points)]
        return _with_points(history, points, cost=len(numbers))


class Propagation(Parametric):
    """A box or a few points on the middle slice of the target; the model carries them on from slice to slice.

    For models that do so (`propagate` of the 2D ones); others answer with that slice alone. The points are uniform in
    the target on the slice. A box costs two actions, a point one. Source: RadioActive (MIC-DKFZ/radioactive at
    1796386), which shows five points, and also tells the model where the target ends; that is not told here.
    """

    name: ClassVar[str] = "propagation"

    shows: Literal["points", "box"] = "box"
    n_points: Annotated[int, Field(ge=1)] = 5
    axis: AxisName = "k"

    @property
    def shown_kinds(self) -> set[str]:
        """Points or a box."""
        return {self.shows}

    def prompt(self, reference: BoxMask, prediction: BoxMask | None, history: Prompts, key: Key) -> Prompts:
        """Add what is shown on the middle slice."""
        del prediction
        require_target(reference)
        axis = axis_of(reference, self.axis)
        planes = target_slices(reference, axis)
        number = middle_slice(planes)
        if self.shows == "box":
            box = box_on_slice(reference, axis, number, planes[number])
            return replace(history, box=box, n_actions=history.n_actions + 2)
        pixels = np.argwhere(planes[number])
        few = min(self.n_points, len(pixels))
        chosen = pixels[key.generator().choice(len(pixels), few, replace=False)]
        return _with_points(history, _in_image(reference, axis, number, chosen), cost=few)


def _key_numbers(numbers: list[int], count: int) -> list[int]:
    """Return slices that hold the target, nearest to evenly spaced ones from the first to the last."""
    known = np.array(numbers)
    ideal = known[0] + np.linspace(0, known[-1] - known[0], count).astype(int)
    return sorted({int(known[np.abs(known - one).argmin()]) for one in ideal})


def _centre(reference: BoxMask, axis: int, number: int, plane: Slice) -> NDArray[np.int64]:
    """Return the voxel of the largest part nearest to the middle of its box, (3,)."""
    part = largest_components(plane[:, :, None])[:, :, 0]
    box = bounding_box(part[:, :, None])
    middle = np.add(box[:2], box[3:5]) // 2
    pixels = np.argwhere(part)
    nearest = pixels[((pixels - middle) ** 2).sum(axis=1).argmin()]
    centre: NDArray[np.int64] = _in_image(reference, axis, number, nearest[None])[0]
    return centre


def _in_image(reference: BoxMask, axis: int, number: int, pixels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return pixels of a slice of the target's box, (n, 2), as voxels of the image, (n, 3)."""
    low = [reference.box[n] for n in range(3) if n != axis]
    return np.insert(pixels + low, axis, number, axis=1).astype(np.int64)


def _between(values: NDArray[np.int64], numbers: list[int]) -> NDArray[np.int64]:
    """Interpolate rows of values linearly over all slices from the first number to the last; halves round up."""
    every = np.arange(numbers[0], numbers[-1] + 1)
    columns = [np.interp(every, numbers, values[:, n]) for n in range(values.shape[1])]
    return np.floor(np.stack(columns, axis=1) + 0.5).astype(np.int64)


def _inside(reference: BoxMask, points: NDArray[np.int64]) -> NDArray[np.bool_]:
    inside: NDArray[np.bool_] = reference.voxels[tuple((points - reference.box[:3]).T)]
    return inside


def _with_points(history: Prompts, points: NDArray[np.int64], *, cost: int) -> Prompts:
    return replace(
        history,
        points_ijk=np.vstack([history.points_ijk, points]),
        labels=np.append(history.labels, np.ones(len(points), dtype=np.int64)),
        n_actions=history.n_actions + cost,
    )
