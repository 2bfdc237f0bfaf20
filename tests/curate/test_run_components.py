"""Components of runs: every way in which two runs may touch, and pieces that meet late."""

import itertools

import cc3d
import numpy as np
import pytest

from curate.regions import LabelMap

NEIGHBOURS = [offset for offset in itertools.product((-1, 0, 1), repeat=3) if any(offset)]


def counts(voxels):
    """Return the components of each value as the runs have them."""
    return LabelMap(np.asfortranarray(voxels)).component_counts


def counts_of_cc3d(voxels):
    """Return the components of each value by another library."""
    padded = np.pad(voxels, 1)
    values = [int(value) for value in np.unique(voxels) if value]
    return {value: int(cc3d.connected_components(padded == value, connectivity=26).max()) for value in values}


@pytest.mark.parametrize("offset", NEIGHBOURS)
def test_two_voxels_that_touch_are_one(offset):
    """All 26 neighbours of a voxel are connected to it; two steps away in any direction none is."""
    for steps, expected in ((1, 1), (2, 2)):
        voxels = np.zeros((5, 5, 5), dtype=np.uint8)
        voxels[2, 2, 2] = voxels[tuple(2 + steps * n for n in offset)] = 7
        assert counts(voxels) == {7: expected}


@pytest.mark.parametrize("offset", [offset for offset in NEIGHBOURS if offset[1] and offset[2]])
def test_a_piece_that_hangs_on_an_edge_is_found(offset):
    """A small piece, a larger and the largest one, each met across an edge or a corner alone, are one component."""
    voxels = np.zeros((24, 24, 24), dtype=np.uint8)
    for start, side in ((2, 1), (3, 2), (5, 5)):
        low = [start if step >= 0 else 23 - start - side + 1 for step in offset]
        box = tuple(slice(at, at + side) if step else slice(4, 5) for at, step in zip(low, offset, strict=True))
        voxels[box] = 1
    assert counts(voxels) == counts_of_cc3d(voxels) == {1: 1}


def test_values_that_touch_stay_apart():
    """A chessboard of two values is two components; of each value alone, cut into layers, as many as there are."""
    i, j, k = np.indices((6, 6, 6))
    assert counts((1 + (i + j + k) % 2).astype(np.uint8)) == {1: 1, 2: 1}
    assert counts((1 + k // 2 % 2).astype(np.uint8)) == {1: 2, 2: 1}


def test_a_comb_joins_at_its_back():
    """Teeth that meet only in the last plane are one component, whatever stands between them."""
    voxels = np.full((9, 9, 6), 2, dtype=np.uint8)
    voxels[::4, ::4] = 1
    assert counts(voxels)[1] == 9
    voxels[:, :, -1] = 1
    assert counts(voxels) == {1: 1, 2: 1}


@pytest.mark.parametrize("seed", range(40))
def test_random_maps_have_the_components_that_cc3d_finds(seed):
    """Blocks and specks of several values, of any density."""
    generator = np.random.default_rng(seed)
    shape = generator.integers(1, 12, 3)
    values = generator.integers(1, 4, shape) * (generator.random(shape) < generator.choice([0.05, 0.2, 0.5, 0.9]))
    blocks = np.kron(values, np.ones(generator.integers(1, 4, 3))).astype(np.uint8)
    assert counts(blocks) == counts_of_cc3d(blocks)
