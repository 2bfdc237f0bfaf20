"""Finished runs: read what a run left behind, and refuse to put runs in one table that measured different things."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from bench.schema import SCORES, SEEN, STATUSES
from curate.errors import StoreError, UsageError
from curate.schema import arrow_schema

if TYPE_CHECKING:
    import pandas as pd

_LEVELS = ("seen_target", "seen_modality", "seen_dataset", "seen_image")
_COLUMNS = (
    *("model", "suite", "protocol", "protocol_hash", "mask_id", "dataset", "patient_id", "step", "status"),
    *("suite_group", "modality", "anatomy_group", *_LEVELS),
    *("dice", "iou", "nsd", "hd95_mm", "volume_error", "tolerance", "distance_unit"),
)
_SCORES = ("dice", "iou", "nsd", "hd95_mm", "volume_error")
_SHARED = {
    "suite": ("name", "version", "sha256"),
    "protocol": ("name", "version", "sha256"),
    "store": ("profile", "sha256"),
}
"""What runs of one table must have in common."""


@dataclass(frozen=True, slots=True, eq=False)
class FinishedRun:
    """One model on one suite: the facts of `run.json` and the rows of `scores.parquet`."""

    folder: str
    """Name of the folder, for messages only."""
    facts: Mapping[str, Any]
    scores: "pd.DataFrame"
    """The columns that a leaderboard needs, sorted by mask and step, so that the order of the file does not matter.

    Words are categorical, with sorted categories.
    """

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
    scores = _read_scores(folder)
    _check_scores(folder, facts, scores)
    return FinishedRun(folder.name, facts, scores)


def read_comparable(folders: Sequence[Path]) -> tuple[FinishedRun, ...]:
    """Read runs that may stand in one table, sorted by model name.

    Raises:
        UsageError: No run is given, two runs are of one model, or runs differ in suite, protocol, store or tolerance.
        StoreError: As in `read`.
    """
    if not folders:
        raise UsageError(
            "no run given; name at least one folder that `bench run` wrote: bench leaderboard RUN... --out DIR"
        )
    runs = sorted((read(folder) for folder in folders), key=lambda run: (run.model, run.folder))
    for earlier, later in pairwise(runs):
        if earlier.model == later.model:
            raise UsageError(
                f"{earlier.folder} and {later.folder} are both runs of {earlier.model}; give one of them, "
                "or run the second under another model name"
            )
    for run in runs[1:]:
        _check_same(runs[0], run)
    _check_tolerances(runs)
    return tuple(runs)


def patient_keys(run: FinishedRun) -> list[tuple[str, str]]:
    """Return the (dataset, patient) keys of a run, each once."""
    columns = ["dataset", "patient_id"]
    return [(str(dataset), str(patient)) for dataset, patient in run.scores[columns].drop_duplicates().to_numpy()]


def rows_sha256(run: FinishedRun) -> str:
    """Return a digest of the rows (mask, step, status, scores), whatever their order and the file format."""
    digest = hashlib.sha256()
    for column in ("mask_id", "status"):
        digest.update("\n".join(run.scores[column].astype(object)).encode())
    for column in ("step", *_SCORES):
        digest.update(np.ascontiguousarray(run.scores[column].to_numpy(dtype="<f8", na_value=np.nan)).tobytes())
    return digest.hexdigest()


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


def _read_scores(folder: Path) -> "pd.DataFrame":
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = folder / "scores.parquet"
    if not path.is_file():
        raise StoreError(f"{folder} has no scores.parquet; finish it: bench run, or bench score {folder}")
    again = f"make it again: bench score {folder}"
    try:
        if lacking := sorted(set(_COLUMNS) - set(pq.read_schema(path).names)):
            raise StoreError(f"{path} lacks the columns {', '.join(lacking)}; {again}")
        schema = arrow_schema(tuple(replace(column, nullable=True) for column in SCORES if column.name in _COLUMNS))
        table = pq.read_table(path, columns=schema.names, partitioning=None)
        frame = table.cast(schema).to_pandas(strings_to_categorical=True)
    except (OSError, pa.ArrowException) as error:
        raise StoreError(f"{path} cannot be read: {str(error).splitlines()[0]}; {again}") from None
    for name in frame.select_dtypes("category"):
        frame[name] = frame[name].cat.reorder_categories(sorted(frame[name].cat.categories))
    return cast("pd.DataFrame", frame.sort_values(["mask_id", "step"], kind="stable", ignore_index=True))


def _check_scores(folder: Path, facts: Mapping[str, Any], scores: "pd.DataFrame") -> None:
    """Refuse rows that no leaderboard could count honestly."""
    again = f"make it again: bench score {folder}"
    if scores.empty:
        raise StoreError(f"{folder}/scores.parquet has no rows; {again}")
    nullable = {column.name for column in SCORES if column.nullable}
    if void := [name for name in _COLUMNS if name not in nullable and scores[name].isna().any()]:
        raise StoreError(f"{folder}/scores.parquet has nulls in {', '.join(void)}; {again}")
    for column in ("model", "suite", "protocol", "protocol_hash"):
        if (scores[column] != scores[column].iloc[0]).any():
            raise StoreError(f"{folder}/scores.parquet holds more than one {column}; keep one per run")
    if (found := scores["model"].iloc[0]) != facts["model"]["name"]:
        raise StoreError(f"{folder}: run.json is of model {facts['model']['name']}, scores.parquet of {found}; {again}")
    for column, words in {"status": tuple(STATUSES), **dict.fromkeys(_LEVELS, SEEN)}.items():
        if odd := sorted(set(scores[column].cat.categories) - set(words)):
            raise StoreError(f"{folder}/scores.parquet has {column} {odd[0]!r}, not one of {', '.join(words)}; {again}")
    twice = scores.duplicated(["mask_id", "step"])
    if twice.any():
        row = scores[twice].iloc[0]
        raise StoreError(f"{folder}/scores.parquet has {row['mask_id']} at step {row['step']} twice; {again}")
    if np.isinf(scores[list(_SCORES)].to_numpy(dtype=float)).any():
        raise StoreError(f"{folder}/scores.parquet has an infinite score where null was meant; {again}")


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
    for column in ("suite", "protocol", "protocol_hash"):
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


def _check_tolerances(runs: Sequence[FinishedRun]) -> None:
    """Refuse runs that measured NSD of one mask with different tolerances."""
    import pandas as pd

    columns = ["mask_id", "tolerance", "distance_unit"]
    rows = pd.concat([run.scores[columns].dropna().drop_duplicates() for run in runs]).drop_duplicates()
    twice = rows[rows.duplicated("mask_id", keep=False)].sort_values(columns)
    if not twice.empty:
        found = ", ".join(f"{row.tolerance:g} {row.distance_unit}" for row in twice.head(2).itertuples())
        raise UsageError(
            f"runs differ in the tolerance of NSD: {twice['mask_id'].iloc[0]} has {found}; score alike: bench score RUN"
        )
