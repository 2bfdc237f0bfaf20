"""The isotropic grid: resampling there and back."""

import runpy
from pathlib import Path

import numpy as np
import pytest

from bench.models.sam_med3d.isotropic import IsotropicGrid
from curate.labelmap import BoxMask
from curate.volume import Volume, from_simpleitk, to_simpleitk

phantoms = runpy.run_path(str(Path(__file__).with_name("sam_med3d_phantoms.py")))
oblique, upright = phantoms["oblique"], phantoms["upright"]


@pytest.mark.parametrize("canonical", [True, False])
@pytest.mark.parametrize("spacing", [(0.71, 1.13, 4.07), (2.53, 1.37, 0.61)])
def test_resampling_equals_simpleitk(canonical, spacing):
    """Linear on the way there, on every voxel; nearest on the way back, wherever the isotropic grid reaches."""
    import SimpleITK as sitk

    geometry = oblique((70, 60, 40), spacing)
    voxels = np.random.default_rng(1).normal(100, 30, geometry.shape_ijk).astype(np.float32)
    grid = IsotropicGrid.over(geometry, canonical=canonical)
    assert np.allclose(grid.geometry.spacing, 1.5)
    isotropic = to_simpleitk(Volume(np.zeros(grid.geometry.shape_ijk, np.float32), grid.geometry))
    theirs = from_simpleitk(
        sitk.Resample(to_simpleitk(Volume(voxels, geometry)), isotropic, sitk.Transform(), sitk.sitkLinear)
    )
    np.testing.assert_allclose(grid.resample(voxels), theirs.voxels, atol=1e-3)
    mask = grid.resample(voxels) > 110
    image = to_simpleitk(Volume(mask.astype(np.uint8) + 1, grid.geometry))
    back = sitk.Resample(image, to_simpleitk(Volume(voxels, geometry)), sitk.Transform(), sitk.sitkNearestNeighbor, 0)
    there = from_simpleitk(back).voxels
    own = grid.mask_on_source(BoxMask.of(mask)).full()
    assert np.count_nonzero(there) > 0.9 * there.size
    assert np.mean(own[there > 0] == (there[there > 0] == 2)) > 0.9999


def test_isotropic_image_is_its_own_grid():
    """On a RAS grid of 1.5 mm nothing moves: intensities, clicks and masks are what they were."""
    geometry = upright((30, 20, 25))
    voxels = np.random.default_rng(2).normal(size=geometry.shape_ijk).astype(np.float32)
    grid = IsotropicGrid.over(geometry, canonical=True)
    np.testing.assert_allclose(grid.resample(voxels), voxels, atol=1e-5)
    assert grid.points(np.array([[29, 0, 7]])).tolist() == [[29, 0, 7]]
    assert np.array_equal(grid.mask_on_source(BoxMask.of(voxels > 1)).full(), voxels > 1)


def test_mask_that_reaches_the_border_reaches_it_on_the_source():
    """Voxels half outside the isotropic grid take the value of its outermost voxel: no empty rim."""
    geometry = oblique((61, 53, 47), (0.5, 0.5, 0.5))
    grid = IsotropicGrid.over(geometry, canonical=True)
    assert grid.mask_on_source(BoxMask.of(np.ones(grid.geometry.shape_ijk, dtype=bool))).full().all()
