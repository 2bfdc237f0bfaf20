"""Grids, balls and prompts for the tests of SAM-Med3D's inference."""

import numpy as np

from bench.records import Prompts
from curate.geometry import Geometry
from curate.volume import Volume


def oblique(shape_ijk, spacing_mm, *, turn=0.25):
    """Return a grid around the world's origin, its axes turned, mirrored and exchanged."""
    cos, sin = np.cos(turn), np.sin(turn)
    about_z = np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]])
    about_x = np.array([[1, 0, 0], [0, cos, -sin], [0, sin, cos]])
    mirrored = np.array([[0, -1, 0], [1, 0, 0], [0, 0, -1.0]])
    affine = np.eye(4)
    affine[:3, :3] = about_z @ about_x @ mirrored * np.array(spacing_mm)
    affine[:3, 3] = -affine[:3, :3] @ ((np.array(shape_ijk) - 1) / 2)
    return Geometry(shape_ijk, affine)


def upright(shape_ijk, spacing_mm=1.5):
    """Return a RAS grid."""
    return Geometry(shape_ijk, np.diag([spacing_mm, spacing_mm, spacing_mm, 1.0]))


def ball(geometry, centre_mm, radius_mm):
    """Return the mask of a ball and an image in which it is bright."""
    axes = [np.arange(n) for n in geometry.shape_ijk]
    i, j, k = np.ix_(*axes)
    world = [geometry.affine[n, 0] * i + geometry.affine[n, 1] * j + geometry.affine[n, 2] * k for n in range(3)]
    offsets = geometry.affine[:3, 3] - np.array(centre_mm)
    mask = sum((w + o) ** 2 for w, o in zip(world, offsets, strict=True)) <= radius_mm**2
    return mask, Volume(np.where(mask, 900, 100).astype(np.int16), geometry)


def clicks(*points, labels=None, key="target"):
    """Return prompts; all positive unless labels are given."""
    found = np.array(points, dtype=np.int64).reshape(-1, 3)
    return Prompts(key, found, np.array(labels if labels is not None else [1] * len(found), dtype=np.int64))


def dice(first, second):
    """Return the Dice coefficient of two masks."""
    return 2 * np.count_nonzero(first & second) / (np.count_nonzero(first) + np.count_nonzero(second))


def nearest_voxel(geometry, world_mm):
    """Return the voxel nearest to a place in the world."""
    return np.rint(geometry.to_voxel(world_mm)).astype(int)
