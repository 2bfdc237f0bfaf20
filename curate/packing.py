"""Put many masks into few label maps."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from curate import labelmap
from curate.labelmap import BoxMask, Placed
from curate.regions import LabelMap, ValueMask


def pack(masks: Sequence[BoxMask], values: Sequence[int]) -> tuple[list[NDArray[Any]], list[Placed]]:
    """Pack masks as `curate.labelmap.pack` does; masks that still lie in one label map are moved by their values.

    Args:
        masks: Non-empty masks on one grid.
        values: The value that each mask's own voxels get, unique and positive.

    Returns:
        The label maps and, for each mask, its layer and the values whose union it is: the same either way.
    """
    whole = [mask for mask in masks if isinstance(mask, ValueMask)]
    if whole and len(whole) == len(masks) and all(mask.label_map is whole[0].label_map for mask in whole):
        return _pack_values(whole[0].label_map, whole, values)
    return labelmap.pack(masks, values)


def _pack_values(
    source: LabelMap, masks: Sequence[ValueMask], values: Sequence[int]
) -> tuple[list[NDArray[Any]], list[Placed]]:
    """Pack masks that are unions of a label map's values, where each value lies wholly inside or outside each mask."""
    layers: list[dict[int, int]] = []  # value in the source -> value in the layer
    placed: dict[int, Placed] = {}
    for index in sorted(range(len(masks)), key=lambda n: (masks[n].count, n)):
        inside, value = set(masks[index].values), values[index]
        for number, owner in enumerate(layers):  # noqa: B007, used after the loop
            nested = {owner[one] for one in inside & owner.keys()}
            if all(one in inside for one, other in owner.items() if other in nested):
                break
        else:
            number, nested, owner = len(layers), set(), {}
            layers.append(owner)
        own = inside - owner.keys()
        owner.update(dict.fromkeys(own, value))
        placed[index] = Placed(number, tuple(sorted(nested | {value} if own else nested)))
    dtype = np.uint8 if max(values, default=0) < 256 else np.uint16
    return [source.relabelled(owner, dtype) for owner in layers], [placed[n] for n in range(len(masks))]
