import numpy as np
import pytest
from matplotlib.path import Path as Outline
from skimage.measure import grid_points_in_poly

from curate.dicom.polygon import fill

SHAPE = (23, 17)


def random_polygon(seed, n=9):
    """Return a polygon that usually crosses itself and leaves the grid."""
    return np.random.default_rng(seed).uniform((-4, -4), (27, 21), (n, 2))


def box(i0, j0, i1, j1):
    """Return a rectangle."""
    return np.array([(i0, j0), (i1, j0), (i1, j1), (i0, j1)], dtype=float)


@pytest.mark.parametrize("seed", range(40))
def test_matplotlib_and_skimage_fill_the_same_points(seed):
    """Both independent even-odd rules agree on polygons that cross themselves; no point lies exactly on an edge."""
    polygon = random_polygon(seed)
    points = np.stack(np.meshgrid(np.arange(SHAPE[0]), np.arange(SHAPE[1]), indexing="ij"), axis=-1).reshape(-1, 2)
    closed = np.vstack([polygon, polygon[:1]])
    inside = fill([polygon], SHAPE)
    np.testing.assert_array_equal(inside, Outline(closed).contains_points(points).reshape(SHAPE))
    np.testing.assert_array_equal(inside, grid_points_in_poly(SHAPE, polygon))


@pytest.mark.parametrize("seed", range(10))
def test_many_polygons_are_their_exclusive_or(seed):
    """Filling several at once is the parity of filling each, in any order, direction and from any first vertex."""
    polygons = [random_polygon(10 * seed + n, 5) for n in range(4)]
    parity = np.logical_xor.reduce([fill([polygon], SHAPE) for polygon in polygons])
    np.testing.assert_array_equal(fill(polygons, SHAPE), parity)
    turned = [np.roll(polygon[::-1], 2, axis=0) for polygon in reversed(polygons)]
    np.testing.assert_array_equal(fill(turned, SHAPE), parity)


def test_a_point_on_the_border_belongs_to_the_side_of_growing_coordinates():
    """A square with corners on grid points holds its low edges and not its high ones."""
    inside = fill([box(3, 2, 6, 5)], SHAPE)
    assert np.argwhere(inside).min(axis=0).tolist() == [3, 2]
    assert np.argwhere(inside).max(axis=0).tolist() == [5, 4]
    assert inside.sum() == 9


@pytest.mark.parametrize("seed", range(10))
def test_neighbours_share_no_point_and_leave_none_out(seed):
    """A rectangle cut along a line through grid points falls into parts that are disjoint and complete."""
    generator = np.random.default_rng(seed)
    low, high = (float(value) for value in generator.integers(2, 20, 2))
    left = np.array([(1, 1), (low, 1), (high, 15), (1, 15)], dtype=float)
    right = np.array([(low, 1), (21, 1), (21, 15), (high, 15)], dtype=float)
    parts = fill([left], SHAPE), fill([right], SHAPE)
    assert not (parts[0] & parts[1]).any()
    np.testing.assert_array_equal(parts[0] | parts[1], fill([box(1, 1, 21, 15)], SHAPE))


@pytest.mark.parametrize(
    "polygons", [[], [np.zeros((0, 2))], [np.array([(3.0, 4.0)])], [np.array([(3.0, 4.0), (9.0, 8.0)])]]
)
def test_what_encloses_no_area_is_empty(polygons):
    """No polygon, no vertices, a point and a line fill nothing."""
    assert not fill(polygons, SHAPE).any()


def test_a_polygon_around_the_grid_fills_it():
    """Edges beyond the grid count."""
    assert fill([box(-9, -9, 99, 99)], SHAPE).all()
    assert not fill([box(-9, -9, -1, 99), box(50, 0, 60, 9), box(0, 40, 9, 50)], SHAPE).any()
