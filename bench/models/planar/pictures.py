"""A slice as the network sees it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.models.planar.frames import Frame
from bench.models.planar.intensities import Stretch
from bench.models.planar.options import Channels
from bench.models.planar.planes import Planes


@dataclass(frozen=True, slots=True, eq=False)
class Pictures:
    """The slices of one image, and what is done to each of them."""

    planes: Planes
    stretch: Stretch
    frame: Frame
    channels: Channels

    def square(self, number: int) -> NDArray[np.float32]:
        """Return a slice in the range of 0 to 255, grey repeated, normalised and fitted into (3, side, side)."""
        picture = self.stretch(self.planes.picture(number))
        if picture.ndim == 2:
            picture = np.repeat(picture[..., np.newaxis], 3, axis=-1)
        elif self.channels == "bgr":
            picture = picture[..., ::-1]
        return self.frame.square(np.ascontiguousarray(picture))
