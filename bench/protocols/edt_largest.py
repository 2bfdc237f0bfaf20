"""`edt-largest` and `off-centre`: clicks into the largest region of error."""

from typing import Annotated, ClassVar

from pydantic import Field

from bench.protocols.clicking import Clicking
from bench.protocols.key import Key
from bench.protocols.picking import Picker, deepest, off_centre


class EdtLargest(Clicking):
    """One click a step, on the deepest voxel of the largest 26-connected region of error.

    Missed and excess voxels that touch are one region. Of voxels that are equally deep any may be clicked, and of
    equally large regions the one with the deepest voxel. Source: the clicks of the CVPR 2025 challenge on interactive
    3D segmentation; `cvpr25` has that script's own choices too.
    """

    name: ClassVar[str] = "edt-largest"

    def picker(self, key: Key) -> Picker:
        """Return the deepest voxel."""
        del key
        return deepest


class OffCentre(Clicking):
    """One click a step beside the deepest voxel of the largest region of error, but in that region.

    Along each axis the click is off by a normal deviate whose standard deviation is `spread` times the depth of the
    deepest voxel, redrawn until it hits the region. People do not always click the middle (RClicks, arXiv 2410.11722,
    on photographs); that it is a normal deviate, and how wide, is an assumption of ours.
    """

    name: ClassVar[str] = "off-centre"

    spread: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 0.5

    def picker(self, key: Key) -> Picker:
        """Return the deepest voxel, missed."""
        del key
        return off_centre(self.spread)
