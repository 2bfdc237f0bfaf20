import math
import runpy
from pathlib import Path

import nibabel
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from curate.errors import GeometryError
from curate.geometry import Geometry

grid = runpy.run_path(str(Path(__file__).with_name("poses.py")))["grid"]
calm = settings(deadline=None)
NAN, INF = math.nan, math.inf
QUARTER = math.pi / 2


@st.composite
def grids(draw, largest_turn=math.pi, smallest=1):
    """Draw grids of any shape, spacing, order of axes, flip and turn, a little sheared."""
    numbers = st.floats(-1, 1)
    shape = draw(st.tuples(*[st.integers(smallest, 40)] * 3))
    spacing = draw(st.tuples(*[st.floats(0.05, 9)] * 3))
    order = draw(st.permutations(range(3)))
    signs = draw(st.tuples(*[st.sampled_from([-1, 1])] * 3))
    axis = np.array(draw(st.tuples(numbers, numbers, numbers))) + 1e-3
    turn = axis / np.linalg.norm(axis) * draw(st.floats(0, largest_turn))
    shear = np.eye(3)
    shear[0, 1] = draw(st.floats(-0.1, 0.1))
    affine = np.eye(4)
    affine[:3, :3] = Rotation.from_rotvec(turn).as_matrix() @ np.eye(3)[:, order] @ np.diag(signs) @ shear
    affine[:3, :3] *= spacing
    affine[:3, 3] = draw(st.tuples(*[st.floats(-500, 500)] * 3))
    return Geometry(shape, affine)


def corners(geometry):
    """Return the centres of the eight corner voxels, (8, 3), in voxels."""
    return np.array(np.meshgrid(*[(0, n - 1) for n in geometry.shape_ijk], indexing="ij")).reshape(3, -1).T


@pytest.mark.parametrize(
    ("codes", "turn", "orientation"),
    [
        ("RAS", (0, 0, 0), "RAS"),  # what NIfTI calls canonical
        ("LPS", (0, 0, 0), "LPS"),  # axes reversed: what DICOM writes for an axial series
        ("LAS", (0, 0, 0), "LAS"),  # one axis reversed: left-handed, the FSL custom
        ("PSR", (0, 0, 0), "PSR"),  # axes permuted: a sagittal acquisition
        ("RAS", (0.3, -0.2, 0.25), "RAS"),  # oblique: a head tilted in the scanner
        ("RAS", (0, 0, QUARTER), "ALS"),  # a quarter turn about the body axis: i runs to the front, j to the left
        ("RAS", (QUARTER, 0, 0), "RSP"),  # coronal
        ("PSR", (0.2, 0.2, 0.2), "PSR"),  # permuted and oblique
    ],
)
def test_orientation_names_where_the_axes_grow(codes, turn, orientation):
    """Axis codes name, for i, j and k, the nearest side of the patient."""
    assert grid((4, 5, 6), (0.7, 0.7, 5), codes, turn).orientation == orientation


@calm
@given(grids(largest_turn=0.5))
def test_orientation_agrees_with_nibabel(geometry):
    """Within 30 degrees of the world's axes, where nearest is no matter of taste, the codes are nibabel's."""
    assert geometry.orientation == "".join(nibabel.aff2axcodes(geometry.affine))


@calm
@given(grids(smallest=2))
def test_canonical_is_idempotent(geometry):
    """Turning a turned grid changes nothing."""
    once = geometry.canonical()
    assert once.canonical_transform() == ((0, 1, 2), (False, False, False))
    assert once.same_grid(once.canonical(), tolerance=0)


@calm
@given(grids())
def test_canonical_moves_no_voxel(geometry):
    """The corner voxels of a grid and of its canonical twin are the same eight places in the world."""
    before = geometry.to_world(corners(geometry))
    after = geometry.canonical().to_world(corners(geometry.canonical()))
    apart = np.linalg.norm(before[:, None] - after[None], axis=-1)
    assert apart.min(axis=0).max() < 1e-6
    assert apart.min(axis=1).max() < 1e-6


@pytest.mark.parametrize(
    ("shape", "codes", "canonical_shape", "orientation"),
    [
        ((20, 30, 1), "LPS", (20, 30, 1), "RAS"),  # axial
        ((20, 30, 1), "PSR", (20, 30, 1), "ASR"),  # sagittal, stored as a slice
        ((1, 20, 30), "RAS", (20, 30, 1), "ASR"),  # sagittal, cut out of a volume
        ((20, 1, 30), "LPS", (20, 30, 1), "RSA"),  # coronal, cut out of a volume
        ((1, 1, 30), "RAS", (1, 1, 30), "RAS"),  # a line has no slice axis
    ],
)
def test_a_single_slice_has_one_voxel_along_k(shape, codes, canonical_shape, orientation):
    """Whatever its direction, a single slice is canonical with k = 1."""
    canonical = grid(shape, (1, 2, 3), codes).canonical()
    assert (canonical.shape_ijk, canonical.orientation) == (canonical_shape, orientation)
    assert canonical.canonical().same_grid(canonical, tolerance=0)


@calm
@given(grids(), st.lists(st.tuples(*[st.floats(-100, 100)] * 3), min_size=1, max_size=5))
def test_to_voxel_inverts_to_world(geometry, points):
    """World and back is where one started, inside the grid and outside."""
    assert np.allclose(geometry.to_voxel(geometry.to_world(points)), points, atol=1e-6)


def test_to_world_follows_the_affine():
    """Voxel (1, 2, 3) of an LPS grid lies its steps to the left, the back and the head of the origin."""
    geometry = grid((4, 5, 6), (0.5, 2, 5), "LPS", origin=(10, 20, 30))
    assert geometry.to_world((1, 2, 3)).tolist() == [9.5, 16, 45]


@calm
@given(grids(), st.floats(0.1, 10))
def test_resampled_keeps_centre_and_field_of_view(geometry, spacing_mm):
    """The centre stays, directions stay, and each side changes by half a new voxel at most (or is one voxel)."""
    resampled = geometry.resampled(spacing_mm)
    centres = [one.to_world((np.array(one.shape_ijk) - 1) / 2) for one in (geometry, resampled)]
    assert np.allclose(*centres, atol=1e-8)
    assert np.allclose(resampled.spacing, spacing_mm)
    assert np.allclose(resampled.affine[:3, :3] / spacing_mm, geometry.affine[:3, :3] / geometry.spacing)
    before = np.array(geometry.shape_ijk) * geometry.spacing
    after = np.array(resampled.shape_ijk) * spacing_mm
    assert ((np.abs(after - before) <= spacing_mm / 2 + 1e-9) | (np.array(resampled.shape_ijk) == 1)).all()


@calm
@given(grids(), st.tuples(*[st.floats(-0.01, 0.01)] * 3), st.floats(0.9, 1.1))
def test_same_grid_is_symmetric(geometry, shift, stretch):
    """Two grids agree about being one, whichever is asked."""
    affine = geometry.affine.copy()
    affine[:3, 3] += shift
    affine[:3, 0] *= stretch
    other = Geometry(geometry.shape_ijk, affine)
    assert geometry.same_grid(other) == other.same_grid(geometry)


@pytest.mark.parametrize(("spacing", "shift", "same"), [(0.7, 5e-4, True), (0.7, 2e-3, False), (0.002, 5e-4, False)])
def test_same_grid_is_measured_in_voxels(spacing, shift, same):
    """A thousandth of a voxel is allowed, also where a voxel is 2 micrometres long."""
    first = grid((5, 5, 5), (spacing, spacing, 5))
    assert first.same_grid(grid((5, 5, 5), (spacing, spacing, 5), origin=(shift, 0, 0))) is same


def test_same_grid_looks_at_the_far_corner():
    """A spacing that is off by 1e-5 is another grid after 500 voxels, though the origins agree."""
    assert not grid((500, 2, 2)).same_grid(grid((500, 2, 2), (1.00001, 1, 1)))
    assert grid((50, 2, 2)).same_grid(grid((50, 2, 2), (1.00001, 1, 1)))
    assert not grid((5, 5, 5)).same_grid(grid((5, 5, 6)))


def test_voxel_volume_takes_shear_into_account():
    """A sheared voxel has the volume of its base times its height, not the product of its edges."""
    affine = np.diag([2.0, 2, 3, 1])
    affine[0, 1] = 1.5
    geometry = Geometry((2, 2, 2), affine)
    assert geometry.voxel_volume == pytest.approx(12)
    assert math.prod(geometry.spacing) == pytest.approx(15)


def test_a_grid_cannot_be_changed():
    """Neither the caller's array nor the grid's own lets the affine change."""
    affine = np.eye(4)
    geometry = Geometry((2, 2, 2), affine)
    affine[0, 0] = 7
    assert geometry.affine[0, 0] == 1
    with pytest.raises(ValueError, match="read-only"):
        grid((2, 2, 2)).affine[0, 0] = 7


def test_pixels_are_no_millimetres():
    """A picture has a spacing for distances in pixels, but none in millimetres."""
    geometry = Geometry((640, 480, 1), np.eye(4), "pixel")
    assert (geometry.spacing, geometry.spacing_mm, geometry.is_2d) == ((1, 1, 1), None, True)
    assert str(geometry) == "(640, 480, 1) @ 1 x 1 x 1 pixel RAS"


@pytest.mark.parametrize(
    "shape", [(0, 4, 4), (4, -1, 4), (4, 4), (4, 4, 4, 1), (2.5, 4, 4), (NAN, 4, 4), (INF, 4, 4)], ids=str
)
def test_a_shape_is_three_positive_whole_numbers(shape):
    """Any other shape is refused by name."""
    with pytest.raises(GeometryError, match="shape must be three positive whole numbers, found"):
        Geometry(shape, np.eye(4))


@pytest.mark.parametrize(
    ("affine", "message"),
    [
        (np.diag([NAN, 1, 1, 1]), "affine must be 4x4 and finite"),
        (np.diag([INF, 1, 1, 1]), "affine must be 4x4 and finite"),
        (np.eye(3), "affine must be 4x4 and finite"),
        (np.diag([0.0, 1, 1, 1]), "affine must be invertible, found spacing"),
        (np.diag([1e-9, 1, 1, 1]), "affine must be invertible, found spacing"),
        (np.diag([1e200, 1e200, 1e200, 1]), "affine must be invertible, found spacing"),
        (np.array([[1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1.0]]), "affine must be invertible"),
        (np.diag([1.0, 1, 1, 2]), "affine must end in the row 0 0 0 1"),
    ],
)
def test_an_affine_must_place_the_grid(affine, message):
    """NaN, zero spacing, axes in one plane and a projective row lie nowhere."""
    with pytest.raises(GeometryError, match=message):
        Geometry((2, 2, 2), affine)
