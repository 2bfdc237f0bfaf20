"""Slices: every voxel keeps its value, its mask and its place in the world."""

import runpy
from pathlib import Path

import numpy as np
import pytest

from curate import slicing
from curate.geometry import Geometry
from curate.labelmap import BoxMask
from curate.volume import Volume, read, write

poses = runpy.run_path(str(Path(__file__).with_name("poses.py")))
grid = poses["grid"]
SHAPE = (12, 10, 8)
PLACES = [(axis, index) for axis in range(3) for index in (0, 3, SHAPE[axis] - 1)]


def noise(shape, dtype=np.int16, seed=0):
    """Return voxels between -1000 and 1000, or bytes."""
    low, high = (0, 256) if dtype == np.uint8 else (-1000, 1001)
    return np.random.default_rng(seed).integers(low, high, shape).astype(dtype)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(("codes", "turn"), [("RAS", (0, 0, 0)), ("LPS", (0.3, -0.2, 0.25))])
def test_a_pixel_lies_where_its_voxel_lies(place, codes, turn):
    """Column and row are the two axes left, in their order; world position, spacing and voxel volume stay."""
    volume = grid(SHAPE, (0.7, 1.1, 2.5), codes, turn)
    flat = slicing.grid_of(volume, place)
    axis, index = place
    first, second = (other for other in range(3) if other != axis)
    assert flat.shape_ijk == (SHAPE[first], SHAPE[second], 1)
    assert flat.spacing == pytest.approx([volume.spacing[n] for n in (first, second, axis)])
    assert flat.voxel_volume == pytest.approx(volume.voxel_volume)
    where = np.array([2, 5, 0])
    voxel = np.zeros(3)
    voxel[[first, second, axis]] = 2, 5, index
    np.testing.assert_allclose(flat.to_world(where), volume.to_world(voxel))


def test_a_slice_of_a_grid_without_spacing_has_none():
    """Pixels stay pixels."""
    flat = slicing.grid_of(Geometry(SHAPE, np.eye(4), unit="pixel"), (1, 3))
    assert (flat.spacing_mm, flat.shape_ijk) == (None, (12, 8, 1))


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("order", ["C", "F"])
def test_a_picture_holds_the_voxels_of_its_slice(place, order, tmp_path):
    """The plane is that of the volume, in any memory order, also after a trip through PNG."""
    voxels = np.asarray(noise(SHAPE, np.uint8), order=order)
    picture = slicing.picture(Volume(voxels, grid(SHAPE)), place)
    expected = np.take(voxels, place[1], axis=place[0])
    np.testing.assert_array_equal(picture.voxels[:, :, 0], expected)
    write(picture, tmp_path / "slice.png")
    np.testing.assert_array_equal(read(tmp_path / "slice.png").voxels[:, :, 0], expected)


def test_volumes_are_stretched_from_minimum_to_maximum():
    """Minimum and maximum of the volume become 0 and 255 and fractions are cut off, in every slice alike."""
    voxels = noise(SHAPE)
    stretched = slicing.as_bytes(Volume(voxels, grid(SHAPE))).voxels
    low, high = int(voxels.min()), int(voxels.max())
    exact = (voxels.astype(object) - low) * 255 // (high - low)  # whole numbers: no rounding at all
    assert (stretched.min(), stretched.max(), stretched.dtype) == (0, 255, np.uint8)
    assert np.abs(stretched - exact.astype(int)).max() <= 1
    assert np.mean(stretched == exact.astype(int)) > 0.99


def test_a_constant_volume_is_black():
    """There is nothing to stretch, and nothing is divided by zero."""
    assert not slicing.as_bytes(Volume(np.full(SHAPE, 7, dtype=np.float32), grid(SHAPE))).voxels.any()


@pytest.mark.parametrize("shape", [(12, 10, 1), (12, 10, 1, 3)])
def test_eight_bit_pictures_keep_their_values(shape):
    """Grey or in colour, a picture of bytes passes as it is, also where it uses only a part of them."""
    voxels = noise(shape, np.uint8) // 4
    geometry = Geometry(shape[:3], np.eye(4), unit="pixel")
    np.testing.assert_array_equal(slicing.as_bytes(Volume(voxels, geometry)).voxels, voxels)


@pytest.mark.parametrize(("channels", "kept"), [(4, (12, 10, 1, 3)), (2, (12, 10, 1))])
def test_alpha_is_dropped(channels, kept):
    """Colour with alpha becomes colour, grey with alpha becomes grey."""
    voxels = noise((12, 10, 1, channels), np.uint8)
    found = slicing.as_bytes(Volume(voxels, Geometry((12, 10, 1), np.eye(4), unit="pixel"))).voxels
    np.testing.assert_array_equal(found, voxels[..., :3] if channels == 4 else voxels[..., 0])
    assert found.shape == kept


def test_pictures_of_other_depth_are_stretched():
    """A 16-bit picture is stretched like a volume."""
    voxels = noise((12, 10, 1)).astype(np.uint16) + 300
    stretched = slicing.as_bytes(Volume(voxels, Geometry((12, 10, 1), np.eye(4), unit="pixel"))).voxels
    assert (stretched.min(), stretched.max(), stretched.dtype) == (0, 255, np.uint8)


@pytest.mark.parametrize("order", ["C", "F"])
def test_the_cuts_of_a_mask_are_its_slices(order):
    """Every slice that the mask touches is there once, with its own pixels in their smallest box; no other is."""
    voxels = np.asarray(np.random.default_rng(1).random(SHAPE) < 0.02, order=order)
    voxels[:3] = voxels[:, :, 6:] = False
    found = dict(slicing.cuts(BoxMask.of(voxels), (0, 1, 2)))
    planes = {(axis, n): np.take(voxels, n, axis=axis) for axis in range(3) for n in range(SHAPE[axis])}
    assert list(found) == [place for place, plane in planes.items() if plane.any()]
    for place, cut in found.items():
        assert (cut.full()[:, :, 0] == planes[place]).all()
        assert cut.box == BoxMask.of(planes[place][:, :, np.newaxis]).box


@pytest.mark.parametrize(
    ("image_id", "volume", "channel", "name"),
    [
        ("d/case/x_0040", "d/case", "", "x_0040"),
        ("d/case/t1.z_0003", "d/case/t1", "t1", "z_0003"),
        ("d/case/t1", "d/case/t1", "t1", None),
        ("d/x.y_1", "d/x.y_1", "x.y_1", None),
        ("d/case/w_0040", "d/case/w_0040", "w_0040", None),
    ],
)
def test_a_slice_is_told_from_a_channel(image_id, volume, channel, name):
    """The last part of an image_id names channel and slice; without a slice the image is its own volume."""
    assert slicing.volume_id(image_id) == volume
    assert slicing.split_name(image_id.rpartition("/")[2]) == (channel, name)


def test_names_of_slices_are_taken_apart_again():
    """A name is axis and index of four digits, of more where four do not hold it."""
    assert [slicing.slice_name(place) for place in ((0, 40), (2, 12345))] == ["x_0040", "z_12345"]
    for place in ((0, 40), (2, 12345)):
        assert slicing.split_name(slicing.slice_name(place)) == ("", slicing.slice_name(place))


def test_aspect_is_the_longer_side_over_the_shorter():
    """Whichever comes first; the depth of a slice counts for nothing."""
    assert [slicing.aspect(shape) for shape in ((30, 20), (20, 30, 1), (8, 8))] == [1.5, 1.5, 1.0]
