"""Scores must stay what the first version computed, to the digits of a float32, however they are computed."""

import edt
import numpy as np
import pytest
from scipy.spatial import KDTree

from bench.metrics.surfels import surfel_areas, surfel_codes
from curate.labelmap import bounding_box, slices


def _distances(surface: np.ndarray, other: np.ndarray, spacing: tuple[float, ...]) -> np.ndarray:
    """Measure every surfel: those that both share are at 0, few of the rest by tree, many by distance transform."""
    unshared = surface & ~other
    measured = np.zeros(surface.shape)
    if 0 < np.count_nonzero(unshared) * 1000 < surface.size:
        tree = KDTree(np.argwhere(other) * np.array(spacing), leafsize=32, balanced_tree=False, compact_nodes=False)
        measured[unshared] = tree.query(np.argwhere(unshared) * np.array(spacing))[0]
    elif unshared.any():
        squared = edt.edtsq((~other).view(np.uint8), anisotropy=spacing, black_border=False, parallel=1)
        measured[unshared] = np.sqrt(squared[unshared].astype(np.float64))
    return measured[surface]


def _published(first: np.ndarray, second: np.ndarray, spacing: tuple[float, ...], tolerance: float) -> dict[str, float]:
    """Score two masks that hold voxels as version 1 of the metrics does, in its order of operations."""
    box, sizes = slices(bounding_box(first | second)), surfel_areas(spacing)
    codes = [surfel_codes(mask[box], single_slice=False) for mask in (first, second)]
    surfaces = [(code != 0) & (code != 255) for code in codes]
    areas = [sizes[code[surface]] for code, surface in zip(codes, surfaces, strict=True)]
    apart = [_distances(surfaces[n], surfaces[1 - n], spacing) for n in (0, 1)]
    total = areas[0].sum() + areas[1].sum()
    near = [area[d <= tolerance * (1 + 1e-6)].sum() for area, d in zip(areas, apart, strict=True)]
    ends = []
    for area, d in zip(areas, apart, strict=True):
        order = np.argsort(d)
        reached = np.cumsum(area[order])
        ends.append(float(d[order][np.searchsorted(reached, 0.95 * reached[-1] * (1 - 1e-9))]))
    n_first, n_second, both = (int(np.count_nonzero(mask)) for mask in (first, second, first & second))
    return {
        "dice": 2 * both / (n_first + n_second),
        "iou": both / (n_first + n_second - both),
        "nsd": float((near[0] + near[1]) / total),
        "hd95_mm": max(ends),
        "assd_mm": float((apart[0] @ areas[0] + apart[1] @ areas[1]) / total),
        "volume_error": (n_second - n_first) / n_first,
    }


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (0.7, 0.7, 2.5), (0.31, 0.77, 1.9)])
@pytest.mark.parametrize("seed", range(10))
def test_random_masks_keep_their_scores(scored, seed, spacing):
    """Random masks score what the first version's search, by tree or transform alone, gives."""
    random = np.random.default_rng(seed)
    shape = tuple(random.integers(2, 14, 3))
    first, second = (random.random(shape) < random.choice([0.05, 0.5, 0.9]) for _ in range(2))
    first.flat[0] = second.flat[-1] = True
    found = scored(first, second, spacing, 1.3)
    expected = _published(first, second, spacing, 1.3)
    assert {name: found[name] for name in expected} == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("stray", [False, True], ids=["balls", "balls and a stray voxel"])
def test_balls_keep_their_scores(scored, ball, stray):
    """Smooth shapes, by transform or by tree, score what the first version's search gives."""
    spacing, shape = (0.8, 0.8, 2.0), (70, 64, 40)
    first, second = ball(shape, (30, 30, 12), 9.0, spacing), ball(shape, (31, 29, 12), 9.3, spacing)
    second[-1, -1, -1] |= stray
    found, expected = scored(first, second, spacing, 0.9), _published(first, second, spacing, 0.9)
    assert {name: found[name] for name in expected} == pytest.approx(expected, rel=1e-6)
