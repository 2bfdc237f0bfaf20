"""NSD and HD95 against google-deepmind/surface-distance, whose definition they are."""

import numpy as np
import pytest

from bench.metrics.surface import hd, surface_distances

peer = pytest.importorskip("surface_distance", reason="pip install surface-distance==0.1 to compare with it")

SPACINGS = [(1.0, 1.0, 1.0), (2.0, 0.8, 0.8), (0.31, 0.77, 1.9)]

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def _expected(first: np.ndarray, second: np.ndarray, spacing: tuple[float, ...], tolerance: float) -> list[float]:
    """Return NSD and HD95 of the other package."""
    found = peer.compute_surface_distances(first, second, spacing)
    nsd = peer.compute_surface_dice_at_tolerance(found, tolerance)
    return [nsd, peer.compute_robust_hausdorff(found, 95)]


@pytest.mark.parametrize("spacing", SPACINGS)
@pytest.mark.parametrize("seed", range(10))
def test_random_masks_score_as_there(scored, seed, spacing):
    """Random masks of any density, which touch every border, get its NSD and HD95 to 1e-5."""
    random = np.random.default_rng(seed)
    shape = tuple(random.integers(3, 14, 3))
    first, second = (random.random(shape) < random.choice([0.05, 0.5, 0.9]) for _ in range(2))
    first.flat[0] = second.flat[-1] = True
    found = scored(first, second, spacing, 1.37)
    expected = _expected(first, second, spacing, 1.37)
    assert [found["nsd"], found["hd95_mm"]] == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("spacing", SPACINGS)
def test_a_small_organ_in_a_large_grid_scores_as_there(scored, ball, spacing):
    """Smooth shapes far from the border get its NSD and HD95 to 1e-5, where both packages crop."""
    shape = (90, 80, 70)
    first, second = ball(shape, (40, 42, 33), 9.0, spacing), ball(shape, (41, 42, 34), 8.6, spacing)
    found = scored(first, second, spacing, 0.9)
    expected = _expected(first, second, spacing, 0.9)
    assert [found["nsd"], found["hd95_mm"]] == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("spacing", SPACINGS)
def test_hd_is_its_hundredth_percentile(ball, spacing):
    """HD is its robust Hausdorff distance at 100 %."""
    first, second = ball((30, 30, 30), (14, 15, 13), 6.0, spacing), ball((30, 30, 30), (15, 14, 13), 5.0, spacing)
    expected = peer.compute_robust_hausdorff(peer.compute_surface_distances(first, second, spacing), 100)
    assert hd(surface_distances(first, second, spacing)) == pytest.approx(expected, abs=1e-5)
