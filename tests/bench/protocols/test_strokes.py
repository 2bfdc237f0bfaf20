"""Scribbles, lassos and masks to start from."""

import numpy as np
import pytest

from bench import protocols
from bench.protocols.key import Key
from bench.records import Prompts
from curate.labelmap import BoxMask

BAR = np.zeros((20, 15, 9), dtype=bool)
BAR[3:16, 4:9, 5] = True
BAR[4:6, 4:6, 3:7] = True


def shown_by(name, mask=BAR, prediction=None, history=None, image="d/c", **parameters):
    """Return the prompts of one step."""
    answer = None if prediction is None else BoxMask.of(prediction)
    key = Key(name, 1, "d", image, "liver", 1 if prediction is None else 2, spacing=(1.0, 1.0, 4.0))
    return protocols.load(name, 1, parameters).prompt(BoxMask.of(mask), answer, history or Prompts("x"), key)


def test_a_scribble_runs_along_the_middle_of_the_largest_slice():
    """On the slice that shows most of the bar, inside it, away from its long sides."""
    shown = shown_by("scribble")
    voxels = shown.strokes[0].voxels_ijk
    assert set(voxels[:, 2]) == {5}
    assert BAR[tuple(voxels.T)].all()
    assert set(range(6, 13)) <= set(voxels[:, 0])
    assert {int(j) for i, j, _ in voxels if 6 <= i < 13} == {6}
    assert shown.n_actions == 3


def test_a_line_joins_two_pixels_of_the_region():
    """Its pixels lie in the region on one straight line, and differ between images."""
    strokes = [shown_by("scribble", shape="line", image=f"d/{n}").strokes[0].voxels_ijk for n in range(20)]
    for voxels in strokes:
        assert BAR[tuple(voxels.T)].all()
        direction = voxels[-1, :2] - voxels[0, :2]
        across = (voxels[:, :2] - voxels[0, :2]) @ (-direction[1], direction[0])
        assert np.abs(across).max() <= np.abs(direction).max()
    assert len({tuple(voxels[0]) for voxels in strokes}) > 5


def test_a_lasso_is_the_border_of_the_region():
    """Around a rectangle of 13 x 5 pixels lie 32 border pixels."""
    voxels = shown_by("lasso").strokes[0].voxels_ijk
    expected = {(i, j, 5) for i in range(3, 16) for j in range(4, 9) if i in (3, 15) or j in (4, 8)}
    assert {tuple(voxel) for voxel in voxels.tolist()} == expected
    assert len(expected) == 32


@pytest.mark.parametrize("axis", [0, 1])
def test_flipping_the_mask_flips_the_lasso(axis):
    """A flipped image is circled at the flipped pixels."""
    here, there = (shown_by("lasso", m).strokes[0].voxels_ijk for m in (BAR, np.flip(BAR, axis)))
    there = there.copy()
    there[:, axis] = BAR.shape[axis] - 1 - there[:, axis]
    assert sorted(here.tolist()) == sorted(there.tolist())


def test_corrections_are_drawn_on_the_larger_side():
    """What is too much is circled as outside, what is missed as inside; earlier strokes stay."""
    first = shown_by("lasso")
    too_much = shown_by("lasso", prediction=np.ones_like(BAR), history=first)
    too_little = shown_by("lasso", prediction=BAR & (np.arange(20) < 4)[:, None, None], history=first)
    assert [stroke.label for stroke in too_much.strokes] == [1, 0]
    assert [stroke.label for stroke in too_little.strokes] == [1, 1]
    assert not BAR[tuple(too_much.strokes[1].voxels_ijk.T)].any()
    assert too_little.strokes[1].voxels_ijk[:, 0].min() == 4


def test_a_copy_shares_no_array():
    """What a model does to its copy of the prompts does not reach the history."""
    shown = shown_by("scribble")
    kept = shown.strokes[0].voxels_ijk.copy()
    shown.copy().strokes[0].voxels_ijk[:] = -1
    assert (shown.strokes[0].voxels_ijk == kept).all()
    assert shown.kinds == {"scribble"}


@pytest.mark.parametrize("unit", ["voxels", "mm"])
def test_a_grown_mask_reaches_as_far_as_it_says(unit):
    """Everything within the radius of the reference is added, and nothing else."""
    step_k = 4.0 if unit == "mm" else 1.0
    dot = np.zeros((11, 11, 11), dtype=bool)
    dot[5, 5, 5] = True
    grown = shown_by("start-mask", dot, change="grow", radius=4.0, distances=unit).previous.full()
    away = (np.indices(dot.shape) - 5) * np.array((1, 1, step_k))[:, None, None, None]
    assert (grown == ((away**2).sum(axis=0) <= 16)).all()


def test_a_shrunk_mask_loses_its_border_but_never_all():
    """A cube of 9 shrunk by 2 is a cube of 5; a cube of 3 keeps its middle."""
    cube, small = np.zeros((13, 13, 13), dtype=bool), np.zeros((13, 13, 13), dtype=bool)
    cube[2:11, 2:11, 2:11] = True
    small[5:8, 5:8, 5:8] = True
    left = np.argwhere(shown_by("start-mask", cube).previous.full())
    assert (left.min(axis=0).tolist(), left.max(axis=0).tolist(), len(left)) == ([4] * 3, [8] * 3, 125)
    assert shown_by("start-mask", small, radius=5).previous.full()[6, 6, 6]
    assert shown_by("start-mask", small, radius=5).previous.count == 1


def test_clicks_follow_the_mask():
    """The mask costs nothing and stays; each click costs one."""
    first = shown_by("start-mask")
    second = shown_by("start-mask", prediction=np.zeros_like(BAR), history=first)
    assert (first.kinds, first.n_actions) == ({"previous"}, 0)
    assert (second.kinds, second.n_actions) == ({"previous", "points"}, 1)
