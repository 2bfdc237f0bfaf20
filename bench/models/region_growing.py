"""An honest promptable baseline without weights: region growing from the clicks."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from bench.models.base import Capabilities, ModelCard
from bench.records import Prompts
from curate.geometry import Geometry
from curate.labelmap import BoxMask
from curate.volume import Volume

_REACH = 110.0
"""Farthest that a region grows from a click along an axis, in mm (pixels without spacing)."""
_WIDTHS = (3.5, 2.5, 1.8, 1.2, 0.7)
"""Half-widths of the intensity window around a click, in local standard deviations, widest first."""
_NEIGHBOURHOOD = 2
"""Half side of the cube around a click in which mean and deviation are taken, in voxels."""


class RegionGrowing:
    """Grows a connected region of similar intensity from every positive click; negative clicks hold it back."""

    card = ModelCard(
        name="region-growing",
        description="flood fill (scikit-image) on a lightly smoothed image, bounded by negative clicks",
        licence="Apache-2.0",
        capabilities=Capabilities(dimensions=frozenset({2, 3}), prompts=frozenset({"points"})),
        training_card="untrained",
    )

    def open(self, image: Volume) -> "GrowingSession":
        """Smooth the image once; colour becomes grey."""
        voxels = np.asarray(image.grey(), dtype=np.float32)
        sigma = [0.0 if n == 1 else 0.8 for n in voxels.shape]
        return GrowingSession(image.geometry, voxels, ndimage.gaussian_filter(voxels, sigma))


@dataclass(frozen=True, slots=True, eq=False)
class GrowingSession:
    """One image, smoothed."""

    geometry: Geometry
    voxels: NDArray[np.float32]
    smooth: NDArray[np.float32]

    def predict(self, prompts: Prompts) -> BoxMask:
        """Grow from each positive click with the widest window whose region holds no negative click.

        Voxels nearer to a negative click than to any positive one are given up; small holes are filled.
        """
        positive = prompts.points_ijk[prompts.labels == 1]
        negative = prompts.points_ijk[prompts.labels == 0]
        inside = np.zeros(self.geometry.shape_ijk, dtype=np.bool_)
        for point in positive:
            low, high = self._reach(point)
            window = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
            held = [tuple(other - low) for other in negative if ((other >= low) & (other < high)).all()]
            inside[window] |= self._grow(window, tuple(int(n) for n in point - low), held)
        mask = BoxMask.of(inside)
        if mask.count == 0:
            return mask
        region = mask.voxels & self._nearer(mask, positive, negative)
        full = np.zeros_like(inside)
        i0, j0, k0, i1, j1, k1 = mask.box
        full[i0:i1, j0:j1, k0:k1] = ndimage.binary_fill_holes(region)
        return BoxMask.of(full)

    def _reach(self, point: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the box around a click in which it may grow."""
        reach = np.ceil(_REACH / np.array(self.geometry.spacing)).astype(np.int64)
        return np.maximum(point - reach, 0), np.minimum(point + reach + 1, self.geometry.shape_ijk)

    def _grow(self, window: tuple[slice, ...], seed: tuple[int, ...], held: list[tuple[int, ...]]) -> NDArray[np.bool_]:
        """Flood from a seed; narrow the intensity window until no negative click is flooded."""
        from skimage.segmentation import flood

        smooth = self.smooth[window]
        near = tuple(slice(max(0, n - _NEIGHBOURHOOD), n + _NEIGHBOURHOOD + 1) for n in seed)
        deviation = max(float(self.smooth[window][near].std()), 1e-3)
        region = np.zeros(smooth.shape, dtype=np.bool_)
        for width in _WIDTHS:
            region = np.asarray(flood(smooth, seed, tolerance=width * deviation, connectivity=1), dtype=np.bool_)
            if not any(region[point] for point in held):
                break
        return region

    def _nearer(self, mask: BoxMask, positive: NDArray[np.int64], negative: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return, within the mask's box, which voxels are nearer to a positive click than to every negative one."""
        if len(negative) == 0:
            return np.ones(mask.voxels.shape, dtype=np.bool_)
        grid = np.stack(np.meshgrid(*[np.arange(n) for n in mask.voxels.shape], indexing="ij"), axis=-1)
        where = (grid + np.array(mask.box[:3])) * np.array(self.geometry.spacing)
        spacing = np.array(self.geometry.spacing)

        def squared(points: NDArray[np.int64]) -> NDArray[np.float64]:
            nearest = np.full(mask.voxels.shape, np.inf)
            for point in points:
                nearest = np.minimum(nearest, ((where - point * spacing) ** 2).sum(axis=-1))
            return nearest

        return np.asarray(squared(positive) <= squared(negative))
