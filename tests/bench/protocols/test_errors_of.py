"""Where a prediction is wrong: closed forms and SciPy's own distance transform."""

import numpy as np
import pytest
from scipy import ndimage

from bench.protocols.errors_of import Errors, largest_components, squared_depth
from curate.labelmap import BoxMask

RNG = np.random.default_rng(11)


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (0.7, 0.7, 5.0)])
@pytest.mark.parametrize("shape", [(9, 8, 7), (12, 1, 5), (1, 1, 1)])
def test_depth_is_the_distance_to_what_is_outside(shape, spacing):
    """Depth agrees with SciPy's transform of the region in a margin of background."""
    region = RNG.random(shape) < 0.8
    expected = ndimage.distance_transform_edt(np.pad(region, 1), sampling=spacing)[1:-1, 1:-1, 1:-1]
    assert np.sqrt(squared_depth(region, spacing, flat=False)) == pytest.approx(expected, rel=1e-6)


def test_depth_of_a_picture_is_measured_in_it():
    """In a 2D image the missing neighbours above and below are no border."""
    region = np.ones((5, 7, 1), dtype=bool)
    depth = np.sqrt(squared_depth(region, (1.0, 1.0, 9.0), flat=True))
    assert depth[:, :, 0].max() == 3
    assert depth[2, 2, 0] == 3
    assert depth[0].tolist() == [[1]] * 7


def test_the_largest_component_counts_corners():
    """Voxels that touch at a corner are one component; of two that tie both are kept."""
    region = np.zeros((9, 9, 9), dtype=bool)
    region[0, 0, 0] = region[1, 1, 1] = region[2, 2, 2] = True
    region[5:7, 5, 5] = True
    assert np.argwhere(largest_components(region)).tolist() == [[0, 0, 0], [1, 1, 1], [2, 2, 2]]
    region[7, 6, 5] = True
    assert largest_components(region).sum() == 6


def test_errors_are_split_by_side():
    """A block moved by one voxel misses a face on one side and covers one too many on the other."""
    reference, prediction = np.zeros((8, 6, 6), dtype=bool), np.zeros((8, 6, 6), dtype=bool)
    reference[2:5, 1:4, 1:4] = True
    prediction[3:6, 1:4, 1:4] = True
    errors = Errors.between(BoxMask.of(reference), BoxMask.of(prediction))
    assert errors.corner_ijk == (2, 1, 1)
    assert errors.wrong.shape == (4, 3, 3)
    assert np.unique(np.argwhere(errors.missed)[:, 0]).tolist() == [0]
    assert np.unique(np.argwhere(errors.excess)[:, 0]).tolist() == [3]
    assert errors.dice(27) == 2 * 18 / 54


def test_equal_masks_have_no_error():
    """Nothing is wrong where prediction and reference are one mask."""
    mask = BoxMask.of(RNG.random((4, 5, 6)) < 0.5)
    errors = Errors.between(mask, mask)
    assert errors.wrong.size == 0
    assert errors.dice(mask.count) == 1
