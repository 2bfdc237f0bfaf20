"""The story of `curate duplicates`: hashes, fingerprints, candidates, then voxels before anything is reported."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tqdm import tqdm

from curate import executor
from curate.duplicates import rows
from curate.duplicates.content import Content, content
from curate.duplicates.evidence import Evidence, compare
from curate.duplicates.images import ImageRef, listed
from curate.duplicates.search import candidates
from curate.duplicates.turns import Turn
from curate.executor import Where

WORTH_READING = 0.85
"""Least similarity of two fingerprints for which both files are read again."""


@dataclass(frozen=True, slots=True)
class Report:
    """What is found in one or more stores."""

    images: int
    rows: Sequence[Mapping[str, Any]]
    """Rows of the table of duplicates, sorted."""

    @property
    def counts(self) -> dict[str, int]:
        """Count images, pairs, pairs that cross a split or a dataset, groups, and images that were not compared."""
        pairs = [row for row in self.rows if row["image_b"] is not None]
        return {
            "images": self.images,
            "pairs": len(pairs),
            "groups": len({row["duplicate_group"] for row in pairs}),
            "crossing_datasets": sum(row["crosses_dataset"] for row in pairs),
            "crossing_splits": sum(row["crosses_split"] for row in pairs),
            "not_compared": len(self.rows) - len(pairs),
        }

    @property
    def has_findings(self) -> bool:
        """True when a pair crosses a split, or when an image could not be compared."""
        return bool(self.counts["crossing_splits"] or self.counts["not_compared"])


@dataclass(frozen=True, slots=True)
class _Pair:
    """Two images that a worker holds against each other."""

    images: tuple[ImageRef, ImageRef]
    fingerprints: tuple[Content, Content]
    turns: tuple[Turn, ...]
    """What may bring the second onto the first."""

    def swapped(self) -> "_Pair":
        """Return the same pair the other way round."""
        return _Pair(self.images[::-1], self.fingerprints[::-1], tuple(turn.inverse for turn in self.turns))


def find(stores: Sequence[Path], where: Where) -> Report:
    """Find images that are one scan, within and across datasets, splits and stores.

    Images of equal voxel hash are exact duplicates; of each such set, every image is paired with the first one, which
    alone goes on to the search for near duplicates. Each file is read once for its fingerprint; `candidates` says what
    the search costs; files are read again only for pairs whose fingerprints agree.

    Args:
        stores: Finished stores.
        where: Threads, processes or a cluster.

    Raises:
        UsageError: For a folder that is no finished store, or a scheduler that does not answer.
    """
    executor.check(where)
    images = listed(stores)
    originals: dict[str, ImageRef] = {}
    found = []
    for image in images:
        original = originals.setdefault(image.voxel_sha256, image)
        if original is not image:
            found.append(rows.exact(original, image))
    fingerprints, problems = _fingerprints(list(originals.values()), where)
    pairs = _pairs(fingerprints)
    work = executor.run(_compare, pairs, where)
    for pair, result in tqdm(work, total=len(pairs), desc="comparisons", unit="pair", disable=None):
        if isinstance(result, BaseException):
            problems[pair.images[0]] = result
        elif result is not None and result[1].is_duplicate:
            found.append(rows.near(*result[0].images, result[1]))
    found += [rows.not_compared(image, error) for image, error in problems.items()]
    return Report(len(images), rows.finished(found))


def _fingerprints(
    images: Sequence[ImageRef], where: Where
) -> tuple[dict[ImageRef, Content], dict[ImageRef, BaseException]]:
    """Return the fingerprints, and the errors of the images that have none."""
    fingerprints, problems = {}, {}
    work = executor.run(_fingerprint, images, where)
    for image, result in tqdm(work, total=len(images), desc="fingerprints", unit="image", disable=None):
        if isinstance(result, BaseException):
            problems[image] = result
        else:
            fingerprints[image] = result
    return fingerprints, problems


def _pairs(fingerprints: Mapping[ImageRef, Content]) -> list[_Pair]:
    """Search volumes and pictures, each among themselves."""
    pairs = []
    for is_2d in (False, True):
        images = sorted(image for image in fingerprints if fingerprints[image].is_2d == is_2d)
        for hit in candidates([fingerprints[image] for image in images]):
            first, second = images[hit.first], images[hit.second]
            pairs.append(_Pair((first, second), (fingerprints[first], fingerprints[second]), hit.turns))
    return pairs


def _fingerprint(image: ImageRef) -> Content:
    return content(image.file).fingerprint()


def _compare(pair: _Pair) -> tuple[_Pair, Evidence] | None:
    """Hold fingerprints against each other and, where they agree, what both files hold; None where they do not.

    Both ways round, because a part is found in the whole, but not the whole in a part; the pair returned is the better.
    """
    ways = [(way, compare(*way.fingerprints, turn)) for way in (pair, pair.swapped()) for turn in way.turns]
    way, best = max(ways, key=lambda one: round(one[1].similarity, 2))  # of equals the first
    if best.similarity < WORTH_READING:
        return None
    first, second = (content(image.file) for image in way.images)
    return way, compare(first, second, best.turn)
