"""The plan of a suite over a store: which masks it evaluates, image by image."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any

from bench.suite.content import Group, Suite, datasets_named, is_pattern
from curate import manifest
from curate.errors import StoreError, UsageError
from curate.vocabulary import Vocabulary


@dataclass(frozen=True, slots=True)
class Unit:
    """One image and all its masks that a suite evaluates: the unit of work."""

    image: Mapping[str, Any]
    """Row of the images table."""
    masks: tuple[Mapping[str, Any], ...]
    """Rows of the masks table, with `suite_group` and `split`, sorted by mask_id."""
    split: str | None
    """The source's own split; None where the store drew it."""


def plan(suite: Suite, store: Path, limit: int | None = None) -> list[Unit]:
    """List the units of a suite that a store can run, sorted by image_id.

    Args:
        suite: What to evaluate.
        store: Root of a store.
        limit: At most this many images.

    Raises:
        StoreError: When there is no finished store, or its tables do not fit together.
        UsageError: When no mask of the store belongs to the suite, or for a limit below one.
    """
    if limit is not None and limit < 1:
        raise UsageError(f"--limit {limit}: give 1 or more, or leave it out for all images")
    units = units_of(suite, store)
    if not units:
        raise UsageError(f"no mask of {store} belongs to suite `{suite.name}`; see `bench suite SUITE --store {store}`")
    return units if limit is None else units[:limit]


def units_of(suite: Suite, store: Path) -> list[Unit]:
    """List the units as `plan` does; a store without masks of the suite gives none.

    Raises:
        StoreError: When there is no finished store, or its tables do not fit together.
    """
    images = {row["image_id"]: row for row in manifest.read_table(store, "images").to_pylist()}
    splits = {row["image_id"]: row for row in manifest.read_table(store, "splits").to_pylist()}
    masks: dict[str, list[dict[str, Any]]] = {}
    for row in manifest.read_table(store, "masks").to_pylist():
        if row["image_id"] not in images.keys() & splits.keys():
            raise StoreError(
                f"{store}: {row['image_id']} has a mask but no image or split; see `curate verify {store}`"
            )
        split = splits[row["image_id"]]["split"]
        group = _group(suite, row, split)
        if group is not None:
            masks.setdefault(row["image_id"], []).append({**row, "suite_group": group, "split": split})
    return [
        Unit(images[image_id], tuple(sorted(masks[image_id], key=_mask_id)), _official(splits[image_id]))
        for image_id in sorted(masks)
    ]


def missing_datasets(suite: Suite, present: Sequence[str]) -> list[str]:
    """Return the datasets that a suite names outright and a store does not have."""
    named = {dataset for _, dataset, _ in datasets_named(suite) if not is_pattern(dataset)}
    return sorted(named - set(present))


@cache
def target_names(target: str) -> tuple[str, ...]:
    """Return the slugs that a group's pattern may fit: the target's own, and that of its pair."""
    vocabulary = Vocabulary.load()
    pair = vocabulary.unsided(target) if target in vocabulary.targets else None
    return (target,) if pair is None else (target, pair)


def _group(suite: Suite, mask: Mapping[str, Any], split: str) -> str | None:
    return next((group.name for group in suite.groups if _takes(group, mask, split)), None)


def _takes(group: Group, mask: Mapping[str, Any], split: str) -> bool:
    wanted = (
        (group.datasets, (mask["dataset"], f"{mask['dataset']}:{split}")),
        (group.targets, target_names(mask["target"])),
        (group.modalities, (mask["modality"],)),
        (group.kinds, (mask["kind"],)),
        (group.splits, (split,)),
    )
    return all(any(fnmatchcase(word, pattern) for pattern in patterns for word in words) for patterns, words in wanted)


def _mask_id(mask: Mapping[str, Any]) -> str:
    return str(mask["mask_id"])


def _official(split: Mapping[str, Any]) -> str | None:
    return str(split["split"]) if split["origin"] == "official" else None
