"""Metrics on tensors against those on arrays; the same tests run on a GPU where there is one."""

import numpy as np
import pytest
import torch
from scipy import ndimage

from bench.metrics import score
from bench.metrics.histogram import joint_histogram
from bench.metrics.on_torch import joint_histogram as joint_histogram_of_tensors
from bench.metrics.on_torch import score_tensors, squared_distances
from curate.errors import GeometryError, UsageError
from curate.geometry import Geometry
from curate.labelmap import BoxMask

DEVICES = ["cpu", pytest.param("cuda", marks=pytest.mark.gpu)]
SPACINGS = [(1.0, 1.0, 1.0), (0.7, 0.9, 2.5)]

pytestmark = pytest.mark.parametrize("device", DEVICES)


def _same(first: np.ndarray, second: np.ndarray, geometry: Geometry, tolerance: float, device: str) -> None:
    """Compare every score: equal counts, distances to the float32 of the CPU's distance transform."""
    tensors = [torch.from_numpy(mask).to(device) for mask in (first, second)]
    found = score_tensors(*tensors, geometry, tolerance)
    expected = score(BoxMask.of(first), BoxMask.of(second), geometry, tolerance)
    assert list(found) == list(expected)
    for name in ("dice", "iou", "volume_error", "tolerance", "distance_unit"):
        assert found[name] == expected[name]
    for name in ("nsd", "hd95_mm", "assd_mm"):
        distance = expected[name]
        assert found[name] == (None if distance is None else pytest.approx(distance, rel=1e-6, abs=1e-6))


@pytest.mark.parametrize("spacing", SPACINGS)
@pytest.mark.parametrize("seed", range(6))
def test_random_masks_score_the_same(device, seed, spacing):
    """Sparse and dense random masks, which touch every border, score as on arrays."""
    random = np.random.default_rng(seed)
    shape = tuple(int(n) for n in random.integers(2, 12, 3))
    first, second = (random.random(shape) < random.choice([0.05, 0.5, 0.9]) for _ in range(2))
    first.flat[0] = second.flat[-1] = True
    _same(first, second, Geometry(shape, np.diag([*spacing, 1.0])), 1.37, device)


@pytest.mark.parametrize("spacing", SPACINGS)
def test_balls_score_the_same(device, ball, spacing):
    """Smooth shapes in a larger grid score as on arrays."""
    shape = (40, 36, 30)
    first, second = ball(shape, (15, 16, 12), 8.0, spacing), ball(shape, (17, 15, 12), 7.5, spacing)
    _same(first, second, Geometry(shape, np.diag([*spacing, 1.0])), 1.1, device)


def test_single_slices_score_the_same(device):
    """2D images are scored by contour, in pixels, as on arrays."""
    random = np.random.default_rng(1)
    first, second = (random.random((21, 17, 1)) < 0.4 for _ in range(2))
    _same(first, second, Geometry((21, 17, 1), np.diag([0.5, 0.8, 3.0, 1.0]), "pixel"), 1.0, device)


@pytest.mark.parametrize("holds", [(False, False), (False, True), (True, False)])
def test_empty_masks_score_the_same(device, holds):
    """Every empty case has the table's values."""
    masks = [np.full((3, 3, 3), hold) for hold in holds]
    _same(*masks, Geometry((3, 3, 3), np.eye(4)), 1.0, device)


@pytest.mark.parametrize("spacing", SPACINGS)
def test_squared_distances_are_those_of_scipy(device, spacing):
    """Every voxel has the squared distance of scipy's exact transform."""
    seeds = np.random.default_rng(2).random((13, 9, 17)) < 0.01
    seeds[3, 4, 5] = True
    found = squared_distances(torch.from_numpy(seeds).to(device), spacing).cpu().numpy()
    np.testing.assert_allclose(found, ndimage.distance_transform_edt(~seeds, sampling=spacing) ** 2, rtol=1e-12)


def test_pairs_of_labels_are_counted_the_same(device):
    """The joint histogram of tensors is that of arrays."""
    random = np.random.default_rng(3)
    maps = [random.integers(0, 5, (12, 11, 9)).astype(np.uint8) for _ in range(2)]
    found = joint_histogram_of_tensors(*[torch.from_numpy(labels).to(device) for labels in maps])
    expected = joint_histogram(*maps)
    for name in ("reference", "prediction", "voxels"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))


def test_tensors_off_the_grid_and_bad_tolerances_are_refused(device):
    """Tensors of another shape and tolerances that are no distance raise errors that say so."""
    grid, mask = Geometry((3, 3, 3), np.eye(4)), torch.ones((3, 3, 3), dtype=torch.bool, device=device)
    with pytest.raises(GeometryError, match=r"prediction must lie on the grid \(3, 3, 3\), found \(2, 3, 3\)"):
        score_tensors(mask, mask[1:], grid, 1.0)
    with pytest.raises(UsageError, match="tolerance must be a distance of 0 or more in mm"):
        score_tensors(mask, mask, grid, float("nan"))
    with pytest.raises(GeometryError, match=r"shape \(3, 3, 3\), found \(2, 3, 3\)"):
        joint_histogram_of_tensors(mask, mask[1:])
