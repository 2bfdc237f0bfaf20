"""Area means, against arithmetic that can be done by hand, and correlations."""

import numpy as np
import pytest

from curate.duplicates.grid import area_means, correlation, fine_structure, integral


def means(voxels, box, shape):
    """Return the area means of an array."""
    return area_means(integral(np.asarray(voxels, dtype=np.float32)), box, shape)


def test_cells_that_hold_whole_voxels_are_block_means():
    """A grid that divides the array gives the mean of each block."""
    voxels = np.random.default_rng(0).normal(size=(6, 8, 9))
    blocks = voxels.reshape(3, 2, 2, 4, 3, 3).mean(axis=(1, 3, 5))
    assert means(voxels, (0, 0, 0, 6, 8, 9), (3, 2, 3)) == pytest.approx(blocks, abs=1e-6)


def test_a_cell_takes_its_share_of_a_voxel():
    """A box from 0.5 to 2 over the values 0, 10 and 20 holds half of the first and all of the second."""
    voxels = np.array([0, 10, 20]).reshape(3, 1, 1)
    assert means(voxels, (0.5, 0, 0, 2, 1, 1), (1, 1, 1)).item() == pytest.approx(10 / 1.5)


def test_border_values_continue_beyond_the_array():
    """A box from -2 to 2 over the values 4 and 8 holds three parts of 4 and one of 8, and far outside there is 8."""
    voxels = np.array([4, 8]).reshape(2, 1, 1)
    assert means(voxels, (-2, 0, 0, 2, 1, 1), (1, 1, 1)).item() == pytest.approx(5)
    assert means(voxels, (5, 0, 0, 6, 1, 1), (1, 1, 1)).item() == pytest.approx(8)


def test_cells_smaller_than_voxels_repeat_them():
    """Three cells per voxel take that voxel's value."""
    voxels = np.array([1, 2]).reshape(1, 2, 1)
    assert means(voxels, (0, 0, 0, 1, 2, 1), (1, 6, 1)).ravel() == pytest.approx([1, 1, 1, 2, 2, 2])


def test_correlation_is_pearsons(scan):
    """The correlation is numpy's, is blind to a * x + b, and is 0 where one side is constant."""
    first, second = scan(3), scan(4)
    assert correlation(first, second) == pytest.approx(np.corrcoef(first.ravel(), second.ravel())[0, 1], abs=1e-5)
    assert correlation(first, 3 * first - 7) == pytest.approx(1, abs=1e-5)
    assert correlation(first, np.ones_like(first)) == 0


def test_fine_structure_parts_what_shares_an_outline(scan):
    """Two textures under one steep shading correlate above 0.9, their fine structure below 0.2."""
    shading = 3000 * np.linspace(0, 1, 20, dtype=np.float32)[:, np.newaxis, np.newaxis]
    first, second = (shading + scan(seed)[10:30, 12:32, 8:28] for seed in (3, 4))
    assert correlation(first, second) > 0.9
    assert abs(correlation(fine_structure(first), fine_structure(second))) < 0.2
    assert fine_structure(3 * first - 7) == pytest.approx(fine_structure(first), abs=1e-3)
    assert not fine_structure(np.ones((4, 4, 4), dtype=np.float32)).any()
