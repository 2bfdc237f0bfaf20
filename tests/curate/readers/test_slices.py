"""A folder with one picture per slice is a volume."""

import sys

import numpy as np
import pytest
from PIL import Image

from curate.errors import ReadError
from curate.readers import slices
from curate.readers.part import WHOLE


def write(folder, name, plane):
    """Write one picture of (column, row[, colour]) pixels."""
    folder.mkdir(exist_ok=True)
    Image.fromarray(np.swapaxes(plane, 0, 1)).save(folder / name)


def planes(count, shape=(5, 4)):
    """Return planes whose pixels say where they lie."""
    return [(np.arange(np.prod(shape)).reshape(shape) + 20 * n).astype(np.uint8) for n in range(count)]


def test_pictures_follow_each_other_in_the_order_of_numbers(tmp_path):
    """IMG-2 comes before IMG-10; what is hidden, or no picture, is not a slice."""
    for plane, name in zip(planes(3), ("IMG-2.png", "IMG-9.png", "IMG-10.png"), strict=True):
        write(tmp_path / "s", name, plane)
    (tmp_path / "s/._IMG-2.png").write_bytes(b"x")
    (tmp_path / "s/notes.txt").write_text("x")
    volume = slices.read(tmp_path / "s", WHOLE)
    assert np.array_equal(volume.voxels, np.stack(planes(3), axis=2))
    assert slices.header(tmp_path / "s", WHOLE).geometry.shape_ijk == (5, 4, 3)
    assert volume.geometry.unit == "pixel"


def test_colours_stay_colours(tmp_path):
    """Slices in colour give (i, j, k, 3)."""
    for n in range(2):
        write(tmp_path / "s", f"{n}.png", np.full((5, 4, 3), (n, 7, 9), np.uint8))
    voxels = slices.read(tmp_path / "s", WHOLE).voxels
    assert voxels.shape == (5, 4, 2, 3)
    assert voxels[0, 0].tolist() == [[0, 7, 9], [1, 7, 9]]


def test_slices_that_differ_are_named(tmp_path):
    """A slice of another size is refused with its name, both shapes, and a code."""
    write(tmp_path / "s", "0.png", planes(1)[0])
    write(tmp_path / "s", "1.png", planes(1, (5, 3))[0])
    with pytest.raises(ReadError, match=r"1.png: \(5, 3, 1\) of uint8, but the first slice is \(5, 4, 1\)") as caught:
        slices.read(tmp_path / "s", WHOLE)
    assert caught.value.code == "not_a_volume"


def test_a_damaged_slice_is_named(tmp_path):
    """A truncated picture among sound ones is `unreadable`, with its name."""
    for n, plane in enumerate(planes(3, (64, 64))):
        write(tmp_path / "s", f"{n}.png", plane)
    whole = (tmp_path / "s/1.png").read_bytes()
    (tmp_path / "s/1.png").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ReadError, match=r"1\.png") as caught:
        slices.read(tmp_path / "s", WHOLE)
    assert caught.value.code == "unreadable"


def test_too_many_slices_are_refused_before_they_are_read(tmp_path, monkeypatch):
    """The memory of the whole stack is what counts."""
    monkeypatch.setattr(sys.modules["curate.readers.header"], "MAX_IMAGE_BYTES", 50)
    for n, plane in enumerate(planes(3)):
        write(tmp_path / "s", f"{n}.png", plane)
    with pytest.raises(ReadError, match="s: 60 bytes of voxels, at most 50 are allowed") as caught:
        slices.read(tmp_path / "s", WHOLE)
    assert caught.value.code == "too_large"
