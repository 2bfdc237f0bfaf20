"""The network's cubes: where they lie, how they are normalised, where a prediction leaves them."""

import numpy as np
import pytest

from bench.models.sam_med3d import windows


def test_normalisation_by_its_definition():
    """Mean 4 and unbiased deviation 2 of the voxels above zero are applied to all voxels."""
    cube = np.array([2.0, 4.0, 6.0, -5.0, 0.0], dtype=np.float32)
    np.testing.assert_allclose(windows.z_normalised(cube), [-1, 0, 1, -4.5, -2])


def test_clamping_is_an_option_before_padding():
    """CT is clamped to [-1000, 1000] on request only; the padding stays zero before normalisation."""
    image = np.array([3000, 500, -3000, 100], dtype=np.float32).reshape(4, 1, 1)
    values = {}
    for clamp_ct in (False, True):
        cube = windows.crop(image, (-1, 0, 0), clamp_ct=clamp_ct)[:5, 0, 0]
        scale = 400 / (cube[2] - cube[4])  # the two voxels inside the range stand 400 apart
        values[clamp_ct] = ((cube - cube[0]) * scale).round().tolist()
    assert values == {False: [0, 3000, 500, -3000, 100], True: [0, 1000, 500, -1000, 100]}


@pytest.mark.parametrize(
    ("click", "start"),
    [
        ((100, 100, 100), (36, 36, 36)),
        ((36, 163, 100), (36, 36, 36)),
        ((164, 100, 100), (100, 36, 36)),
        ((0, 100, 260), (-92, 36, 164)),
    ],
)
def test_window_of_a_click(click, start):
    """The first cube answers what it holds; beyond, the lattice window whose centre is nearest."""
    assert windows.window_of(click, (100, 100, 100)) == start
    assert windows.holds(start, click)


def test_entry_point_is_the_nearest_to_the_next_centre():
    """The point shown to the next cube is inside the prediction, in the overlap, in the next cube's voxels."""
    mask = np.zeros((128, 128, 128), dtype=bool)
    mask[127, 20, 30] = mask[100, 64, 64] = mask[10, 64, 64] = True
    assert windows.open_faces(mask, (0, 0, 0), (200, 128, 128)) == [(0, 1)]
    assert windows.open_faces(mask, (0, 0, 0), (128, 128, 128)) == []
    assert windows.neighbour((0, 0, 0), (0, 1)) == (64, 0, 0)
    assert windows.entry_point(mask, (0, 1)) == (36, 64, 64)
    assert windows.entry_point(mask[::-1], (0, -1)) == (91, 64, 64)
