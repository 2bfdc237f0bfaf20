"""`start-mask`: a mask that is nearly right, then clicks."""

from dataclasses import replace
from typing import Annotated, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from bench.protocols.clicking import Clicking
from bench.protocols.errors_of import squared_depth
from bench.protocols.key import Key
from bench.protocols.options import Steps, require_target, spacing_in
from bench.protocols.picking import PICKERS, ClickRule, Picker
from bench.records import Prompts
from curate.labelmap import BoxMask


class StartMask(Clicking):
    """The reference, shrunk or grown, as a mask to start from; then one click a step.

    Shrunk: what lies deeper than `radius`. Grown: what lies nearer than or at `radius`, beside the reference. Where
    nothing would be left of a shrunk reference, its deepest voxels are. The mask comes from elsewhere and costs
    nothing; this is our own definition of a mask to correct, no published one.
    """

    name: ClassVar[str] = "start-mask"

    score_after: Steps = (1, 2, 4, 6)
    change: Literal["shrink", "grow"] = "shrink"
    radius: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 2.0
    """In the unit of `distances`."""
    clicks: ClickRule = "edt-largest"
    """Which protocol's clicks."""

    @property
    def shown_kinds(self) -> set[str]:
        """Points and the mask."""
        return {"points", "previous"}

    def picker(self, key: Key) -> Picker:
        """Return the chosen protocol's click."""
        del key
        return PICKERS[self.clicks]

    def prompt(self, reference: BoxMask, prediction: BoxMask | None, history: Prompts, key: Key) -> Prompts:
        """Add the mask or a click."""
        require_target(reference)
        if prediction is not None:
            return super().prompt(reference, prediction, history, key)
        spacing = spacing_in(self.distances, key)
        change = _shrunk if self.change == "shrink" else _grown
        return replace(history, previous=change(reference, self.radius, spacing))


def _shrunk(reference: BoxMask, radius: float, spacing: tuple[float, float, float]) -> BoxMask:
    depth = squared_depth(reference.voxels, spacing, flat=reference.shape_ijk[2] == 1)
    left = depth > radius**2
    return _placed(reference, left if left.any() else depth >= depth.max(), reference.box[:3])


def _grown(reference: BoxMask, radius: float, spacing: tuple[float, float, float]) -> BoxMask:
    """Grow within the image: the box is widened by the radius, and distances are measured in it."""
    import edt

    reach = [int(np.ceil(radius / step)) + 1 for step in spacing]
    low = [max(0, reference.box[n] - reach[n]) for n in range(3)]
    high = [min(reference.shape_ijk[n], reference.box[n + 3] + reach[n]) for n in range(3)]
    outside = ~reference.within((low[0], low[1], low[2], high[0], high[1], high[2]))
    squared = edt.edtsq(outside.view(np.uint8), anisotropy=spacing, black_border=False, parallel=1)
    return _placed(reference, squared <= radius**2, (low[0], low[1], low[2]))


def _placed(reference: BoxMask, voxels: NDArray[np.bool_], corner: tuple[int, int, int]) -> BoxMask:
    high = np.add(corner, voxels.shape).tolist()
    return BoxMask(reference.shape_ijk, (*corner, high[0], high[1], high[2]), voxels)
