"""Phantoms whose scores can be worked out by hand."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from bench.metrics import score
from curate.geometry import Geometry
from curate.labelmap import BoxMask

Mask = NDArray[np.bool_]
Scores = dict[str, float | str | None]


@pytest.fixture(scope="session")
def scored() -> Callable[..., Scores]:
    """Return a function that scores two full-grid masks, (i, j, k), on a grid of the given spacing."""

    def call(
        reference: Mask, prediction: Mask, spacing: Sequence[float] = (1, 1, 1), tolerance: float = 1.0, unit="mm"
    ) -> Scores:
        geometry = Geometry(reference.shape, np.diag([*spacing, 1.0]), unit)
        return score(BoxMask.of(reference), BoxMask.of(prediction), geometry, tolerance)

    return call


@pytest.fixture(scope="session")
def block() -> Callable[..., Mask]:
    """Return a function that draws the half-open box from `low` to `high` on a grid."""

    def call(shape: Sequence[int], low: Sequence[int], high: Sequence[int]) -> Mask:
        mask = np.zeros(shape, dtype=np.bool_)
        mask[tuple(slice(a, b) for a, b in zip(low, high, strict=True))] = True
        return mask

    return call


@pytest.fixture(scope="session")
def ball() -> Callable[..., Mask]:
    """Return a function that draws a ball: centre in voxels, radius and spacing in mm."""

    def call(shape: Sequence[int], centre: Sequence[float], radius: float, spacing: Sequence[float]) -> Mask:
        axes = np.ogrid[tuple(slice(0, n) for n in shape)]
        squares = [((x - c) * s) ** 2 for x, c, s in zip(axes, centre, spacing, strict=True)]
        return sum(squares) <= radius**2

    return call
