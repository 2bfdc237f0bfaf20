import gzip
import struct

import nibabel
import numpy as np
import pytest
from nibabel.freesurfer import MGHImage

from curate import readers
from curate.errors import ReadError
from curate.readers.part import Part

VOXELS = np.arange(24).reshape(2, 3, 4)
AFFINE = np.array([[-0.9, 0, 0.2, 20], [0, 0.2, 0.9, -30], [0, -1.2, 0, 40], [0, 0, 0, 1.0]])
GOOD_RAS_FLAG = 28


@pytest.mark.parametrize("name", ["scan.mgh", "scan.mgz"])
@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.int32, np.float32])
def test_voxels_and_places_are_those_that_were_written(tmp_path, name, dtype):
    """Every dtype of the format comes back in native bytes, where it was."""
    nibabel.save(MGHImage(VOXELS.astype(dtype), AFFINE), tmp_path / name)
    header, volume = readers.header(tmp_path / name), readers.read(tmp_path / name)
    assert (volume.voxels == VOXELS).all()
    assert volume.voxels.dtype == dtype
    assert volume.voxels.dtype.isnative
    assert np.allclose(volume.geometry.affine, AFFINE, atol=1e-5)
    assert (header.verdict, header.bytes_per_voxel) == ("ok", np.dtype(dtype).itemsize)


@pytest.mark.parametrize("packed", [False, True])
def test_a_file_without_geometry_is_coronal_and_says_so(tmp_path, packed):
    """With the flag at 0 the fields mean nothing: FreeSurfer's default holds, and the table says it was assumed."""
    content = bytearray(MGHImage(VOXELS.astype(np.int16), AFFINE).to_bytes())
    struct.pack_into(">h", content, GOOD_RAS_FLAG, 0)
    path = tmp_path / ("scan.mgz" if packed else "scan.mgh")
    path.write_bytes(gzip.compress(bytes(content)) if packed else bytes(content))
    header = readers.header(path)
    assert (header.verdict, header.geometry.orientation) == ("repaired:orientation_assumed", "LIA")
    assert header.geometry.spacing == (1, 1, 1)
    assert header.geometry.to_world((1, 1.5, 2)).tolist() == [0, 0, 0]
    assert readers.read(path).geometry.same_grid(header.geometry, tolerance=0)


def test_another_version_is_refused(tmp_path):
    """The format has had one version; another number is no MGH file."""
    content = bytearray(MGHImage(VOXELS.astype(np.int16), AFFINE).to_bytes())
    struct.pack_into(">i", content, 0, 2)
    (tmp_path / "scan.mgh").write_bytes(bytes(content))
    with pytest.raises(ReadError, match=r"^scan\.mgh: version 2, expected version 1 of MGH") as caught:
        readers.header(tmp_path / "scan.mgh")
    assert caught.value.code == "unreadable"


@pytest.mark.shared
def test_a_real_series_reads_as_nibabel_reads_it(corpus_dir):
    """The MGZ of nibabel's tests has two frames: each is a volume, both together are refused."""
    path = next(corpus_dir.glob("nibabel-odd-images/**/test.mgz"))
    image = nibabel.load(path)
    for index in range(2):
        volume = readers.read(path, Part(volume_index=index))
        assert (volume.voxels == np.asarray(image.dataobj)[..., index]).all()
        assert np.allclose(volume.geometry.affine, image.affine)
    with pytest.raises(ReadError, match=r"shape \(3, 4, 5, 2\).* one of its 2 volumes"):
        readers.header(path)
