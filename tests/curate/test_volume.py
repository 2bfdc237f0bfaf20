import gzip
import hashlib
import runpy
from pathlib import Path

import nibabel
import numpy as np
import pytest
import SimpleITK as sitk

from curate.errors import ReadError
from curate.geometry import Geometry
from curate.labelmap import BoxMask
from curate.volume import Volume, from_simpleitk, read, to_simpleitk, write, write_image, write_mask
from curate.voxel_blocks import nifti_dtype

grid = runpy.run_path(str(Path(__file__).with_name("poses.py")))["grid"]
POSES = [("RAS", (0, 0, 0)), ("LPS", (0, 0, 0)), ("PSR", (0, 0, 0)), ("LAS", (0.3, -0.2, 0.25)), ("ASL", (0.1, 0.4, 0))]
PIXELS = Geometry((6, 5, 1), np.eye(4), "pixel")


@pytest.fixture
def counting():
    """Return a function that fills an anisotropic grid with numbers that tell every voxel apart."""

    def call(codes="LPS", turn=(0.3, -0.2, 0.25), dtype=np.int16, shape=(3, 4, 5)):
        voxels = np.arange(np.prod(shape)).reshape(shape).astype(dtype)
        return Volume(voxels, grid(shape, (0.7, 0.8, 5), codes, turn, origin=(-100.5, 80.25, 1200)))

    return call


@pytest.mark.parametrize(
    ("stored", "found"),
    [
        ("bool", "uint8"),
        ("uint8", "uint8"),
        ("int8", "int8"),
        ("int16", "int16"),
        ("uint16", "uint16"),
        ("int32", "int32"),
        ("uint32", "uint32"),
        ("int64", "int32"),
        ("uint64", "int32"),
        ("float16", "float32"),
        ("float32", "float32"),
        ("float64", "float32"),
        (">i2", "int16"),
        (">f4", "float32"),
    ],
)
def test_nifti_keeps_voxels_and_grid(counting, tmp_path, stored, found):
    """What is written is read again: values, grid, and the dtype that every NIfTI reader takes."""
    volume = counting(dtype=stored)
    write(volume, tmp_path / "image.nii.gz")
    again = read(tmp_path / "image.nii.gz")
    assert again.voxels.dtype == np.dtype(found)
    assert (again.voxels == volume.voxels).all()
    assert again.geometry.same_grid(volume.geometry, tolerance=1e-4)


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int16", "float32"])
@pytest.mark.parametrize(("codes", "turn"), POSES)
def test_a_file_has_the_bytes_that_nibabel_gives(counting, tmp_path, codes, turn, dtype):
    """Written block by block, from a mirrored view, the file is what nibabel makes of the array in one piece."""
    volume = counting(codes, turn, dtype, shape=(40, 30, 20)).canonical()
    assert volume.voxels.base is not None
    theirs = nibabel.Nifti1Image(volume.voxels.astype(nifti_dtype(volume.voxels)), volume.geometry.affine)
    theirs.header.set_xyzt_units("mm")
    theirs.set_sform(volume.geometry.affine, code=1)
    theirs.set_qform(volume.geometry.affine, code=1, strip_shears=True)
    digest = write(volume, tmp_path / "a.nii.gz")
    content = (tmp_path / "a.nii.gz").read_bytes()
    assert gzip.decompress(content) == theirs.to_bytes()
    assert digest == hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize("shape", [(700, 600, 9), (6, 5, 4, 3), (1, 1, 1)])
@pytest.mark.parametrize("order", ["C", "F"])
def test_memory_order_changes_neither_file_nor_hash(tmp_path, shape, order):
    """Images of many blocks, of one and of colours give the same bytes and hash from any memory order."""
    voxels = np.random.default_rng(5).integers(0, 255, shape).astype(np.uint8)
    same = [Volume(np.asarray(one, order=order), grid(shape[:3])) for one in (voxels, voxels.astype("f4"))]
    plain = Volume(voxels, grid(shape[:3]))
    assert {volume.voxel_sha256() for volume in (*same, plain)} == {plain.voxel_sha256()}
    assert write(same[0], tmp_path / "a.nii.gz") == write(plain, tmp_path / "b.nii.gz")
    assert (read(tmp_path / "a.nii.gz").voxels == voxels).all()


@pytest.mark.parametrize("box", [(0, 0, 0, 0, 0, 0), (0, 0, 0, 700, 600, 9), (3, 4, 2, 90, 8, 3), (1, 1, 1, 9, 9, 8)])
def test_a_mask_is_written_from_its_box(tmp_path, box):
    """The file of a mask is, byte for byte, that of its full grid; empty, full, and of a few slices."""
    geometry = grid((700, 600, 9), (0.7, 0.8, 5), "LPS", (0.1, 0, 0.2))
    inside = np.random.default_rng(6).random([box[n + 3] - box[n] for n in range(3)]) < 0.5
    mask = BoxMask(geometry.shape_ijk, box, inside)
    digest = write_mask(mask, geometry, tmp_path / "mask.nii.gz")
    assert digest == write(Volume(mask.full(), geometry), tmp_path / "full.nii.gz")
    assert (tmp_path / "mask.nii.gz").read_bytes() == (tmp_path / "full.nii.gz").read_bytes()


@pytest.mark.parametrize("name", ["a.nii.gz", "a.png"])
def test_an_image_is_written_and_hashed_in_one_go(counting, tmp_path, name):
    """`write_image` gives the file and the hashes of `write` and `voxel_sha256`."""
    volume = Volume(np.full((6, 5, 1), 7, np.uint8), PIXELS) if name.endswith("png") else counting()
    digests = write_image(volume, tmp_path / name)
    assert digests == (write(volume, tmp_path / f"b{name}"), volume.voxel_sha256())
    assert (tmp_path / name).read_bytes() == (tmp_path / f"b{name}").read_bytes()


@pytest.mark.parametrize("value", [-(2**31), 2**31 - 1, 2**31, 2**40])
def test_nifti_dtype_never_wraps(value):
    """A 64-bit integer becomes int32 where all values fit, and float32 beyond, never another number."""
    voxels = np.array([[[0, value]]], dtype=np.int64)
    dtype = nifti_dtype(voxels)
    assert dtype == (np.int32 if -(2**31) <= value < 2**31 else np.float32)
    assert float(voxels.astype(dtype)[0, 0, 1]) == value


@pytest.mark.parametrize(("dtype", "channels"), [("uint8", ()), ("uint16", ()), ("uint8", (3,)), ("uint8", (4,))])
def test_png_keeps_pixels(tmp_path, dtype, channels):
    """A picture is lossless in grey of 8 and 16 bits and in colour, and has no millimetres."""
    voxels = np.random.default_rng(3).integers(0, np.iinfo(dtype).max, (6, 5, 1, *channels)).astype(dtype)
    write(Volume(voxels, PIXELS), tmp_path / "image.png")
    again = read(tmp_path / "image.png")
    assert (again.voxels.dtype, again.geometry.unit, again.is_colour) == (np.dtype(dtype), "pixel", bool(channels))
    assert (again.voxels == voxels).all()


def test_i_is_the_column_of_a_picture(tmp_path):
    """The first axis of a picture counts columns from the left, the second rows from the top."""
    from PIL import Image

    picture = Image.new("L", (6, 5))
    picture.putpixel((4, 1), 9)
    picture.save(tmp_path / "dot.png")
    assert np.argwhere(read(tmp_path / "dot.png").voxels == 9).tolist() == [[4, 1, 0]]


@pytest.mark.parametrize("name", ["a.nii.gz", "a.png"])
def test_same_volume_same_bytes(counting, tmp_path, name):
    """A file depends on its volume alone, not on its name, the time or what was there before."""
    volume = Volume(np.ones((6, 5, 1), np.uint8), PIXELS) if name.endswith("png") else counting()
    digests = {write(volume, tmp_path / folder / name.replace("a", folder)) for folder in ("one", "two", "one")}
    assert len(digests) == 1


def test_a_stored_picture_states_no_millimetres(tmp_path):
    """The label map of a picture has no unit in its header; one of a scan says millimetres."""
    for unit, expected in (("pixel", "unknown"), ("mm", "mm")):
        write(Volume(np.ones((6, 5, 1), np.uint8), Geometry((6, 5, 1), np.eye(4), unit)), tmp_path / "label.nii.gz")
        assert nibabel.load(tmp_path / "label.nii.gz").header.get_xyzt_units()[0] == expected


@pytest.mark.parametrize(("codes", "turn"), POSES)
def test_simpleitk_sees_the_same_places(counting, codes, turn):
    """Every index is at one place, whether SimpleITK says it in LPS or the volume in RAS."""
    volume = counting(codes, turn)
    image = to_simpleitk(volume)
    for index in ((0, 0, 0), (2, 0, 0), (0, 3, 0), (0, 0, 4), (2, 3, 4)):
        x, y, z = image.TransformIndexToPhysicalPoint(index)
        assert np.allclose(volume.geometry.to_world(index), (-x, -y, z), atol=1e-9)
        assert image[index] == volume.voxels[index]


@pytest.mark.parametrize(("codes", "turn"), POSES)
def test_simpleitk_and_back_is_the_same_volume(counting, codes, turn):
    """The way through SimpleITK keeps voxels, dtype and grid."""
    volume = counting(codes, turn)
    again = from_simpleitk(to_simpleitk(volume))
    assert again.voxels.dtype == volume.voxels.dtype
    assert (again.voxels == volume.voxels).all()
    assert again.geometry.same_grid(volume.geometry, tolerance=1e-9)


@pytest.mark.parametrize(("codes", "turn"), POSES)
def test_nibabel_reads_what_simpleitk_wrote(counting, tmp_path, codes, turn):
    """A NIfTI file by SimpleITK is the same scan for nibabel, for `read` and for SimpleITK."""
    volume = counting(codes, turn)
    sitk.WriteImage(to_simpleitk(volume), str(tmp_path / "image.nii.gz"))
    image = nibabel.load(tmp_path / "image.nii.gz")
    again = read(tmp_path / "image.nii.gz")
    assert np.allclose(image.affine, volume.geometry.affine, atol=1e-3)
    assert (again.voxels == volume.voxels).all()
    assert again.geometry.same_grid(Geometry(image.shape, image.affine), tolerance=0)


def test_two_dimensional_simpleitk_images_get_a_slice():
    """A 2D image becomes one slice with its spacing, in the plane that LPS means."""
    image = sitk.GetImageFromArray(np.array([[1, 2, 3], [4, 5, 6]], np.uint8))
    image.SetSpacing((0.5, 2))
    image.SetOrigin((10, 20))
    volume = from_simpleitk(image)
    assert volume.voxels[:, :, 0].tolist() == [[1, 4], [2, 5], [3, 6]]
    assert volume.geometry.to_world((1, 1, 0)).tolist() == [-10.5, -22, 0]


@pytest.mark.parametrize(("codes", "turn"), POSES)
def test_canonical_agrees_with_nibabel(counting, codes, turn):
    """Voxels and affine after turning are those of `nibabel.as_closest_canonical`."""
    volume = counting(codes, turn)
    theirs = nibabel.as_closest_canonical(nibabel.Nifti1Image(volume.voxels, volume.geometry.affine))
    ours = volume.canonical()
    assert (ours.voxels == np.asarray(theirs.dataobj)).all()
    assert np.allclose(ours.geometry.affine, theirs.affine)


def test_canonical_turns_colour_and_leaves_pictures():
    """Channels stay last when a colour volume turns; a picture, which has no anatomy, does not turn."""
    voxels = np.arange(2 * 3 * 4 * 3, dtype=np.uint8).reshape(2, 3, 4, 3)
    turned = Volume(voxels, grid((2, 3, 4), codes="PSR")).canonical()
    assert turned.voxels.shape == (4, 2, 3, 3)
    assert (turned.voxels == np.transpose(voxels, (2, 0, 1, 3))[:, ::-1]).all()
    picture = Volume(np.zeros((6, 5, 1), np.uint8), PIXELS)
    assert picture.canonical() is picture


def test_grey_is_the_luma_of_a_picture():
    """Pure red, green and blue weigh 0.299, 0.587 and 0.114 (ITU-R BT.601); alpha weighs nothing."""
    voxels = np.zeros((3, 1, 1, 4), np.uint8)
    voxels[(0, 1, 2), 0, 0, (0, 1, 2)] = 100
    voxels[..., 3] = 255
    volume = Volume(voxels, Geometry((3, 1, 1), np.eye(4), "pixel"))
    assert volume.grey()[:, 0, 0].tolist() == pytest.approx([29.9, 58.7, 11.4])


def test_voxel_hash_is_blind_to_everything_but_values(counting, tmp_path):
    """Dtype, byte order, memory order, compression, spacing and the sign of zero do not change the hash."""
    volume = counting()
    write(volume, tmp_path / "a.nii.gz")
    (tmp_path / "b.nii").write_bytes(gzip.decompress((tmp_path / "a.nii.gz").read_bytes()))
    again = [read(tmp_path / "a.nii.gz").voxels, read(tmp_path / "b.nii").voxels]
    same = [volume.voxels.astype(dtype) for dtype in (">i2", "f4", "f8", "i8")] + [np.asfortranarray(volume.voxels)]
    same.append(np.where(volume.voxels == 0, -0.0, volume.voxels))
    other_grid = Geometry((3, 4, 5), np.eye(4))
    assert {Volume(voxels, other_grid).voxel_sha256() for voxels in again + same} == {volume.voxel_sha256()}


@pytest.mark.parametrize(
    ("dtype", "value"),
    [("uint16", 40000), ("int32", -(2**15) - 1), ("float32", 0.5), ("float64", 1e9), ("float32", np.nan)],
)
def test_voxel_hash_of_what_is_no_16_bit_integer(counting, dtype, value):
    """Large, fractional and missing values are hashed as float32, alike in every dtype that holds them."""
    volume = counting(dtype=dtype)
    plain = volume.voxel_sha256()
    volume.voxels[2, 3, 4] = value
    wider = Volume(volume.voxels.astype(np.float64), volume.geometry)
    assert volume.voxel_sha256() == wider.voxel_sha256() != plain


def test_voxel_hash_sees_values_and_shape(counting):
    """One voxel more, or the same numbers in another shape, is another image."""
    volume = counting()
    changed = volume.voxels.copy()
    changed[0, 0, 0] += 1
    reshaped = Volume(volume.voxels.reshape(5, 4, 3), Geometry((5, 4, 3), np.eye(4)))
    assert len({volume.voxel_sha256(), Volume(changed, volume.geometry).voxel_sha256(), reshaped.voxel_sha256()}) == 3


def test_voxels_must_fill_their_grid():
    """A volume is no array with a grid of another shape beside it."""
    with pytest.raises(ValueError, match=r"voxels \(2, 3, 5\) do not fill the grid \(2, 3, 4\)"):
        Volume(np.zeros((2, 3, 5)), grid((2, 3, 4)))
    with pytest.raises(ValueError, match="do not fill the grid"):
        Volume(np.zeros((2, 3)), grid((2, 3, 1)))


@pytest.mark.parametrize("kept", [0, 0.1, 0.5, 0.9])
@pytest.mark.parametrize("name", ["label.nii.gz", "label.png"])
def test_a_truncated_file_is_a_read_error_that_names_it(tmp_path, name, kept):
    """However much of a stored file is missing, the error says which file it was."""
    noise = np.random.default_rng(5).integers(0, 255, (30, 20, 1)).astype(np.uint8)
    write(Volume(noise, Geometry(noise.shape, np.eye(4), "pixel")), tmp_path / name)
    content = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(content[: int(kept * len(content))])
    with pytest.raises(ReadError, match=rf"{tmp_path}/{name}: cannot be read \(.+\)") as caught:
        read(tmp_path / name)
    assert caught.value.code == "unreadable"


@pytest.mark.parametrize("name", ["label.nii.gz", "label.png", "label.nii"])
@pytest.mark.parametrize(
    "content", [None, b"no image" * 99, gzip.compress(b"no image" * 99)], ids=["missing", "text", "compressed text"]
)
def test_a_missing_or_foreign_file_is_a_read_error_that_names_it(tmp_path, name, content):
    """Neither nibabel's nor Pillow's own exceptions get out."""
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(ReadError, match=f"{name}: cannot be read"):
        read(tmp_path / name)
