import io
import pickle
import runpy
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest

from curate import readers
from curate.errors import ReadError
from curate.readers import npy_stream
from curate.readers.part import Part

FILES = runpy.run_path(str(Path(__file__).parents[2] / "contract" / "reader_files.py"))
VOXELS = np.arange(2 * 3 * 4 * 5).reshape(2, 3, 4, 5)


class Trap:
    """An object that, unpickled, leaves a file behind."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):  # noqa: D105
        return Path.touch, (self.path,)


def refused(path, part=Part()):  # noqa: B008, it is frozen
    """Return the code and message with which a file is refused."""
    with pytest.raises(ReadError) as caught:
        readers.read(path, part)
    return caught.value.code, str(caught.value)


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", ["u1", "i1", "<i2", ">i2", "<u2", "<i4", ">f4", "f8", "f2", "?"])
@pytest.mark.parametrize("name", ["scan.npy", "scan.npz"])
def test_voxels_are_those_of_numpy(tmp_path, name, dtype, order):
    """Whatever the dtype and the order in memory, indices mean what they mean in NumPy, in native bytes."""
    voxels = np.asarray(VOXELS[..., 0] % 7, dtype=dtype, order=order)
    {"npy": np.save, "npz": np.savez}[name[-3:]](tmp_path / name, voxels)
    header, volume = readers.header(tmp_path / name), readers.read(tmp_path / name)
    assert (volume.voxels == voxels).all()
    assert volume.voxels.dtype == (np.uint8 if dtype == "?" else np.dtype(dtype).newbyteorder("="))
    assert (header.unit, header.verdict, header.bytes_per_voxel) == ("pixel", "none", voxels.itemsize)


@pytest.mark.parametrize("block_bytes", [1, 17, 1 << 22])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("name", ["scan.npy", "scan.npz"])
def test_a_volume_of_four_axes_is_picked_from_the_stream(tmp_path, monkeypatch, name, order, block_bytes):
    """The last axis counts volumes, whether they lie one after the other or voxel by voxel."""
    monkeypatch.setattr(npy_stream, "_BLOCK_BYTES", block_bytes)
    {"npy": np.save, "npz": np.savez_compressed}[name[-3:]](tmp_path / name, np.asarray(VOXELS, order=order))
    for index in range(5):
        assert (readers.read(tmp_path / name, Part(volume_index=index)).voxels == VOXELS[..., index]).all()


@pytest.mark.parametrize("order", ["C", "F"])
def test_one_volume_takes_the_memory_of_one(tmp_path, order):
    """Of a series of 64 MB, a volume of 1 MB is read in a few more."""
    np.save(tmp_path / "series.npy", np.zeros((64, 64, 256, 64), np.uint8, order=order))
    readers.read(tmp_path / "series.npy", Part(volume_index=0))
    tracemalloc.start()
    readers.read(tmp_path / "series.npy", Part(volume_index=63))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 16 << 20


def test_two_axes_are_one_slice(tmp_path):
    """A 2D array gets k = 1."""
    np.save(tmp_path / "slice.npy", VOXELS[:, :, 0, 0])
    assert (readers.read(tmp_path / "slice.npy").voxels[:, :, 0] == VOXELS[:, :, 0, 0]).all()


def test_arrays_have_names(tmp_path):
    """`array` takes one of several; what can be no image is passed over, and folders in the archive are names."""
    np.savez(tmp_path / "case.npz", image=VOXELS[..., 0], spacing=np.ones(3))
    assert (readers.read(tmp_path / "case.npz").voxels == VOXELS[..., 0]).all()
    np.savez(tmp_path / "case.npz", **{"image": VOXELS[..., 0], "labels/mask": VOXELS[..., 1], "who": np.array(["x"])})
    assert (readers.read(tmp_path / "case.npz", Part("labels/mask")).voxels == VOXELS[..., 1]).all()
    assert refused(tmp_path / "case.npz") == (
        "ambiguous_file",
        "case.npz: 2 arrays ('image', 'labels/mask'); name one of them with `array`",
    )
    code, message = refused(tmp_path / "case.npz", Part("labels"))
    assert (code, message) == ("unreadable", "case.npz: no array 'labels'; there is 'image', 'labels/mask', 'who'")


@pytest.mark.parametrize("name", ["trap.npy", "trap.npz"])
def test_pickles_are_never_loaded(tmp_path, name):
    """An array of objects is refused by its header, and the code in it does not run."""
    trap = np.empty((2, 2, 2), dtype=object)
    trap[:] = Trap(tmp_path / "sprung")
    {"npy": np.save, "npz": np.savez}[name[-3:]](tmp_path / name, trap)
    code, message = refused(tmp_path / name)
    assert (code, message) == (
        "unreadable",
        f"{name}: pickled Python objects, which are never loaded; expected numbers",
    )
    (tmp_path / name).write_bytes(pickle.dumps(Trap(tmp_path / "sprung")))
    assert refused(tmp_path / name)[0] == "unreadable"
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize("dtype", ["U5", "S5", "c16", [("a", "i2"), ("b", "f4")], "M8[s]"])
def test_what_are_no_numbers_is_no_volume(tmp_path, dtype):
    """Texts, records, dates and complex numbers are refused by what they are."""
    np.save(tmp_path / "scan.npy", np.zeros((2, 3, 4), dtype=dtype))
    code, message = refused(tmp_path / "scan.npy")
    assert code == "not_a_volume"
    assert message.startswith("scan.npy: voxels are ")


@pytest.mark.parametrize("shape", [(), (5,), (0, 5, 5), (2, 2, 2, 2, 2)])
def test_other_shapes_are_no_volume(tmp_path, shape):
    """A number, a line, nothing and five axes are no image."""
    np.save(tmp_path / "scan.npy", np.zeros(shape))
    assert refused(tmp_path / "scan.npy")[0] == "not_a_volume"


def test_a_bomb_is_refused_before_it_goes_off(tmp_path):
    """A packed member whose header claims 200 GB is refused after a few inflated bytes."""
    with zipfile.ZipFile(tmp_path / "bomb.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("image.npy", FILES["npy_header"]((5000, 5000, 4000)) + bytes(64 << 20))
    tracemalloc.start()
    code, message = refused(tmp_path / "bomb.npz")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (code, message.partition(" at most")[0]) == ("too_large", "bomb.npz: 200000000000 bytes of voxels,")
    assert peak < 4 << 20


def test_a_header_of_gigabytes_is_not_read(tmp_path):
    """Format 2.0 may claim a header of 4 GB, which a packed file can have: it counts as damage."""
    with zipfile.ZipFile(tmp_path / "bomb.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("image.npy", b"\x93NUMPY\x02\x00" + (64 << 20).to_bytes(4, "little") + bytes(64 << 20))
    tracemalloc.start()
    assert refused(tmp_path / "bomb.npz")[0] == "unreadable"
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 << 20


def test_names_in_an_archive_lead_nowhere(tmp_path):
    """A member called like a path outside is an array of that name; nothing is written anywhere."""
    (tmp_path / "inside").mkdir()
    stream = io.BytesIO()
    np.save(stream, VOXELS[..., 0])
    with zipfile.ZipFile(tmp_path / "inside" / "scan.npz", "w") as archive:
        archive.writestr("../evil.npy", stream.getvalue())
        archive.writestr("/tmp/evil.npy", stream.getvalue())
    before = sorted(tmp_path.rglob("*"))
    assert readers.read(tmp_path / "inside" / "scan.npz", Part("../evil")).voxels[1, 2, 3] == VOXELS[1, 2, 3, 0]
    assert "'../evil', '/tmp/evil'" in refused(tmp_path / "inside" / "scan.npz")[1]
    assert sorted(tmp_path.rglob("*")) == before


def test_other_packings_and_other_archives_are_refused(tmp_path):
    """NumPy stores or deflates; other packings take memory at will. An archive without arrays holds nothing."""
    with zipfile.ZipFile(tmp_path / "lzma.npz", "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("image.npy", FILES["npy_header"]((2, 3, 4)) + bytes(48))
    assert "array packed by method 14, expected stored or deflated" in refused(tmp_path / "lzma.npz")[1]
    with zipfile.ZipFile(tmp_path / "text.npz", "w") as archive:
        archive.writestr("readme.txt", "text")
    assert refused(tmp_path / "text.npz") == ("unreadable", "text.npz: holds no array")
