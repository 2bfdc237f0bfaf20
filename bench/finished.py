"""Finished runs: read what a run left behind, and refuse to put runs in one table that measured different things."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.score_rows import SCORED, check_rows, read_rows
from curate.errors import StoreError, UsageError

if TYPE_CHECKING:
    import pandas as pd

_SHARED = {
    "suite": ("name", "version", "sha256"),
    "protocol": ("name", "version", "sha256"),
    "store": ("profile", "sha256"),
}
"""Facts that runs of one table must have in common."""
_SHARED_COLUMNS = ("suite", "protocol", "protocol_hash")


@dataclass(frozen=True, slots=True, eq=False)
class FinishedRun:
    """One model on one suite: the facts of `run.json` and the rows of `scores.parquet`."""

    folder: str
    """Name of the folder, for messages only."""
    facts: Mapping[str, Any]
    scores: "pd.DataFrame"
    """The columns of `bench.score_rows`, sorted by mask, step and seed; words are categorical."""

    @property
    def model(self) -> str:
        """Name of the model."""
        return str(self.facts["model"]["name"])

    @property
    def is_reference(self) -> bool:
        """True for a model that is shown the reference: it checks the suite and competes with nobody."""
        return bool(self.facts["model"].get("sees_reference", False))


def read(folder: Path) -> FinishedRun:
    """Read one run.

    Raises:
        StoreError: A file is missing, cannot be read, or breaks the contract of `bench.schema.SCORES`.
    """
    facts = _read_facts(folder)
    scores = read_rows(folder)
    check_rows(folder, facts, scores)
    return FinishedRun(folder.name, facts, scores)


def read_groups(folders: Sequence[Path]) -> tuple[tuple[FinishedRun, ...], ...]:
    """Read runs and put those into one group that may stand in one table: one suite, one protocol, one store.

    Returns:
        Groups sorted by suite, protocol and store; in each the runs sorted by model name.

    Raises:
        UsageError: No run is given, or a group has two runs of one model, or tolerances that differ.
        StoreError: As in `read`.
    """
    found = sorted(_read_all(folders), key=_key)
    groups = [tuple(sorted(group, key=_order)) for _, group in groupby(found, key=_key)]
    for group in groups:
        _check_group(group)
    return tuple(groups)


def read_comparable(folders: Sequence[Path]) -> tuple[FinishedRun, ...]:
    """Read runs that must all stand in one table, sorted by model name.

    Raises:
        UsageError: No run is given, two runs are of one model, or runs differ in suite, protocol, store or tolerance.
        StoreError: As in `read`.
    """
    runs = tuple(sorted(_read_all(folders), key=_order))
    for run in runs[1:]:
        _check_same(runs[0], run)
    _check_group(runs)
    return runs


def patient_keys(run: FinishedRun) -> list[tuple[str, str]]:
    """Return the (dataset, patient) keys of a run, each once."""
    columns = ["dataset", "patient_id"]
    return [(str(dataset), str(patient)) for dataset, patient in run.scores[columns].drop_duplicates().to_numpy()]


def images(run: FinishedRun) -> list[tuple[str, str, str, int]]:
    """Return every image of a run: its dataset, image_id, what the rows say of it (`seen_image`) and its masks."""
    found = run.scores.groupby(["dataset", "image_id", "seen_image"], observed=True)["mask_id"].nunique().reset_index()
    return [(str(dataset), str(image), str(seen), int(masks)) for dataset, image, seen, masks in found.to_numpy()]


def rows_sha256(run: FinishedRun) -> str:
    """Return a digest of the rows (mask, seed, step, status, scores), whatever their order and the file format."""
    digest = hashlib.sha256()
    for column in ("mask_id", "status"):
        digest.update("\n".join(run.scores[column].astype(object)).encode())
    for column in ("seed", "step", *SCORED):
        digest.update(np.ascontiguousarray(run.scores[column].to_numpy(dtype="<f8", na_value=np.nan)).tobytes())
    return digest.hexdigest()


def _read_all(folders: Sequence[Path]) -> list[FinishedRun]:
    if not folders:
        raise UsageError(
            "no run given; name at least one folder that `bench run` wrote: bench leaderboard RUN... --out DIR"
        )
    return [read(folder) for folder in folders]


def _read_facts(folder: Path) -> dict[str, Any]:
    path = folder / "run.json"
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise StoreError(f"{folder} has no run.json; name a folder that `bench run` wrote") from None
    except (OSError, ValueError) as error:
        raise StoreError(f"{path} cannot be read: {error}; run again: bench run") from None
    if not isinstance(facts, dict) or not isinstance(facts.get("model"), dict) or "name" not in facts["model"]:
        raise StoreError(f"{path} does not name its model (model.name); run again: bench run")
    return facts


def _order(run: FinishedRun) -> tuple[str, str]:
    return run.model, run.folder


def _key(run: FinishedRun) -> tuple[str, ...]:
    """Return what runs of one table share, as text, so that keys of any runs can be sorted."""
    facts = [str((run.facts.get(what) or {}).get(key)) for what, keys in _SHARED.items() for key in keys]
    return (*facts, *(str(run.scores[column].iloc[0]) for column in _SHARED_COLUMNS))


def _check_same(one: FinishedRun, other: FinishedRun) -> None:
    for what, keys in _SHARED.items():
        mine, theirs = ({key: (run.facts.get(what) or {}).get(key) for key in keys} for run in (one, other))
        if mine != theirs:
            keys_differing = [key for key in keys if mine[key] != theirs[key]]
            found = "; ".join(
                f"{run.folder} has {', '.join(f'{key} {_short(value[key])}' for key in keys_differing)}"
                for run, value in ((one, mine), (other, theirs))
            )
            raise UsageError(f"runs differ in {what}: {found}; give runs of one suite, one protocol and one store")
    for column in _SHARED_COLUMNS:
        mine_, theirs_ = one.scores[column].iloc[0], other.scores[column].iloc[0]
        if mine_ != theirs_:
            raise UsageError(
                f"runs differ in {column}: {one.folder} has {_short(mine_)}; {other.folder} has {_short(theirs_)}; "
                "give runs of one suite, one protocol and one store"
            )


def _short(value: object) -> str:
    """Shorten a digest for a message."""
    text = "unknown" if value is None else str(value)
    return text if len(text) <= 24 else f"{text[:12]}..."


def _check_group(runs: Sequence[FinishedRun]) -> None:
    """Refuse two runs of one model, and runs that measured NSD of one mask with different tolerances."""
    import pandas as pd

    for earlier, later in pairwise(runs):
        if earlier.model == later.model:
            raise UsageError(
                f"{earlier.folder} and {later.folder} are both runs of {earlier.model}; give one of them, "
                "or run the second again with --name NAME"
            )
    columns = ["mask_id", "tolerance", "distance_unit"]
    rows = pd.concat([run.scores[columns].dropna().drop_duplicates() for run in runs]).drop_duplicates()
    twice = rows[rows.duplicated("mask_id", keep=False)].sort_values(columns)
    if not twice.empty:
        found = ", ".join(f"{row.tolerance:g} {row.distance_unit}" for row in twice.head(2).itertuples())
        raise UsageError(
            f"runs differ in the tolerance of NSD: {twice['mask_id'].iloc[0]} has {found}; score alike: bench score RUN"
        )
