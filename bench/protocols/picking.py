"""Where in an error region a click lands; each way takes the region and a generator, and returns a voxel of it."""

from collections.abc import Callable
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from bench.protocols.errors_of import Errors, Spacing, largest_components, squared_depth
from curate.labelmap import bounding_box, slices

Place = NDArray[np.int64]
"""(3,): index of a voxel inside the box of the errors."""
Picker = Callable[[Errors, Spacing, np.random.Generator], Place]
_TIE = 1e-6
"""Depths that differ by less of themselves tie: they are float32."""
_TRIES = 100


def uniform(errors: Errors, spacing: Spacing, generator: np.random.Generator) -> Place:
    """Draw each wrong voxel with the same probability."""
    del spacing
    return _one_of(errors.wrong, generator)


def half_depth(errors: Errors, spacing: Spacing, generator: np.random.Generator) -> Place:
    """Draw from what lies deeper than half of the depth of the deeper side, missed or excess; excess if they tie."""
    missed, excess = (squared_depth(side, spacing, flat=errors.flat) for side in (errors.missed, errors.excess))
    deeper = missed if missed.max() > excess.max() else excess
    return _one_of(np.greater(deeper * 4, deeper.max()), generator)


def deepest(errors: Errors, spacing: Spacing, generator: np.random.Generator) -> Place:
    """Take the deepest voxel of the largest component, missed and excess together; of those that tie, any."""
    region = largest_components(errors.wrong)
    near = slices(bounding_box(region))
    depth = squared_depth(region[near], spacing, flat=errors.flat)
    place: Place = _one_of(depth >= depth.max() * (1 - _TIE), generator) + [axis.start for axis in near]
    return place


def off_centre(spread: float) -> Picker:
    """Return a way to miss the deepest voxel: by a normal deviate along each axis, redrawn until it hits the region.

    Args:
        spread: Standard deviation, in depths of the deepest voxel.
    """

    def pick(errors: Errors, spacing: Spacing, generator: np.random.Generator) -> Place:
        region = largest_components(errors.wrong)
        squared = squared_depth(region, spacing, flat=errors.flat)
        centre = _one_of(squared >= squared.max() * (1 - _TIE), generator)
        deviation = spread * np.sqrt(squared.max()) / np.array(spacing)
        for _ in range(_TRIES):
            place: Place = np.rint(centre + generator.normal(0.0, deviation)).astype(np.int64)
            if errors.flat:
                place[2] = 0
            if (place >= 0).all() and (place < region.shape).all() and region[tuple(place)]:
                return place
        return centre

    return pick


ClickRule = Literal["random-error", "ritm", "edt-largest"]
PICKERS: dict[ClickRule, Picker] = {"random-error": uniform, "ritm": half_depth, "edt-largest": deepest}
"""The ways by the name of the protocol that clicks so."""


def _one_of(region: NDArray[np.bool_], generator: np.random.Generator) -> Place:
    """Draw one voxel of a region that holds some."""
    voxels = np.flatnonzero(region)
    return np.array(np.unravel_index(voxels[generator.integers(voxels.size)], region.shape), dtype=np.int64)
