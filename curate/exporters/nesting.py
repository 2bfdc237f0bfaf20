"""One label map for many targets: which hold which, and the values that say so.

Where a target lies inside another in every case, as a tumour inside its organ, each gets a value of its own and the
outer one becomes a region: the union of its own value and those inside it (nnU-Net's region-based labels). That works
only if any two targets are nested or disjoint, and the same in every case.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

import numpy as np

from curate.errors import UsageError
from curate.exporters.content import LabelMaps, StoredMask

Nesting = dict[tuple[str, str], Literal["holds", "equal"]]
"""(outer, inner) of one case -> how; pairs that are not there are disjoint. Equal masks stand in both orders."""


@dataclass(frozen=True, slots=True)
class Values:
    """What the values of a label map mean."""

    own: Mapping[str, int]
    """Target -> the value of its own voxels, from 1; what holds others comes before them."""
    regions: Mapping[str, tuple[int, ...]]
    """Target -> the values whose union it is, in the order of `own`."""

    @property
    def nested(self) -> bool:
        """True when any target holds another."""
        return any(len(values) > 1 for values in self.regions.values())


@dataclass(frozen=True, slots=True)
class Observed:
    """What one case says about its targets."""

    case: str
    """Dataset and case, for messages."""
    targets: frozenset[str]
    """Those that have a mask."""
    nesting: Nesting


def observe(case: str, masks: Sequence[StoredMask], maps: LabelMaps) -> Observed:
    """Find out which of a case's masks hold which; label maps are read only for masks of different maps.

    Raises:
        UsageError: When two of them overlap and neither holds the other.
    """
    nesting: Nesting = {}
    for first, second in combinations(masks, 2):
        shared = _shared_voxels(first, second, maps)
        if not shared:
            continue
        outer, inner = (first, second) if first.voxels >= second.voxels else (second, first)
        if shared < inner.voxels:
            raise _refusal(first.target, second.target, f"overlap in {case}, and neither holds the other")
        if outer.voxels == inner.voxels:
            nesting[outer.target, inner.target] = nesting[inner.target, outer.target] = "equal"
        else:
            nesting[outer.target, inner.target] = "holds"
    return Observed(case, frozenset(mask.target for mask in masks), nesting)


def assign(targets: Iterable[str], cases: Sequence[Observed]) -> Values:
    """Give every target a value, so that each case's masks can be read back from one label map.

    Args:
        targets: All that the label maps may hold, also those without a mask in any case.
        cases: What `observe` found.

    Raises:
        UsageError: When two targets are nested in one case and not in another, or nested both ways.
    """
    outer = _outer(sorted(set(targets)), cases)
    for case in cases:
        _check(case, outer)
    order = list(_outermost_first(outer))
    own = {target: value for value, target in enumerate(order, start=1)}
    regions = {one: tuple(own[other] for other in order if other == one or one in outer[other]) for one in order}
    return Values(own, regions)


def _shared_voxels(first: StoredMask, second: StoredMask, maps: LabelMaps) -> int:
    """Count the voxels that two masks share; inside one label map their values tell whether it is none or all."""
    if any(first.box[n] >= second.box[n + 3] or second.box[n] >= first.box[n + 3] for n in range(3)):
        return 0
    if first.path == second.path:
        common = set(first.values) & set(second.values)
        if common in (set(), set(first.values), set(second.values)):
            return min(first.voxels, second.voxels) if common else 0
    small, large = sorted((maps.mask(first), maps.mask(second)), key=lambda mask: mask.voxels.size)
    return int(np.count_nonzero(small.voxels & large.within(small.box)))


def _outer(targets: Sequence[str], cases: Sequence[Observed]) -> dict[str, set[str]]:
    """Return for each target all that hold it in any case, directly or through others."""
    outer: dict[str, set[str]] = {target: set() for target in targets}
    for case in cases:
        for (one, other), how in case.nesting.items():
            if how == "holds":
                outer[other].add(one)
    for case in cases:
        for (one, other), how in case.nesting.items():
            if how == "equal" and one < other and one not in outer[other] and other not in outer[one]:
                outer[other].add(one)  # never told apart: the first by name counts as the outer one
    for middle in targets:
        for inner in targets:
            if middle in outer[inner]:
                outer[inner] |= outer[middle]
    return outer


def _check(case: Observed, outer: Mapping[str, set[str]]) -> None:
    """Refuse a case whose masks are not nested as they are elsewhere.

    Raises:
        UsageError: With the pair and the case.
    """
    for inner in sorted(case.targets):
        for holder in sorted(outer[inner] - {inner}):
            if inner in outer[holder]:
                raise _refusal(holder, inner, f"hold each other, now this way and now that, as in {case.case}")
            if (holder, inner) not in case.nesting:
                raise _refusal(holder, inner, f"are nested in other cases, but not in {case.case}")


def _outermost_first(outer: Mapping[str, set[str]]) -> Iterator[str]:
    """Yield targets so that what holds others comes before them, else by name."""

    def place(target: str) -> list[str]:
        return [*sorted(outer[target], key=lambda one: (len(outer[one]), one)), target]

    yield from sorted(outer, key=place)


def _refusal(first: str, second: str, why: str) -> UsageError:
    one, other = sorted((first, second))
    hint = f"leave one out, as with --targets '!{one}', or that dataset with --datasets"
    return UsageError(f"`{one}` and `{other}` {why}: one label map cannot hold both; {hint}")
