"""Surface elements against closed forms and against MONAI's tables."""

import warnings

import numpy as np
import pytest

from bench.metrics.surfels import is_surfel, surfel_areas, surfel_codes

SPACINGS = [(1.0, 1.0, 1.0), (2.0, 0.8, 0.8), (0.7, 1.3, 5.0), (0.05, 3.0, 0.4)]


def _neighbourhood(code: int, shape: tuple[int, ...]) -> np.ndarray:
    """Draw the neighbourhood of a code: bit a + 2 b + 4 c is voxel (a, b, c)."""
    return np.array([code >> bit & 1 for bit in range(int(np.prod(shape)))], dtype=bool).reshape(shape, order="F")


def _monai_table(spacing: tuple[float, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Return MONAI's table of areas (lengths) and the weights that make its codes."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from monai.metrics.utils import get_code_to_measure_table

        table, kernel = get_code_to_measure_table(spacing)
    return table.numpy(), kernel.numpy()[0, 0]


@pytest.mark.parametrize("spacing", SPACINGS)
def test_areas_of_all_256_neighbourhoods_are_those_of_monai(spacing):
    """Every one of the 256 neighbourhoods has the area that MONAI's table states, at any spacing."""
    table, kernel = _monai_table(spacing)
    patterns = [_neighbourhood(code, (2, 2, 2)) for code in range(256)]
    theirs = [table[int(kernel[pattern].sum())] for pattern in patterns]
    np.testing.assert_allclose(surfel_areas(spacing), theirs, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("spacing", SPACINGS)
def test_lengths_of_all_16_neighbourhoods_are_those_of_monai(spacing):
    """Every one of the 16 neighbourhoods of a single slice has the contour length that MONAI's table states."""
    table, kernel = _monai_table(spacing[:2])
    areas = surfel_areas((*spacing[:2], 1.0))
    for code in range(16):
        pattern = _neighbourhood(code, (2, 2))
        inner = surfel_codes(pattern[..., None], single_slice=True)[1, 1, 0]
        assert areas[inner] == pytest.approx(table[int(kernel[pattern].sum())], rel=1e-12)


@pytest.mark.parametrize("spacing", SPACINGS)
def test_inside_and_outside_have_one_surface(spacing):
    """A neighbourhood and its complement have the same area, and only the empty and the full one have none."""
    areas = surfel_areas(spacing)
    np.testing.assert_array_equal(areas, areas[::-1])
    np.testing.assert_array_equal(np.flatnonzero(areas == 0), [0, 255])


def test_codes_name_their_voxels():
    """One voxel is seen by the eight corners around it, each time as another bit."""
    codes = surfel_codes(np.ones((1, 1, 1), dtype=bool), single_slice=False)
    expected = np.array([[[128, 8], [32, 2]], [[64, 4], [16, 1]]])
    np.testing.assert_array_equal(codes, expected)


@pytest.mark.parametrize("spacing", SPACINGS)
@pytest.mark.parametrize("size", [(1, 1, 1), (5, 3, 4)])
def test_surface_of_a_block(size, spacing):
    """A block's surface is its faces between voxel centres, bevelled edges and cut corners."""
    (ni, nj, nk), (si, sj, sk) = size, spacing
    li, lj, lk = (ni - 1) * si, (nj - 1) * sj, (nk - 1) * sk
    faces = 2 * (li * lj + lj * lk + li * lk)
    edges = 2 * (li * np.hypot(sj, sk) + lj * np.hypot(si, sk) + lk * np.hypot(si, sj))
    corners = np.sqrt((sj * sk) ** 2 + (si * sk) ** 2 + (si * sj) ** 2)
    codes = surfel_codes(np.ones(size, dtype=bool), single_slice=False)
    assert surfel_areas(spacing)[codes].sum() == pytest.approx(faces + edges + corners, rel=1e-12)


@pytest.mark.parametrize("spacing", SPACINGS)
@pytest.mark.parametrize("size", [(1, 1, 1), (6, 4, 1)])
def test_contour_of_a_rectangle(size, spacing):
    """A rectangle's contour is its sides between pixel centres and four cut corners."""
    (ni, nj, _), (si, sj, _) = size, spacing
    expected = 2 * (ni - 1) * si + 2 * (nj - 1) * sj + 2 * np.hypot(si, sj)
    codes = surfel_codes(np.ones(size, dtype=bool), single_slice=True)
    assert surfel_areas((si, sj, 1.0))[codes].sum() == pytest.approx(expected, rel=1e-12)


def test_a_wholly_inside_neighbourhood_is_no_surfel():
    """Of the 64 corners of a 3x3x3 block the 8 inner ones are no surface."""
    codes = surfel_codes(np.ones((3, 3, 3), dtype=bool), single_slice=False)
    assert np.count_nonzero(is_surfel(codes)) == 64 - 8
