import runpy
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from curate.geometry import Geometry
from curate.harmonise import resample_image, resample_mask, resample_masks
from curate.labelmap import BoxMask, slices
from curate.masks import Mask
from curate.regions import LabelMap, ValueMask
from curate.volume import Volume, from_simpleitk, to_simpleitk

grid = runpy.run_path(str(Path(__file__).with_name("poses.py")))["grid"]
POSES = [("RAS", (0, 0, 0)), ("LPS", (0, 0, 0)), ("PSR", (0, 0, 0)), ("LAS", (0.3, -0.2, 0.25)), ("ASL", (0.1, 0.4, 0))]
SHAPE = (17, 14, 9)
ORIGIN = (-100.5, 80.25, 1200)


def mask(voxels):
    """Return a mask of a full-grid array."""
    return Mask("liver", "1", "label.nii", None, BoxMask.of(np.asarray(voxels, dtype=np.bool_)))


def sheared(geometry):
    """Return the grid with its second axis leaning towards the first."""
    affine = geometry.affine.copy()
    affine[:3, 1] += 0.2 * affine[:3, 0]
    return Geometry(geometry.shape_ijk, affine)


def nearest_by_simpleitk(voxels, source, target):
    """Resample a mask by SimpleITK's nearest neighbour."""
    reference = to_simpleitk(Volume(np.zeros(target.shape_ijk, np.uint8), target))
    image = to_simpleitk(Volume(voxels.astype(np.uint8), source))
    resampled = sitk.Resample(image, reference, sitk.Transform(), sitk.sitkNearestNeighbor, 0)
    return from_simpleitk(resampled).voxels != 0


@pytest.mark.parametrize(("codes", "turn"), POSES)
@pytest.mark.parametrize("spacing_mm", [0.9, 1.5, 2.7])
def test_masks_agree_with_simpleitk(codes, turn, spacing_mm):
    """Nearest neighbour gives SimpleITK's mask, but for centres halfway between voxels, where SimpleITK's vary."""
    source = grid(SHAPE, (0.71, 0.83, 5.3), codes, turn, ORIGIN)
    target = source.resampled(spacing_mm)
    index = source.to_voxel(target.to_world(np.argwhere(np.ones(target.shape_ijk))))
    decided = (np.abs(index % 1 - 0.5) > 1e-5).all(axis=1).reshape(target.shape_ijk)
    assert decided.mean() > 0.9
    voxels = np.random.default_rng(4).random(SHAPE) < 0.3
    expected = nearest_by_simpleitk(voxels, source, target)
    assert (resample_mask(mask(voxels), source, target).voxels.full() == expected)[decided].all()


@settings(deadline=None, max_examples=40)
@given(
    st.tuples(*[st.floats(0.3, 6)] * 3),
    st.floats(0.4, 5),
    st.tuples(*[st.floats(-0.6, 0.6)] * 3),
    st.tuples(*[st.integers(0, 5)] * 3),
)
def test_a_voxel_is_inside_when_the_source_at_its_centre_is(spacing, spacing_mm, turn, low):
    """For any grid and any box: look up every centre of the new grid in the old one, ties going up."""
    source = grid((7, 8, 6), spacing, "LAS", turn, ORIGIN)
    target = source.resampled(spacing_mm)
    voxels = np.zeros(source.shape_ijk, dtype=np.bool_)
    voxels[slices((*low, *(n + 1 for n in low)))] = True
    voxels[low[0] :, low[1] :, 0] = True
    index = source.to_voxel(target.to_world(np.argwhere(np.ones(target.shape_ijk))))
    i, j, k = np.floor(index + 0.5 + 1e-6).astype(int).T
    resampled = resample_mask(mask(voxels), source, target).voxels
    assert (resampled.full().ravel() == voxels[i, j, k]).all()
    assert resampled.box == BoxMask.of(resampled.full()).box


@pytest.mark.parametrize(("codes", "turn"), POSES)
def test_a_tie_takes_the_higher_voxel_on_every_grid(codes, turn):
    """Where spacing doubles every centre lies between two voxels, and rounding must not choose by chance."""
    voxels = np.zeros((40, 40, 40), dtype=np.bool_)
    voxels[1::2, 1::2, 1::2] = True
    source = grid(voxels.shape, (0.75, 0.75, 0.75), codes, turn, ORIGIN)
    target = source.resampled(1.5)
    assert resample_mask(mask(voxels), source, target).voxels.count == 20**3
    assert resample_mask(mask(np.roll(voxels, -1, axis=0)), source, target).voxels.count == 0


@settings(deadline=None, max_examples=40)
@given(
    st.tuples(*[st.floats(0.3, 6)] * 3),
    st.floats(0.4, 5),
    st.tuples(*[st.floats(-4, 4)] * 3),
    st.integers(0, 99),
)
def test_a_label_map_is_resampled_once_as_each_of_its_masks(spacing, spacing_mm, shift, seed):
    """Masks that lie in one label map give the voxels, box and count of each resampled alone, also off the edge."""
    source = grid((7, 8, 6), spacing, "LAS", (0.1, 0.2, -0.1), ORIGIN)
    target = source.resampled(spacing_mm)
    affine = target.affine.copy()
    affine[:3, 3] += affine[:3, :3] @ np.array(shift)
    target = Geometry(target.shape_ijk, affine)
    labels = LabelMap(np.random.default_rng(seed).integers(0, 4, source.shape_ijk).astype(np.uint8))
    unions = [[1], [2, 3], [1, 2, 3]]
    lazy = [Mask("liver", "1", "label.nii", None, labels.mask(union)) for union in unions]
    eager = [mask(one.voxels.full()) for one in lazy]
    found = resample_masks([*lazy, *eager], source, target)
    for one, other in zip(found, [resample_mask(one, source, target) for one in eager] * 2, strict=True):
        assert (one.voxels.box, one.voxels.count) == (other.voxels.box, other.voxels.count)
        assert (one.voxels.full() == other.voxels.full()).all()
    assert len({id(one.voxels.label_map) for one in found if isinstance(one.voxels, ValueMask)}) <= 1


@pytest.mark.parametrize("order", ["C", "F"])
def test_memory_order_changes_no_voxel(order):
    """An image and its mirrored view are resampled to the same values as a plain copy."""
    source = grid((23, 19, 11), (0.7, 0.8, 5), "RAS", (0, 0, 0), ORIGIN)
    voxels = np.random.default_rng(8).integers(-1000, 1000, (23, 19, 11)).astype(np.int16)
    plain = resample_image(Volume(voxels, source), source.resampled(1.3)).voxels
    other = np.asarray(voxels[::-1, ::-1], order=order)[::-1, ::-1]
    assert (resample_image(Volume(other, source), source.resampled(1.3)).voxels == plain).all()


def test_a_thin_mask_may_vanish():
    """A sheet of 0.5 mm between the centres of a 3 mm grid leaves the empty box, on the new grid."""
    voxels = np.zeros((24, 24, 24), dtype=np.bool_)
    voxels[3:20, 3:20, 6] = True
    source = grid(voxels.shape, (0.5, 0.5, 0.5))
    resampled = resample_mask(mask(voxels), source, source.resampled(3.0)).voxels
    assert (resampled.box, resampled.count, resampled.shape_ijk) == ((0, 0, 0, 0, 0, 0), 0, (4, 4, 4))


def test_a_mask_may_vanish_between_its_own_voxels():
    """Two voxels far apart that no centre hits leave the empty box, though the box between them is hit."""
    voxels = np.zeros((24, 24, 24), dtype=np.bool_)
    voxels[0, 0, 0] = voxels[23, 23, 23] = True
    source = grid(voxels.shape, (0.5, 0.5, 0.5))
    resampled = resample_mask(mask(voxels), source, source.resampled(3.0)).voxels
    assert (resampled.box, resampled.count, resampled.voxels.shape) == ((0, 0, 0, 0, 0, 0), 0, (0, 0, 0))


@pytest.mark.parametrize(("codes", "turn"), POSES)
def test_the_own_grid_changes_nothing(codes, turn):
    """Images and masks that are on the grid already keep every voxel."""
    geometry = grid(SHAPE, (0.7, 0.8, 5), codes, turn, ORIGIN)
    voxels = np.random.default_rng(6).integers(-1024, 3071, SHAPE).astype(np.int16)
    same = resample_image(Volume(voxels, geometry), geometry)
    assert (same.voxels == voxels).all()
    assert same.geometry is geometry
    inside = voxels > 2000
    assert (resample_mask(mask(inside), geometry, geometry).voxels.full() == inside).all()


@pytest.mark.parametrize(("codes", "turn"), POSES)
@pytest.mark.parametrize("lean", [False, True])
def test_images_agree_with_scipy(codes, turn, lean):
    """Linear interpolation is scipy's, border continued, on oblique and on sheared grids."""
    source = grid(SHAPE, (0.7, 0.8, 5), codes, turn, ORIGIN)
    source = sheared(source) if lean else source
    target = source.resampled(1.3)
    voxels = np.random.default_rng(7).normal(0, 100, SHAPE).astype(np.float32)
    index = source.to_voxel(target.to_world(np.argwhere(np.ones(target.shape_ijk)))).T
    expected = ndimage.map_coordinates(voxels, index, order=1, mode="nearest").reshape(target.shape_ijk)
    assert np.abs(resample_image(Volume(voxels, source), target).voxels - expected).max() < 1e-2


@pytest.mark.parametrize("spacing_mm", [0.4, 1.5, 7.0])
@pytest.mark.parametrize(
    ("dtype", "value"),
    [
        ("uint8", 255),
        ("int8", -128),
        ("int16", -1024),
        ("uint16", 65535),
        ("int32", 2**31 - 1),
        ("int32", -(2**31)),
        ("uint32", 2**32 - 1),
        ("int64", 2**40 + 1),
        ("float32", 0.1),
        ("float64", 0.1),
    ],
)
def test_a_constant_image_stays_constant(dtype, value, spacing_mm):
    """To the very border, and to the last bit of the dtype, which is kept."""
    source = grid((6, 7, 4), (0.7, 0.8, 5), "LAS", (0.3, -0.2, 0.25), ORIGIN)
    volume = Volume(np.full((6, 7, 4), value, dtype=dtype), source)
    resampled = resample_image(volume, source.resampled(spacing_mm))
    assert resampled.voxels.dtype == np.dtype(dtype)
    assert resampled.geometry.spacing == pytest.approx((spacing_mm,) * 3)
    assert np.unique(resampled.voxels).tolist() == np.unique(volume.voxels).tolist()


def test_integers_are_rounded_not_cut():
    """On a step from 0 to 1, a quarter of the way becomes 0 and three quarters become 1."""
    voxels = np.zeros((4, 2, 2), dtype=np.int16)
    voxels[2:] = 1
    fine = resample_image(Volume(voxels, grid((4, 2, 2), (2, 2, 2))), grid((4, 2, 2), (2, 2, 2)).resampled(1.0))
    assert fine.voxels[:, 0, 0].tolist() == [0, 0, 0, 0, 1, 1, 1, 1]
