"""Scores of all labels of two maps against the scores of each label alone."""

import numpy as np
import pytest

from bench.metrics import score, score_labels
from bench.metrics.labels import label_masks
from curate.errors import GeometryError
from curate.geometry import Geometry
from curate.labelmap import BoxMask

GRID = Geometry((24, 20, 16), np.diag([0.7, 0.9, 2.0, 1.0]))


def _maps(order: str) -> tuple[np.ndarray, np.ndarray]:
    """Draw five balls, labels 1 to 5, and the same ones shifted, where label 4 is called 6."""
    axes = np.ogrid[:24, :20, :16]
    maps = []
    for step in (0, 1):
        labels = np.zeros((24, 20, 16), dtype=np.uint8, order=order)
        for value, centre in enumerate([(6, 6, 5), (16, 6, 5), (6, 14, 11), (16, 14, 11), (11, 10, 8)], start=1):
            label = 6 if step and value == 4 else value
            labels[sum((x - c - step) ** 2 for x, c in zip(axes, centre, strict=True)) <= 10] = label
        maps.append(labels)
    return maps[0], maps[1]


@pytest.mark.parametrize("order", ["C", "F"])
def test_labels_score_as_each_alone_to_the_bit(order):
    """Every label, also one that only one map or none holds, has exactly the scores of its two masks."""
    reference, prediction = _maps(order)
    found = score_labels(reference, prediction, [1, 2, 3, 4, 5, 6, 7], GRID, 1.5)
    for label, scores in found.items():
        masks = BoxMask.of(reference == label), BoxMask.of(prediction == label)
        assert scores == score(*masks, GRID, 1.5)


@pytest.mark.parametrize("order", ["C", "F"])
def test_masks_are_cut_out_with_their_boxes(order):
    """Every label's mask has the box and the voxels of the label; one that does not occur is empty."""
    reference, _ = _maps(order)
    for label, mask in label_masks(reference, [1, 3, 7]).items():
        expected = BoxMask.of(reference == label)
        assert mask.box == expected.box
        np.testing.assert_array_equal(mask.voxels, expected.voxels)


def test_maps_off_the_grid_are_refused():
    """Maps of another shape than the grid raise an error that names both."""
    labels = np.ones((2, 2, 2), dtype=np.uint8)
    with pytest.raises(GeometryError, match=r"own grid \(24, 20, 16\), found \(2, 2, 2\)"):
        score_labels(labels, labels, [1], GRID, 1.0)
