import gzip
import struct
import tracemalloc

import nibabel
import numpy as np
import pytest

from curate import readers
from curate.errors import ReadError
from curate.readers.part import Part

VOXELS = np.arange(24, dtype=np.int16).reshape(2, 3, 4)
AFFINE = np.diag([2.0, 3, 4, 1])
NAN = float("nan")


def put(offset, layout, *values):
    """Return an edit of a header: its field at `offset` (nifti1.h) gets other values."""
    return lambda content: struct.pack_into(f"<{layout}", content, offset, *values)


DIM, DATATYPE, PIXDIM, VOX_OFFSET, SCALE, UNITS = 40, 70, 76, 108, 112, 123
QFORM, SFORM, QUATERNION, SROW = 252, 254, 256, 280
NO_SFORM, NO_QFORM = put(SFORM, "h", 0), put(QFORM, "h", 0)


@pytest.fixture
def nifti(tmp_path):
    """Return a function that writes a NIfTI-1 file with an edited header."""

    def call(*edits, voxels=VOXELS, name="scan.nii.gz"):
        content = bytearray(nibabel.Nifti1Image(voxels, AFFINE).to_bytes())
        for edit in edits:
            edit(content)
        path = tmp_path / name
        path.write_bytes(gzip.compress(bytes(content)) if name.endswith(".gz") else bytes(content))
        return path

    return call


@pytest.mark.parametrize(
    ("edits", "code", "message"),
    [
        ([put(DIM, "4h", 3, 30_000, 30_000, 30_000)], "too_large", "54000000000000 bytes of voxels, at most"),
        ([put(DIM, "5h", 4, 2, 3, 2, 2)], "not_a_volume", r"shape \(2, 3, 2, 2\), expected two or three axes"),
        ([put(DIM, "6h", 5, 2, 3, 1, 1, 4)], "not_a_volume", "expected two or three axes"),
        ([put(DIM, "2h", 1, 2)], "not_a_volume", r"shape \(2,\)"),
        ([put(DIM, "h", 0)], "not_a_volume", r"shape \(0,\)"),
        ([put(DIM, "2h", 3, -2)], "not_a_volume", r"shape \(-2, 3, 4\)"),
        ([put(DIM, "2h", 3, 0)], "not_a_volume", r"shape \(0, 3, 4\)"),
        ([put(SROW, "f", NAN)], "bad_geometry", "affine must be 4x4 and finite"),
        ([put(SROW, "12f", *[0] * 12)], "bad_geometry", "affine must be invertible, found spacing"),
        ([put(SROW, "12f", *[1, 0, 0, 0] * 3)], "bad_geometry", "affine must be invertible"),
        ([NO_SFORM, put(PIXDIM + 4, "f", NAN)], "bad_geometry", "affine must be 4x4 and finite"),
        ([NO_SFORM, NO_QFORM, put(PIXDIM + 8, "f", NAN)], "bad_geometry", "affine must be 4x4 and finite"),
        ([NO_SFORM, put(PIXDIM + 4, "f", 0)], "bad_geometry", r"spacing \[0.0, 3.0, 4.0\], expected positive"),
        ([NO_SFORM, NO_QFORM, put(PIXDIM + 12, "f", 0)], "bad_geometry", r"spacing \[2.0, 3.0, 0.0\]"),
        ([put(DATATYPE, "h", 999)], "unreadable", "data code 999 not recognized"),
        ([put(VOX_OFFSET, "f", float("inf"))], "unreadable", "cannot convert float infinity"),
        ([put(VOX_OFFSET, "f", 1e9)], "unreadable", "Expected 48 bytes, got 0 bytes"),
        ([put(SCALE, "2f", 2, NAN)], "unreadable", "invalid intercept nan"),
    ],
)
def test_a_header_that_describes_no_image_is_refused(nifti, edits, code, message):
    """Each wrong field has its code and says what was found; nothing is allocated for what a header claims."""
    with pytest.raises(ReadError, match=rf"^scan\.nii\.gz: .*{message}") as caught:
        readers.read(nifti(*edits))
    assert caught.value.code == code


@pytest.mark.parametrize(
    "dtype", ["c8", "c16", [(colour, "u1") for colour in "RGB"], [(colour, "u1") for colour in "RGBA"]]
)
def test_colour_and_complex_voxels_are_no_volume(nifti, dtype):
    """A voxel is one real number; RGB and complex files are refused from their header."""
    path = nifti(voxels=np.zeros((2, 3, 4), dtype=dtype))
    with pytest.raises(ReadError, match="expected one real number each") as caught:
        readers.header(path)
    assert caught.value.code == "not_a_volume"


def test_an_orientation_that_nobody_stated_is_a_repair(nifti):
    """With sform and qform codes of zero the axes are nibabel's guess (left, front, head), and the table says so."""
    header = readers.header(nifti(NO_SFORM, NO_QFORM))
    assert (header.verdict, header.geometry.orientation) == ("repaired:orientation_assumed", "LAS")
    assert header.geometry.spacing == pytest.approx((2, 3, 4))


@pytest.mark.parametrize("edits", [[NO_SFORM, put(QFORM, "h", 1)], [NO_QFORM], []])
def test_one_stated_form_is_enough(nifti, edits):
    """A qform or a sform alone states the orientation."""
    header = readers.header(nifti(*edits))
    assert (header.verdict, header.geometry.orientation) == ("ok", "RAS")
    assert header.geometry.spacing == pytest.approx((2, 3, 4))


def test_a_spacing_of_zero_matters_only_where_the_affine_rests_on_it(nifti):
    """Zero pixdim beside a sform, or along the missing third axis of a slice, is harmless."""
    assert readers.header(nifti(put(PIXDIM + 4, "f", 0))).geometry.spacing == pytest.approx((2, 3, 4))
    path = nifti(put(DIM, "4h", 2, 2, 3, 1), NO_SFORM, NO_QFORM, put(PIXDIM + 12, "f", 0))
    assert readers.read(path).geometry.spacing == pytest.approx((2, 3, 1))


@pytest.mark.parametrize("extra", [(1,), (1, 1), (1, 1, 1, 1)])
def test_trailing_axes_of_one_are_dropped(nifti, extra):
    """A volume in a 4D to 7D file is a volume."""
    volume = readers.read(nifti(voxels=VOXELS.reshape(*VOXELS.shape, *extra)))
    assert (volume.voxels == VOXELS).all()
    assert not volume.is_colour


def test_a_two_dimensional_file_is_one_slice(nifti):
    """dim[0] = 2 gives k = 1, with the voxels in place."""
    volume = readers.read(nifti(voxels=VOXELS[:, :, 0]))
    assert volume.geometry.shape_ijk == (2, 3, 1)
    assert (volume.voxels[:, :, 0] == VOXELS[:, :, 0]).all()


@pytest.mark.parametrize("name", ["scan.nii", "scan.nii.gz"])
@pytest.mark.parametrize("dtype", [">i2", ">f4", ">i4", ">u2"])
def test_big_endian_files_give_native_voxels(tmp_path, name, dtype):
    """Byte order is an affair of the file: voxels are native and have the values that were meant."""
    header = nibabel.Nifti1Header(endianness=">")
    header.set_data_dtype(np.dtype(dtype))
    nibabel.save(nibabel.Nifti1Image(VOXELS, AFFINE, header), tmp_path / name)
    volume = readers.read(tmp_path / name)
    assert volume.voxels.dtype == np.dtype(dtype).newbyteorder("=")
    assert volume.voxels.dtype.isnative
    assert (volume.voxels == VOXELS).all()


def test_scaled_voxels_are_what_the_header_means(nifti):
    """Slope and intercept are applied, and the header counts the 8 bytes that a scaled voxel takes."""
    path = nifti(put(SCALE, "2f", 0.5, -3))
    assert np.allclose(readers.read(path).voxels, VOXELS * 0.5 - 3)
    assert readers.header(path).bytes_per_voxel == 8


@pytest.mark.parametrize("slope", [0.0, NAN, 1.0])
def test_a_slope_that_means_nothing_leaves_voxels_alone(nifti, slope):
    """A slope of 0 or NaN says that there is no scaling (nifti1.h): the stored integers come back."""
    volume = readers.read(nifti(put(SCALE, "2f", slope, 0)))
    assert volume.voxels.dtype == np.int16
    assert (volume.voxels == VOXELS).all()


@pytest.mark.parametrize(
    ("unit", "factor"), [(0, 1), (1, 1000), (2, 1), (3, 0.001), (2 + 8, 1), (3 + 16, 0.001), (5, 1)]
)
def test_metres_and_micrometres_become_millimetres(nifti, unit, factor):
    """The world is in mm: the low three bits of xyzt_units say what the file's numbers are (nifti1.h)."""
    path = nifti(put(UNITS, "B", unit), put(SROW, "4f", 2, 0, 0, 50))
    expected = np.array([2, 3, 4]) * factor
    assert readers.header(path).geometry.spacing == pytest.approx(expected.tolist())
    assert readers.read(path).geometry.spacing == pytest.approx(expected.tolist())
    assert readers.read(path).geometry.to_world((0, 0, 0)).tolist() == pytest.approx([50 * factor, 0, 0])


def test_nifti_2_is_read(tmp_path):
    """NIfTI-2 has the same suffix and the same meaning."""
    nibabel.save(nibabel.Nifti2Image(VOXELS, AFFINE), tmp_path / "two.nii.gz")
    volume = readers.read(tmp_path / "two.nii.gz")
    assert (volume.voxels == VOXELS).all()
    assert np.allclose(volume.geometry.affine, AFFINE)


@pytest.mark.shared
def test_odd_real_files_agree_with_nibabel(corpus_dir):
    """Every NIfTI file of nibabel's own tests is read as nibabel reads it, or refused for its axes or geometry."""
    paths = sorted((corpus_dir / "nibabel-odd-images").rglob("*.nii*"))
    codes = []
    for path in paths:
        image = nibabel.load(path)
        try:
            volume = readers.read(path)
        except ReadError as error:
            codes.append(error.code)
            continue
        assert (volume.voxels == np.asarray(image.dataobj).reshape(volume.voxels.shape)).all()
        assert np.allclose(volume.geometry.affine, image.affine)
    assert len(codes) < len(paths)
    assert set(codes) <= {"not_a_volume"}


@pytest.mark.parametrize("name", ["scan.nii", "scan.nii.gz"])
def test_one_volume_takes_the_memory_of_one(tmp_path, name):
    """Of a series of 64 MB, a volume of 1 MB is read in a few more."""
    nibabel.save(nibabel.Nifti1Image(np.zeros((64, 64, 256, 64), np.uint8), AFFINE), tmp_path / name)
    readers.read(tmp_path / name, Part(volume_index=0))
    tracemalloc.start()
    readers.read(tmp_path / name, Part(volume_index=63))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 16 << 20


@pytest.mark.parametrize(("shape", "index"), [((2, 3, 1, 4), 2), ((2, 3, 4, 5, 1), 3), ((2, 3, 4, 1, 1), 0)])
def test_a_volume_is_what_nibabel_slices(nifti, shape, index):
    """Along the fourth axis, of slices too, with the header's scale; axes of one behind it change nothing."""
    voxels = np.arange(np.prod(shape), dtype=np.int16).reshape(shape)
    path = nifti(put(SCALE, "2f", 0.5, -3), voxels=voxels)
    volume = readers.read(path, Part(volume_index=index))
    theirs = np.asarray(nibabel.load(path).dataobj).reshape(shape[:4])[..., index]
    assert (volume.voxels == theirs).all()


@pytest.mark.shared
@pytest.mark.parametrize(
    "name",
    [
        "sct-testing/dmri/dmri.nii.gz",
        "nibabel-odd-images/nibabel/tests/data/functional.nii",
        "nibabel-odd-images/nibabel/tests/data/example4d.nii.gz",
        "nibabel-odd-images/nibabel/tests/data/example_nifti2.nii.gz",
    ],
)
def test_every_volume_of_real_series_is_that_of_nibabel(corpus_dir, name):
    """Diffusion and functional series, two of them oblique, and NIfTI-2."""
    path = corpus_dir / name
    image = nibabel.load(path)
    theirs = np.asarray(image.dataobj)
    for index in range(theirs.shape[3]):
        volume = readers.read(path, Part(volume_index=index))
        assert (volume.voxels == theirs[..., index]).all()
        assert np.allclose(volume.geometry.affine, image.affine)


@pytest.mark.shared
def test_the_volumes_of_a_series_are_the_files_that_its_makers_split_it_into(corpus_dir):
    """The Spinal Cord Toolbox published a diffusion series and its seven volumes."""
    folder = corpus_dir / "sct-testing" / "dmri"
    for index in range(7):
        volume = readers.read(folder / "dmri.nii.gz", Part(volume_index=index))
        alone = readers.read(folder / f"dmri_T{index:04}.nii.gz")
        assert (volume.voxels == alone.voxels).all()
        assert volume.geometry.same_grid(alone.geometry)


@pytest.mark.shared
def test_slices_that_are_images_are_read(corpus_dir):
    """The two-dimensional NIfTI files of MedPy have k = 1."""
    for path in sorted((corpus_dir / "medpy-dwi").rglob("*.nii.gz")):
        volume = readers.read(path)
        assert volume.geometry.is_2d
        assert (volume.voxels[:, :, 0] == np.asarray(nibabel.load(path).dataobj)).all()


@pytest.mark.shared
def test_formats_without_a_reader_are_refused_with_those_that_have_one(corpus_dir):
    """MINC, AFNI, PAR/REC and ECAT of nibabel's own tests get a row that says which suffixes are known."""
    refused = set()
    for path in sorted((corpus_dir / "nibabel-odd-images").rglob("*.*")):
        if path.suffix in (".mnc", ".HEAD", ".PAR", ".REC", ".v") or path.name.endswith("BRIK.gz"):
            with pytest.raises(
                ReadError, match=r"no reader for this suffix; readers know \.bmp, .*, \.tiff$"
            ) as caught:
                readers.header(path)
            refused.add(caught.value.code)
    assert refused == {"unreadable"}
