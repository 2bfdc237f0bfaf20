"""Lesion-wise metrics: worked out by hand, and against the definition written out lesion by lesion."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import ndimage

from bench.metrics.lesions import lesion_count_error, lesion_dice, lesion_f1, match_lesions

SHAPE = (20, 6, 6)


def _row(*spans: tuple[int, int]) -> np.ndarray:
    """Draw lesions of 2 x 2 voxels across that reach from one index to another along i."""
    mask = np.zeros(SHAPE, dtype=bool)
    for low, high in spans:
        mask[low:high, 2:4, 2:4] = True
    return mask


def test_equal_masks_have_every_lesion():
    """A mask against itself has F1 and lesion Dice of exactly 1 and no count error."""
    match = match_lesions(_row((1, 3), (6, 9)), _row((1, 3), (6, 9)))
    assert (lesion_f1(match), lesion_dice(match), lesion_count_error(match)) == (1.0, 1.0, 0)


def test_one_found_one_missed_and_two_false():
    """Of two lesions one is found by half, and two false ones are predicted: F1 is 2 / 5, Dice the mean of 4."""
    match = match_lesions(_row((1, 3), (6, 10)), _row((6, 8), (12, 13), (15, 16)))
    assert (match.detected, match.missed, match.false) == (1, 1, 2)
    assert lesion_f1(match) == pytest.approx(2 * 1 / (2 * 1 + 2 + 1))
    assert lesion_dice(match) == pytest.approx((0 + 2 * 2 / (4 + 2) + 0 + 0) / 4)
    assert lesion_count_error(match) == 1


def test_a_lesion_found_in_two_pieces_is_compared_with_both():
    """Two predicted pieces of one lesion count as one answer, and neither is false."""
    match = match_lesions(_row((2, 10)), _row((2, 5), (7, 10)))
    assert (match.detected, match.false) == (1, 0)
    assert lesion_dice(match) == pytest.approx(2 * 6 / (8 + 6))
    assert (lesion_f1(match), lesion_count_error(match)) == (1.0, 1)


def test_one_answer_over_two_lesions_is_held_against_both():
    """A predicted lesion that joins two finds both, and each one's Dice pays for the whole of it."""
    match = match_lesions(_row((2, 5), (7, 10)), _row((2, 10)))
    assert (match.detected, match.false) == (2, 0)
    assert lesion_dice(match) == pytest.approx(2 * 3 / (3 + 8))
    assert lesion_count_error(match) == -1


def test_lesions_that_touch_at_a_corner_are_one():
    """Two voxels that share only a corner are one lesion."""
    mask = np.zeros((4, 4, 4), dtype=bool)
    mask[1, 1, 1] = mask[2, 2, 2] = True
    assert match_lesions(mask, np.zeros_like(mask)).dice.tolist() == [0.0]


@given(*[arrays(np.bool_, (5, 6, 7), elements=st.sampled_from([False, False, False, True]))] * 2)
@settings(max_examples=60, deadline=None)
def test_random_masks_agree_with_the_definition(reference, prediction):
    """Components by scipy, matched in a loop, give the same F1, Dice and count error."""
    corners = np.ones((3, 3, 3))
    (first, n_first), (second, n_second) = (ndimage.label(mask, corners) for mask in (reference, prediction))
    dice, false = [], 0
    for label in range(1, n_first + 1):
        touching = [value for value in np.unique(second[first == label]) if value]
        answer = np.isin(second, touching)
        both = np.count_nonzero(answer & (first == label))
        dice.append(2 * both / (np.count_nonzero(first == label) + np.count_nonzero(answer)))
    false = sum(not reference[second == label].any() for label in range(1, n_second + 1))
    match = match_lesions(reference, prediction)
    assert lesion_count_error(match) == n_second - n_first
    if n_first or n_second:
        found = sum(value > 0 for value in dice)
        assert lesion_f1(match) == pytest.approx(found / (found + (false + n_first - found) / 2))
        assert lesion_dice(match) == pytest.approx(sum(dice) / (n_first + false))
