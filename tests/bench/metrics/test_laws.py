"""What must hold for any pair of masks."""

from itertools import pairwise, permutations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

SYMMETRIC = ("dice", "iou", "nsd", "hd95_mm", "assd_mm")
ALL = (*SYMMETRIC, "volume_error")


@st.composite
def pairs(draw) -> tuple[np.ndarray, np.ndarray, tuple[float, float, float], float]:
    """Draw two masks that hold voxels, a spacing and a tolerance."""
    shape = draw(st.tuples(*[st.integers(2, 6)] * 3))
    first, second = (draw(arrays(np.bool_, shape)) for _ in range(2))
    assume(first.any() and second.any())
    spacing = draw(st.tuples(*[st.floats(0.25, 5)] * 3))
    return first, second, spacing, draw(st.floats(0, 8))


def _same(first, second, names=ALL):
    """Tell whether two score rows agree up to the rounding of float32 distances."""
    return [first[name] for name in names] == pytest.approx([second[name] for name in names], rel=1e-5, abs=1e-6)


@given(pairs())
@settings(max_examples=60, deadline=None)
def test_scores_but_volume_error_are_symmetric(scored, drawn):
    """Exchanging reference and prediction changes nothing but the volume error."""
    first, second, spacing, tolerance = drawn
    assert _same(scored(first, second, spacing, tolerance), scored(second, first, spacing, tolerance), SYMMETRIC)


@given(pairs(), st.permutations([0, 1, 2]), st.lists(st.integers(0, 2), unique=True))
@settings(max_examples=60, deadline=None)
def test_scores_do_not_depend_on_the_orientation_of_the_array(scored, drawn, order, flips):
    """Flipping and transposing both masks, and the spacing with them, changes no score."""
    first, second, spacing, tolerance = drawn
    turned = [np.flip(mask, flips).transpose(order) for mask in (first, second)]
    turned_spacing = [spacing[axis] for axis in order]
    assert _same(scored(first, second, spacing, tolerance), scored(*turned, turned_spacing, tolerance))


@given(pairs(), st.tuples(*[st.tuples(st.integers(0, 4), st.integers(0, 4))] * 3))
@settings(max_examples=60, deadline=None)
def test_scores_do_not_depend_on_the_place_in_the_grid(scored, drawn, margins):
    """More background around both masks, on any side, changes no score: the border of an image is not special."""
    first, second, spacing, tolerance = drawn
    padded = [np.pad(mask, margins) for mask in (first, second)]
    assert _same(scored(first, second, spacing, tolerance), scored(*padded, spacing, tolerance))


@given(pairs(), st.sampled_from([0.125, 0.3, 2.0, 7.0]))
@settings(max_examples=60, deadline=None)
def test_distances_scale_with_the_spacing(scored, drawn, factor):
    """Scaling spacing and tolerance scales the distances and leaves the ratios."""
    first, second, spacing, tolerance = drawn
    small = scored(first, second, spacing, tolerance)
    large = scored(first, second, [s * factor for s in spacing], tolerance * factor)
    assert _same(small, large, ("dice", "iou", "nsd", "volume_error"))
    for name in ("hd95_mm", "assd_mm"):
        assert large[name] == pytest.approx(small[name] * factor, rel=1e-5)


@given(pairs())
@settings(max_examples=40, deadline=None)
def test_nsd_grows_with_the_tolerance_and_stays_in_range(scored, drawn):
    """A larger tolerance never lowers NSD, and all scores stay in their ranges."""
    first, second, spacing, tolerance = drawn
    rows = [scored(first, second, spacing, value) for value in sorted((0.0, tolerance, 2 * tolerance, 100.0))]
    assert all(low["nsd"] <= high["nsd"] for low, high in pairwise(rows))
    assert rows[-1]["nsd"] == 1.0
    assert all(0 <= row["dice"] <= 1 and row["iou"] <= row["dice"] and row["volume_error"] >= -1 for row in rows)


@given(pairs())
@settings(max_examples=40, deadline=None)
def test_iou_follows_from_dice(scored, drawn):
    """IoU is Dice / (2 - Dice)."""
    scores = scored(*drawn)
    assert scores["iou"] == pytest.approx(scores["dice"] / (2 - scores["dice"]))


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_a_large_mask_does_not_depend_on_the_orientation_either(scored, ball, order):
    """The same holds where the distance transform, not the tree, measures the distances."""
    spacing = (0.7, 0.9, 2.5)
    first, second = ball((40, 32, 16), (18, 15, 7), 11, spacing), ball((40, 32, 16), (21, 14, 8), 10, spacing)
    turned_spacing = [spacing[axis] for axis in order]
    turned = scored(first.transpose(order), second.transpose(order), turned_spacing, 1.5)
    assert _same(scored(first, second, spacing, 1.5), turned)
