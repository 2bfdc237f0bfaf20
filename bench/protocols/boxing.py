"""Boxes of masks: around all of it, on one slice, and as a shaking hand draws them."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from bench.protocols.errors_of import largest_components
from bench.protocols.options import AxisName
from curate.geometry import Box
from curate.labelmap import BoxMask, bounding_box, slices

Component = Literal["all", "largest"]
Slice = NDArray[np.bool_]
"""(a, b): the two axes that are not across the slices, in order."""


def axis_of(reference: BoxMask, axis: AxisName) -> int:
    """Return the axis across the slices as a number; a 2D image has but one slice, whatever is asked for."""
    return 2 if reference.shape_ijk[2] == 1 else "ijk".index(axis)


def part_of(reference: BoxMask, component: Component) -> BoxMask:
    """Return the mask, or its largest 26-connected component (of components that tie, all), in a box without slack."""
    region = reference.voxels if component == "all" else largest_components(reference.voxels)
    near = bounding_box(region)
    low = reference.box[:3]
    box = (near[0] + low[0], near[1] + low[1], near[2] + low[2], near[3] + low[0], near[4] + low[1], near[5] + low[2])
    return BoxMask(reference.shape_ijk, box, region[slices(near)])


def target_slices(reference: BoxMask, axis: int) -> dict[int, Slice]:
    """Return the slices that hold the target, by their number in the image, ascending; each as wide as the box."""
    stack = np.moveaxis(reference.voxels, axis, 0)
    return {reference.box[axis] + n: plane for n, plane in enumerate(stack) if plane.any()}


def middle_slice(planes: dict[int, Slice]) -> int:
    """Return the middle one of the slices that hold the target; of two the upper."""
    numbers = list(planes)
    return numbers[len(numbers) // 2]


def largest_slice(planes: dict[int, Slice]) -> int:
    """Return the slice that shows most of the target; of several the lowest."""
    return max(planes, key=lambda number: (int(np.count_nonzero(planes[number])), -number))


def box_on_slice(reference: BoxMask, axis: int, number: int, plane: Slice, component: Component = "all") -> Box:
    """Return the box around the target on one slice, one slice thick."""
    region = plane[:, :, None]
    near = bounding_box(largest_components(region) if component == "largest" else region)
    a, b = (n for n in range(3) if n != axis)
    low, high = [0, 0, 0], [0, 0, 0]
    low[axis], high[axis] = number, number + 1
    low[a], high[a] = near[0] + reference.box[a], near[3] + reference.box[a]
    low[b], high[b] = near[1] + reference.box[b], near[4] + reference.box[b]
    return (low[0], low[1], low[2], high[0], high[1], high[2])


def jittered(
    box: Box, most: int, shape_ijk: tuple[int, int, int], generator: np.random.Generator, *, fixed: int | None = None
) -> Box:
    """Move each face by a whole number of voxels, drawn uniformly from -most to most; it stays a box in the image.

    Args:
        box: Half-open.
        most: 0 leaves the box as it is.
        shape_ijk: The image's grid.
        generator: Six numbers are drawn.
        fixed: Axis along which the box stays as it is.
    """
    moves = generator.integers(-most, most + 1, 6)
    low, high = list(box[:3]), list(box[3:])
    for axis in range(3):
        if axis != fixed and shape_ijk[axis] > 1:
            low[axis] = int(np.clip(box[axis] + moves[axis], 0, shape_ijk[axis] - 1))
            high[axis] = int(np.clip(box[axis + 3] + moves[axis + 3], low[axis] + 1, shape_ijk[axis]))
    return (low[0], low[1], low[2], high[0], high[1], high[2])
