"""Surface metrics against the definition written out: point sets, every pair of points, sums in a loop."""

import warnings
from functools import partial
from itertools import product

import numpy as np
import pytest

from bench.metrics import nearest, surface

SPACINGS = [(1.0, 1.0, 1.0), (2.0, 0.8, 0.8), (0.05, 3.0, 0.4), (0.31, 0.77, 1.9)]


def _surfels(mask: np.ndarray, spacing: tuple[float, ...]) -> tuple[np.ndarray, np.ndarray]:
    """List the surfels of a 2D or 3D mask one by one: positions, and areas from MONAI's table."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from monai.metrics.utils import get_code_to_measure_table

        table, kernel = get_code_to_measure_table(spacing)
    padded, kernel = np.pad(mask, 1), kernel.numpy()[0, 0]
    points, areas = [], []
    for corner in product(*[range(n + 1) for n in mask.shape]):
        around = padded[tuple(slice(c, c + 2) for c in corner)]
        if around.any() and not around.all():
            points.append(np.multiply(corner, spacing))
            areas.append(float(table[int(kernel[around].sum())]))
    return np.array(points), np.array(areas)


def _percentile(distances: np.ndarray, areas: np.ndarray) -> float:
    """Walk outwards until 95 % of the area is behind."""
    walked, total = 0.0, areas.sum()
    for distance, area in sorted(zip(distances, areas, strict=True)):
        walked += area
        if walked >= 0.95 * total * (1 - 1e-7):
            return distance
    raise AssertionError("unreachable")


def _brute_force(first: np.ndarray, second: np.ndarray, spacing: tuple[float, ...], tolerance: float) -> list[float]:
    """Return NSD, HD95 and ASSD of two masks."""
    (points_a, areas_a), (points_b, areas_b) = _surfels(first, spacing), _surfels(second, spacing)
    every_pair = np.linalg.norm(points_a[:, None] - points_b[None], axis=2)
    from_a, from_b = every_pair.min(axis=1), every_pair.min(axis=0)
    total = areas_a.sum() + areas_b.sum()
    nsd = (areas_a[from_a <= tolerance].sum() + areas_b[from_b <= tolerance].sum()) / total
    hd95 = max(_percentile(from_a, areas_a), _percentile(from_b, areas_b))
    return [nsd, hd95, (areas_a @ from_a + areas_b @ from_b) / total]


def _ours(first, second, spacing, tolerance, *, single_slice=False) -> list[float]:
    """Return NSD, HD95 and ASSD by the library."""
    measured = surface.surface_distances(first, second, spacing, single_slice=single_slice)
    return [surface.nsd(measured, tolerance), surface.hd95(measured), surface.assd(measured)]


@pytest.mark.parametrize(
    ("search", "reach"), [("_by_tree", 0), ("_by_transform", 0), ("_by_tree", 1), ("_by_transform", 2)]
)
@pytest.mark.parametrize("spacing", SPACINGS)
@pytest.mark.parametrize("seed", range(12))
def test_random_masks_agree_with_every_pair_of_points(monkeypatch, seed, spacing, search, reach):
    """Sparse and dense random masks, which touch every border, get the scores of the definition, however searched."""
    monkeypatch.setattr(nearest, "_VOXELS_PER_SEARCH", 0 if search == "_by_tree" else 10**9)
    monkeypatch.setattr(nearest, "_by_transform" if search == "_by_tree" else "_by_tree", None)
    monkeypatch.setattr(nearest, "_neighbours", partial(nearest._neighbours, reach=reach))
    rng = np.random.default_rng(seed)
    shape = tuple(rng.integers(1, 9, size=3))
    first, second = (rng.random(shape) < rng.choice([0.05, 0.5, 0.9]) for _ in range(2))
    first.flat[0] = second.flat[-1] = True
    tolerance = rng.uniform(0, 4)
    expected = _brute_force(first, second, spacing, tolerance)
    assert _ours(first, second, spacing, tolerance) == pytest.approx(expected, rel=1e-6, abs=1e-7)


@pytest.mark.parametrize("spacing", SPACINGS)
@pytest.mark.parametrize("seed", range(12))
def test_random_single_slices_agree_with_every_pair_of_points(seed, spacing):
    """2D masks get the scores of the 2D definition, whatever their spacing along k says."""
    rng = np.random.default_rng(seed)
    shape = tuple(rng.integers(1, 16, size=2))
    first, second = (rng.random(shape) < rng.choice([0.05, 0.5, 0.9]) for _ in range(2))
    first.flat[0] = second.flat[-1] = True
    tolerance = rng.uniform(0, 4)
    expected = _brute_force(first, second, spacing[:2], tolerance)
    found = _ours(first[..., None], second[..., None], spacing, tolerance, single_slice=True)
    assert found == pytest.approx(expected, rel=1e-6, abs=1e-7)


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (2.0, 0.8, 0.8), (0.6, 0.77, 1.9)])
def test_balls_agree_with_every_pair_of_points(ball, spacing):
    """Smooth shapes of some hundred surfels get the scores of the definition."""
    shape = tuple(int(14 / s) for s in spacing)
    centre = np.array(shape) / 2
    first, second = ball(shape, centre, 5.0, spacing), ball(shape, centre + 0.9, 4.0, spacing)
    expected = _brute_force(first, second, spacing, 0.83)
    assert _ours(first, second, spacing, 0.83) == pytest.approx(expected, rel=1e-6, abs=1e-7)
