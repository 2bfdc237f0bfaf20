"""Which part of a suite each mask belongs to, for every way of splitting it."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bench.schema import SEEN
from bench.statistics.figures import ALL, LEVELS, NO_GROUP, SIZE

if TYPE_CHECKING:
    import pandas as pd

NO_SIZE = "size unknown"
_EMPTY = "no voxels"


def split(units: "pd.DataFrame", split_by: str) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """Return the part of each mask as a code, and the names of the codes.

    Args:
        units: Rows with the columns of `bench.score_rows`.
        split_by: `all`, one of LEVELS or one of GROUPS.
    """
    if split_by == ALL:
        return np.zeros(len(units), dtype=np.int64), (ALL,)
    if split_by == SIZE:
        return _sizes(units["reference_voxels"].to_numpy(dtype=np.float64, na_value=np.nan))
    labels = units[split_by].cat
    names = SEEN if split_by in LEVELS else tuple(map(str, labels.categories))
    codes = np.array(labels.set_categories(names).cat.codes, dtype=np.int64)
    void = codes < 0
    codes[void] = len(names)
    return codes, (*names, NO_GROUP) if void.any() else names


def size_class(voxels: float) -> str:
    """Name the power of ten that a reference falls into, such as `10^2 to 10^3 voxels`: 100 to 999."""
    if not np.isfinite(voxels):
        return NO_SIZE
    power = len(str(int(voxels))) - 1
    return f"10^{power} to 10^{power + 1} voxels" if voxels >= 1 else _EMPTY


def _sizes(voxels: NDArray[np.float64]) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    sizes, which = np.unique(voxels, return_inverse=True)
    classes = [size_class(size) for size in sizes]
    names = tuple(sorted(set(classes)))
    code_of = {name: code for code, name in enumerate(names)}
    return np.array([code_of[name] for name in classes], dtype=np.int64)[which], names
