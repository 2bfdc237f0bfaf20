"""Prompts slice by slice: on every slice of the target, or on a few and between them."""

import numpy as np
import pytest

from bench import protocols
from bench.protocols.key import Key
from bench.records import Prompts
from curate.errors import UsageError
from curate.labelmap import BoxMask

CONE = np.zeros((24, 24, 15), dtype=bool)
for _k in range(2, 12):
    CONE[12 - _k : 12 + _k, 10:14, _k] = True
GAP = CONE & (np.arange(15) != 6)


def shown_by(name, mask=CONE, prediction=None, history=None, step=1, **parameters):
    """Return the prompts of one step."""
    answer = None if prediction is None else BoxMask.of(prediction)
    key = Key(name, 1, "d", "d/c", "liver", step)
    return protocols.load(name, 1, parameters).prompt(BoxMask.of(mask), answer, history or Prompts("x"), key)


@pytest.mark.parametrize("axis", ["i", "j", "k"])
def test_every_slice_of_the_target_gets_one_point_a_step(axis):
    """N slices cost N actions a step, and each has a point in the target."""
    shown, number = shown_by("slice-points", axis=axis), "ijk".index(axis)
    slices = np.flatnonzero(CONE.any(axis=tuple(n for n in range(3) if n != number)))
    assert shown.points_ijk[:, number].tolist() == slices.tolist()
    assert CONE[tuple(shown.points_ijk.T)].all()
    assert shown.n_actions == len(slices)


def test_corrections_lie_in_the_error_of_their_slice():
    """After an answer each slice is clicked where it is wrong; a slice without error is clicked in its target."""
    answer = np.roll(CONE, 1, axis=0)
    answer[:, :, 4] = CONE[:, :, 4]
    first = shown_by("slice-points")
    second = shown_by("slice-points", prediction=answer, history=first, step=2)
    new = second.points_ijk[10:]
    wrong = answer != CONE
    for point, label in zip(new, second.labels[10:], strict=True):
        assert label == int(CONE[tuple(point)])
        assert wrong[tuple(point)] or (point[2] == 4 and label == 1)
    assert second.n_actions == 20


def test_without_corrections_all_points_are_inside():
    """With `corrections` off, answers change nothing."""
    shown = [shown_by("slice-points", prediction=p, corrections=False, step=2) for p in (None, ~CONE)]
    assert shown[0].points_ijk.tolist() == shown[1].points_ijk.tolist()
    assert shown[0].labels.tolist() == [1] * 10


def test_slice_boxes_are_tight_on_their_slice():
    """Each slice of the cone has its own width; a box costs two actions."""
    shown = shown_by("slice-boxes")
    assert shown.boxes == tuple((12 - k, 10, k, 12 + k, 14, k + 1) for k in range(2, 12))
    assert shown.n_actions == 20


def test_slice_boxes_of_the_largest_part_leave_the_others_out():
    """With `component = largest` a box is around the largest part on its slice."""
    mask = np.zeros((12, 12, 3), dtype=bool)
    mask[1:3, 1:3, 1] = mask[5:9, 6:9, 1] = True
    assert shown_by("slice-boxes", mask).boxes == ((1, 1, 1, 9, 9, 2),)
    assert shown_by("slice-boxes", mask, component="largest").boxes == ((5, 6, 1, 9, 9, 2),)


@pytest.mark.parametrize("count", [3, 5, 10])
def test_boxes_between_key_slices_are_exact_where_the_target_is_straight(count):
    """A cone's width is linear in the slice: interpolated boxes are the true ones, at the price of the drawn ones."""
    shown = shown_by("key-slices", slices=count, shows="boxes")
    assert shown.boxes == shown_by("slice-boxes").boxes
    assert shown.n_actions == 2 * count


def test_points_between_key_slices_lie_on_a_straight_line():
    """A slanted rod is clicked three times, and has a point on its axis on every slice."""
    rod = np.zeros((30, 9, 13), dtype=bool)
    for k in range(13):
        rod[2 * k + 1 : 2 * k + 4, 3:6, k] = True
    shown = shown_by("key-slices", rod)
    assert shown.points_ijk.tolist() == [[2 * k + 2, 4, k] for k in range(13)]
    assert shown.n_actions == 3


def test_key_slices_hold_the_target():
    """Where the ideal slice is a gap, the nearest one with the target is worked on; few slices cost few actions."""
    shown = shown_by("key-slices", GAP, shows="boxes")
    assert len(shown.boxes) == 10
    two = CONE & np.isin(np.arange(15), (5, 6))
    assert shown_by("key-slices", two, slices=10).n_actions == 2


def test_interpolated_points_beside_the_target_are_dropped_or_kept():
    """A bow whose middle the straight line misses loses that point, unless all are to be kept."""
    bow = np.zeros((20, 5, 9), dtype=bool)
    for k, i in enumerate((2, 8, 11, 13, 14, 13, 11, 8, 2)):
        bow[i : i + 2, 2, k] = True
    dropped, kept = (shown_by("key-slices", bow, slices=2, off_target=word) for word in ("drop", "keep"))
    assert dropped.points_ijk[:, 2].tolist() == [0, 8]
    assert kept.points_ijk[:, 2].tolist() == list(range(9))
    assert kept.labels.tolist() == [1] * 9
    assert (dropped.n_actions, kept.n_actions) == (2, 2)


def test_propagation_starts_on_the_middle_slice():
    """A box or five points on the upper middle one of ten slices."""
    box, points = shown_by("propagation"), shown_by("propagation", shows="points")
    assert box.box == (5, 10, 7, 19, 14, 8)
    assert points.points_ijk[:, 2].tolist() == [7] * 5
    assert len({tuple(point) for point in points.points_ijk}) == 5
    assert (box.n_actions, points.n_actions) == (2, 5)
    assert protocols.load("propagation", 1, {"shows": "points"}).kinds == {"points"}


def test_one_key_slice_is_refused():
    """Between one slice there is nothing to interpolate; `propagation` is for that."""
    with pytest.raises(UsageError, match=r"slices: .*greater than or equal to 2"):
        shown_by("key-slices", slices=1)
