import numpy as np
import pytest

from curate import readers
from curate.errors import ReadError, UsageError
from curate.readers.part import Part

MODULE = """
import numpy as np
from curate.geometry import Geometry
from curate.readers.header import Header
from curate.volume import Volume

class RawReader:
    suffixes = ("{suffix}",)
    named_arrays = False
    def header(self, path, part):
        return Header(np.load(path, mmap_mode="r").shape, np.eye(4), 8, unit="pixel")
    def read(self, path, part):
        if "bad" in path.name:
            raise ZeroDivisionError("a bug\\nof theirs")
        voxels = np.load(path)
        return Volume(voxels, Geometry(voxels.shape, np.eye(4), "pixel"))
"""


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Return a function that installs a distribution with a reader for a suffix; forget it afterwards."""

    def call(suffix):
        site = tmp_path / f"site{suffix}"
        info = site / "medseen_raw-1.0.dist-info"
        info.mkdir(parents=True)
        module = f"their_reader_{suffix.replace('.', '_')}"
        (site / f"{module}.py").write_text(MODULE.format(suffix=suffix))
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: medseen-raw\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[medseen.readers]\nraw = {module}:RawReader\n")
        monkeypatch.syspath_prepend(site)
        readers._by_suffix.cache_clear()

    yield call
    readers._by_suffix.cache_clear()


def save(path, voxels):
    """Write an array as NumPy does, under a name of another suffix."""
    with path.open("wb") as stream:
        np.save(stream, voxels)


def test_a_distribution_brings_a_reader(install, tmp_path):
    """A reader under the entry-point group `medseen.readers` reads its suffix like the ones that ship."""
    install(".raw")
    save(tmp_path / "scan.raw", np.arange(24.0).reshape(2, 3, 4))
    assert "raw" in readers.REGISTRY.names()
    assert readers.header(tmp_path / "scan.raw").shape == (2, 3, 4)
    assert readers.read(tmp_path / "scan.raw").voxels[1, 2, 3] == 23


def test_their_reader_is_checked_like_ours(install, tmp_path):
    """Headers are checked and foreign exceptions become `unreadable`, in one line."""
    install(".raw")
    save(tmp_path / "four.raw", np.zeros((2, 2, 2, 2)))
    with pytest.raises(ReadError, match=r"^four\.raw: shape \(2, 2, 2, 2\)") as caught:
        readers.read(tmp_path / "four.raw")
    assert caught.value.code == "not_a_volume"
    with pytest.raises(ReadError, match="no volume with `volume_index` 2"):
        readers.read(tmp_path / "four.raw", Part(volume_index=2))
    with pytest.raises(ReadError, match="files of this format hold no named arrays"):
        readers.read(tmp_path / "four.raw", Part("image"))
    save(tmp_path / "bad.raw", np.zeros((2, 2, 2)))
    with pytest.raises(ReadError, match=r"^bad\.raw: cannot be read \(a bug of theirs\)$") as caught:
        readers.read(tmp_path / "bad.raw")
    assert caught.value.code == "unreadable"


def test_a_suffix_has_one_reader(install, tmp_path):
    """A reader that claims a suffix of another's is a mistake of the installation, and both are named."""
    install(".nii.gz")
    with pytest.raises(UsageError, match=r"suffix `\.nii\.gz` is claimed by readers nifti and raw; uninstall one"):
        readers.read(tmp_path / "scan.nii.gz")
