"""`scores.parquet`: written piece by piece while a run goes on, gathered at its end."""

import shutil
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.schema import FURTHER, SCORES
from curate import manifest
from curate.errors import StoreError

PIECES = ".pieces"
"""Folder of what a run has until all of it is gathered."""
DONE = "done"
"""The piece of rows that an earlier start left."""
FILE = "scores.parquet"
_ABSENT = {"seed": 0}
_LATER = {column.name for column in FURTHER} | {"seed", "grid"}
"""Columns that earlier versions did not write: null there, but for the seed, which was the first."""


def write_piece(run: Path, name: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write the rows of one unit, atomically; from then on it counts as done."""
    manifest.write_table(run / PIECES / f"{name}.parquet", SCORES, rows)


def existing(run: Path) -> list[dict[str, Any]]:
    """Return all rows that a run has so far, gathered or not, each once.

    Raises:
        StoreError: When a file is damaged.
    """
    return _once(row for path in [run / FILE, *_pieces(run)] if path.is_file() for row in _read(path))


def forget(run: Path) -> None:
    """Delete all rows, predictions and prompts of a run."""
    (run / FILE).unlink(missing_ok=True)
    for folder in (PIECES, "predictions", "prompts"):
        shutil.rmtree(run / folder, ignore_errors=True)


def reopen(run: Path, done: Sequence[Mapping[str, Any]]) -> None:
    """Make `done` all that a run has, in one piece; without `scores.parquet` nobody takes the run for finished."""
    write_piece(run, DONE, done)
    (run / FILE).unlink(missing_ok=True)
    for path in _pieces(run):
        if path.stem != DONE:
            path.unlink()


def gather(run: Path) -> list[dict[str, Any]]:
    """Write all rows to `scores.parquet`, sorted by mask, protocol, seed and step; then drop the pieces."""
    rows = existing(run)
    write(run, rows)
    shutil.rmtree(run / PIECES, ignore_errors=True)
    return rows


def write(run: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write `scores.parquet`."""
    manifest.write_table(run / FILE, SCORES, rows)


def read(run: Path) -> list[dict[str, Any]]:
    """Return the rows of a finished run.

    Raises:
        StoreError: When the run has not ended, or its file is damaged.
    """
    if not (run / FILE).is_file():
        raise StoreError(f"{run}: no {FILE}; give the same `bench run` command again to finish it")
    return _read(run / FILE)


def count_statuses(rows: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """Return status -> rows, sorted by status."""
    return dict(sorted(Counter(str(row["status"]) for row in rows).items()))


def _pieces(run: Path) -> list[Path]:
    return sorted((run / PIECES).glob("*.parquet"))


def _read(path: Path) -> list[dict[str, Any]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path, partitioning=None)
        lacking = {column.name: _ABSENT.get(column.name) for column in SCORES if column.name in _LATER}
        kept = [column.name for column in SCORES if column.name not in lacking or column.name in table.column_names]
        rows: list[dict[str, Any]] = [{**lacking, **row} for row in table.select(kept).to_pylist()]
    except (OSError, pa.ArrowException, KeyError) as error:
        why = str(error).splitlines()[0]
        raise StoreError(f"{path}: cannot be read ({why}); give the `bench run` command with --resume never") from error
    return rows


def _once(rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return one row per key, the first that came, sorted by key."""
    found: dict[tuple[str, str, int, int], dict[str, Any]] = {}
    for row in rows:
        found.setdefault((row["mask_id"], row["protocol"], row["seed"], row["step"]), dict(row))
    return [found[key] for key in sorted(found)]
