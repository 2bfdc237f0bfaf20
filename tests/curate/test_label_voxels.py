from collections import deque

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.extra import numpy as arrays

from curate.errors import ReadError
from curate.geometry import Geometry
from curate.label_voxels import filled, foreground, integers
from curate.volume import Volume


def volume(values, dtype, channels=()):
    """Return a volume that holds `values` in one line."""
    voxels = np.asarray(values, dtype=dtype).reshape(-1, 1, 1, *channels)
    return Volume(voxels, Geometry(voxels.shape[:3], np.eye(4)))


@pytest.mark.parametrize(
    ("values", "threshold", "inverted", "wanted"),
    [
        ([0, 1, 255, 255], None, False, [0, 1, 1, 1]),
        ([0, 1, 255, 255], None, True, [1, 0, 0, 0]),
        ([0, 127, 128, 255], 127, False, [0, 0, 1, 1]),
        ([0, 127, 128, 255], 127, True, [1, 1, 0, 0]),
        ([0, 1, 2, 3], 0, False, [0, 1, 1, 1]),
        ([-5, -1, 0, 1], -2, False, [0, 1, 1, 1]),
    ],
)
@pytest.mark.parametrize("dtype", ["int16", "float32"])
def test_foreground_is_above_the_threshold(values, threshold, inverted, wanted, dtype):
    """Above counts, equal does not; without a threshold anything but 0 does; inverted takes the rest."""
    found = foreground(volume(values, dtype), "mask.nii", threshold, inverted=inverted)
    assert found.ravel().tolist() == wanted
    assert found.dtype == np.uint8


def test_probabilities_need_a_threshold():
    """A map of probabilities is a mask above a threshold, and `fractional_values` without."""
    shares = volume([0, 0.2, 0.5, 0.51], "float32")
    assert foreground(shares, "mask.nii", 0.5, inverted=False).ravel().tolist() == [0, 0, 0, 1]
    with pytest.raises(ReadError, match=r"mask\.nii: 3 voxels are no 32-bit integers, such as 0\.2") as caught:
        foreground(shares, "mask.nii", None, inverted=False)
    assert caught.value.code == "fractional_values"


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_threshold_does_not_hide_what_is_no_number(value):
    """NaN is neither above nor below: it is refused with its count."""
    with pytest.raises(ReadError, match=r"mask\.nii: 1 voxels are not finite") as caught:
        foreground(volume([0, 1, value], "float32"), "mask.nii", 0.5, inverted=True)
    assert caught.value.code == "nonfinite_voxels"


def test_a_threshold_on_colours_is_one_on_their_luma():
    """Of a picture in colour the luma counts: 0.299 R + 0.587 G + 0.114 B (ITU-R BT.601)."""
    colours = volume([[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255]], "uint8", (3,))
    assert foreground(colours, "mask.jpg", 76, inverted=False).ravel().tolist() == [1, 1, 0, 1]
    assert foreground(colours, "mask.jpg", 77, inverted=False).ravel().tolist() == [0, 1, 0, 1]


def test_colours_are_numbers_of_24_bits():
    """Where the recipe names colours each voxel is 0xRRGGBB; what is grey has three equal channels."""
    colours = volume([[255, 0, 0], [0, 255, 0], [1, 2, 3], [0, 0, 0]], "uint8", (3,))
    assert integers(colours, "a.png", colours=True).ravel().tolist() == [0xFF0000, 0x00FF00, 0x010203, 0]
    grey = volume([0, 7, 255], "uint8")
    assert integers(grey, "a.png", colours=True).ravel().tolist() == [0, 0x070707, 0xFFFFFF]


def test_colours_of_16_bits_have_no_name():
    """A picture whose channels are deeper than `#rrggbb` can say is no label map of colours."""
    with pytest.raises(ReadError, match=r"a\.png: no picture of 8 bits, and the recipe names colours") as caught:
        integers(volume([[300, 0, 0]], "uint16", (3,)), "a.png", colours=True)
    assert caught.value.code == "not_a_label_map"


def flooded(outline):
    """Return what a flood from outside, through edges, does not reach in one picture."""
    padded = np.pad(outline, 1)
    reached = np.zeros_like(padded)
    todo = deque([(0, 0)])
    while todo:
        i, j = todo.popleft()
        if 0 <= i < padded.shape[0] and 0 <= j < padded.shape[1] and not padded[i, j] and not reached[i, j]:
            reached[i, j] = True
            todo += [(i + 1, j), (i - 1, j), (i, j + 1), (i, j - 1)]
    return ~reached[1:-1, 1:-1]


@given(arrays.arrays(np.bool_, (7, 8, 3)))
@settings(max_examples=60, deadline=None)
def test_a_filled_outline_is_what_no_flood_reaches(outline):
    """Slice by slice: the outline and what it encloses, as a flood from outside tells it."""
    found = filled(outline)
    for k in range(outline.shape[2]):
        np.testing.assert_array_equal(found[:, :, k], flooded(outline[:, :, k]))


def test_an_outline_encloses_nothing_across_slices():
    """Two lids above and below do not close a hole that is open on its own slice."""
    outline = np.ones((5, 5, 3), np.bool_)
    outline[2, 2:, 1] = False
    assert (filled(outline) == outline).all()


def test_an_ellipse_is_filled_to_its_area():
    """The drawn line of an ellipse becomes the ellipse: pi a b pixels, but for the line's share."""
    i, j = np.mgrid[:200, :200]
    radius = np.hypot((i - 100) / 80, (j - 100) / 50)
    line = (np.abs(radius - 1) < 0.03)[:, :, np.newaxis]
    assert filled(line).sum() == np.count_nonzero(radius < 1.03)
    assert filled(line).sum() == pytest.approx(np.pi * 80 * 50 * 1.03**2, rel=0.01)
