"""How far a run is, read from its folder: while it goes on, after it was stopped, or when it has ended."""

import json
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import record, scores
from bench.policy import FAILURES
from bench.suite import Unit
from curate.errors import StoreError
from curate.files import held, write_json

_START = "start.json"
"""Beside the pieces, and gone with them when the run has ended."""
_MOST_DETAILS = 5
_REFUSALS = ("not_applicable", "unsupported")


@dataclass(frozen=True, slots=True)
class Progress:
    """How many of something there are, of how many."""

    done: int
    planned: int | None
    """None where the start of the run is not known."""


@dataclass(frozen=True, slots=True)
class Reason:
    """Rows without a score, for the same reason."""

    rows: int
    status: str
    detail: str


@dataclass(frozen=True, slots=True)
class Status:
    """Where a run stands."""

    model: str
    suite: str
    finished: bool
    running: bool
    """Whether a process is at work on it now."""
    images: Progress
    """With rows of at least one mask."""
    masks: Progress
    rows: Progress
    statuses: Mapping[str, int]
    failures: Sequence[Reason]
    """The most frequent ones, at most five."""
    refusals: Sequence[Reason]
    """The same of rows that are unsupported or not applicable, which is no failure."""
    rows_per_minute: float | None
    """From the last start of the run to the newest piece; None where nothing was run since, or after its end."""
    missing_datasets: Sequence[str]
    command: str | None
    """What to type to go on; None where nothing is left to do, or it is not known."""

    @property
    def fine(self) -> bool:
        """Whether the run has ended, every row is ok, and the store had every dataset."""
        return self.finished and set(self.statuses) <= {"ok"} and not self.missing_datasets


def note_start(run: Path, units: Sequence[Unit], steps: Collection[tuple[int, int]], command: str | None) -> None:
    """Note what a run that starts is going to do.

    Args:
        run: Its folder.
        units: All of its images and masks, also those that have their rows already.
        steps: Seeds and steps of which each mask gets a row.
        command: What to type to go on.
    """
    masks = sum(len(unit.masks) for unit in units)
    planned = {"images": len(units), "masks": masks, "rows": masks * len(steps)}
    write_json(run / scores.PIECES / _START, {"planned": planned, "command": command})


def read(run: Path) -> Status:
    """Tell where a run stands.

    Raises:
        StoreError: When there is no run, or a file of it is damaged.
    """
    facts = record.read(run)
    running = _is_held(run)
    finished = (run / scores.FILE).is_file() and not running
    rows = scores.existing(run)
    found = {key: len({row[name] for row in rows}) for key, name in (("images", "image_id"), ("masks", "mask_id"))}
    found["rows"] = len(rows)
    start = _start(run)
    planned: Mapping[str, int | None] = found if finished else start.get("planned", dict.fromkeys(found))
    counts = {key: Progress(count, planned[key]) for key, count in found.items()}
    return Status(
        model=facts["model"]["name"],
        suite=facts["suite"]["name"],
        finished=finished,
        running=running,
        **counts,
        statuses=scores.count_statuses(rows),
        failures=_reasons(rows, FAILURES),
        refusals=_reasons(rows, _REFUSALS),
        rows_per_minute=None if finished else _rows_per_minute(run),
        missing_datasets=facts.get("missing_datasets", []),
        command=None if finished else start.get("command"),
    )


def lines(status: Status) -> list[str]:
    """Return a status in words, for people."""
    state = "finished" if status.finished else "at work" if status.running else "not finished"
    counted = (("images", status.images), ("masks", status.masks), ("rows", status.rows))
    found = [
        f"{status.model} on {status.suite}: {state}",
        ", ".join(f"{one.done} of {'?' if one.planned is None else one.planned} {name}" for name, one in counted),
    ]
    if status.statuses:
        found.append("rows: " + ", ".join(f"{count} {name}" for name, count in status.statuses.items()))
    if status.rows_per_minute is not None:
        found.append(f"{status.rows_per_minute:.1f} rows a minute since the last start")
    found += [f"{one.rows} rows {one.status}: {one.detail}" for one in (*status.failures, *status.refusals)]
    found += [f"the suite names {dataset}, which the store does not have" for dataset in status.missing_datasets]
    if status.failures:
        found.append("the same `bench run` command with --retry-failed tries failed masks again")
    if not status.finished and not status.running:
        found.append(f"go on: {status.command or 'give the same `bench run` command again'}")
    return found


def _is_held(run: Path) -> bool:
    try:
        with held(run, "bench"):
            return False
    except StoreError:
        return True


def _start(run: Path) -> dict[str, Any]:
    try:
        content: dict[str, Any] = json.loads((run / scores.PIECES / _START).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise StoreError(f"{run}: its {_START} cannot be read ({error}); give the `bench run` command again") from error
    return content


def _reasons(rows: Sequence[Mapping[str, Any]], statuses: Collection[str]) -> list[Reason]:
    counts = Counter((row["status"], str(row["detail"])) for row in rows if row["status"] in statuses)
    often = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:_MOST_DETAILS]
    return [Reason(count, status, detail) for (status, detail), count in often]


def _rows_per_minute(run: Path) -> float | None:
    """Divide the rows of the pieces of this start by the time from its note to the newest of them."""
    folder = run / scores.PIECES
    pieces = {path: path.stat().st_mtime for path in folder.glob("*.parquet") if path.stem != scores.DONE}
    if not pieces or not (folder / _START).is_file():
        return None
    minutes = (max(pieces.values()) - (folder / _START).stat().st_mtime) / 60
    return _count(list(pieces)) / minutes if minutes > 0 else None


def _count(pieces: Sequence[Path]) -> int:
    import pyarrow.parquet as pq

    return sum(pq.read_metadata(path).num_rows for path in pieces)
