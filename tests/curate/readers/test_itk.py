import gzip

import numpy as np
import pytest
import SimpleITK as sitk

from curate import readers
from curate.errors import ReadError

VOXELS = np.arange(24, dtype="<i2").reshape(2, 3, 4)
NRRD = "NRRD0004\ntype: short\ndimension: 3\nsizes: {sizes}\nencoding: raw\nendian: little\n{space}\n\n"
META = (
    "ObjectType = Image\nNDims = 3\nBinaryData = True\nBinaryDataByteOrderMSB = False\n{space}"
    "DimSize = {sizes}\nElementType = MET_SHORT\nElementDataFile = LOCAL\n"
)


@pytest.fixture
def nrrd(tmp_path):
    """Return a function that writes an NRRD file with the given space."""

    def call(space, sizes="2 3 4"):
        path = tmp_path / "scan.nrrd"
        path.write_bytes(NRRD.format(space=space, sizes=sizes).encode() + VOXELS.tobytes(order="F"))
        return path

    return call


@pytest.fixture
def meta(tmp_path):
    """Return a function that writes a MetaImage file with the given geometry."""

    def call(space, sizes="2 3 4"):
        path = tmp_path / "scan.mha"
        path.write_bytes(META.format(space=space, sizes=sizes).encode() + VOXELS.tobytes(order="F"))
        return path

    return call


@pytest.mark.parametrize(
    ("space", "orientation", "first_mm"),
    [
        ("left-posterior-superior\nspace directions: (1,0,0) (0,2,0) (0,0,3)", "LPS", (-5, -6, 7)),
        ("right-anterior-superior\nspace directions: (1,0,0) (0,2,0) (0,0,3)", "RAS", (5, 6, 7)),
        ("left-anterior-superior\nspace directions: (1,0,0) (0,2,0) (0,0,3)", "LAS", (-5, 6, 7)),
        ("LPS\nspace directions: (-1,0,0) (0,-2,0) (0,0,-3)", "RAI", (-5, -6, 7)),  # negative directions
        ("LPS\nspace directions: (0,0,1) (2,0,0) (0,3,0)", "SLP", (-5, -6, 7)),  # permuted
    ],
)
def test_nrrd_spaces_become_ras(nrrd, space, orientation, first_mm):
    """Whatever anatomical space an NRRD file names, voxels lie where it says, in RAS+."""
    path = nrrd(f"space: {space}\nspace origin: (5,6,7)")
    volume = readers.read(path)
    assert (volume.voxels == VOXELS).all()
    assert volume.geometry.orientation == orientation
    assert volume.geometry.spacing == pytest.approx((1, 2, 3))
    assert volume.geometry.to_world((0, 0, 0)).tolist() == pytest.approx(first_mm)
    assert readers.header(path).verdict == "ok"


@pytest.mark.parametrize(
    "space",
    ["spacings: 1 2 3", "space: scanner-xyz\nspace directions: (1,0,0) (0,2,0) (0,0,3)\nspace origin: (0,0,0)"],
)
def test_an_nrrd_without_anatomy_is_a_repair(nrrd, space):
    """A file that does not say which way is left is taken as LPS, and the table says that it was assumed."""
    header = readers.header(nrrd(space))
    assert (header.verdict, header.geometry.orientation) == ("repaired:orientation_assumed", "LPS")
    assert header.geometry.spacing == pytest.approx((1, 2, 3))


@pytest.mark.parametrize(
    ("directions", "code"),
    [
        ("(1,0,0) (1,0,0) (0,0,3)", "bad_geometry"),
        ("(0,0,0) (0,2,0) (0,0,3)", "bad_geometry"),
        ("(nan,0,0) (0,2,0) (0,0,3)", "unreadable"),  # NrrdIO refuses it itself
    ],
)
def test_nrrd_axes_must_span_space(nrrd, directions, code):
    """Parallel, zero and NaN directions place no voxel."""
    with pytest.raises(ReadError, match=r"^scan\.nrrd: (affine must be|exist)") as caught:
        readers.header(nrrd(f"space: LPS\nspace directions: {directions}\nspace origin: (0,0,0)"))
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("space", "code", "message"),
    [
        ("ElementSpacing = 0 1 1\n", "bad_geometry", "affine must be invertible"),
        ("ElementSpacing = nan 1 1\n", "bad_geometry", "affine must be invertible"),
        ("TransformMatrix = 1 0 0 1 0 0 0 0 1\n", "bad_geometry", "affine must be invertible"),
    ],
)
def test_meta_image_axes_must_span_space(meta, space, code, message):
    """Zero and NaN spacing and a singular matrix place no voxel."""
    with pytest.raises(ReadError, match=rf"^scan\.mha: {message}") as caught:
        readers.read(meta(space))
    assert caught.value.code == code


def test_a_negative_meta_image_spacing_turns_the_axis(meta):
    """MetaImage writers that flip by a negative spacing mean a flipped axis, not a negative size."""
    geometry = readers.read(meta("ElementSpacing = -1 2 3\nOffset = 5 6 7\n")).geometry
    assert geometry.orientation == "RPS"
    assert geometry.spacing == pytest.approx((1, 2, 3))
    assert geometry.to_world((1, 1, 1)).tolist() == pytest.approx([-5 + 1, -6 - 2, 7 + 3])


def test_absurd_sizes_are_refused_from_the_header(nrrd, meta):
    """A header that claims 54 terabytes is too large, and nothing is allocated."""
    for path in (nrrd("spacings: 1 1 1", "30000 30000 30000"), meta("", "30000 30000 30000")):
        with pytest.raises(ReadError, match=rf"^{path.name}: 54000000000000 bytes of voxels, at most") as caught:
            readers.read(path)
        assert caught.value.code == "too_large"


@pytest.mark.parametrize("suffix", [".nrrd", ".mha"])
@pytest.mark.parametrize(
    ("shape", "vector"), [((4, 3, 2, 3), True), ((5, 4, 3, 2), False)], ids=["vector", "four dimensions"]
)
def test_vectors_and_four_dimensions_are_no_volume(tmp_path, suffix, shape, vector):
    """One real number on two or three axes is expected; anything else is refused from the header."""
    path = tmp_path / f"scan{suffix}"
    sitk.WriteImage(sitk.GetImageFromArray(np.zeros(shape, np.uint8), isVector=vector), str(path))
    with pytest.raises(ReadError, match="expected one component on two or three axes") as caught:
        readers.header(path)
    assert caught.value.code == "not_a_volume"


@pytest.mark.parametrize("suffix", [".nrrd", ".nhdr", ".mha", ".mhd"])
@pytest.mark.parametrize("compress", [False, True])
@pytest.mark.parametrize("dtype", ["u1", "i1", "i2", "u2", "i4", "u4", "i8", "f4", "f8"])
def test_every_dtype_is_kept(tmp_path, suffix, compress, dtype):
    """Voxels come back in the dtype of the file, compressed or not, in the data or beside it."""
    path = tmp_path / f"scan{suffix}"
    sitk.WriteImage(sitk.GetImageFromArray(VOXELS.astype(dtype).T), str(path), compress)
    volume = readers.read(path)
    assert volume.voxels.dtype == np.dtype(dtype)
    assert (volume.voxels == VOXELS).all()
    assert readers.header(path).bytes_per_voxel == np.dtype(dtype).itemsize


def test_a_two_dimensional_file_is_one_slice(tmp_path):
    """A 2D MetaImage gets k = 1."""
    sitk.WriteImage(sitk.GetImageFromArray(VOXELS[:, :, 0].T), str(tmp_path / "slice.mha"))
    assert readers.read(tmp_path / "slice.mha").voxels[:, :, 0].tolist() == VOXELS[:, :, 0].tolist()
    assert readers.header(tmp_path / "slice.mha").geometry.is_2d


def test_refusals_say_what_is_wrong(tmp_path, nrrd):
    """The reason is that of the format, not the last error of the C library, and names no folder."""
    path = nrrd("spacings: 1 1 1")
    path.write_bytes(path.read_bytes()[:-4])
    with pytest.raises(ReadError, match=r"^scan\.nrrd: fread got only 22 2-sized things, not 24"):
        readers.read(path)
    (tmp_path / "scan.nhdr").write_text(NRRD.format(space="data file: gone.raw", sizes="2 3 4"))
    with pytest.raises(ReadError, match=r'^scan\.nhdr: couldn\'t open "gone\.raw"'):
        readers.read(tmp_path / "scan.nhdr")
    (tmp_path / "scan.mha").write_bytes(gzip.compress(b"text"))
    with pytest.raises(ReadError, match=r"^scan\.mha: MetaImage whose header or data is damaged, incomplete"):
        readers.read(tmp_path / "scan.mha")
