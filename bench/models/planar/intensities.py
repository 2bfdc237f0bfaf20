"""From intensities of any range to the 0 to 255 that networks for photographs expect."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.errors import UnsupportedError
from bench.models.planar.options import Options
from curate.volume import Volume

PERCENTILES = (0.5, 99.5)


@dataclass(frozen=True, slots=True)
class Stretch:
    """The range of intensities that becomes 0 to 255."""

    limits: tuple[float, float] | None
    """Lowest and highest; None for those of each picture."""
    whole: bool = False
    """Leave 8-bit pictures as they are."""

    def __call__(self, picture: NDArray[Any]) -> NDArray[np.uint8]:
        """Map a picture, (height, width[, 3]), linearly, clipped and cut to whole numbers; without contrast to 0."""
        if self.whole:
            return picture.astype(np.uint8)
        low, high = self.limits or (float(picture.min()), float(picture.max()))
        if not low < high:
            return np.zeros(picture.shape, dtype=np.uint8)
        share = (np.clip(picture.astype(np.float64), low, high) - low) / (high - low)
        return (share * 255).astype(np.uint8)


def stretch_for(image: Volume, options: Options) -> Stretch:
    """Choose the range for an image.

    Raises:
        UnsupportedError: When the image holds NaN or infinity.
    """
    voxels = image.voxels
    low, high = float(voxels.min()), float(voxels.max())
    if not (np.isfinite(low) and np.isfinite(high)):
        raise UnsupportedError("the image holds NaN or infinity, which cannot be mapped to 0 to 255")
    if image.geometry.is_2d and voxels.dtype == np.uint8:
        return Stretch(None, whole=True)
    if options.intensity == "slice":
        return Stretch(None)
    if options.intensity == "window":
        return Stretch(options.window)
    if options.intensity == "percentiles":
        low, high = (float(n) for n in np.percentile(voxels, PERCENTILES))
    return Stretch((low, high))
