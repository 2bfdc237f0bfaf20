"""All targets of an image at once: two label maps, one pass for every overlap, one for every bounding box."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.metrics.histogram import joint_histogram
from bench.metrics.scoring import Scores, check, compare, core_scores
from curate.geometry import Box, Geometry
from curate.labelmap import BoxMask


def score_labels(
    reference: NDArray[Any], prediction: NDArray[Any], labels: Sequence[int], geometry: Geometry, tolerance: float
) -> dict[int, Scores]:
    """Score every label of a label map as `score` would, to the same bit.

    Args:
        reference: Labels, (i, j, k), integers of 0 or more; 0 is background.
        prediction: Same shape; a label stands for the same target in both.
        labels: The labels to score.
        geometry: The grid.
        tolerance: Tolerance of NSD, in the unit of the grid.

    Returns:
        For each label the columns of `bench.schema.SCORED` but `grid`.

    Raises:
        GeometryError: If the maps do not lie on the grid.
        UsageError: If a map holds no integers or the tolerance is no distance.
    """
    counts = joint_histogram(reference, prediction).each(labels)
    references, predictions = label_masks(reference, labels), label_masks(prediction, labels)
    scores: dict[int, Scores] = {}
    for label in labels:
        pair = references[label], predictions[label]
        check(*pair, geometry, tolerance)
        scores[label] = core_scores(compare(*pair, geometry, counts[label]), geometry, tolerance)
    return scores


def label_masks(labels_map: NDArray[Any], labels: Iterable[int]) -> dict[int, BoxMask]:
    """Cut the mask of every label out of a label map, (i, j, k); all boxes come from one pass."""
    wanted = list(labels)
    shape = (labels_map.shape[0], labels_map.shape[1], labels_map.shape[2])
    boxes = _boxes(labels_map, max(wanted, default=0))
    masks: dict[int, BoxMask] = {}
    for label in wanted:
        box = boxes.get(label)
        if box is None:
            masks[label] = BoxMask.empty(shape)
            continue
        inside = labels_map[box[0] : box[3], box[1] : box[4], box[2] : box[5]] == label
        masks[label] = BoxMask(shape, box, np.ascontiguousarray(inside))
    return masks


def _boxes(labels_map: NDArray[Any], largest: int) -> dict[int, Box]:
    """Return the bounding box of each label that occurs, read in the order in which the voxels lie in memory."""
    from scipy.ndimage import find_objects

    turned = not labels_map.flags.c_contiguous and labels_map.flags.f_contiguous
    found = find_objects(labels_map.T if turned else labels_map, max_label=largest)
    boxes: dict[int, Box] = {}
    for label, extents in enumerate(found, start=1):
        if extents is not None:
            i, j, k = reversed(extents) if turned else extents
            boxes[label] = (i.start, j.start, k.start, i.stop, j.stop, k.stop)
    return boxes
