"""Which tasks of a suite a store can run, what is missing, and where to get it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Literal

from bench.sources import ACCESS, source
from bench.suite import Group, Suite, Unit, datasets_named, is_pattern, units_of
from curate import manifest

Status = Literal["ready", "no mask", "missing", "needed"]
"""ready: the store has masks of the task; no mask: it has the dataset, but no mask of the task; missing: it lacks the
dataset; needed: no store was looked at."""


@dataclass(frozen=True, slots=True)
class Task:
    """One dataset of one group of a suite."""

    group: str
    dataset: str
    """Recipe id, or a pattern of them."""
    split: str | None
    """None where all splits are evaluated."""
    targets: tuple[str, ...]
    """What the store has of it; where it has nothing or there is none, the words of the suite."""
    status: Status
    images: int | None = None
    masks: int | None = None
    """None where no store was looked at."""
    how: str | None = None
    """What to do to get the dataset; None where nothing is to be done."""


def tasks(suite: Suite, store: Path | None = None) -> list[Task]:
    """List the tasks of a suite in its order, and what a store can run of them.

    Raises:
        StoreError: When there is no finished store at `store`.
    """
    named = list(datasets_named(suite))
    if store is None:
        return [
            Task(group.name, dataset, split, group.targets, "needed", how=_how(dataset))
            for group, dataset, split in named
        ]
    units = units_of(suite, store)
    present = {str(row["dataset"]) for row in manifest.read_datasets(store)}
    return [_found(group, dataset, split, units, present) for group, dataset, split in named]


def can_run(found: Iterable[Task]) -> bool:
    """Tell whether nothing is missing: every task is ready."""
    return all(task.status == "ready" for task in found)


def how_to_get(dataset: str) -> str:
    """Say where a dataset is to be had, and what to type.

    Args:
        dataset: Recipe id.
    """
    known = source(dataset)
    if known is None:
        return f"no recipe called `{dataset}` ships; write one with `curate init SOURCE_TREE`"
    where = f"{ACCESS.get(known.access or '', 'access not stated')}: {known.page or 'no page is known'}"
    return f"{where}; `curate fetch {dataset} --out DIR`"


def _found(group: Group, dataset: str, split: str | None, units: Sequence[Unit], present: set[str]) -> Task:
    """Count what a store has of one dataset word of a group."""
    masks = [
        mask
        for unit in units
        for mask in unit.masks
        if mask["suite_group"] == group.name
        and fnmatchcase(mask["dataset"], dataset)
        and fnmatchcase(mask["split"], split or "*")
    ]
    targets = tuple(sorted({str(mask["target"]) for mask in masks}))
    images = len({mask["image_id"] for mask in masks})
    if masks:
        return Task(group.name, dataset, split, targets, "ready", images, len(masks))
    there = any(fnmatchcase(name, dataset) for name in present)
    status: Status = "no mask" if there else "missing"
    return Task(group.name, dataset, split, group.targets, status, 0, 0, None if there else _how(dataset))


def _how(dataset: str) -> str | None:
    return None if is_pattern(dataset) else how_to_get(dataset)
