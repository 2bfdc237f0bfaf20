import numpy as np
import pytest

from curate.geometry import Geometry
from curate.report import picture
from curate.report.picture import Cut


def grid(shape, spacing=None):
    """Make a grid of some spacing in mm, or one without spacing."""
    if spacing is None:
        return Geometry(shape, np.eye(4), unit="pixel")
    return Geometry(shape, np.diag([*spacing, 1.0]))


@pytest.mark.parametrize(
    ("spacing", "axis"),
    [((1, 1, 5), 2), ((3, 0.5, 0.5), 0), ((1, 4, 1), 1), ((1, 1, 1), 2), ((4.7, 4.7, 3.3), 2), ((1.1, 1, 1), 2)],
)
def test_a_volume_is_cut_across_its_coarsest_axis(spacing, axis):
    """Where one axis is clearly coarser than both others it is that one, else k."""
    assert picture.cut_axis(grid((9, 9, 9), spacing)) == axis


def test_what_has_no_spacing_is_cut_across_k():
    """Without millimetres no axis is coarser."""
    assert picture.cut_axis(grid((9, 9, 9))) == 2


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_right_front_and_head_lie_on_the_left_and_above(axis):
    """In RAS the last voxel is right, front and head: in every plane it stands in the upper left corner."""
    voxels = np.zeros((4, 5, 6))
    voxels[-1, -1, -1] = 1
    shown = picture.plane(voxels, Cut(axis, voxels.shape[axis] - 1), in_space=True)
    assert np.argwhere(shown).tolist() == [[0, 0]]


def test_a_picture_is_shown_as_it_is_stored():
    """(column, row) becomes (row, column), nothing is turned; colours stay last."""
    voxels = np.arange(2 * 3 * 3).reshape(2, 3, 1, 3)
    shown = picture.plane(voxels, Cut(2, 0), in_space=False)
    assert shown.shape == (3, 2, 3)
    assert shown[2, 1].tolist() == voxels[1, 2, 0].tolist()


def test_a_slice_keeps_its_proportions_in_space():
    """100 x 50 voxels of 1 x 4 mm are 100 x 200 mm: twice as high as wide."""
    width, height = picture.size(grid((100, 50, 3), (1, 4, 9)), Cut(2, 0))
    assert (width, height) == (picture.LONGEST_SIDE // 2, picture.LONGEST_SIDE)


def test_the_fullest_slice_is_the_first_of_the_largest_area():
    """Of equal areas the first; of none the middle, which is not the first."""
    assert picture.fullest(np.array([0, 7, 7, 1])) == 1
    assert picture.fullest(np.array([0, 0, 0, 0, 0])) == 2


def test_a_ct_window_shows_what_the_masks_are_in():
    """Lung at -800 HU is inside the window, which is 400 HU wide around it; without masks it is soft tissue."""
    pixels = np.full((10, 10), 50.0)
    inside = np.zeros((10, 10), dtype=bool)
    inside[2:5, 2:5] = True
    pixels[inside] = -800
    assert picture.window(pixels, inside, "CT", "HU") == (-1000, -600)
    assert picture.window(pixels, inside & False, "CT", None) == (-160, 240)


def test_a_window_for_everything_else_leaves_background_and_spikes_out():
    """The lowest value is background: from the 1st to the 99.5th percentile of 1 ... 1000."""
    pixels = np.concatenate([np.zeros(9000), np.arange(1, 1001)]).reshape(100, 100)
    low, high = picture.window(pixels, pixels < 0, "MR", None)
    assert (low, high) == pytest.approx((np.percentile(np.arange(1, 1001), 1), np.percentile(np.arange(1, 1001), 99.5)))
    assert picture.window(pixels, pixels < 0, "PET", "SUV")[0] == 0


@pytest.mark.parametrize("modality", ["CT", "MR", "PET", "US"])
def test_a_constant_slice_has_a_window(modality):
    """Nothing is divided by zero."""
    pixels = np.full((4, 4), 7, dtype=np.int16)
    low, high = picture.window(pixels, pixels < 0, modality, None)
    assert high > low
    assert picture.grey_levels(pixels, (low, high)).shape == (4, 4, 3)


def test_pictures_of_8_bits_are_shown_as_they_are():
    """A radiograph or photo of 8 bits is not stretched."""
    pixels = np.arange(16, dtype=np.uint8).reshape(4, 4)
    assert picture.window(pixels, pixels < 0, "XR", None) is None
    assert (picture.grey_levels(pixels, None)[..., 0] == pixels).all()


def test_grey_levels_end_at_black_and_white():
    """Below the window is 0, above it 255, its middle 128."""
    shown = picture.grey_levels(np.array([[-5.0, 0.0, 5.0, 10.0, 99.0]]), (0, 10))
    assert shown[0, :, 0].tolist() == [0, 0, 128, 255, 255]


def test_an_outline_is_a_line_and_not_an_area():
    """The border of a disc has its colour, its middle keeps the image, and around it lies a dark rim."""
    levels = np.full((60, 60, 3), 90, dtype=np.uint8)
    mask = np.zeros((60, 60), dtype=bool)
    mask[20:40, 20:40] = True
    drawn = picture.draw(levels, [(mask, (1, 2, 3))], (120, 120))
    assert drawn[40, 60].tolist() == [1, 2, 3]
    assert drawn[60, 60].tolist() == [90, 90, 90]
    assert drawn[39, 60].tolist() == [30, 30, 30]


def test_a_mask_of_one_voxel_is_seen():
    """A structure smaller than a pixel of the picture still colours one."""
    levels = np.zeros((900, 900, 3), dtype=np.uint8)
    mask = np.zeros((900, 900), dtype=bool)
    mask[451, 451] = True
    drawn = picture.draw(levels, [(mask, (1, 2, 3))], (90, 90))
    assert np.argwhere((drawn == (1, 2, 3)).all(axis=2)).tolist() == [[45, 45]]


def test_the_last_mask_lies_on_top():
    """Two masks of one place: the colour is that of the later one."""
    mask = np.ones((9, 9), dtype=bool)
    drawn = picture.draw(np.zeros((9, 9, 3), dtype=np.uint8), [(mask, (1, 1, 1)), (mask, (2, 2, 2))], (9, 9))
    assert drawn[0, 0].tolist() == [2, 2, 2]
