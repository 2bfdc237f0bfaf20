"""The turns of a volume and of a picture."""

import numpy as np
import pytest

from curate.duplicates.turns import turns


@pytest.mark.parametrize(("is_2d", "count"), [(False, 48), (True, 8)])
def test_every_turn_is_another_one(is_2d, count):
    """A volume has 48 turns and a picture 8, all different, and the first does nothing."""
    voxels = np.arange(4 * 3 * 5).reshape(4, 3, 5)[:, :, : 1 if is_2d else 5]
    found = [turn.array(voxels) for turn in turns(is_2d=is_2d)]
    assert len({(one.shape, one.tobytes()) for one in found}) == count
    assert turns(is_2d=is_2d)[0].is_identity
    assert np.array_equal(found[0], voxels)


def test_an_inverse_undoes_its_turn():
    """For all 48: there and back again, the array is what it was."""
    voxels = np.arange(4 * 3 * 5).reshape(4, 3, 5)
    assert all(np.array_equal(turn.inverse.array(turn.array(voxels)), voxels) for turn in turns(is_2d=False))


def test_boxes_and_margins_turn_with_their_array():
    """For all 48: the turned box holds what the box held, and the turned margins are those of the turned box."""
    voxels = np.arange(6 * 7 * 8).reshape(6, 7, 8)
    box, margins = (1, 2, 3, 4, 6, 8), (1, 2, 3, 2, 1, 0)
    for turn in turns(is_2d=False):
        whole = turn.array(voxels)
        i0, j0, k0, i1, j1, k1 = (int(side) for side in turn.box(box, voxels.shape))
        assert np.array_equal(turn.array(voxels[1:4, 2:6, 3:8]), whole[i0:i1, j0:j1, k0:k1])
        assert turn.sides(margins) == (i0, j0, k0, *np.subtract(whole.shape, (i1, j1, k1)))


def test_a_code_says_where_the_axes_come_from():
    """A quarter turn takes i from -j and j from i."""
    voxels = np.arange(6).reshape(2, 3, 1)
    (quarter,) = [turn for turn in turns(is_2d=True) if turn.code == "-j+i+k"]
    assert np.array_equal(quarter.array(voxels)[:, :, 0], voxels[:, ::-1, 0].T)
