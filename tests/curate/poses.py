"""Grids in every pose that a scanner or a converter gives them."""

from collections.abc import Sequence

import numpy as np
from scipy.spatial.transform import Rotation

from curate.geometry import Geometry

_TOWARDS = {"R": (1, 0, 0), "L": (-1, 0, 0), "A": (0, 1, 0), "P": (0, -1, 0), "S": (0, 0, 1), "I": (0, 0, -1)}


def grid(
    shape: Sequence[int],
    spacing: Sequence[float] = (1, 1, 1),
    codes: str = "RAS",
    turn: Sequence[float] = (0, 0, 0),
    origin: Sequence[float] = (0, 0, 0),
) -> Geometry:
    """Lay a grid: its axes grow towards `codes`, then turn by a rotation vector in radians; millimetres."""
    affine = np.eye(4)
    axes = np.array([_TOWARDS[code] for code in codes]).T
    affine[:3, :3] = Rotation.from_rotvec(turn).as_matrix() @ axes * np.array(spacing)
    affine[:3, 3] = origin
    return Geometry(tuple(shape), affine)


def centred(*args, **kwargs) -> Geometry:
    """Lay a grid whose field of view has its centre at the origin of the world."""
    geometry = grid(*args, **kwargs)
    affine = geometry.affine.copy()
    affine[:3, 3] -= geometry.to_world((np.array(geometry.shape_ijk) - 1) / 2)
    return Geometry(geometry.shape_ijk, affine)
