"""What of a run is there already, and what is left to do."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench import predictions, record, scores, trial
from bench.models.base import ModelCard
from bench.policy import Policy, failed_masks
from bench.suite import Suite, Unit


def opened(
    out: Path, content: Mapping[str, Any], policy: Policy, units: Sequence[Unit], suite: Suite, card: ModelCard
) -> list[dict[str, Any]]:
    """Make the folder ready and return the rows that stay: those of masks of this run that have all their rows.

    Raises:
        StoreError: For a folder of another run, or of something that is no run.
    """
    if policy.resume == "never" and (out / "run.json").is_file():
        scores.forget(out)
    record.start(out, content, policy.resume)
    predictions.clean(out)
    planned = {mask["mask_id"] for unit in units for mask in unit.masks}
    ours = (card.name, suite.name, content["protocol"]["sha256"])
    rows = [
        row
        for row in scores.existing(out)
        if row["mask_id"] in planned and (row["model"], row["suite"], row["protocol_hash"]) == ours
    ]
    done = _finished(rows, suite, policy)
    scores.reopen(out, done)
    return done


def unfinished(units: Sequence[Unit], done: Sequence[Mapping[str, Any]]) -> list[Unit]:
    """Return the units with the masks that have no rows."""
    finished = {row["mask_id"] for row in done}
    left = [replace(one, masks=tuple(mask for mask in one.masks if mask["mask_id"] not in finished)) for one in units]
    return [unit for unit in left if unit.masks]


def _finished(rows: Sequence[dict[str, Any]], suite: Suite, policy: Policy) -> list[dict[str, Any]]:
    """Return the rows of masks that have one for each seed and step, without failures that are to be tried again."""
    found: dict[str, set[tuple[int, int]]] = {}
    for row in rows:
        found.setdefault(row["mask_id"], set()).add((row["seed"], row["step"]))
    again = failed_masks(rows) if policy.retry_failed else set()
    whole = trial.expected(suite)
    return [row for row in rows if found[row["mask_id"]] == whole and row["mask_id"] not in again]
