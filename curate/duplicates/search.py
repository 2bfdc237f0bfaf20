"""Which pairs of images are worth a look: nearest neighbours, whatever the pose, by small vectors alone."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import permutations

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from curate.duplicates.content import Content
from curate.duplicates.grid import Shape, area_means, fine_structure, integral, standardised
from curate.duplicates.turns import Turn, turns

NEIGHBOURS = 16
"""Nearest of the earlier images that are looked at, for each image."""
WORTH_FITTING = 0.7
"""Least correlation of the fine structure of two coarse grids, in the best pose, for which they are fitted."""

_NEARLY_AS_WELL = 0.1
_COARSE: dict[bool, Shape] = {True: (24, 24, 1), False: (12, 12, 12)}
_BLOCK_ROWS = 512


@dataclass(frozen=True, slots=True)
class Candidate:
    """Two images that may be one, by their places in the list of fingerprints."""

    first: int
    second: int
    turns: tuple[Turn, ...]
    """What may bring the second onto the first."""


def candidates(fingerprints: Sequence[Content]) -> Iterator[Candidate]:
    """Yield the pairs whose fingerprints may agree, each once, first < second, in order of the second.

    Every image is held against those before it by a vector that no turn changes: for N images N * N / 2 products of
    1,728 numbers each (576 for pictures), in blocks, so that memory grows with N alone. Only with its NEIGHBOURS
    nearest is it turned. A copy is tied to at least one earlier image, so groups stay whole.

    Args:
        fingerprints: Of one kind, all volumes or all pictures.
    """
    if not fingerprints:
        return
    coarse = np.stack([_coarse(one) for one in fingerprints])
    for second, earlier in _neighbours(np.stack([_unposed(one) for one in coarse])):
        for first, likely in zip(earlier, _likely_turns(coarse[earlier], coarse[second]), strict=True):
            if likely:
                yield Candidate(first, second, likely)


def _coarse(fingerprint: Content) -> NDArray[np.float32]:
    """Return the fine structure of a fingerprint on a coarser grid, with mean 0 and length 1."""
    shape = _COARSE[fingerprint.is_2d]
    fine = standardised(fine_structure(area_means(integral(fingerprint.cells), fingerprint.box, shape)))
    return np.asarray(fine / np.float32(fine.size**0.5), dtype=np.float32)


def _unposed(coarse: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return a vector of length 1 that is the same for every turn of a grid.

    A flip changes signs of cosine coefficients and an exchange of axes moves them, so their absolute values, sorted
    over the orders of the axes, stay. By the rearrangement inequality two such vectors correlate at least as well as
    the grids do in their best pose: nothing that is worth fitting falls below WORTH_FITTING here.
    """
    from scipy.fft import dctn

    amplitudes = np.abs(dctn(coarse, norm="ortho"))
    orders = [order for order in permutations(range(3)) if coarse.shape[2] > 1 or order[2] == 2]
    ordered = np.sort([amplitudes.transpose(order) for order in orders], axis=0)
    return np.asarray(ordered.ravel() / len(orders) ** 0.5, dtype=np.float32)


def _neighbours(unposed: NDArray[np.float32]) -> Iterator[tuple[int, list[int]]]:
    """Yield the place of each vector with those of the nearest earlier ones that are worth fitting, in order."""
    for start in tqdm(range(0, len(unposed), _BLOCK_ROWS), desc="candidates", unit="block", disable=None):
        distance = -(unposed[start : start + _BLOCK_ROWS] @ unposed[: start + _BLOCK_ROWS].T)
        for place, row in enumerate(distance, start):
            count = min(NEIGHBOURS, place)
            nearest = np.argpartition(row[:place], count - 1)[:count].tolist() if count else []
            yield place, sorted(other for other in nearest if row[other] <= -WORTH_FITTING)


def _likely_turns(firsts: NDArray[np.float32], second: NDArray[np.float32]) -> Iterator[tuple[Turn, ...]]:
    """Yield, for each grid of `firsts`, the turns of `second` that agree nearly as well as the best; none if poorly.

    Anatomy is nearly symmetric: before the fit, a mirrored copy may agree better than the copy itself.
    """
    turned = second.ravel()[_places_by_turn(second.shape)]
    agreements = np.einsum("fc,tc->ft", firsts.reshape(-1, second.size), turned)  # too small for threads of BLAS
    for agreement in agreements:
        enough = max(WORTH_FITTING, agreement.max() - _NEARLY_AS_WELL)
        possible = turns(is_2d=second.shape[2] == 1)
        yield tuple(possible[n] for n in np.flatnonzero(agreement >= enough))


@cache
def _places_by_turn(shape: tuple[int, ...]) -> NDArray[np.intp]:
    """Return where each turn takes each cell of a grid from, (turns, cells)."""
    places = np.arange(np.prod(shape)).reshape(shape)
    return np.stack([turn.array(places).ravel() for turn in turns(is_2d=shape[2] == 1)])
