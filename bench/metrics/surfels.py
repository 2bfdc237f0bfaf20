"""Surface elements ("surfels") of a mask: where they lie and how large they are.

A surfel is a 2x2x2 neighbourhood of voxels that is neither empty nor full; it lies at the corner that its eight voxels
share, and its area is that of the marching-cubes surface inside it. The definition is that of Nikolov et al. (J Med
Internet Res 23(7):e26151, 2021) and google-deepmind/surface-distance; the areas are computed here from the
triangulation of Lorensen and Cline (SIGGRAPH 1987).
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray

_EMPTY, _FULL = 0, 255
_MOST_TRIANGLES = 4


def surfel_codes(mask: NDArray[np.bool_], *, single_slice: bool) -> NDArray[np.uint8]:
    """Say for every corner of every voxel which of the eight voxels around it are inside.

    Args:
        mask: (i, j, k). What lies beyond it counts as outside.
        single_slice: The mask is a 2D image, (i, j, 1). It is then taken to go on unchanged along k, which turns its
            contour into a surface whose area per unit of k is the length of the contour.

    Returns:
        (i + 1, j + 1, k + 1), or (i + 1, j + 1, 1) for a single slice. Voxel (a, b, c) of a neighbourhood, each 0 or
        1, is bit a + 2 b + 4 c; 0 is wholly outside and 255 wholly inside.
    """
    if single_slice:
        mask = np.repeat(mask, 2, axis=2)
    margin_k = 0 if single_slice else 1
    bits = np.pad(mask, ((1, 1), (1, 1), (margin_k, margin_k))).view(np.uint8)
    pairs = bits[:-1] | bits[1:] << np.uint8(1)
    squares = pairs[:, :-1] | pairs[:, 1:] << np.uint8(2)
    codes: NDArray[np.uint8] = squares[:, :, :-1] | squares[:, :, 1:] << np.uint8(4)
    return codes


def is_surfel(codes: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Tell which neighbourhoods hold voxels of both kinds."""
    mixed: NDArray[np.bool_] = (codes != _EMPTY) & (codes != _FULL)
    return mixed


def surfel_areas(spacing: tuple[float, float, float]) -> NDArray[np.float64]:
    """Return the surface area inside a neighbourhood for each of the 256 codes, in squared units of `spacing`.

    For a single slice they are the length of the contour times the spacing along k.
    """
    si, sj, sk = spacing
    scaled = _triangle_vectors() * np.array([sj * sk, si * sk, si * sj])
    areas: NDArray[np.float64] = np.linalg.norm(scaled, axis=2).sum(axis=1)
    return areas


@cache
def _triangle_vectors() -> NDArray[np.float64]:
    """Return the area vectors of the triangles of each code at unit spacing, (256, 4, 3), padded with zeros.

    An area vector is normal to its triangle and as long as its area, so a change of spacing only scales it.
    """
    vectors = np.zeros((_FULL + 1, _MOST_TRIANGLES, 3))
    for code in range(_EMPTY + 1, _FULL):
        found = _triangulate(code)
        vectors[code, : len(found)] = found
    vectors.setflags(write=False)
    return vectors


def _triangulate(code: int) -> NDArray[np.float64]:
    """Return the area vectors of the triangles of one code, (n, 3).

    A surface has two sides, so a code and its complement have one area. Marching cubes may triangulate the two
    differently; the side with fewer voxels decides, which also yields the fewer triangles.
    """
    from skimage.measure import marching_cubes

    inside = np.array([code >> bit & 1 for bit in range(8)], dtype=np.bool_).reshape((2, 2, 2), order="F")
    if np.count_nonzero(inside) > inside.size // 2:
        inside = ~inside
    vertices, faces, _, _ = marching_cubes(inside.astype(np.float32), level=0.5, method="lorensen")
    corners = vertices[faces].astype(np.float64)
    vectors: NDArray[np.float64] = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]) / 2
    return vectors
