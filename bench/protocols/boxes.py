"""`box`, `box-jittered` and `box-then-clicks`."""

from dataclasses import replace
from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field

from bench.protocols.boxing import (
    Component,
    axis_of,
    box_on_slice,
    jittered,
    largest_slice,
    middle_slice,
    part_of,
    target_slices,
)
from bench.protocols.clicking import Clicking
from bench.protocols.key import Key
from bench.protocols.options import AxisName, Parametric, Steps, require_target
from bench.protocols.picking import PICKERS, ClickRule, Picker
from bench.records import Prompts
from curate.geometry import Box as Bounds
from curate.labelmap import BoxMask

Extent = Literal["volume", "middle-slice", "largest-slice", "middle-slice-through"]
_COSTS: dict[Extent, int] = {"volume": 3, "middle-slice": 2, "largest-slice": 2, "middle-slice-through": 4}


class BoxDrawing(Parametric):
    """Which box is drawn."""

    extent: Extent = "volume"
    """Around all of the target; on one slice; or on the middle slice, and through all slices of the target."""
    axis: AxisName = "k"
    """Axis across the slices."""
    component: Component = "all"
    """Around the whole target, or around its largest 26-connected component (in a slice 8-connected)."""
    jitter: Annotated[int, Field(ge=0)] = 0
    """Each face is off by a whole number of voxels, uniform from -jitter to jitter."""

    def draw(self, reference: BoxMask, generator: np.random.Generator) -> Bounds:
        """Return the box.

        Raises:
            ValueError: For an empty reference.
        """
        require_target(reference)
        part, axis = part_of(reference, self.component), axis_of(reference, self.axis)
        fixed = None
        box = part.box
        if self.extent != "volume":
            planes = target_slices(part, axis)
            number = largest_slice(planes) if self.extent == "largest-slice" else middle_slice(planes)
            box, fixed = box_on_slice(part, axis, number, planes[number]), axis
        if self.extent == "middle-slice-through":
            sides = list(box)
            sides[axis], sides[axis + 3] = part.box[axis], part.box[axis + 3]
            box = (sides[0], sides[1], sides[2], sides[3], sides[4], sides[5])
        return jittered(box, self.jitter, reference.shape_ijk, generator, fixed=fixed) if self.jitter else box

    def cost(self, reference: BoxMask) -> int:
        """Return the actions of drawing it: two corners, and what fixes the other slices of a volume."""
        return 2 if reference.shape_ijk[2] == 1 else _COSTS[self.extent]


class Box(BoxDrawing):
    """One box around the target, in the only step.

    Costs 3 actions around a volume, 2 on a slice, 4 on a slice and through a range of slices.
    """

    name: ClassVar[str] = "box"

    @property
    def shown_kinds(self) -> set[str]:
        """A box."""
        return {"box"}

    def prompt(self, reference: BoxMask, prediction: BoxMask | None, history: Prompts, key: Key) -> Prompts:
        """Add the box."""
        del prediction
        box = self.draw(reference, key.generator())
        return replace(history, box=box, n_actions=history.n_actions + self.cost(reference))


class BoxJittered(Box):
    """One box whose faces are each off by up to 5 voxels, uniformly; people do not draw them exactly.

    Source: the imperfect boxes of RadioActive (MIC-DKFZ/radioactive at 1796386, prompts/prompter.py: 3 and 5 voxels).
    """

    name: ClassVar[str] = "box-jittered"

    jitter: Annotated[int, Field(ge=0)] = 5


class BoxThenClicks(Clicking, BoxDrawing):
    """A box at the first step, then one click a step; the box stays shown."""

    name: ClassVar[str] = "box-then-clicks"

    score_after: Steps = (1, 2, 4, 6)
    clicks: ClickRule = "edt-largest"
    """Which protocol's clicks."""

    @property
    def shown_kinds(self) -> set[str]:
        """A box and points, and the previous mask where it is on."""
        return {"box", *super().shown_kinds}

    def picker(self, key: Key) -> Picker:
        """Return the chosen protocol's click."""
        del key
        return PICKERS[self.clicks]

    def prompt(self, reference: BoxMask, prediction: BoxMask | None, history: Prompts, key: Key) -> Prompts:
        """Add the box or a click."""
        if history.box is not None:
            return super().prompt(reference, prediction, history, key)
        box = self.draw(reference, key.generator())
        return replace(history, box=box, n_actions=history.n_actions + self.cost(reference))
