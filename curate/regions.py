"""What each value of a label map covers: counts, boxes, centroids and components of all values in one pass.

A label map is read as runs: stretches of equal values along i. A CT with 104 structures has half a million runs in
52 million voxels, and a structure's size, box and centroid follow from its runs alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

from curate import run_components
from curate.geometry import Box
from curate.labelmap import BoxMask, extract, union_box
from curate.voxel_blocks import blocks

_SHORT_RUN = 16
"""Voxels of a mean run of what nobody drew."""


@dataclass(frozen=True, slots=True)
class Region:
    """What the voxels of one value, or of several, cover."""

    count: int
    box: Box
    """Half-open."""
    index_sum: tuple[float, float, float]
    """Sum of the voxels' indices along i, j, k; over `count` it is the centroid."""


@dataclass(frozen=True, eq=False)  # slots would leave no place for what is kept
class Runs:
    """Stretches of equal values along i that together are all voxels of a label map, in the order of NIfTI."""

    shape_ijk: tuple[int, int, int]
    starts: NDArray[np.int64]
    """Index of the first voxel of each run where i counts fastest; every row along i begins one."""
    values: NDArray[Any]

    @classmethod
    def of(cls, labels: NDArray[Any]) -> "Runs":
        """Find the runs of a label map, (i, j, k) integers in any memory order."""
        width, offset = labels.shape[0], 0
        starts, values = [np.zeros(0, dtype=np.int64)], [np.zeros(0, dtype=labels.dtype)]
        for block in blocks(labels):
            flat = block.reshape(-1)
            is_start = np.empty(flat.size, dtype=np.bool_)
            np.not_equal(flat[1:], flat[:-1], out=is_start[1:])
            is_start[::width] = True
            found = np.flatnonzero(is_start)
            starts.append(found + offset)
            values.append(flat[found])
            offset += flat.size
        shape = (labels.shape[0], labels.shape[1], labels.shape[2])
        return cls(shape, np.concatenate(starts), np.concatenate(values))

    @cached_property
    def lengths(self) -> NDArray[np.int64]:
        """Voxels of each run."""
        return np.diff(self.starts, append=int(np.prod(self.shape_ijk)))

    def filled(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return the label map, (i, j, k) in Fortran order, whose runs have these values instead."""
        return np.repeat(values, self.lengths).reshape(self.shape_ijk[::-1]).T

    def regions(self) -> dict[int, Region]:
        """Return the region of every value but 0, by value."""
        inside = np.flatnonzero(self.values)
        order = inside[np.argsort(self.values[inside], kind="stable")]
        values, first = np.unique(self.values[order], return_index=True)
        if not values.size:
            return {}
        starts, lengths = self.starts[order], self.lengths[order]
        row, i = np.divmod(starts, self.shape_ijk[0])
        k, j = np.divmod(row, self.shape_ijk[1])
        counts = np.add.reduceat(lengths, first)
        sums = (i * lengths + lengths * (lengths - 1) // 2, j * lengths, k * lengths)
        columns = [
            *(np.minimum.reduceat(index, first) for index in (i, j, k)),
            *(np.maximum.reduceat(index, first) + extra for index, extra in ((i + lengths, 0), (j, 1), (k, 1))),
        ]
        boxes = np.stack(columns, axis=1).tolist()
        centres = np.stack([np.add.reduceat(total, first) for total in sums], axis=1).astype(float).tolist()
        return {
            int(value): Region(int(count), tuple(box), tuple(centre))
            for value, count, box, centre in zip(values, counts, boxes, centres, strict=True)
        }

    def component_counts(self, owners: NDArray[Any]) -> dict[int, int]:
        """Return the number of 26-connected components (8-connected in a single slice) of each owner but 0, by owner.

        Args:
            owners: What each run belongs to. Runs of one owner that touch, also at an edge or a corner, are connected.
        """
        inside = np.flatnonzero(owners)
        width, height = self.shape_ijk[0] + 1, self.shape_ijk[1] + 1  # a voxel and a row apart, no run touches the next
        row, i = np.divmod(self.starts[inside], self.shape_ijk[0])
        k, j = np.divmod(row, self.shape_ijk[1])
        places = np.int32 if width * height * (self.shape_ijk[2] + 2) < 2**31 else np.int64
        starts = ((k * height + j) * width + i).astype(places)
        stops = starts + self.lengths[inside].astype(places)
        return run_components.component_counts(starts, stops, owners[inside], width, width * height)


class LabelMap:
    """A label map and what is known of its values; each thing is found out once, when it is first asked for."""

    def __init__(self, voxels: NDArray[Any]) -> None:
        """Take (i, j, k) integers; they must not change from now on."""
        self.voxels = voxels
        self.shape_ijk = (voxels.shape[0], voxels.shape[1], voxels.shape[2])

    @cached_property
    def runs(self) -> Runs:
        """Its runs."""
        return Runs.of(self.voxels)

    @cached_property
    def regions(self) -> dict[int, Region]:
        """Value -> region, without 0."""
        return self.runs.regions()

    @cached_property
    def component_counts(self) -> dict[int, int]:
        """Value -> number of its 26-connected components (8-connected in a single slice)."""
        return self.runs.component_counts(self.runs.values)

    @property
    def is_noise(self) -> bool:
        """True where runs are so short that voxels are the cheaper account of what touches what."""
        return self.runs.starts.size * _SHORT_RUN > self.voxels.size

    def mask(self, values: Sequence[int]) -> BoxMask:
        """Return the mask whose voxels carry one of `values`, without looking at a voxel."""
        present = tuple(value for value in values if value in self.regions)
        return ValueMask(self, present) if present else BoxMask.empty(self.shape_ijk)

    def relabelled(self, new: Mapping[int, int], dtype: Any) -> NDArray[Any]:
        """Return the label map with other values: `new` maps old ones to them, all others become 0."""
        if self.voxels.dtype == dtype and all(new.get(value) == value for value in self.regions):
            return self.voxels
        values, places = np.unique(self.runs.values, return_inverse=True)
        return self.runs.filled(np.array([new.get(int(value), 0) for value in values], dtype=dtype)[places])


@dataclass(frozen=True, eq=False, init=False)  # slots would take the place of `voxels`
class ValueMask(BoxMask):
    """A mask that still lies in its label map; its voxels are cut out each time that somebody asks for them."""

    label_map: LabelMap
    values: tuple[int, ...]
    """All are present in the label map; their union is the mask."""
    region: Region

    def __init__(self, label_map: LabelMap, values: tuple[int, ...]) -> None:
        region = reduce(_united, (label_map.regions[value] for value in values))
        own = {"label_map": label_map, "values": values, "region": region}
        for name, value in ({"shape_ijk": label_map.shape_ijk, "box": region.box} | own).items():
            object.__setattr__(self, name, value)

    @property  # type: ignore[misc]  # an attribute of other masks, computed here
    def voxels(self) -> NDArray[np.bool_]:
        """Shape of the box."""
        return extract(self.label_map.voxels, self.values, self.box).voxels

    @property
    def count(self) -> int:
        """Number of voxels inside the mask."""
        return self.region.count

    @property
    def centroid_ijk(self) -> tuple[float, float, float]:
        """Mean index of its voxels."""
        i, j, k = (total / self.region.count for total in self.region.index_sum)
        return i, j, k

    @property
    def component_count(self) -> int:
        """Number of 26-connected components (8-connected in a single slice)."""
        if self.label_map.is_noise:
            return super().component_count
        if len(self.values) == 1:
            return self.label_map.component_counts[self.values[0]]
        runs = self.label_map.runs
        return runs.component_counts(np.isin(runs.values, self.values).astype(np.uint8))[1]


def _united(first: Region, second: Region) -> Region:
    i, j, k = (one + other for one, other in zip(first.index_sum, second.index_sum, strict=True))
    return Region(first.count + second.count, union_box(first.box, second.box), (i, j, k))
