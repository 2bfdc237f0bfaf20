"""The published way from an image to the cube and back, held against SimpleITK and against its definition."""

import runpy
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from bench.models.sam_med3d.isotropic import IsotropicGrid
from bench.models.sam_med3d.published_cube import box_on_grid, cube_of, mask_on_grid, start_around
from bench.models.sam_med3d.windows import SIDE
from curate.geometry import Geometry
from curate.labelmap import BoxMask
from curate.volume import Volume, to_simpleitk

phantoms = runpy.run_path(str(Path(__file__).with_name("sam_med3d_phantoms.py")))
oblique, upright = phantoms["oblique"], phantoms["upright"]


def axis_aligned(shape_ijk, spacing_mm, *, signs=(1, 1, 1)):
    """Return a grid along the world's axes, its origin at an odd place."""
    affine = np.diag([*(s * d for s, d in zip(signs, spacing_mm, strict=True)), 1.0])
    affine[:3, 3] = (177.95632934570312, -11.319000244140625, 94.3017578125)
    return Geometry(shape_ijk, affine)


def by_simpleitk(volume, interpolator):
    """Resample to 1.5 mm from the first corner, on a grid that covers the image, as torchio asks SimpleITK to."""
    image = to_simpleitk(volume)
    spacing = np.array(image.GetSpacing())
    size = np.ceil(np.array(image.GetSize()) * spacing / 1.5 - 1e-6).astype(int)
    reference = sitk.Image(size.tolist(), image.GetPixelID())
    reference.SetSpacing((1.5, 1.5, 1.5))
    reference.SetDirection(image.GetDirection())
    reference.SetOrigin(image.TransformContinuousIndexToPhysicalPoint(0.5 * (1.5 / spacing - 1)))
    return sitk.GetArrayFromImage(sitk.Resample(image, reference, sitk.Transform(), interpolator)).T


def placed(array, start):
    """Return the cube at a start of an array, zero outside."""
    cube = np.zeros((SIDE, SIDE, SIDE), dtype=np.float32)
    low = np.maximum(start, 0)
    high = np.minimum(np.array(start) + SIDE, array.shape)
    part = array[tuple(slice(a, b) for a, b in zip(low, high, strict=True))]
    cube[tuple(slice(a - s, b - s) for a, b, s in zip(low, high, start, strict=True))] = part
    return cube


@pytest.mark.parametrize("dtype", [np.int16, np.uint8, np.float32])
@pytest.mark.parametrize("spacing", [(3.0, 3.0, 3.0), (0.75, 0.9, 5.0), (1.5, 1.5, 1.5)])
@pytest.mark.parametrize("start", [(0, 0, 0), (-30, -41, -100), (17, 3, -64)])
def test_cube_is_what_simpleitk_gives(dtype, spacing, start):
    """Voxel for voxel what SimpleITK interpolates, whole numbers cut towards zero, cut out or padded with zeros."""
    values = np.random.default_rng(0).integers(0, 200, (40, 37, 25))
    values = (values - (100 if dtype == np.int16 else 0)).astype(dtype)
    image = Volume(values, axis_aligned((40, 37, 25), spacing, signs=(-1, -1, 1)))
    grid = IsotropicGrid.from_corner(image.geometry, canonical=False)
    expected = by_simpleitk(image, sitk.sitkLinear)
    assert grid.geometry.shape_ijk == expected.shape
    found = cube_of(grid, values, start)
    np.testing.assert_allclose(found, placed(expected, start), rtol=2e-6 if dtype == np.float32 else 0, atol=0)


def test_cube_of_an_oblique_grid_is_what_simpleitk_gives():
    """Axes that are turned, mirrored and exchanged make no difference."""
    values = np.random.default_rng(1).normal(0, 100, (30, 41, 17)).astype(np.float32)
    image = Volume(values, oblique((30, 41, 17), (1.1, 0.8, 4.0)))
    grid = IsotropicGrid.from_corner(image.geometry, canonical=False)
    expected = placed(by_simpleitk(image, sitk.sitkLinear), (-5, 0, 3))
    found = cube_of(grid, values, (-5, 0, 3))
    inside = expected != 0  # at the very edge, rounding decides whether a place lies in the image
    np.testing.assert_allclose(found[inside], expected[inside], atol=2e-3)
    assert np.count_nonzero(inside) > 1000


def test_turned_cube_is_the_cube_of_the_turned_grid():
    """With `canonical` the same values stand in the order R, A, S."""
    values = np.random.default_rng(2).normal(0, 100, (20, 31, 11)).astype(np.float32)
    geometry = oblique((20, 31, 11), (1.7, 2.0, 4.1))
    turned = IsotropicGrid.from_corner(geometry, canonical=True)
    plain = IsotropicGrid.from_corner(geometry, canonical=False)
    whole = cube_of(plain, values, (0, 0, 0))[tuple(slice(0, n) for n in plain.geometry.shape_ijk)]
    expected = Volume(whole, plain.geometry).canonical()
    assert turned.geometry.same_grid(expected.geometry, tolerance=1e-9)
    assert turned.geometry.orientation == "RAS"
    np.testing.assert_array_equal(cube_of(turned, values, (-3, 0, 5)), placed(expected.voxels, (-3, 0, 5)))


@pytest.mark.parametrize("spacing", [(3.0, 3.0, 3.0), (0.7, 0.9, 5.0), (1.5, 1.5, 1.5)])
def test_mask_is_what_simpleitk_gives(spacing):
    """Labels take the nearest voxel, and the box of the result is tight."""
    inside = np.random.default_rng(3).random((30, 27, 15)) > 0.995
    geometry = axis_aligned(inside.shape, spacing, signs=(-1, 1, 1))
    grid = IsotropicGrid.from_corner(geometry, canonical=False)
    found = mask_on_grid(grid, BoxMask.of(inside))
    expected = by_simpleitk(Volume(inside.astype(np.uint8), geometry), sitk.sitkNearestNeighbor)
    assert found.box == BoxMask.of(expected).box
    np.testing.assert_array_equal(found.full(), expected != 0)


def test_box_is_that_of_the_filled_mask():
    """A box is brought over as the mask that fills it."""
    grid = IsotropicGrid.from_corner(oblique((40, 30, 20), (0.8, 1.1, 3.0)), canonical=True)
    box = (3, 4, 5, 19, 21, 9)
    filled = BoxMask((40, 30, 20), box, np.ones((16, 17, 4), dtype=np.bool_))
    assert box_on_grid(grid, box) == mask_on_grid(grid, filled).box


def test_a_box_between_the_isotropic_voxels_is_empty():
    """What nearest-neighbour resampling skips has no box."""
    grid = IsotropicGrid.from_corner(axis_aligned((100, 100, 100), (0.3, 0.3, 0.3)), canonical=False)
    assert box_on_grid(grid, (3, 0, 0, 4, 100, 100)) == (0, 0, 0, 0, 0, 0)
    assert (
        mask_on_grid(grid, BoxMask((100, 100, 100), (3, 0, 0, 4, 9, 9), np.ones((1, 9, 9), dtype=np.bool_))).count == 0
    )


@pytest.mark.parametrize(
    ("box", "start"),
    [
        ((0, 0, 0, 128, 128, 128), (0, 0, 0)),
        ((10, 11, 12, 20, 22, 25), (-49, -48, -46)),
        ((5, 5, 5, 6, 6, 6), (-59,) * 3),
    ],
)
def test_cube_stands_around_the_middle_of_the_box(box, start):
    """The start is the middle of the box, rounded down, less half a side: torchio's rule for an even side."""
    assert start_around(box) == start


def test_mask_comes_back_as_simpleitk_brings_it_back():
    """Nearest-neighbour resampling back to the image's own grid, on a turned and mirrored grid."""
    geometry = oblique((50, 40, 12), (0.9, 1.1, 4.1))
    grid = IsotropicGrid.from_corner(geometry, canonical=True)
    inside = np.random.default_rng(4).random(grid.geometry.shape_ijk) > 0.5
    found = grid.mask_on_source(BoxMask.of(inside)).full()
    image = to_simpleitk(Volume(inside.astype(np.uint8), grid.geometry))
    reference = to_simpleitk(Volume(np.zeros(geometry.shape_ijk, dtype=np.uint8), geometry))
    expected = sitk.GetArrayFromImage(sitk.Resample(image, reference, sitk.Transform(), sitk.sitkNearestNeighbor)).T
    np.testing.assert_array_equal(found, expected != 0)  # none of these spacings puts a voxel between two
