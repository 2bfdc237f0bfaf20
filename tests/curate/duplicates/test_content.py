"""What counts as content."""

import numpy as np
import pytest

from curate.duplicates.content import content_of
from curate.duplicates.crop import content_box
from curate.duplicates.turns import turns
from curate.errors import ReadError


@pytest.mark.parametrize("value", [0, -1000, -3024])
def test_padding_is_taken_off(scan, value):
    """Unequal padding by any constant moves the content box and does not change its size."""
    voxels = scan(1)
    i0, j0, k0, i1, j1, k1 = content_box(voxels)
    padded = np.pad(voxels, ((7, 1), (0, 12), (3, 4)), constant_values=value)
    assert content_box(padded) == (i0 + 7, j0, k0 + 3, i1 + 7, j1, k1 + 3)


def test_the_box_is_that_of_the_body():
    """A textured block in a flat surrounding is found to the voxel."""
    voxels = np.full((30, 32, 28), -1000, dtype=np.float32)
    voxels[4:20, 6:31, 2:25] = np.random.default_rng(0).normal(0, 300, (16, 25, 23))
    assert content_box(voxels) == (4, 6, 2, 20, 31, 25)


@pytest.mark.parametrize("turn", turns(is_2d=False)[::7], ids=lambda turn: turn.code)
def test_a_turned_scan_has_the_turned_box(scan, turn):
    """Turning and cropping can be exchanged."""
    voxels = np.pad(scan(2), ((5, 0), (1, 2), (0, 6)))
    assert content_box(np.ascontiguousarray(turn.array(voxels))) == turn.box(content_box(voxels), voxels.shape)


def test_a_frame_line_is_no_content(scan):
    """One bright row at the edge of a dark border, as in digitised fundus pictures, does not keep the border."""
    picture = np.pad(scan(3, (200, 180, 1)), ((20, 20), (20, 20), (0, 0)), constant_values=-1000)
    lined = picture.copy()
    lined[0, ::2] = 1500
    assert content_box(lined) == content_box(picture)


def test_an_image_without_content_keeps_its_box():
    """All voxels equal: nothing tells border from content, so the box is the whole image."""
    assert content_box(np.ones((5, 6, 7), dtype=np.float32)) == (0, 0, 0, 5, 6, 7)


@pytest.mark.parametrize(
    ("value", "message"), [(np.nan, "p1: NaN or infinite voxels"), (7, "p1: all voxels are 7, so nothing can be")]
)
def test_an_image_with_nothing_to_compare_is_refused(value, message):
    """NaN and a constant image are errors that name the image."""
    with pytest.raises(ReadError, match=message):
        content_of(np.full((5, 5, 5), value, dtype=np.float32), "p1")


def test_a_large_image_is_averaged_down(scan):
    """Cells of 2 x 3 x 1 voxels are their means, and the margins still count voxels; what fills no cell is left out."""
    voxels = np.repeat(np.repeat(scan(4, (70, 70, 30)), 2, axis=0), 3, axis=1)
    small, large = content_of(scan(4, (70, 70, 30)), "small"), content_of(voxels[:-1], "large")
    assert large.voxels_per_cell == (2, 3, 1)
    assert large.cells.shape == (69, 70, 30)
    assert large.box == small.box
    assert large.margins == pytest.approx(np.multiply(small.margins, (2, 3, 1, 2, 3, 1)) - (0, 0, 0, 1, 0, 0))


def test_neither_hot_spots_nor_fillings_set_the_range(scan):
    """A bright voxel, and a filling of any value, noisy or not, move no end of the range by a tenth."""
    voxels = scan(5)
    cold = content_of(voxels, "cold").cells
    hot = voxels.copy()
    hot[20, 20, 20] = 1e6
    outside = voxels == -1000
    deeper, noisy = np.where(outside, -3024, voxels), voxels.copy()
    noisy[outside] += np.random.default_rng(0).normal(0, 20, outside.sum())
    for changed in (hot, deeper, noisy):
        cells = content_of(changed.astype(np.float32), "changed").cells
        assert cells.min() == pytest.approx(cold.min(), abs=float(np.ptp(cold)) / 10)
        assert cells.max() == pytest.approx(cold.max(), abs=float(np.ptp(cold)) / 10)
