"""The tables of one dataset, written case by case, so that only one case's rows stand in memory."""

from collections import deque
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

from curate import manifest
from curate.manifest import TableName, TableWriter
from curate.piece import Piece
from curate.profile import Profile
from curate.recipe import Recipe
from curate.scan import Found
from curate.schema import PER_DATASET, SCHEMA_VERSION

_STREAMED: tuple[TableName, ...] = ("images", "masks", "rejections")
_ORDER = ("case_id", "image_id", "target", "source_path", "code", "detail")
"""Columns by which rejections are sorted."""


@dataclass(slots=True)
class Written:
    """What `write_tables` wrote."""

    images: list[dict[str, str]] = field(default_factory=list)
    """image_id, case_id and patient_id of every image, in the order of the table."""
    masks: int = 0
    rejections: int = 0
    files: dict[str, str] = field(default_factory=dict)
    """Path relative to the store -> SHA-256, of the tables and of every image and label map."""


def write_tables(
    store: Path, recipe: Recipe, profile: Profile, found: Found, pieces: Iterable[tuple[str, Piece]]
) -> Written:
    """Write the images, masks and rejections tables of a dataset.

    Args:
        store: Root of the store.
        recipe: What the dataset is.
        profile: Its name stands in the tables' metadata.
        found: Its scan, whose rejections go into the table.
        pieces: case_id and what the case adds, in the order of case_id, which is the order of the tables.
    """
    written, metadata = Written(), table_metadata(recipe, profile)
    of_scan = deque(sorted((rejection.row() for rejection in found.rejections), key=_place))
    with ExitStack() as stack:
        writers = {
            name: stack.enter_context(TableWriter(store / _path(name, recipe), PER_DATASET[name], metadata))
            for name in _STREAMED
        }
        for case_id, piece in pieces:
            images = sorted(piece.images, key=lambda row: str(row["image_id"]))
            writers["images"].add(images)
            writers["masks"].add(sorted(piece.masks, key=lambda row: str(row["mask_id"])))
            earlier = _taken(of_scan, case_id)
            writers["rejections"].add(sorted([*earlier, *piece.rejections], key=_place))
            written.images += [{name: row[name] for name in ("image_id", "case_id", "patient_id")} for row in images]
            written.masks += len(piece.masks)
            written.rejections += len(earlier) + len(piece.rejections)
            written.files |= piece.files
        writers["rejections"].add(of_scan)
        written.rejections += len(of_scan)
    written.files |= {_path(name, recipe): writer.sha256 for name, writer in writers.items()}
    return written


def table_metadata(recipe: Recipe, profile: Profile) -> dict[str, str]:
    """Return what every table of a dataset says of itself."""
    return {
        "medseen.schema_version": str(SCHEMA_VERSION),
        "medseen.version": tool_version(),
        "medseen.recipe_sha256": recipe.sha256,
        "medseen.profile": profile.name,
    }


def tool_version() -> str:
    """Return medseen's version."""
    return version("medseen")


def _path(name: TableName, recipe: Recipe) -> str:
    return manifest.table_path(name, recipe.dataset.id)


def _place(row: Mapping[str, Any]) -> list[str]:
    """Return where a rejection stands in its table."""
    return [str(row[name]) for name in _ORDER]


def _taken(rows: deque[dict[str, Any]], case_id: str) -> list[dict[str, Any]]:
    """Take the rows up to and with those of a case off the left end."""
    taken = []
    while rows and str(rows[0]["case_id"]) <= case_id:
        taken.append(rows.popleft())
    return taken
