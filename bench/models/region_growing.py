"""An honest promptable baseline without weights: region growing from the clicks."""

import math
from dataclasses import dataclass, field
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from bench.errors import UnsupportedError
from bench.models.base import Capabilities, ModelCard
from bench.records import Prompts
from curate.geometry import Box, Geometry
from curate.labelmap import BoxMask, slices, union_box
from curate.volume import Volume

_REACH = 110.0
"""Farthest that a region grows from a click along an axis, in mm (pixels without spacing)."""
_SMOOTHING = 0.8
"""Standard deviation of the Gaussian, in voxels."""
_FIRST_TOLERANCE = 3.0
"""Narrowest half-width of the intensity window around a click, in standard deviations of the noise there."""
_LEAST_NOISE = 1e-3
"""Least standard deviation, as a share of the range of intensities: images without noise have windows too."""
_LEAK = 1.8
"""A next wider window that makes the region larger by more than this factor has run into the surroundings."""
_HALF = 2
"""Steps of the square root of 2 that halve a window."""
_REMEMBERED_VOXELS = 1 << 28
"""Regions are forgotten when their boxes hold more voxels than this (a byte each)."""
_NO_BOX: Box = (0, 0, 0, 0, 0, 0)


class RegionGrowing:
    """Grows a connected region of similar intensity from every positive click; negative clicks hold it back.

    How similar is measured around each click: the window of intensities widens until the region suddenly grows, which
    is where it runs into its surroundings, and then goes half of the way back.
    """

    card = ModelCard(
        name="region-growing",
        description="flood fill (scikit-image) on a smoothed image, up to where it leaks; negative clicks hold it back",
        licence="Apache-2.0",
        capabilities=Capabilities(dimensions=frozenset({2, 3}), prompts=frozenset({"points"})),
        training_card="untrained",
    )

    def open(self, image: Volume) -> "GrowingSession":
        """Smooth the image once; colour becomes grey, and what is not a number becomes 0."""
        voxels = np.nan_to_num(np.asarray(image.grey(), dtype=np.float32))
        sigma = [0.0 if n == 1 else _SMOOTHING for n in voxels.shape]
        return GrowingSession(image.geometry, ndimage.gaussian_filter(voxels, sigma))


@dataclass(frozen=True, slots=True, eq=False)
class Ladder:
    """The regions of one click for wider and wider intensity windows, each wider by the square root of 2."""

    regions: tuple[BoxMask, ...]
    """At least one; each holds the one before."""
    leaks: bool
    """True when the next wider window would run into the surroundings; False when there is nothing left to run into."""

    def held_by(self, negative: NDArray[np.int64]) -> BoxMask:
        """Return the region whose window reaches half as far as the leak: where an edge is half of its height.

        A window has leaked, too, when it is the first to take in a negative click; a click that even the narrowest
        window takes in cannot be told apart by intensity, and says nothing about windows.
        """
        outside = [point for point in negative if not _holds(self.regions[0], point)]
        for rung, region in enumerate(self.regions):
            if any(_holds(region, point) for point in outside):
                return self.regions[max(0, rung - _HALF)]
        return self.regions[max(0, len(self.regions) - _HALF)] if self.leaks else self.regions[-1]


@dataclass(frozen=True, slots=True, eq=False)
class GrowingSession:
    """One image, smoothed, and the regions that were grown in it."""

    geometry: Geometry
    smooth: NDArray[np.float32]
    grown: dict[tuple[int, ...], Ladder] = field(default_factory=dict)
    """What grew from each click: a later call repeats the earlier clicks."""

    def predict(self, prompts: Prompts) -> BoxMask:
        """Grow from each positive click as far as its surroundings and the negative clicks let it.

        A click beside what grew from the earlier ones corrects an edge, and adds its cube only. Where a negative click
        is still inside, voxels nearer to it than to any positive one are given up. Holes are filled (in single
        slices: in the plane).

        Raises:
            UnsupportedError: For anything other than clicks.
        """
        if prompts.kinds - {"points"}:
            raise UnsupportedError(f"region growing takes points only, found {sorted(prompts.kinds)}")
        positive = prompts.points_ijk[prompts.labels == 1]
        negative = prompts.points_ijk[prompts.labels == 0]
        mask = BoxMask(self.geometry.shape_ijk, _NO_BOX, np.zeros((0, 0, 0), dtype=np.bool_))
        for point in positive:
            cube = self._cube(point)
            if not _holds(mask, point):
                mask = _joined(mask, cube if mask.within(cube.box).any() else self._ladder(point).held_by(negative))
        kept, leaks = mask.voxels, [point for point in negative if _holds(mask, point)]
        if leaks:
            kept = kept & (self._squared_mm(positive, mask.box) <= self._squared_mm(np.array(leaks), mask.box))
        return _placed(BoxMask.of(_filled(kept)), mask.box, self.geometry.shape_ijk)

    def _cube(self, point: NDArray[np.int64]) -> BoxMask:
        """Return the 3 x 3 x 3 voxels around a click, as far as they lie in the image."""
        low, high = np.maximum(point - 1, 0), np.minimum(point + 2, self.geometry.shape_ijk)
        box = (int(low[0]), int(low[1]), int(low[2]), int(high[0]), int(high[1]), int(high[2]))
        return BoxMask(self.geometry.shape_ijk, box, np.ones(high - low, dtype=np.bool_))

    def _ladder(self, point: NDArray[np.int64]) -> Ladder:
        """Return the regions of a click, grown once."""
        key = tuple(int(n) for n in point)
        if key not in self.grown:
            regions = (region for ladder in self.grown.values() for region in ladder.regions)
            if sum(region.voxels.size for region in regions) > _REMEMBERED_VOXELS:
                self.grown.clear()
            self.grown[key] = self._climbed(point)
        return self.grown[key]

    def _climbed(self, point: NDArray[np.int64]) -> Ladder:
        """Widen the window by the square root of 2, until the region leaks or takes everything within reach."""
        reach = np.ceil(_REACH / np.array(self.geometry.spacing)).astype(np.int64)
        low, high = np.maximum(point - reach, 0), np.minimum(point + reach + 1, self.geometry.shape_ijk)
        box = (int(low[0]), int(low[1]), int(low[2]), int(high[0]), int(high[1]), int(high[2]))
        smooth = self.smooth[slices(box)]
        seed, value, noise = _homogeneous(smooth, point - low)
        difference = np.abs(smooth - value)
        tolerance = _FIRST_TOLERANCE * max(noise, _LEAST_NOISE * float(np.ptp(smooth)))
        regions = [_placed(_flooded(difference, tolerance, seed), box, self.geometry.shape_ijk)]
        while tolerance < difference.max():
            tolerance *= math.sqrt(2)
            region = _placed(_flooded(difference, tolerance, seed), box, self.geometry.shape_ijk)
            if region.count > _LEAK * regions[-1].count:
                return Ladder(tuple(regions), leaks=True)
            regions.append(region)
        return Ladder(tuple(regions), leaks=False)

    def _squared_mm(self, points: NDArray[np.int64], box: Box) -> NDArray[np.float64]:
        """Return the squared distance of each voxel of a box to the nearest of some points."""
        nearest = np.full([box[axis + 3] - box[axis] for axis in range(3)], np.inf)
        places = [np.arange(box[axis], box[axis + 3]) * self.geometry.spacing[axis] for axis in range(3)]
        for point in points * np.array(self.geometry.spacing):
            i, j, k = ((place - at) ** 2 for place, at in zip(places, point, strict=True))
            nearest = np.minimum(nearest, i[:, None, None] + j[None, :, None] + k[None, None, :])
        return nearest


def _homogeneous(smooth: NDArray[np.float32], point: NDArray[np.int64]) -> tuple[tuple[int, int, int], float, float]:
    """Return centre, mean and deviation of the most uniform 3 x 3 x 3 cube that holds a click.

    A click on an edge thus grows on its own side of it (Kuwahara et al., in Digital Processing of Biomedical Images,
    1976, choose the mean of a smoothing filter so).
    """
    best: tuple[float, float, tuple[int, int, int]] | None = None
    for offset in product((0, -1, 1), repeat=3):
        i, j, k = (int(n) for n in point + offset)
        if any(not 0 <= n < size for n, size in zip((i, j, k), smooth.shape, strict=True)):
            continue
        cube = smooth[max(0, i - 1) : i + 2, max(0, j - 1) : j + 2, max(0, k - 1) : k + 2]
        deviation = float(cube.std())
        if best is None or deviation < best[0]:
            best = deviation, float(cube.mean()), (i, j, k)
    if best is None:
        raise ValueError(f"click {point.tolist()} lies outside the image")
    return best[2], best[1], best[0]


def _flooded(difference: NDArray[np.float32], tolerance: float, seed: tuple[int, int, int]) -> BoxMask:
    """Return the voxels that a seed reaches through differences up to a tolerance, face to face."""
    from skimage.segmentation import flood

    near = difference <= tolerance
    near[seed] = True
    return BoxMask.of(np.asarray(flood(near, seed, connectivity=1), dtype=np.bool_))


def _joined(one: BoxMask, other: BoxMask) -> BoxMask:
    box = union_box(one.box, other.box)
    return BoxMask(one.shape_ijk, box, one.within(box) | other.within(box))


def _holds(mask: BoxMask, point: NDArray[np.int64]) -> bool:
    low, high = np.array(mask.box[:3]), np.array(mask.box[3:])
    return bool(((point >= low) & (point < high)).all() and mask.voxels[tuple(point - low)])


def _filled(inside: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Fill holes, which in a single slice would be open to both sides if it were taken for a volume."""
    if inside.shape[2] == 1:
        return np.asarray(ndimage.binary_fill_holes(inside[:, :, 0]), dtype=np.bool_)[:, :, np.newaxis]
    return np.asarray(ndimage.binary_fill_holes(inside), dtype=np.bool_)


def _placed(mask: BoxMask, box: Box, shape_ijk: tuple[int, int, int]) -> BoxMask:
    """Return a mask of a box as a mask of the whole grid."""
    if mask.count == 0:
        return BoxMask(shape_ijk, _NO_BOX, np.zeros((0, 0, 0), dtype=np.bool_))
    low, high = (
        [edge + corner for edge, corner in zip(edges, box[:3], strict=True)] for edges in (mask.box[:3], mask.box[3:])
    )
    return BoxMask(shape_ijk, (low[0], low[1], low[2], high[0], high[1], high[2]), mask.voxels)
