"""Connected components of runs: stretches of voxels along i, in rows that lie beside each other.

Runs of one owner that touch, also at an edge or a corner, are connected. Nearly all of an organ is connected through
the two rows next to each of its rows. The rows across an edge are looked at only for what is still apart from the
largest piece of its owner, which is little.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Indices = NDArray[np.int32]


def component_counts(
    starts: NDArray[Any], stops: NDArray[Any], owner: NDArray[Any], row: int, plane: int
) -> dict[int, int]:
    """Return the number of connected components of each owner, by owner.

    Args:
        starts: Where each run begins, ascending; places are counted through all rows, so that rows lie `row` apart and
            planes of rows `plane` apart, with at least one empty place behind each row and one empty row behind each
            plane.
        stops: Where each run ends, half-open.
        owner: What each run belongs to.
        row: Places from one row to the next.
        plane: Places from one plane to the next.
    """
    in_row = np.flatnonzero(starts[1:] == stops[:-1]).astype(np.int32)
    beside = [(in_row, in_row + 1), *(_touching(starts, stops, starts, stops, offset) for offset in (row, plane))]
    pieces, piece = _joined(starts.size, beside, owner)
    owner_of = np.zeros(pieces, dtype=owner.dtype)
    owner_of[piece] = owner
    apart = np.flatnonzero(_is_smaller(piece, owner_of)[piece])
    across = []
    for offset in (plane - row, plane + row, row - plane, -plane - row):
        one, other = _touching(starts[apart], stops[apart], starts, stops, offset)
        across.append((piece[apart[one]], piece[other]))
    count, whole = _joined(pieces, across, owner_of)
    owner_of_whole = np.zeros(count, dtype=owner.dtype)
    owner_of_whole[whole] = owner_of
    values, counts = np.unique(owner_of_whole, return_counts=True)
    return dict(zip(values.tolist(), counts.tolist(), strict=True))


def _joined(
    size: int, pairs: Iterable[tuple[NDArray[Any], NDArray[Any]]], owner: NDArray[Any]
) -> tuple[int, NDArray[np.int32]]:
    """Join pairs of one owner; return how many pieces there are, and the piece of each of `size` things."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    one, other = (np.concatenate(side) for side in zip(*pairs, strict=True))
    same = np.flatnonzero(owner.take(one) == owner.take(other))
    one, other = one.take(same), other.take(same)
    # To follow one pair of each thing joins nearly all; what that leaves apart is a small graph.
    root = np.arange(size, dtype=np.int32)
    root[np.maximum(one, other)] = np.minimum(one, other)
    while not np.array_equal(root, further := root[root]):
        root = further
    one, other = root[one], root[other]
    apart = one != other
    edges = coo_array((apart[apart], (one[apart], other[apart])), shape=(size, size))
    _, joined = connected_components(edges, directed=False)
    piece = joined[root]
    is_used = np.zeros(size, dtype=np.bool_)
    is_used[piece] = True
    return int(np.count_nonzero(is_used)), (np.cumsum(is_used, dtype=np.int32) - 1)[piece]


def _is_smaller(piece: NDArray[np.int32], owner_of: NDArray[Any]) -> NDArray[np.bool_]:
    """Tell of each piece whether its owner has a larger one, or one as large that counts as the larger."""
    order = np.lexsort((np.bincount(piece, minlength=owner_of.size), owner_of))
    smaller = np.zeros(owner_of.size, dtype=np.bool_)
    smaller[order[:-1]] = owner_of[order[:-1]] == owner_of[order[1:]]
    return smaller


def _touching(
    starts: NDArray[Any], stops: NDArray[Any], all_starts: NDArray[Any], all_stops: NDArray[Any], offset: int
) -> tuple[Indices, Indices]:
    """Pair each of some runs with those of all runs that it touches in the row `offset` before its own."""
    shift = starts.dtype.type(offset)
    first = _passed(all_stops, starts - shift)
    count = np.maximum(_passed(all_starts, stops - shift, equal_too=True) - first, 0)
    one = np.repeat(np.arange(starts.size, dtype=np.int32), count)
    other = np.arange(one.size, dtype=np.int32) + np.repeat(first - np.cumsum(count, dtype=np.int32) + count, count)
    return one, other


def _passed(marks: NDArray[Any], places: NDArray[Any], *, equal_too: bool = False) -> Indices:
    """Return how many marks lie before each place; both ascend.

    To sort two ascending lists that follow each other is one pass; `np.searchsorted`, which seeks every place anew,
    takes twice as long.
    """
    lists = (marks, places) if equal_too else (places, marks)  # of equals the first list's come first
    order = np.argsort(np.concatenate(lists), kind="stable")
    is_place = order >= marks.size if equal_too else order < places.size
    return (np.flatnonzero(is_place) - np.arange(places.size)).astype(np.int32)
