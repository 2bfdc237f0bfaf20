"""`cvpr25`: the prompts of the CVPR 2025 challenge on interactive 3D segmentation, as its script draws them.

Source: JunMa11/CVPR-MedSegFMCompetition at 748e862, CVPR25_iter_eval.py and get_boxes.py. Scores of that script are
in `bench.protocols.cvpr25_scores`.
"""

from dataclasses import replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from bench.protocols.boxing import middle_slice, part_of, target_slices
from bench.protocols.errors_of import Errors, squared_depth
from bench.protocols.key import Key
from bench.protocols.options import Parametric, Steps, require_target
from bench.records import Prompts
from curate.geometry import Box
from curate.labelmap import BoxMask, bounding_box, components, slices

_VOXELS = (1.0, 1.0, 1.0)
_MOST_SHIFT = 5
_SIDE = 256
"""Shifts are in pixels of a slice of so many pixels a side."""
_TIE_SEED = 42
_LARGE = 60_000_000
"""Voxels of a padded component above which that script halves the resolution."""


class Cvpr25(Parametric):
    """A box from the middle slice, then five clicks, each on the deepest voxel of the largest region of error.

    What that script does and others would not: the box is drawn on the middle slice that holds the target and runs
    through all of its slices, so it may cut the target; its faces are moved outwards by 0 to 5 pixels per 256 of the
    slice's sides, one draw for all four; its upper faces are the last voxels, not the ones beyond, which is undone
    here. Depth is in voxels whatever the spacing; of equally large components the first in the order of slices, rows,
    columns is taken, and of equally deep voxels one by a generator seeded with 42 at every click. All clicks and the
    box stay shown, with the previous mask if asked for. Components that fill more than 60 million voxels with their
    padding are measured at half resolution there, and refused here.
    """

    name: ClassVar[str] = "cvpr25"

    score_after: Steps = (1, 2, 3, 4, 5, 6)
    box: bool = True
    """False for targets that the challenge gives no box; the first step is then a click."""
    previous_mask: bool = Field(default=False)
    """Show the prediction of the step before, as the challenge offers it."""

    @property
    def shown_kinds(self) -> set[str]:
        """Points, with the box and the previous mask where they are on."""
        return {"points"} | ({"box"} if self.box else set()) | ({"previous"} if self.previous_mask else set())

    @property
    def scored_steps(self) -> tuple[int, ...]:
        """Steps after which the prediction is scored."""
        return self.score_after

    def prompt(self, reference: BoxMask, prediction: BoxMask | None, history: Prompts, key: Key) -> Prompts:
        """Add the box or a click; a perfect prediction gets no click."""
        require_target(reference)
        if self.box and history.box is None:
            return replace(history, box=_box(reference, key.generator()), n_actions=history.n_actions + 4)
        errors = Errors.between(reference, prediction)
        if not errors.wrong.size:
            return history
        place = _deepest(errors)
        shown = history.with_point((place + errors.corner_ijk).tolist(), int(errors.wanted[tuple(place)]))
        previous = prediction if self.previous_mask else history.previous
        return replace(shown, previous=previous, n_actions=history.n_actions + 1)


def _box(reference: BoxMask, generator: np.random.Generator) -> Box:
    """Return the box of the middle slice through all slices, its sides moved outwards."""
    reference = part_of(reference, "all")
    planes = target_slices(reference, 2)
    near = bounding_box(planes[middle_slice(planes)][:, :, None])
    shift = int(generator.integers(0, _MOST_SHIFT + 1))
    low, high = [0, 0], [0, 0]
    for axis in range(2):
        size = reference.shape_ijk[axis]
        outwards = int(shift * size / _SIDE)
        low[axis] = max(0, reference.box[axis] + near[axis] - outwards)
        high[axis] = min(size, reference.box[axis] + near[axis + 3] + outwards)
    return (low[0], low[1], reference.box[2], high[0], high[1], reference.box[5])


def _deepest(errors: Errors) -> NDArray[np.int64]:
    """Return the click in the box of the errors, (3,); inside, arrays are (k, j, i), as the challenge has them."""
    wrong = np.ascontiguousarray(errors.wrong.transpose(2, 1, 0))
    labels, _ = components(wrong)
    region = labels == _first_largest(labels)
    near = bounding_box(region)
    _refuse_large(near)
    # A single slice is padded along k like any axis: all of its voxels are equally deep there.
    depth = squared_depth(region[slices(near)], _VOXELS, flat=False)
    tied = np.argwhere(depth == depth.max())
    chosen = tied[np.random.RandomState(_TIE_SEED).choice(len(tied))]
    return np.array((chosen + near[:3])[::-1], dtype=np.int64)


def _first_largest(labels: NDArray[np.int64]) -> int:
    """Return the largest component; of those that tie, the one whose first voxel comes first."""
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    tied = np.flatnonzero(sizes == sizes.max())
    if tied.size == 1:
        return int(tied[0])
    flat = labels.ravel()
    return int(flat[np.isin(flat, tied)][0])


def _refuse_large(near: Box) -> None:
    sides = np.subtract(near[3:], near[:3])
    padded = sides + 2 * np.maximum((sides * 0.25).astype(int), 1)
    if int(np.prod(padded)) > _LARGE:
        raise ValueError("the region of error is larger than the challenge's script measures at full resolution")
