"""Between an image's own grid and the same voxels with their axes nearest to R, A, S."""

from dataclasses import dataclass, replace

import numpy as np

from bench.records import Prompts
from curate.geometry import Box, Geometry
from curate.labelmap import BoxMask


@dataclass(frozen=True, slots=True)
class Turning:
    """How a grid is turned: its axes are exchanged, and some of them reversed."""

    source: tuple[int, int, int]
    """Shape of the image's own grid."""
    order: tuple[int, int, int] = (0, 1, 2)
    """For each axis after turning, the axis of the source that it follows."""
    flips: tuple[bool, bool, bool] = (False, False, False)
    """For each axis after turning, whether it runs against the source's."""

    @classmethod
    def canonical(cls, grid: Geometry) -> "Turning":
        """Turn as `Volume.canonical` does, which leaves images without spacing as they are."""
        return cls(grid.shape_ijk) if grid.unit == "pixel" else cls(grid.shape_ijk, *grid.canonical_transform())

    def prompts(self, prompts: Prompts) -> Prompts:
        """Bring prompts from the source to the turned grid."""
        points = prompts.points_ijk[:, self.order]
        for axis, flip in enumerate(self.flips):
            if flip:
                points[:, axis] = self.source[self.order[axis]] - 1 - points[:, axis]
        box, boxes = prompts.box and self._turned(prompts.box), tuple(map(self._turned, prompts.boxes))
        return replace(prompts, points_ijk=points, box=box, boxes=boxes)

    def mask_on_source(self, mask: BoxMask) -> BoxMask:
        """Bring a mask from the turned grid to the source."""
        back = (self.order.index(0), self.order.index(1), self.order.index(2))
        if not mask.voxels.size:
            return BoxMask.empty(self.source)
        flipped = np.flip(mask.voxels, tuple(axis for axis, flip in enumerate(self.flips) if flip))
        low, high = [0, 0, 0], [0, 0, 0]
        for axis, (a, b) in enumerate(zip(mask.box[:3], mask.box[3:], strict=True)):
            size = self.source[self.order[axis]]
            low[self.order[axis]], high[self.order[axis]] = (size - b, size - a) if self.flips[axis] else (a, b)
        box = (low[0], low[1], low[2], high[0], high[1], high[2])
        return BoxMask(self.source, box, np.ascontiguousarray(flipped.transpose(back)))

    def _turned(self, box: Box) -> Box:
        low, high = [0, 0, 0], [0, 0, 0]
        for axis, (along, flip) in enumerate(zip(self.order, self.flips, strict=True)):
            size, a, b = self.source[along], box[along], box[along + 3]
            low[axis], high[axis] = (size - b, size - a) if flip else (a, b)
        return low[0], low[1], low[2], high[0], high[1], high[2]
