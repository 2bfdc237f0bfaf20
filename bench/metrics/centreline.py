"""Centre-line Dice of tubes: whether each mask holds the other one's centre-line.

Shit et al., clDice, CVPR 2021 (arXiv 2003.07311), with scikit-image's thinning (Zhang and Suen in the plane, Lee et al.
in space) as the skeleton.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from curate.labelmap import bounding_box, components, slices


def centreline_dice(reference: NDArray[np.bool_], prediction: NDArray[np.bool_]) -> float:
    """Return the harmonic mean of topological precision and sensitivity, 0 to 1.

    Precision is the share of the prediction's centre-line inside the reference, sensitivity the share of the
    reference's centre-line inside the prediction; both count voxels, whatever the spacing.

    Args:
        reference: (i, j, k), with at least one voxel.
        prediction: Same shape, with at least one voxel.
    """
    precision = _share_inside(centreline(prediction), reference)
    sensitivity = _share_inside(centreline(reference), prediction)
    if precision + sensitivity == 0:
        return 0.0
    return 2 * precision * sensitivity / (precision + sensitivity)


def centreline(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Thin a mask, (i, j, k), to its centre-line of the same shape.

    Thinning in space erases some components whole (a cube of 2 voxels); such a one keeps its voxel next to its
    centroid, so that each component has a centre-line.
    """
    box = slices(bounding_box(mask))
    thin = np.zeros(mask.shape, dtype=np.bool_)
    cropped = mask[box]
    thin[box] = _thinned(cropped)
    labels, sizes = components(cropped)
    left = np.bincount(labels[thin[box]], minlength=sizes.size + 1)[1:]
    for label in np.flatnonzero(left == 0) + 1:
        thin[box][_middle(labels, int(label))] = True
    return thin


def _thinned(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Thin by scikit-image, in the plane where one axis has a single voxel."""
    from skimage.morphology import skeletonize

    flat = [axis for axis in range(mask.ndim) if mask.shape[axis] == 1]
    if not flat:
        return np.asarray(skeletonize(mask), dtype=np.bool_)
    plane = skeletonize(mask.squeeze(axis=flat[0]))
    return np.expand_dims(np.asarray(plane, dtype=np.bool_), flat[0])


def _middle(labels: NDArray[Any], label: int) -> tuple[int, ...]:
    """Return the index of the voxel of a component that lies next to its centroid, the first of equals."""
    voxels = np.argwhere(labels == label)
    nearest = np.argmin(((voxels - voxels.mean(axis=0)) ** 2).sum(axis=1))
    return tuple(int(index) for index in voxels[nearest])


def _share_inside(line: NDArray[np.bool_], mask: NDArray[np.bool_]) -> float:
    return float(np.count_nonzero(line & mask) / np.count_nonzero(line))
