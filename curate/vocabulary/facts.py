"""Targets as rows of plain values, for lists and JSON."""

from collections.abc import Collection, Mapping
from dataclasses import asdict
from typing import Any

from curate.vocabulary.words import Vocabulary


def target_rows(targets_of: Mapping[str, Collection[str]]) -> list[dict[str, Any]]:
    """Return every target's columns and the number of datasets that label it, in the vocabulary's order.

    Args:
        targets_of: Dataset (recipe id) -> slugs of the targets that it labels.

    Returns:
        One mapping per target: the fields of `Target`, and `datasets` (int). A dataset that labels only the left
        kidney does not count for `kidney`.

    Raises:
        UnknownNameError: When a dataset names a slug that is no target.
    """
    vocabulary = Vocabulary.load()
    counts = dict.fromkeys(vocabulary.targets, 0)
    for slugs in targets_of.values():
        for slug in {vocabulary.target(slug).slug for slug in slugs}:
            counts[slug] += 1
    return [asdict(target) | {"datasets": counts[target.slug]} for target in vocabulary.targets.values()]
