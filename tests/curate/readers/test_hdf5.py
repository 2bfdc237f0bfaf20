import h5py
import numpy as np
import pytest

from curate import readers
from curate.errors import ReadError
from curate.readers import hdf5
from curate.readers.part import Part

VOXELS = np.arange(2 * 3 * 4 * 5, dtype=np.int16).reshape(2, 3, 4, 5)


@pytest.fixture
def written(tmp_path):
    """Return a function that fills an HDF5 file and returns its path."""

    def call(fill, name="case.h5"):
        with h5py.File(tmp_path / name, "w") as file:
            fill(file)
        return tmp_path / name

    return call


def refused(path, part=Part()):  # noqa: B008, it is frozen
    """Return the code and message with which a file is refused."""
    with pytest.raises(ReadError) as caught:
        readers.read(path, part)
    return caught.value.code, str(caught.value)


@pytest.mark.parametrize("packing", [{}, {"compression": "gzip"}, {"compression": "lzf"}, {"chunks": (1, 2, 3)}])
@pytest.mark.parametrize("dtype", ["u1", "<i2", ">i2", "<u4", "i8", "f2", ">f4", "f8", "?"])
def test_voxels_are_those_of_h5py(written, dtype, packing):
    """Whatever the dtype and the packing, indices mean what they mean in h5py, in native bytes."""
    voxels = (VOXELS[..., 0] % 7).astype(dtype)
    path = written(lambda file: file.create_dataset("image", data=voxels, **packing))
    header, volume = readers.header(path), readers.read(path)
    assert (volume.voxels == voxels).all()
    assert volume.voxels.dtype == (np.uint8 if dtype == "?" else np.dtype(dtype).newbyteorder("="))
    assert (header.unit, header.verdict, header.bytes_per_voxel) == ("pixel", "none", voxels.itemsize)


def test_arrays_are_named_by_their_paths(written):
    """Texts, numbers and lines are passed over; of two images the recipe names one, with or without a first slash."""

    def fill(file):
        file["scans/t1"] = VOXELS[..., 0]
        file["spacing"] = np.ones(3)
        file["patient"] = "text"

    assert (readers.read(written(fill)).voxels == VOXELS[..., 0]).all()

    def fill_two(file):
        fill(file)
        file["mask"] = VOXELS[..., 1]

    path = written(fill_two)
    for name in ("mask", "/mask"):
        assert (readers.read(path, Part(name)).voxels == VOXELS[..., 1]).all()
    assert refused(path) == ("ambiguous_file", "case.h5: 2 arrays ('mask', 'scans/t1'); name one of them with `array`")
    code, message = refused(path, Part("scans"))
    assert (code, message) == (
        "unreadable",
        "case.h5: no array 'scans'; there is 'mask', 'patient', 'scans/t1', 'spacing'",
    )


def test_a_volume_of_four_axes_is_read_alone(written):
    """The last axis counts volumes; two axes are one slice."""
    path = written(lambda file: file.create_dataset("image", data=VOXELS, compression="gzip"))
    for index in range(5):
        assert (readers.read(path, Part(volume_index=index)).voxels == VOXELS[..., index]).all()
    path = written(lambda file: file.create_dataset("image", data=VOXELS[:, :, 0, 0]))
    assert (readers.read(path).voxels[:, :, 0] == VOXELS[:, :, 0, 0]).all()


@pytest.mark.parametrize(
    "data",
    [
        np.array([["a", "b"]], dtype=h5py.string_dtype()),
        np.zeros((2, 3), dtype="S5"),
        np.zeros((2, 3), dtype=[("a", "i2"), ("b", "f4")]),
        np.zeros((2, 3), dtype="c8"),
    ],
    ids=["texts", "bytes", "records", "complex"],
)
def test_what_are_no_numbers_is_no_volume(written, data):
    """Texts, records and complex numbers are refused by what they are."""
    code, message = refused(written(lambda file: file.create_dataset("image", data=data)))
    assert code == "not_a_volume"
    assert message.startswith("case.h5: voxels are ")


def test_an_empty_dataspace_is_no_volume(written):
    """HDF5 knows arrays without shape."""
    path = written(lambda file: file.create_dataset("image", dtype="f4", shape=None, data=h5py.Empty("f4")))
    assert refused(path)[0] == "not_a_volume"


def test_links_are_not_followed(written):
    """Neither an external link nor a soft one is an array, by itself or by name: they could lead to any file."""
    other = written(lambda file: file.create_dataset("secret", data=VOXELS[..., 0]), "other.h5")

    def fill(file):
        file["outside"] = h5py.ExternalLink(other.name, "/secret")
        file["around"] = h5py.SoftLink("/outside")

    path = written(fill)
    assert refused(path) == ("unreadable", "case.h5: holds no array")
    for name in ("outside", "around", "../other.h5/secret"):
        assert refused(path, Part(name)) == ("unreadable", f"case.h5: no array '{name}'; there is none")


def test_voxels_in_other_files_are_not_read(written, tmp_path):
    """An array may be bytes of any file, or put together from other arrays: both are refused by their headers."""
    (tmp_path / "secret").write_bytes(bytes(24))
    external = [(str(tmp_path / "secret"), 0, 24)]
    path = written(lambda file: file.create_dataset("image", (2, 3, 4), "u1", external=external))
    with pytest.raises(ReadError, match=r"^case\.h5: its voxels lie in other files, which are not opened") as caught:
        readers.header(path)
    assert caught.value.code == "unreadable"
    layout = h5py.VirtualLayout(shape=(2, 3, 4), dtype="i2")
    layout[:] = h5py.VirtualSource(path, "secret", shape=(2, 3, 4))
    path = written(lambda file: file.create_virtual_dataset("image", layout))
    assert "lie in other files" in refused(path)[1]


def test_a_crowd_of_arrays_is_not_walked_through(written, monkeypatch):
    """Beyond a number of groups and arrays a file is refused."""
    monkeypatch.setattr(hdf5, "_MOST_OBJECTS", 5)

    def fill(file):
        for number in range(6):
            file[str(number)] = number

    assert refused(written(fill)) == ("too_large", "case.h5: more than 5 groups and arrays")


def test_a_group_that_holds_itself_ends(written):
    """Hard links may go round in a circle; each array counts once."""

    def fill(file):
        file["group/image"] = VOXELS[..., 0]
        file["group/again"] = file["group"]

    assert (readers.read(written(fill)).voxels == VOXELS[..., 0]).all()
