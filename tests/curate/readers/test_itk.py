import gzip

import numpy as np
import pytest
import SimpleITK as sitk

from curate import readers
from curate.errors import ReadError
from curate.readers.part import Part

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
@pytest.mark.parametrize("spatial", [(2, 3, 4), (2, 3)], ids=["3D", "2D"])
def test_a_component_of_vectors_is_a_volume(tmp_path, suffix, spatial):
    """Vectors are volumes along a fourth axis: one is read alone, and all together are refused with their number."""
    path = tmp_path / f"scan{suffix}"
    voxels = np.arange(3 * np.prod(spatial)).reshape(*spatial, 3).astype(np.int16)
    image = sitk.GetImageFromArray(np.moveaxis(voxels.T, 0, -1), isVector=True)
    image.SetSpacing((0.5, 2, 3)[: len(spatial)])
    sitk.WriteImage(image, str(path))
    for index in range(3):
        volume = readers.read(path, Part(volume_index=index))
        assert (volume.voxels.reshape(spatial) == voxels[..., index]).all()
        assert volume.geometry.spacing == pytest.approx((0.5, 2, 3 if len(spatial) == 3 else 1))
    with pytest.raises(ReadError, match="set `volume_index` to take one of its 3 volumes") as caught:
        readers.header(path)
    assert caught.value.code == "not_a_volume"


@pytest.mark.parametrize(
    ("sizes", "directions", "kinds"),
    [
        ("2 3 4 5", "(1,0,0) (0,2,0) (0,0,3) none", "domain domain domain list"),
        ("5 2 3 4", "none (1,0,0) (0,2,0) (0,0,3)", "list domain domain domain"),
        ("5 2 3 4", "none (1,0,0) (0,2,0) (0,0,3)", "vector domain domain domain"),
    ],
)
def test_a_list_axis_of_an_nrrd_counts_volumes_wherever_it_stands(tmp_path, sizes, directions, kinds):
    """Slicer puts the list axis first in some files and last in others; `volume_index` counts along it."""
    shape = [int(n) for n in sizes.split()]
    voxels = np.arange(120, dtype="<i2").reshape(shape, order="F")
    space = f"space: LPS\nspace directions: {directions}\nkinds: {kinds}\nspace origin: (5,6,7)"
    content = NRRD.format(space=space, sizes=sizes).replace("dimension: 3", "dimension: 4").encode()
    (tmp_path / "scan.nrrd").write_bytes(content + voxels.tobytes(order="F"))
    volume = readers.read(tmp_path / "scan.nrrd", Part(volume_index=4))
    assert (volume.voxels == voxels.take(4, axis=shape.index(5))).all()
    assert volume.geometry.to_world((1, 1, 1)).tolist() == [-6, -8, 10]


def test_five_axes_and_complex_numbers_are_no_volume(tmp_path):
    """More axes than four hold no volume that a number could choose, and a complex voxel is not one real number."""
    five = NRRD.format(space="content: five", sizes="2 3 2 1 2").replace("dimension: 3", "dimension: 5")
    (tmp_path / "five.nrrd").write_bytes(five.encode() + bytes(48))
    sitk.WriteImage(sitk.Image([2, 3, 4], sitk.sitkComplexFloat32), str(tmp_path / "complex.nrrd"))
    for name, found in (("five", "5 axes of int16"), ("complex", "3 axes of complex64")):
        with pytest.raises(ReadError, match=rf"^{name}\.nrrd: {found}, expected real numbers on two to four") as caught:
            readers.header(tmp_path / f"{name}.nrrd", Part(volume_index=0))
        assert caught.value.code == "not_a_volume"


def test_all_volumes_of_a_series_count_for_its_size(tmp_path):
    """SimpleITK reads a series whole, so that one is too large though each of its volumes is not."""
    space = "kinds: domain domain domain list"
    content = NRRD.format(space=space, sizes="1000 1000 1000 9").replace("dimension: 3", "dimension: 4").encode()
    (tmp_path / "scan.nrrd").write_bytes(content)
    with pytest.raises(ReadError, match="18000000000 bytes of voxels, at most") as caught:
        readers.header(tmp_path / "scan.nrrd", Part(volume_index=0))
    assert caught.value.code == "too_large"


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
