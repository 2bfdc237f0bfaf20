import numpy as np
import pytest
import SimpleITK as sitk

from curate import readers
from curate.errors import ReadError
from curate.readers.detached import data_files


def written(path):
    """Write a header and its voxels, and return the header."""
    sitk.WriteImage(sitk.GetImageFromArray(np.arange(24, dtype=np.int16).reshape(2, 3, 4)), str(path))
    return path


@pytest.mark.parametrize("suffix", [".mhd", ".nhdr"])
def test_voxels_beside_the_header_are_read(tmp_path, suffix):
    """A header and the file beside it are one image."""
    path = written(tmp_path / f"a{suffix}")
    assert readers.read(path).voxels.ravel(order="F").tolist() == list(range(24))
    assert [other.name for other in data_files(path)] == [
        other.name for other in tmp_path.iterdir() if other.suffix != suffix
    ]


@pytest.mark.parametrize("suffix", [".mhd", ".nhdr"])
@pytest.mark.parametrize("name", ["../x.raw", "/etc/passwd", "deep/../../x.raw", "..\\x.raw", "C:/x.raw"])
def test_voxels_beyond_the_folder_are_refused(tmp_path, suffix, name):
    """A header that names a file elsewhere on the disk is unreadable, whether the file is there or not."""
    path = written(tmp_path / f"a{suffix}")
    (data,) = (other.name for other in tmp_path.iterdir() if other.suffix != suffix)
    path.write_text(path.read_text(encoding="latin-1").replace(data, name), encoding="latin-1")
    with pytest.raises(ReadError, match="outside its own folder") as caught:
        readers.header(path)
    assert caught.value.code == "unreadable"
    assert name.replace("\\", "/") in str(caught.value)


def test_other_files_have_no_data_file(tmp_path):
    """A file that holds its own voxels is looked at alone, whatever lies beside it."""
    (tmp_path / "a.raw").touch()
    assert data_files(tmp_path / "a.nii.gz") == []
