"""Which pairs are worth a look."""

import numpy as np
import pytest

from curate.duplicates import search
from curate.duplicates.content import content_of
from curate.duplicates.search import candidates
from curate.duplicates.turns import turns


def fingerprint(voxels):
    """Return the fingerprint of an array."""
    return content_of(np.ascontiguousarray(voxels), "a test").fingerprint()


def tissue(scan, seed, shape=(40, 44, 36)):
    """Return texture alone, without an outline to share."""
    inner = tuple(slice(round(0.23 * n), round(0.77 * n)) if n > 1 else slice(None) for n in shape)
    return scan(seed, shape)[inner]


@pytest.mark.parametrize("shape", [(40, 44, 36), (90, 70, 1)])
def test_every_turn_is_found_among_others(scan, shape):
    """A scan and a turned copy are the only candidates among other scans, and the turn is undone."""
    others = [tissue(scan, seed, shape) for seed in range(6)]
    earlier = [fingerprint(one) for one in others]
    for turn in turns(is_2d=shape[2] == 1)[:: 1 if shape[2] == 1 else 5]:
        copy = turn.array(others[2])
        (hit,) = candidates([*earlier, fingerprint(copy)])
        assert (hit.first, hit.second) == (2, 6)
        assert any(np.array_equal(likely.array(copy), others[2]) for likely in hit.turns)


@pytest.mark.parametrize("shape", [(12, 12, 12), (24, 24, 1)])
def test_what_is_compared_first_does_not_depend_on_the_pose(shape):
    """Laws: a turn changes no vector, its length is 1, and two agree at least as well as the grids in any pose."""
    rng = np.random.default_rng(0)
    grids = [rng.normal(size=shape).astype(np.float32) for _ in range(2)]
    first, second = (grid / np.linalg.norm(grid) for grid in grids)
    agreement = search._unposed(first) @ search._unposed(second)
    assert np.linalg.norm(search._unposed(first)) == pytest.approx(1, abs=1e-5)
    for turn in turns(is_2d=shape[2] == 1):
        assert np.allclose(search._unposed(turn.array(first)), search._unposed(first), atol=1e-6)
        assert agreement >= np.sum(first * turn.array(second))


def test_the_true_copy_is_among_look_alikes(scan):
    """Among scans that share outline and background, the copy is a candidate, too."""
    hits = candidates([fingerprint(scan(seed % 8)) for seed in range(9)])
    assert (0, 8) in [(hit.first, hit.second) for hit in hits]


def test_the_nearest_are_kept(scan, monkeypatch):
    """With room for one neighbour, each copy is tied to an earlier image of its own scan."""
    monkeypatch.setattr(search, "NEIGHBOURS", 1)
    hits = [(hit.first, hit.second) for hit in candidates([fingerprint(tissue(scan, seed % 3)) for seed in range(9)])]
    assert [second for _, second in hits] == [3, 4, 5, 6, 7, 8]
    assert all(first % 3 == second % 3 for first, second in hits)


def test_blocks_do_not_change_what_is_found(scan, monkeypatch):
    """Rows in blocks of two give the candidates of one block."""
    fingerprints = [fingerprint(tissue(scan, seed % 4)) for seed in range(7)]
    whole = list(candidates(fingerprints))
    monkeypatch.setattr(search, "_BLOCK_ROWS", 2)
    assert list(candidates(fingerprints)) == whole
    assert [(hit.first, hit.second) for hit in whole] == [(0, 4), (1, 5), (2, 6)]


def test_one_image_has_no_pair(scan):
    """None and one give nothing."""
    assert list(candidates([])) == list(candidates([fingerprint(scan(0))])) == []
