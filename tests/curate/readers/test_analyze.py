import struct

import nibabel
import numpy as np
import pytest
import SimpleITK as sitk
from scipy.io import savemat

from curate import readers
from curate.errors import ReadError

VOXELS = np.arange(24, dtype=np.int16).reshape(2, 3, 4)
PIXDIM, FUNUSED1, CAL_MAX, GLMAX = 76, 112, 124, 140
SPACING = np.diag([-2.0, 3, 4, 1])


@pytest.fixture
def pair(tmp_path):
    """Return a function that writes an Analyze pair, packed or not, with an edited header; the path of its voxels."""

    def call(edit=(), name="scan.img", endianness="<"):
        header = nibabel.AnalyzeHeader(endianness=endianness)
        header.set_data_dtype(VOXELS.dtype.newbyteorder(endianness))
        nibabel.AnalyzeImage(VOXELS, SPACING, header).to_filename(tmp_path / name)
        for offset, layout, *values in edit:
            content = bytearray((tmp_path / "scan.hdr").read_bytes())
            struct.pack_into(layout, content, offset, *values)
            (tmp_path / "scan.hdr").write_bytes(bytes(content))
        return tmp_path / name

    return call


@pytest.mark.parametrize("endianness", ["<", ">"])
@pytest.mark.parametrize("name", ["scan.img", "scan.img.gz"])
def test_a_pair_is_one_image_whose_sides_are_assumed(pair, name, endianness):
    """Analyze states spacing and no sides: i is taken to grow towards the left, and the table says so."""
    path = pair(name=name, endianness=endianness)
    header, volume = readers.header(path), readers.read(path)
    assert (volume.voxels == VOXELS).all()
    assert volume.voxels.dtype == np.int16
    assert header.geometry.spacing == pytest.approx((2, 3, 4))
    assert (header.verdict, header.geometry.orientation) == ("repaired:orientation_assumed", "LAS")


def test_the_header_alone_has_no_reader(pair):
    """A pair goes by the name of its voxels, so that it is not found twice."""
    with pytest.raises(ReadError, match=r"^scan\.hdr: no reader for this suffix; readers know .*\.img"):
        readers.header(pair().with_suffix(".hdr"))


def test_simpleitk_reads_the_same_numbers(pair):
    """ITK's own reader of Analyze finds the same voxels and spacing."""
    path = pair()
    image = sitk.ReadImage(str(path), imageIO="NiftiImageIO")
    assert (readers.read(path).voxels == sitk.GetArrayFromImage(image).T).all()
    assert image.GetSpacing() == pytest.approx(readers.header(path).geometry.spacing)


def test_a_spacing_of_zero_is_refused(pair):
    """Old writers left it out; nibabel would take 1 mm and say nothing."""
    with pytest.raises(ReadError, match=r"^scan\.img: spacing \[2.0, 0.0, 4.0\], expected positive") as caught:
        readers.header(pair([(PIXDIM + 8, "<f", 0.0)]))
    assert caught.value.code == "bad_geometry"


def test_spm_scales_and_display_ranges_do_not(pair):
    """The factor of SPM99 counts; a range for display is no scale."""
    scaled = pair([(FUNUSED1, "<f", 0.5)])
    assert (readers.read(scaled).voxels == VOXELS * 0.5).all()
    assert readers.header(scaled).bytes_per_voxel >= readers.read(scaled).voxels.itemsize
    shown = pair([(CAL_MAX, "<f", 100.0), (GLMAX, "<i", 10)])
    assert (readers.read(shown).voxels == VOXELS).all()


def test_a_matrix_beside_the_pair_is_not_read(pair, tmp_path):
    """SPM's .mat files are MATLAB's, and change nothing."""
    path = pair()
    before = readers.header(path).geometry
    savemat(tmp_path / "scan.mat", {"mat": np.diag([9.0, 9, 9, 1])})
    assert readers.header(path).geometry.same_grid(before, tolerance=0)


@pytest.mark.parametrize("kind", [nibabel.Nifti1Pair, nibabel.Nifti2Pair])
def test_a_nifti_pair_states_its_sides(tmp_path, kind):
    """Two files of NIfTI have the same names as Analyze, and all that NIfTI states counts."""
    affine = np.array([[0.0, -2, 0, 5], [3, 0, 0, 6], [0, 0, 4, 7], [0, 0, 0, 1]])
    kind(VOXELS, affine).to_filename(tmp_path / "scan.img")
    header, volume = readers.header(tmp_path / "scan.img"), readers.read(tmp_path / "scan.img")
    assert (volume.voxels == VOXELS).all()
    assert (header.verdict, header.geometry.orientation) == ("ok", "ALS")
    assert np.allclose(volume.geometry.affine, affine)
    assert header.geometry.same_grid(volume.geometry, tolerance=0)


def test_a_single_nifti_file_is_no_pair(tmp_path):
    """A header that says that its voxels follow in the same file is refused."""
    content = nibabel.Nifti1Image(VOXELS, SPACING).to_bytes()
    for suffix in (".img", ".hdr"):
        (tmp_path / f"scan{suffix}").write_bytes(content)
    with pytest.raises(ReadError, match=r"^scan\.img: its \.hdr is no header of a pair") as caught:
        readers.header(tmp_path / "scan.img")
    assert caught.value.code == "unreadable"
