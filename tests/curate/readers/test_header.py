from pathlib import Path

import numpy as np
import pytest

from curate.errors import ReadError
from curate.readers.header import MAX_IMAGE_BYTES, Header, check

PATH = Path("folder/scan.nii")


@pytest.mark.parametrize("shape", [(5, 6), (5, 6, 7), (5, 6, 1), (5, 6, 7, 1), (5, 6, 7, 1, 1), (1, 1)])
def test_two_and_three_axes_are_an_image(shape):
    """Trailing axes of one do not count, and 2D gets k = 1."""
    header = Header(shape, np.eye(4), 1)
    check(header, PATH)
    assert header.geometry.shape_ijk == (*shape, 1, 1)[:3]


@pytest.mark.parametrize(
    ("shape", "hint"),
    [
        ((5, 6, 7, 4), "; set `volume_index` to take one of its 4 volumes"),
        ((5, 6, 7, 4, 1), "; set `volume_index` to take one of its 4 volumes"),
        ((5, 6, 7, 4, 2), ""),
        ((5, 6, 0, 4), ""),
        ((5,), ""),
    ],
)
def test_a_series_says_which_key_chooses(shape, hint):
    """Four axes are told `volume_index`; what no key of the recipe can help is not."""
    with pytest.raises(ReadError, match=r"expected two or three axes") as caught:
        check(Header(shape, np.eye(4), 1), PATH)
    assert str(caught.value).partition("expected two or three axes")[2] == hint


@pytest.mark.parametrize("shape", [(), (5,), (5, 6, 7, 2), (5, 6, 7, 1, 3), (5, 0, 7), (5, -6, 7)])
def test_other_shapes_are_no_volume(shape):
    """One axis, a fourth axis, and empty or negative axes are refused by what was found."""
    with pytest.raises(ReadError, match=r"^scan\.nii: shape \(.*\), expected two or three axes") as caught:
        check(Header(shape, np.eye(4), 1), PATH)
    assert caught.value.code == "not_a_volume"


def test_the_limit_of_memory_is_a_number_of_bytes():
    """An image of exactly the limit passes; a byte per voxel more is too large."""
    shape = (1 << 11, 1 << 11, 1 << 11)
    check(Header(shape, np.eye(4), MAX_IMAGE_BYTES >> 33), PATH)
    with pytest.raises(ReadError, match=rf"^scan\.nii: \d+ bytes of voxels, at most {MAX_IMAGE_BYTES}") as caught:
        check(Header(shape, np.eye(4), (MAX_IMAGE_BYTES >> 33) + 1), PATH)
    assert caught.value.code == "too_large"


def test_an_affine_that_lies_nowhere_is_bad_geometry():
    """The message is that of the grid, behind the name of the file."""
    with pytest.raises(ReadError, match=r"^scan\.nii: affine must be invertible, found spacing \[0\.0") as caught:
        check(Header((5, 6, 7), np.diag([0.0, 1, 1, 1]), 1), PATH)
    assert caught.value.code == "bad_geometry"


@pytest.mark.parametrize(
    ("unit", "stated", "verdict"),
    [("mm", True, "ok"), ("mm", False, "repaired:orientation_assumed"), ("pixel", True, "none")],
)
def test_the_verdict_says_what_the_file_said(unit, stated, verdict):
    """The images table tells a stated orientation from an assumed one, and both from a picture."""
    assert Header((5, 6, 7), np.eye(4), 1, unit, orientation_stated=stated).verdict == verdict
