"""`scores.parquet`: written piece by piece while a run goes on, gathered at its end."""

import shutil
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.schema import SCORES
from curate import manifest
from curate.errors import StoreError
from curate.schema import arrow_schema

_PIECES = ".pieces"
FILE = "scores.parquet"


def write_piece(run: Path, name: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write the rows of one unit, atomically; from then on it counts as done."""
    manifest.write_table(run / _PIECES / f"{name}.parquet", SCORES, rows)


def existing(run: Path) -> list[dict[str, Any]]:
    """Return all rows that a run has so far, gathered or not, each once."""
    paths = [run / FILE, *sorted((run / _PIECES).glob("*.parquet"))]
    return _once(row for path in paths if path.is_file() for row in _read(path))


def forget(run: Path) -> None:
    """Delete all rows and predictions of a run."""
    (run / FILE).unlink(missing_ok=True)
    for folder in (_PIECES, "predictions"):
        shutil.rmtree(run / folder, ignore_errors=True)


def gather(run: Path, done: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Write all rows, those `done` before and all pieces, sorted by (mask_id, step); then drop the pieces."""
    pieces = (row for path in sorted((run / _PIECES).glob("*.parquet")) for row in _read(path))
    rows = _once([*done, *pieces])
    write(run, rows)
    shutil.rmtree(run / _PIECES, ignore_errors=True)
    return rows


def write(run: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write `scores.parquet`."""
    manifest.write_table(run / FILE, SCORES, rows)


def read(run: Path) -> list[dict[str, Any]]:
    """Return the rows of a finished run.

    Raises:
        StoreError: When the run has not ended.
    """
    if not (run / FILE).is_file():
        raise StoreError(f"{run}: no {FILE}; give the same `bench run` command again to finish it")
    return _read(run / FILE)


def count_statuses(rows: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """Return status -> rows, sorted by status."""
    return dict(sorted(Counter(str(row["status"]) for row in rows).items()))


def _read(path: Path) -> list[dict[str, Any]]:
    import pyarrow.parquet as pq

    rows: list[dict[str, Any]] = pq.read_table(path, schema=arrow_schema(SCORES)).to_pylist()
    return rows


def _once(rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return one row per key, the first that came, sorted by key."""
    found: dict[tuple[str, str, int], dict[str, Any]] = {}
    for row in rows:
        found.setdefault((row["mask_id"], row["protocol"], row["step"]), dict(row))
    return [found[key] for key in sorted(found)]
