"""`slice-points`, `slice-boxes`: prompts on every slice that holds the target, for models that see slices."""

from dataclasses import replace
from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field

from bench.protocols.boxing import Component, Slice, axis_of, box_on_slice, jittered, target_slices
from bench.protocols.key import Key
from bench.protocols.options import AxisName, Parametric, Steps, require_target
from bench.records import Prompts
from curate.labelmap import BoxMask


class SlicePoints(Parametric):
    """One point a step on every slice that holds the target: N points after one step, 3N after three, 5N after five.

    The first is uniform in the target on its slice, each next uniform in the error on its slice; where a slice has no
    error left, uniform in its target. Slices without the target get none, though the prediction be wrong there: they
    are known to be empty, as in the evaluation of 2D models in the SAM-Med3D paper. Every point costs one action.
    """

    name: ClassVar[str] = "slice-points"

    score_after: Steps = (1, 3, 5)
    axis: AxisName = "k"
    """Axis across the slices; a model must slice along it too."""
    corrections: bool = True
    """Off: all points are uniform in the target, whatever was predicted."""

    @property
    def shown_kinds(self) -> set[str]:
        """Points."""
        return {"points"}

    @property
    def scored_steps(self) -> tuple[int, ...]:
        """Steps after which the prediction is scored."""
        return self.score_after

    def prompt(self, reference: BoxMask, prediction: BoxMask | None, history: Prompts, key: Key) -> Prompts:
        """Add one point to every slice that holds the target."""
        require_target(reference)
        axis, generator = axis_of(reference, self.axis), key.generator()
        wanted = target_slices(reference, axis)
        found = None if prediction is None or not self.corrections else prediction.within(_reaching(reference, axis))
        across = reference.shape_ijk
        a, b = (n for n in range(3) if n != axis)
        points, labels = [], []
        for number, plane in wanted.items():
            full = np.zeros((across[a], across[b]), dtype=np.bool_)
            full[reference.box[a] : reference.box[a + 3], reference.box[b] : reference.box[b + 3]] = plane
            answered = None if found is None else np.take(found, number - reference.box[axis], axis=axis)
            row, column = _draw(full, answered, generator)
            points.append(np.insert([row, column], axis, number))
            labels.append(int(full[row, column]))
        return replace(
            history,
            points_ijk=np.vstack([history.points_ijk, np.array(points, dtype=np.int64)]),
            labels=np.append(history.labels, np.array(labels, dtype=np.int64)),
            n_actions=history.n_actions + len(points),
        )


class SliceBoxes(Parametric):
    """A box on every slice that holds the target, in the only step; each costs two actions."""

    name: ClassVar[str] = "slice-boxes"

    axis: AxisName = "k"
    component: Component = "all"
    """Around all of the target on a slice, or around its largest 8-connected part there."""
    jitter: Annotated[int, Field(ge=0)] = 0
    """Each side is off by a whole number of voxels, uniform from -jitter to jitter."""

    @property
    def shown_kinds(self) -> set[str]:
        """Boxes, one slice thick."""
        return {"boxes"}

    def prompt(self, reference: BoxMask, prediction: BoxMask | None, history: Prompts, key: Key) -> Prompts:
        """Add the boxes."""
        del prediction
        require_target(reference)
        axis, generator = axis_of(reference, self.axis), key.generator()
        boxes = []
        for number, plane in target_slices(reference, axis).items():
            box = box_on_slice(reference, axis, number, plane, self.component)
            boxes.append(jittered(box, self.jitter, reference.shape_ijk, generator, fixed=axis) if self.jitter else box)
        return replace(history, boxes=tuple(boxes), n_actions=history.n_actions + 2 * len(boxes))


def _reaching(reference: BoxMask, axis: int) -> tuple[int, int, int, int, int, int]:
    """Return the box of whole slices over which the target runs."""
    box = [0, 0, 0, *reference.shape_ijk]
    box[axis], box[axis + 3] = reference.box[axis], reference.box[axis + 3]
    return (box[0], box[1], box[2], box[3], box[4], box[5])


def _draw(wanted: Slice, answered: Slice | None, generator: np.random.Generator) -> tuple[int, int]:
    """Draw a pixel of the error on one slice, or of the target where there is no answer or no error."""
    voxels = np.flatnonzero(wanted if answered is None else wanted != answered)
    if not voxels.size:
        voxels = np.flatnonzero(wanted)
    row, column = np.unravel_index(voxels[generator.integers(voxels.size)], wanted.shape)
    return int(row), int(column)
