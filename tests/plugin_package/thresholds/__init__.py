"""A model in a package of its own."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.errors import UnsupportedError
from bench.models.base import Capabilities, ModelCard
from bench.records import Prompts
from curate.volume import Volume

CARD = ModelCard("threshold-plugin", "brightness of the first click", "Apache-2.0", Capabilities(), "untrained")


class Threshold:
    """Everything as bright as what was clicked."""

    card = CARD

    def open(self, image: Volume) -> "ThresholdSession":
        """Keep the voxels."""
        return ThresholdSession(image.grey())


class ThresholdSession:
    """One image."""

    def __init__(self, voxels: NDArray[Any]) -> None:
        self.voxels = voxels

    def predict(self, prompts: Prompts) -> NDArray[np.bool_]:
        """Compare with the first click."""
        if prompts.kinds != {"points"}:
            raise UnsupportedError(f"takes points only, found {sorted(prompts.kinds)}")
        i, j, k = prompts.points_ijk[0]
        return np.asarray(np.abs(self.voxels - self.voxels[i, j, k]) < 40)
