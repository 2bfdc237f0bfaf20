"""Label maps: many masks in few arrays, and masks back out of them.

A mask is a target's voxels. A label map holds several masks as integers; the union of some of its values is one mask.
Inside one label map every value lies wholly inside or wholly outside every mask: disjoint and nested masks share one;
masks that cut through each other go to a further layer.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from curate.geometry import Box


@dataclass(frozen=True, slots=True, eq=False)
class BoxMask:
    """A mask as a box and the voxels inside it, so that a small organ never costs a whole CT."""

    shape_ijk: tuple[int, int, int]
    """The full grid."""
    box: Box
    """Half-open: i0 j0 k0 i1 j1 k1; all zeros for an empty mask."""
    voxels: NDArray[np.bool_]
    """Shape of the box."""

    @classmethod
    def of(cls, mask: NDArray[Any]) -> "BoxMask":
        """Shrink a full-grid mask (nonzero = inside), (i, j, k), to its bounding box."""
        inside = mask if mask.dtype == np.bool_ else mask != 0
        box = bounding_box(inside)
        return cls((inside.shape[0], inside.shape[1], inside.shape[2]), box, inside[slices(box)].copy())

    @classmethod
    def empty(cls, shape_ijk: tuple[int, int, int]) -> "BoxMask":
        """Return the mask of no voxel."""
        return cls(shape_ijk, (0, 0, 0, 0, 0, 0), np.zeros((0, 0, 0), dtype=np.bool_))

    @property
    def count(self) -> int:
        """Number of voxels inside the mask."""
        return int(np.count_nonzero(self.voxels))

    @property
    def centroid_ijk(self) -> tuple[float, float, float]:
        """Mean index of its voxels; an empty mask has none."""
        means = []
        for axis in range(3):
            hits = np.count_nonzero(self.voxels, axis=tuple(n for n in range(3) if n != axis))
            means.append(self.box[axis] + float(np.average(np.arange(hits.size), weights=hits)))
        return means[0], means[1], means[2]

    @property
    def component_count(self) -> int:
        """Number of 26-connected components (8-connected in a single slice)."""
        return len(components(self.voxels)[1])

    def full(self) -> NDArray[np.bool_]:
        """Return the mask on the full grid, in Fortran order as files have it."""
        mask = np.zeros(self.shape_ijk, dtype=np.bool_, order="F")
        mask[slices(self.box)] = self.voxels
        return mask

    def within(self, box: Box) -> NDArray[np.bool_]:
        """Return the mask inside `box`, in the shape of that box."""
        out = np.zeros([box[axis + 3] - box[axis] for axis in range(3)], dtype=np.bool_)
        low = [max(self.box[axis], box[axis]) for axis in range(3)]
        high = [min(self.box[axis + 3], box[axis + 3]) for axis in range(3)]
        if all(a < b for a, b in zip(low, high, strict=True)):
            target = tuple(slice(low[n] - box[n], high[n] - box[n]) for n in range(3))
            source = tuple(slice(low[n] - self.box[n], high[n] - self.box[n]) for n in range(3))
            out[target] = self.voxels[source]
        return out


@dataclass(frozen=True, slots=True, eq=False)
class Placed:
    """Where `pack` put a mask."""

    layer: int
    values: tuple[int, ...]


def slices(box: Box) -> tuple[slice, slice, slice]:
    """Return the index expression of a box."""
    return slice(box[0], box[3]), slice(box[1], box[4]), slice(box[2], box[5])


def bounding_box(inside: NDArray[np.bool_]) -> Box:
    """Return the half-open bounding box of a mask, (i, j, k); all zeros when it is empty."""
    # The slowest axis in memory first: what is empty is read once, at the speed of memory, and only the rest again.
    order = sorted(range(3), key=lambda axis: -abs(inside.strides[axis]))
    planes = inside.transpose(order)
    ends = {order[0]: _ends(planes, 0)}
    low, high = ends[order[0]]
    flat = np.any(planes[low:high], axis=0, keepdims=True)
    ends |= {order[1]: _ends(flat, 1), order[2]: _ends(flat, 2)}
    return (ends[0][0], ends[1][0], ends[2][0], ends[0][1], ends[1][1], ends[2][1])


def _ends(inside: NDArray[np.bool_], axis: int) -> tuple[int, int]:
    """Return where a mask begins and ends along an axis, half-open; two zeros where it is empty."""
    found = np.flatnonzero(np.any(inside, axis=tuple(other for other in range(3) if other != axis)))
    return (int(found[0]), int(found[-1]) + 1) if found.size else (0, 0)


def union_box(first: Box, second: Box) -> Box:
    """Return the smallest box that holds both; an empty box counts for nothing."""
    if first[0] == first[3]:
        return second
    if second[0] == second[3]:
        return first
    low = [min(first[axis], second[axis]) for axis in range(3)]
    high = [max(first[axis + 3], second[axis + 3]) for axis in range(3)]
    return (low[0], low[1], low[2], high[0], high[1], high[2])


def components(inside: NDArray[np.bool_]) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Label the 26-connected components (8-connected in a single slice); return labels and voxel counts from 1 on."""
    import cc3d

    order: Literal["C", "F"] = "F" if np.isfortran(inside) else "C"
    padded = np.zeros([n + 2 for n in inside.shape], dtype=np.bool_, order=order)  # cc3d 4.1 fails on thin arrays
    padded[1:-1, 1:-1, 1:-1] = inside
    labels, count = cc3d.connected_components(padded, connectivity=26, return_N=True)
    sizes = np.bincount(labels.ravel(order="K"), minlength=count + 1)[1:].astype(np.int64)
    return labels[1:-1, 1:-1, 1:-1], sizes


def extract(labels: NDArray[Any], values: Sequence[int], box: Box | None = None) -> BoxMask:
    """Return the mask whose voxels carry one of `values`; `box`, where known, saves the search."""
    region = labels if box is None else labels[slices(box)]
    inside = region == values[0] if len(values) == 1 else np.isin(region, values)
    shape = (labels.shape[0], labels.shape[1], labels.shape[2])
    if box is None:
        return BoxMask.of(inside)
    return BoxMask(shape, box, inside)


def pack(masks: Sequence[BoxMask], values: Sequence[int]) -> tuple[list[NDArray[Any]], list[Placed]]:
    """Pack masks into as few label maps as first-fit finds.

    Args:
        masks: Non-empty masks on one grid.
        values: The value that each mask's own voxels get, unique and positive.

    Returns:
        The label maps (uint8, or uint16 where a value needs it), and for each mask its layer and the values whose
        union it is: nested masks share voxels, so a kidney may be its own value plus those of tumour and cyst.
    """
    dtype = np.uint8 if max(values, default=0) < 256 else np.uint16
    layers: list[NDArray[Any]] = []
    counts: list[NDArray[np.int64]] = []
    placed: dict[int, Placed] = {}
    for index in sorted(range(len(masks)), key=lambda n: (masks[n].count, n)):
        mask, value = masks[index], values[index]
        for layer, (labels, count) in enumerate(zip(layers, counts, strict=True)):  # noqa: B007, used after the loop
            nested = _nested_values(mask, labels, count)
            if nested is not None:
                break
        else:
            layer, nested = len(layers), ()
            layers.append(np.zeros(mask.shape_ijk, dtype=dtype, order="F"))
            counts.append(np.zeros(max(values) + 1, dtype=np.int64))
        region = layers[layer][slices(mask.box)]
        own = mask.voxels & (region == 0)
        region[own] = value
        counts[layer][value] = np.count_nonzero(own)
        own_value = (value,) if counts[layer][value] else ()
        placed[index] = Placed(layer, tuple(sorted((*nested, *own_value))))
    return layers, [placed[n] for n in range(len(masks))]


def _nested_values(mask: BoxMask, labels: NDArray[Any], count: NDArray[np.int64]) -> tuple[int, ...] | None:
    """Return the values of `labels` that lie wholly inside `mask`, or None where one lies there in part."""
    inside = np.bincount(labels[slices(mask.box)][mask.voxels], minlength=count.size)
    inside[0] = 0
    present = np.flatnonzero(inside)
    if (inside[present] == count[present]).all():
        return tuple(int(value) for value in present)
    return None
