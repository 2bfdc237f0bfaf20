"""`scribble`, `lasso`: strokes drawn on one slice."""

from abc import abstractmethod
from dataclasses import replace
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from bench.protocols.boxing import Slice, axis_of, largest_slice, target_slices
from bench.protocols.errors_of import Errors, largest_components
from bench.protocols.key import Key
from bench.protocols.options import AxisName, Parametric, Steps, require_target
from bench.records import Prompts, Stroke
from curate.labelmap import BoxMask

_COST = 3
"""Actions of a stroke, as RadioActive counts its scribbles."""


class Stroking(Parametric):
    """One stroke a step, on the slice that shows most of the larger side of the error; at first, of the target."""

    score_after: Steps = (1,)
    axis: AxisName = "k"
    """Axis across the slices."""

    tool: ClassVar[Literal["scribble", "lasso"]]

    @property
    def shown_kinds(self) -> set[str]:
        """The stroke."""
        return {self.tool}

    @property
    def scored_steps(self) -> tuple[int, ...]:
        """Steps after which the prediction is scored."""
        return self.score_after

    def prompt(self, reference: BoxMask, prediction: BoxMask | None, history: Prompts, key: Key) -> Prompts:
        """Add one stroke; nothing where nothing is wrong."""
        require_target(reference)
        errors = Errors.between(reference, prediction)
        if not errors.wrong.size:
            return history
        label = int(np.count_nonzero(errors.missed) >= np.count_nonzero(errors.excess))
        side = errors.missed if label else errors.excess
        axis = axis_of(reference, self.axis)
        corner = errors.corner_ijk
        around = tuple(low + size for low, size in zip(corner, side.shape, strict=True))
        planes = target_slices(BoxMask(reference.shape_ijk, (*corner, around[0], around[1], around[2]), side), axis)
        number = largest_slice(planes)
        drawn = np.argwhere(self.draw(planes[number], key.generator()))
        low = [corner[n] for n in range(3) if n != axis]
        stroke = Stroke(self.tool, np.insert(drawn + low, axis, number, axis=1).astype(np.int64), label)
        return replace(history, strokes=(*history.strokes, stroke), n_actions=history.n_actions + _COST)

    @abstractmethod
    def draw(self, plane: Slice, generator: np.random.Generator) -> Slice:
        """Return the pixels of the stroke in a region of one slice, which holds some."""


class Scribble(Stroking):
    """A scribble in the target on one slice: along its middle, or a straight line; corrections on the error.

    `centre-line` is the skeleton of the region's largest part on the slice. `line` joins two pixels that are drawn
    uniformly from the region, and is left out where it leaves it. Sources: the two kinds are those of ScribblePrompt
    (arXiv 2312.07381), here without its deformation and breaks. A scribble costs three actions.
    """

    name: ClassVar[str] = "scribble"
    tool: ClassVar[Literal["scribble", "lasso"]] = "scribble"

    shape: Literal["centre-line", "line"] = "centre-line"

    def draw(self, plane: Slice, generator: np.random.Generator) -> Slice:
        """Return the pixels of the scribble."""
        if self.shape == "line":
            return _line(plane, generator)
        from skimage.morphology import skeletonize

        part = largest_components(plane[:, :, None])[:, :, 0]
        middle: Slice = np.asarray(skeletonize(part), dtype=np.bool_)
        return middle if middle.any() else part


class Lasso(Stroking):
    """A loop around the target on one slice, drawn on its own border pixels; corrections on the error.

    A border pixel has a neighbour along an axis of the slice that is outside. The region is its largest part on the
    slice. A loop costs three actions, as a scribble does.
    """

    name: ClassVar[str] = "lasso"
    tool: ClassVar[Literal["scribble", "lasso"]] = "lasso"

    def draw(self, plane: Slice, generator: np.random.Generator) -> Slice:
        """Return the pixels of the loop."""
        del generator
        part = np.pad(largest_components(plane[:, :, None])[:, :, 0], 1)
        inner = part[:-2, 1:-1] & part[2:, 1:-1] & part[1:-1, :-2] & part[1:-1, 2:]
        return part[1:-1, 1:-1] & ~inner


def _line(plane: Slice, generator: np.random.Generator) -> Slice:
    """Return the pixels of the region on a straight line between two of its pixels."""
    pixels: NDArray[np.int64] = np.argwhere(plane)
    start, end = pixels[generator.integers(len(pixels), size=2)]
    count = int(np.abs(end - start).max()) + 1
    on_line = np.rint(np.linspace(start, end, count)).astype(np.int64)
    line = np.zeros_like(plane)
    line[tuple(on_line.T)] = True
    return line & plane
