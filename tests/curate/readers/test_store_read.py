"""What `curate.volume.write` stored is read again as it was."""

import numpy as np
import pytest

from curate.geometry import Geometry
from curate.volume import Volume, read, write

AFFINE = np.diag([-0.7, 0.8, 5.0, 1])


@pytest.mark.parametrize(
    ("dtype", "shape", "unit"),
    [
        ("int16", (6, 5, 4), "mm"),
        ("float32", (6, 5, 1), "mm"),
        ("float32", (6, 5, 1), "pixel"),
        ("uint16", (6, 5, 4), "pixel"),
        ("uint16", (6, 5, 1, 3), "pixel"),
        ("uint8", (6, 5, 4, 3), "pixel"),
    ],
    ids=["scan", "slice", "float picture", "stack", "deep colours", "colour stack"],
)
def test_nifti_keeps_channels_and_the_lack_of_millimetres(tmp_path, dtype, shape, unit):
    """A picture that PNG cannot hold is stored as NIfTI and stays a picture: in pixels, with its colours."""
    voxels = np.random.default_rng(4).integers(0, 250, shape).astype(dtype)
    affine = AFFINE if unit == "mm" else np.eye(4)
    write(Volume(voxels, Geometry(shape[:3], affine, unit)), tmp_path / "image.nii.gz")
    again = read(tmp_path / "image.nii.gz")
    assert (again.voxels == voxels).all()
    assert (again.voxels.dtype, again.is_colour) == (np.dtype(dtype), len(shape) == 4)
    assert (again.geometry.unit, again.geometry.shape_ijk) == (unit, shape[:3])
    assert np.allclose(again.geometry.affine, affine)
