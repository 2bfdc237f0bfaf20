"""Splits that know of duplicates: no patient and no duplicate group stands on two sides."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from curate import manifest
from curate.duplicates.grouping import ImageKey, connected
from curate.files import held, write_json
from curate.schema import SPLITS
from curate.splits import GROUPED, HELD_OUT_FIRST

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Move:
    """One image that changed sides."""

    image_id: str
    before: str
    after: str


def resplit(store: Path, groups: Mapping[ImageKey, int]) -> list[Move]:
    """Rewrite a store's splits so that no duplicate group crosses; return what moved, sorted.

    Tables come first and `store.json` last: a store that a killed run leaves is put right by running again. What
    moved has the origin `grouped` and stays where it is when its dataset is built again.

    Args:
        store: A finished store.
        groups: Duplicate group by (store, image_id), from `curate.duplicates.groups`; others may be in it, too.

    Raises:
        StoreError: When there is no finished store, or a build is at work on it.
    """
    manifest.read_store(store)  # before the folder is held, which would make one that is not there
    with held(store, "curate"):
        content = manifest.read_store(store)
        rows = manifest.read_table(store, "splits").to_pylist()
        after = reassigned(rows, {image: group for (name, image), group in groups.items() if name == str(store)})
        for dataset in manifest.dataset_names(content):
            path = manifest.table_path("splits", dataset)
            own = [row for row in after if row["dataset"] == dataset]
            content["files"][path] = manifest.write_table(store / path, SPLITS, own, _metadata(store / path))
        write_json(store / manifest.STORE_PATH, content)
    return sorted(
        (
            Move(old["image_id"], old["split"], new["split"])
            for old, new in zip(rows, after, strict=True)
            if old["split"] != new["split"]
        ),
        key=lambda move: move.image_id,
    )


def reassigned(rows: Sequence[Row], groups: Mapping[str, int]) -> list[Row]:
    """Return the rows of splits tables, in their order, with one split per set of tied patients.

    Patients are tied when images of theirs are in one duplicate group. Where tied patients stand in one split, nothing
    changes. Where they do not, all go to the most held-out split that the sources state for one of them, as
    `curate.splits.assign` does for one patient, or to the most held-out of all when the sources state none.

    Args:
        rows: Rows of splits tables.
        groups: Duplicate group by image_id.
    """
    tied: dict[ImageKey, list[Row]] = {}
    root = connected([*_ties(rows, groups), *((_patient(row), _patient(row)) for row in rows)])
    for row in rows:
        tied.setdefault(root[_patient(row)], []).append(row)
    split = {key: _one_split(together) for key, together in tied.items()}
    return [_moved(row, split[root[_patient(row)]]) for row in rows]


def _ties(rows: Sequence[Row], groups: Mapping[str, int]) -> list[tuple[ImageKey, ImageKey]]:
    """Pair the patients of each duplicate group with the first of them."""
    first: dict[int, ImageKey] = {}
    return [
        (first.setdefault(groups[row["image_id"]], _patient(row)), _patient(row))
        for row in rows
        if row["image_id"] in groups
    ]


def _one_split(rows: Sequence[Row]) -> str:
    stated = {row["split"] for row in rows if row["origin"] == "official"}
    found = stated or {row["split"] for row in rows}
    return next(name for name in HELD_OUT_FIRST if name in found)


def _moved(row: Row, split: str) -> Row:
    return row if row["split"] == split else row | {"split": split, "origin": GROUPED}


def _patient(row: Row) -> ImageKey:
    return row["dataset"], row["patient_id"]


def _metadata(path: Path) -> dict[str, str]:
    """Return what a table says of itself, so that it goes on saying so."""
    import pyarrow.parquet as pq

    found = pq.read_schema(path).metadata or {}
    return {key.decode(): value.decode() for key, value in found.items()}
