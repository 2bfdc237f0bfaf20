"""Fitting a box."""

import pytest

from curate.duplicates.fit import fit_box
from curate.duplicates.grid import area_means, correlation, integral


def test_a_box_that_is_off_finds_its_place(scan):
    """Sides that start up to a voxel and a half off end within a tenth of a voxel of the true ones."""
    table = integral(scan(1))
    true = (6.0, 8.0, 5.0, 33.0, 36.0, 31.0)
    target = area_means(table, true, (24, 24, 24))
    start = (7.0, 6.5, 5.5, 32.0, 37.0, 32.5)
    fitted = fit_box(target, table, start)
    assert fitted == pytest.approx(true, abs=0.1)
    found, before = (correlation(target, area_means(table, box, target.shape)) for box in (fitted, start))
    assert found > 0.999 > before


def test_intensities_do_not_matter(scan):
    """A target of other units and another zero is found as well."""
    table = integral(scan(1))
    true = (6.0, 8.0, 5.0, 33.0, 36.0, 31.0)
    target = 0.01 * area_means(table, true, (24, 24, 24)) - 7
    assert fit_box(target, table, (7.0, 6.5, 5.5, 32.0, 37.0, 32.5)) == pytest.approx(true, abs=0.1)


def test_the_axis_of_a_picture_is_left_alone(scan):
    """The two sides along k = 1 never move."""
    table = integral(scan(2, (60, 64, 1)))
    fitted = fit_box(area_means(table, (5, 5, 0, 55, 55, 1), (32, 32, 1)), table, (6, 4, 0, 54, 56, 1))
    assert (fitted[2], fitted[5]) == (0, 1)
    assert fitted == pytest.approx((5, 5, 0, 55, 55, 1), abs=0.1)


def test_a_flat_target_moves_nothing(scan):
    """Where every box is as good as another, the one that was given stays."""
    box = (6.0, 8.0, 5.0, 33.0, 36.0, 31.0)
    flat = 0 * area_means(integral(scan(1)), box, (12, 12, 12))
    assert fit_box(flat, integral(scan(2)), box) == box
