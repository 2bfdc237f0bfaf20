"""Which images are tied together, directly or through others."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

ImageKey = tuple[str, str]
"""Store as it was given, and image_id."""


def groups(rows: Sequence[Mapping[str, Any]]) -> dict[ImageKey, int]:
    """Return the duplicate group of every image that has a duplicate.

    Args:
        rows: Rows of the table of duplicates.
    """
    found: dict[ImageKey, int] = {}
    for row in rows:
        if row["image_b"] is not None:
            for side in ("a", "b"):
                found[row[f"store_{side}"], row[f"image_{side}"]] = row["duplicate_group"]
    return found


def connected(pairs: Iterable[tuple[ImageKey, ImageKey]]) -> dict[ImageKey, ImageKey]:
    """Return, for every image of a pair, the first image of all that pairs tie to it."""
    parent: dict[ImageKey, ImageKey] = {}

    def root(key: ImageKey) -> ImageKey:
        parent.setdefault(key, key)
        while parent[key] != key:
            parent[key] = parent[parent[key]]
            key = parent[key]
        return key

    for first, second in pairs:
        low, high = sorted((root(first), root(second)))
        parent[high] = low
    return {key: root(key) for key in list(parent)}
