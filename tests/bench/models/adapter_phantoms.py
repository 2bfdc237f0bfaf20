"""Images, sidecars and scores that the tests of adapters share."""

import numpy as np

from bench.records import Prompts
from curate.geometry import Geometry
from curate.labelmap import BoxMask
from curate.volume import Volume

SIDECAR = """
name = "tiny"
licence = "MIT"
activation = "{activation}"
patch = {patch}
overlap = 0.25
targets = {targets}
"""


def ball_image(grid, radius_mm=9.0, inside=100.0, channels=None):
    """Return an image, bright in a ball around the grid's centre and dark outside, and the ball."""
    places = np.stack(np.meshgrid(*[np.arange(n) for n in grid.shape_ijk], indexing="ij"), axis=-1)
    centre = grid.to_world((np.array(grid.shape_ijk) - 1) // 2)
    ball = ((grid.to_world(places) - centre) ** 2).sum(axis=-1) <= radius_mm**2
    voxels = np.where(ball, inside, 0.0).astype(np.float32)
    return Volume(voxels if channels is None else np.stack([voxels] * channels, axis=-1), grid), ball


def straight_grid(shape=(24, 20, 18)):
    """Return a grid of 1.5 mm along R, A, S."""
    return Geometry(shape, np.diag([1.5, 1.5, 1.5, 1.0]))


def oblique_grid(shape=(26, 24, 14)):
    """Return a grid whose axes are flipped, swapped, turned and unequal."""
    c, s = np.cos(0.2), np.sin(0.2)
    affine = np.eye(4)
    affine[:3, :3] = np.array([[s, -c, 0], [-c, -s, 0], [0, 0, -1]]) @ np.diag([1.3, 1.4, 2.5])
    affine[:3, 3] = (20, -30, 50)
    return Geometry(shape, affine)


def told(session, target):
    """Return the mask that a session gives for a target."""
    return session.predict(Prompts("x", target=target))


def centroid_mm(mask, grid):
    """Return the centre of a mask in the world."""
    box = mask if isinstance(mask, BoxMask) else BoxMask.of(mask)
    return grid.to_world(box.centroid_ijk)


def dice(one, other):
    """Return the Dice coefficient of two full masks."""
    return 2 * (one & other).sum() / (one.sum() + other.sum())
