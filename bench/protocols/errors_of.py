"""Where a prediction is wrong, and how deep."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from curate.labelmap import BoxMask, bounding_box, components, slices, union_box

Spacing = tuple[float, float, float]


@dataclass(frozen=True, slots=True, eq=False)
class Errors:
    """The voxels on which prediction and reference differ, in the box around them."""

    corner_ijk: tuple[int, int, int]
    """Index of the box's first voxel in the image."""
    wrong: NDArray[np.bool_]
    """(i, j, k): missed or wrongly covered."""
    wanted: NDArray[np.bool_]
    """Same shape: the reference."""
    flat: bool
    """True for 2D images, whose regions have a depth within the slice only."""

    @classmethod
    def between(cls, reference: BoxMask, prediction: BoxMask | None) -> "Errors":
        """Compare two masks; before the first prediction all of the reference is missed."""
        box, wrong, wanted = reference.box, reference.voxels, reference.voxels
        if prediction is not None:
            box = union_box(reference.box, prediction.box)
            wanted = reference.within(box)
            wrong = wanted != prediction.within(box)
        near = bounding_box(wrong)
        corner = (box[0] + near[0], box[1] + near[1], box[2] + near[2])
        return cls(corner, wrong[slices(near)], wanted[slices(near)], reference.shape_ijk[2] == 1)

    @property
    def missed(self) -> NDArray[np.bool_]:
        """Voxels of the reference that the prediction leaves out."""
        return self.wrong & self.wanted

    @property
    def excess(self) -> NDArray[np.bool_]:
        """Voxels that the prediction wrongly covers."""
        return self.wrong & ~self.wanted

    def dice(self, reference_voxels: int) -> float:
        """Return the Dice of the prediction, 0 to 1, given the size of the reference."""
        missed = int(np.count_nonzero(self.missed))
        excess = int(np.count_nonzero(self.wrong)) - missed
        return 2 * (reference_voxels - missed) / (2 * reference_voxels - missed + excess)


def squared_depth(region: NDArray[np.bool_], spacing: Spacing, *, flat: bool) -> NDArray[np.float32]:
    """Return the squared distance of each voxel of a region to the nearest voxel outside, 0 outside.

    Beyond the array lies outside, as beyond the image: SAM-Med3D's and the CVPR 2025 challenge's scripts pad with
    background. Exact for whole squared distances below 2^24.

    Args:
        region: (i, j, k).
        spacing: Distance of voxel centres along i, j, k.
        flat: Measure within the only slice.
    """
    import edt

    voxels = np.ascontiguousarray(region).view(np.uint8)
    if flat:
        inside: NDArray[np.float32] = edt.edtsq(voxels[:, :, 0], anisotropy=spacing[:2], black_border=True, parallel=1)
        return inside[:, :, None]
    depth: NDArray[np.float32] = edt.edtsq(voxels, anisotropy=spacing, black_border=True, parallel=1)
    return depth


def largest_components(region: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the largest 26-connected component (8-connected in a slice); several where they tie for it."""
    labels, sizes = components(region)
    if sizes.size == 1:
        return region
    largest = np.zeros(sizes.size + 1, dtype=np.bool_)
    largest[1:] = sizes == sizes.max()
    tied: NDArray[np.bool_] = largest[labels]
    return tied
