import itertools

import nibabel
import numpy as np
import pytest
from PIL import Image

from curate import source_files
from curate.errors import ReadError
from curate.files import sha256_of_file
from curate.recipe import ImageFiles, LabelFiles

AFFINE = np.array([[-0.7, 0, 0, 40], [0, 0.8, 0, -30], [0, 0, 3, 12], [0, 0, 0, 1]])
SHAPE = (4, 3, 2)
VOXELS = np.arange(24, dtype=np.int16).reshape(SHAPE)


def image(path="{case}.nii", **keys):
    """Return what a recipe says of an image."""
    return ImageFiles(path=path, modality="CT", **keys)


def label(path="{case}.png", **keys):
    """Return what a recipe says of a label file."""
    return LabelFiles(path=path, **keys)


@pytest.fixture
def nifti(tmp_path):
    """Return a NIfTI file whose voxels count up."""
    nibabel.save(nibabel.Nifti1Image(VOXELS, AFFINE), tmp_path / "a.nii")
    return tmp_path / "a.nii"


@pytest.fixture
def palette(tmp_path):
    """Return a picture of 3 x 2 pixels with the indices 0 to 5, painted red, but for index 0 which is black."""
    picture = Image.fromarray(np.arange(6, dtype=np.uint8).reshape(2, 3), mode="P")
    picture.putpalette([0, 0, 0] + [255, 0, 0] * 5)
    picture.save(tmp_path / "a.png")
    return tmp_path / "a.png"


ALL_AXES = [
    "".join(sign + axis for sign, axis in zip(signs, order, strict=True))
    for order in itertools.permutations("ijk")
    for signs in itertools.product(("", "-"), repeat=3)
]


@pytest.mark.parametrize("axes", ALL_AXES)
def test_axes_turn_voxels_and_leave_the_header(nifti, axes):
    """Each voxel is where the letters say, counted from the end after a minus; the affine is the file's."""
    entry = image(axes=axes)
    volume = source_files.read(nifti, entry)
    words = axes.replace("-", " -").replace("i", "i ").replace("j", "j ").replace("k", "k ").split()
    for index in np.ndindex(volume.voxels.shape):
        place = dict.fromkeys("ijk", 0)
        for position, word, n in zip(index, words, volume.voxels.shape, strict=True):
            place[word[-1]] = n - 1 - position if word[0] == "-" else position
        assert volume.voxels[index] == VOXELS[place["i"], place["j"], place["k"]]
    assert (volume.geometry.affine == AFFINE.astype(np.float32)).all()
    assert source_files.header(nifti, entry).geometry.same_grid(volume.geometry, tolerance=0)


def test_axes_of_a_picture_in_colour_leave_its_channels(tmp_path):
    """Colours stay with their pixels."""
    rows = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
    Image.fromarray(rows).save(tmp_path / "a.png")
    volume = source_files.read(tmp_path / "a.png", image(axes="-jik"))
    assert volume.voxels.shape == (2, 4, 1, 3)
    assert (volume.voxels[:, :, 0] == rows[::-1]).all()


@pytest.mark.parametrize(
    ("orientation", "directions"),
    [
        ("RAS", np.diag([0.5, 0.6, 3])),
        ("LPS", np.diag([-0.5, -0.6, 3])),
        ("PIR", [[0, 0, 3], [-0.5, 0, 0], [0, -0.6, 0]]),
    ],
)
def test_a_stated_spacing_replaces_the_header(nifti, orientation, directions):
    """Spacing and axis codes become the affine, its origin in the first voxel; the verdict says that it was stated."""
    entry = image(spacing_mm=(0.5, 0.6, 3), orientation=orientation)
    header, volume = source_files.header(nifti, entry), source_files.read(nifti, entry)
    for geometry in (header.geometry, volume.geometry):
        assert geometry.orientation == orientation
        np.testing.assert_allclose(geometry.affine[:3, :3], directions)
        assert not geometry.affine[:3, 3].any()
    assert (header.verdict, header.unit) == ("repaired:spacing_from_recipe", "mm")


def test_a_stated_spacing_alone_keeps_directions_and_origin(nifti, tmp_path):
    """Where a header has only its spacing wrong, axes and first voxel stay; a file without geometry counts as RAS."""
    entry = image(spacing_mm=(0.5, 0.6, 5))
    for geometry in (source_files.header(nifti, entry).geometry, source_files.read(nifti, entry).geometry):
        np.testing.assert_allclose(geometry.affine[:3, :3], np.diag([-0.5, 0.6, 5]), rtol=1e-6)
        np.testing.assert_allclose(geometry.affine[:3, 3], AFFINE[:3, 3])
    np.save(tmp_path / "a.npy", VOXELS)
    bare = source_files.read(tmp_path / "a.npy", entry).geometry
    assert (bare.orientation, bare.spacing_mm) == ("RAS", (0.5, 0.6, 5))


def test_a_stated_spacing_is_that_of_the_turned_axes(nifti):
    """With `axes`, spacing and orientation belong to the axes as they are then."""
    volume = source_files.read(nifti, image(axes="kji", spacing_mm=(1, 2, 3)))
    assert (volume.geometry.shape_ijk, volume.geometry.spacing) == ((2, 3, 4), (1, 2, 3))


@pytest.mark.parametrize(
    ("stored", "scale", "offset", "wanted", "dtype"),
    [
        (np.array([0, 1050], np.uint16), 1, -1000, [-1000, 50], "int16"),
        (np.array([0, 255], np.uint8), 2, 0, [0, 510], "int16"),
        (np.array([-32768, 32767], np.int16), 1, -1, [-32769, 32766], "int32"),
        (np.array([0, 65535], np.uint16), 1, 1, [1, 65536], "int32"),
        (np.array([0, 10], np.int16), 0.1, 0, [0, 1], "float32"),
        (np.array([0.5, 10], np.float32), 2, 1, [2, 21], "float32"),
    ],
)
def test_intensities_are_scaled_then_shifted(tmp_path, stored, scale, offset, wanted, dtype):
    """Whole numbers stay whole, in a dtype that holds them and is no smaller than int16; others become float32."""
    nibabel.save(nibabel.Nifti1Image(stored.reshape(2, 1, 1), np.eye(4)), tmp_path / "a.nii")
    voxels = source_files.read(tmp_path / "a.nii", image(scale=scale, offset=offset)).voxels
    np.testing.assert_allclose(voxels.ravel(), wanted, rtol=1e-6)
    assert voxels.dtype == dtype


def test_colours_have_no_intensities(palette):
    """A picture in colour cannot be scaled."""
    with pytest.raises(ReadError, match="a picture in colour has no intensities") as caught:
        source_files.read(palette, image("{case}.png", offset=1))
    assert caught.value.code == "not_a_volume"


def test_a_palette_is_indices_for_labels_and_colours_for_images(palette):
    """Labels are the indices, unless the recipe names colours; an image is what the eye sees."""
    indices = source_files.read(palette, label(values={1: "liver"}))
    assert indices.voxels[:, :, 0].T.tolist() == [[0, 1, 2], [3, 4, 5]]
    for entry in (image("{case}.png"), label(values={"#ff0000": "liver"})):
        seen = source_files.read(palette, entry)
        assert seen.voxels[0, 0, 0].tolist() == [0, 0, 0]
        assert seen.voxels[1, 0, 0].tolist() == [255, 0, 0]


def test_one_array_or_volume_is_taken(tmp_path):
    """`array` and `volume_index` reach the reader, for header and voxels."""
    np.savez(tmp_path / "a.npz", one=VOXELS, two=np.stack([VOXELS, VOXELS + 100], axis=3))
    entry = image("{case}.npz", array="two", volume_index=1)
    assert source_files.header(tmp_path / "a.npz", entry).geometry.shape_ijk == SHAPE
    assert (source_files.read(tmp_path / "a.npz", entry).voxels == VOXELS + 100).all()
    with pytest.raises(ReadError, match="name one of them with `array`"):
        source_files.header(tmp_path / "a.npz", image("{case}.npz"))


def test_the_hash_of_an_image_is_that_of_its_bytes(nifti):
    """A file's digest is that of its bytes, whatever the recipe says of it."""
    assert source_files.sha256(nifti, image(offset=3)) == sha256_of_file(nifti)


def test_an_empty_folder_is_no_series(tmp_path):
    """A folder without a DICOM file is a rejection that names it."""
    (tmp_path / "ct").mkdir()
    with pytest.raises(ReadError, match="ct"):
        source_files.header(tmp_path / "ct", image("{case}/"))


def test_an_unknown_spacing_leaves_the_axes_and_takes_the_millimetres(nifti):
    """`spacing_unknown`: voxels are turned to where the header says that they point, on a grid in pixels."""
    plain, unknown = source_files.read(nifti, image()), source_files.read(nifti, image(spacing_unknown=True))
    assert np.array_equal(unknown.voxels, plain.canonical().voxels)
    assert (unknown.geometry.unit, unknown.geometry.spacing_mm) == ("pixel", None)
    header = source_files.header(nifti, image(spacing_unknown=True))
    assert header.geometry.same_grid(unknown.geometry, tolerance=0)
    assert header.verdict == "repaired:spacing_unknown"
