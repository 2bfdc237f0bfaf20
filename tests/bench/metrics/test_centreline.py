"""Centre-line Dice: worked out by hand, and against its definition by scikit-image."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import ndimage
from skimage.morphology import skeletonize

from bench.metrics.centreline import centreline, centreline_dice


def _tube(start: int, stop: int, *, shift: int = 0) -> np.ndarray:
    """Draw a straight tube along i whose cross-section is a plus of 5 voxels."""
    mask = np.zeros((40, 9, 9), dtype=bool)
    for j, k in ((4, 4), (3, 4), (5, 4), (4, 3), (4, 5)):
        mask[start:stop, j + shift, k] = True
    return mask


def test_equal_tubes_score_one():
    """A tube against itself has centre-line Dice of exactly 1."""
    assert centreline_dice(_tube(5, 35), _tube(5, 35)) == 1.0


def test_tubes_apart_score_zero():
    """Tubes that share no voxel score 0, not null."""
    assert centreline_dice(_tube(2, 10), _tube(20, 30)) == 0.0


def test_a_centre_line_inside_a_thicker_tube_is_wholly_right():
    """The centre-line of a tube is the same thing to this metric as the tube."""
    tube = _tube(5, 35)
    assert centreline_dice(tube, centreline(tube)) == 1.0


def test_half_a_tube_has_full_precision_and_half_the_sensitivity():
    """A prediction of the first half scores the harmonic mean of 1 and the share of the centre-line that it holds."""
    whole, half = _tube(0, 40), _tube(0, 20)
    line = centreline(whole)
    sensitivity = np.count_nonzero(line & half) / np.count_nonzero(line)
    assert sensitivity == pytest.approx(0.5, abs=0.03)
    assert centreline_dice(whole, half) == pytest.approx(2 * sensitivity / (1 + sensitivity))


@pytest.mark.parametrize("size", [2, 4])
def test_a_cube_that_thinning_erases_keeps_one_voxel(size):
    """scikit-image thins a cube of 2 or 4 voxels to nothing; here its middle stays, and it scores."""
    cube = np.zeros((9, 9, 9), dtype=bool)
    cube[2 : 2 + size, 2 : 2 + size, 2 : 2 + size] = True
    assert not skeletonize(cube).any()
    line = centreline(cube)
    assert np.argwhere(line).tolist() == [[1 + size // 2] * 3]
    assert centreline_dice(cube, cube) == 1.0


@given(arrays(np.bool_, st.tuples(*[st.integers(1, 7)] * 3)))
@settings(max_examples=100, deadline=None)
def test_every_component_has_a_centre_line_inside_it(mask):
    """The centre-line lies inside the mask and reaches each of its 26-connected components."""
    assume(mask.any())
    line = centreline(mask)
    labels, count = ndimage.label(mask, np.ones((3, 3, 3)))
    assert not (line & ~mask).any()
    assert set(np.unique(labels[line])) == set(range(1, count + 1))


@given(arrays(np.bool_, st.tuples(*[st.integers(1, 12)] * 2)), st.sampled_from([0, 1, 2]))
@settings(max_examples=60, deadline=None)
def test_a_single_slice_is_thinned_in_its_plane(mask, axis):
    """The centre-line of a 2D image is scikit-image's of the plane, along whatever axis the slice is thin."""
    assume(mask.any())
    expected = np.expand_dims(skeletonize(mask), axis)
    np.testing.assert_array_equal(centreline(np.expand_dims(mask, axis)), expected)
