"""The rows of a finished run, as a leaderboard reads them: one table, checked before anything is counted."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

import numpy as np

from bench.schema import SCORES, SEEN, STATUSES
from bench.statistics.figures import LEVELS
from curate.errors import StoreError
from curate.schema import arrow_schema

if TYPE_CHECKING:
    import pandas as pd

SCORED: Final = ("dice", "iou", "nsd", "hd95_mm", "assd_mm", "volume_error")
REQUIRED: Final = (
    *("model", "suite", "protocol", "protocol_hash", "mask_id", "dataset", "patient_id", "step", "status"),
    *("suite_group", "modality", "anatomy_group", *LEVELS),
    *("dice", "iou", "nsd", "hd95_mm", "volume_error", "tolerance", "distance_unit"),
)
OPTIONAL: Final = (
    *("target", "image_id", "kind", "reference_voxels", "n_actions", "seed", "assd_mm"),
    *("seconds_encode", "seconds_prompt", "seconds_predict", "peak_memory_mb"),
)
"""Columns that runs of earlier versions may lack: null there, and `seed` 0."""
_ORDER = ["mask_id", "step", "seed"]


def read_rows(folder: Path) -> "pd.DataFrame":
    """Read `scores.parquet`, sorted by mask, step and seed, so that the order of the file does not matter.

    Returns:
        The columns REQUIRED and OPTIONAL; words are categorical, with sorted categories.

    Raises:
        StoreError: The file is missing, cannot be read, or lacks a required column.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = folder / "scores.parquet"
    if not path.is_file():
        raise StoreError(f"{folder} has no scores.parquet; finish it: bench run, or bench score {folder}")
    again = f"make it again: bench score {folder}"
    try:
        present = set(pq.read_schema(path).names)
        if lacking := sorted(set(REQUIRED) - present):
            raise StoreError(f"{path} lacks the columns {', '.join(lacking)}; {again}")
        wanted = [replace(column, nullable=True) for column in SCORES if column.name in {*REQUIRED, *OPTIONAL}]
        table = pq.read_table(path, columns=[one.name for one in wanted if one.name in present], partitioning=None)
        for field in arrow_schema(tuple(one for one in wanted if one.name not in present)):
            table = table.append_column(field, pa.nulls(len(table), field.type))
        schema = arrow_schema(tuple(wanted))
        frame = table.select(schema.names).cast(schema).to_pandas(strings_to_categorical=True)
    except (OSError, pa.ArrowException) as error:
        raise StoreError(f"{path} cannot be read: {str(error).splitlines()[0]}; {again}") from None
    for name in frame.select_dtypes("category"):
        frame[name] = frame[name].cat.reorder_categories(sorted(frame[name].cat.categories))
    frame["seed"] = frame["seed"].fillna(0).astype(np.int64)
    return cast("pd.DataFrame", frame.sort_values(_ORDER, kind="stable", ignore_index=True))


def check_rows(folder: Path, facts: Mapping[str, Any], scores: "pd.DataFrame") -> None:
    """Refuse rows that no leaderboard could count honestly.

    Raises:
        StoreError: Naming the first rule that is broken, and how to make the rows again.
    """
    again = f"make it again: bench score {folder}"
    where = f"{folder}/scores.parquet"
    if scores.empty:
        raise StoreError(f"{where} has no rows; {again}")
    nullable = {column.name for column in SCORES if column.nullable}
    if void := [name for name in REQUIRED if name not in nullable and scores[name].isna().any()]:
        raise StoreError(f"{where} has nulls in {', '.join(void)}; {again}")
    for column in ("model", "suite", "protocol", "protocol_hash"):
        if (scores[column] != scores[column].iloc[0]).any():
            raise StoreError(f"{where} holds more than one {column}; keep one per run")
    if (found := scores["model"].iloc[0]) != facts["model"]["name"]:
        raise StoreError(f"{folder}: run.json is of model {facts['model']['name']}, scores.parquet of {found}; {again}")
    for column, words in {"status": tuple(STATUSES), **dict.fromkeys(LEVELS, SEEN)}.items():
        if odd := sorted(set(scores[column].cat.categories) - set(words)):
            raise StoreError(f"{where} has {column} {odd[0]!r}, not one of {', '.join(words)}; {again}")
    twice = scores.duplicated(_ORDER)
    if twice.any():
        row = scores[twice].iloc[0]
        raise StoreError(f"{where} has {row['mask_id']} at step {row['step']} twice with seed {row['seed']}; {again}")
    if np.isinf(scores[list(SCORED)].to_numpy(dtype=float)).any():
        raise StoreError(f"{where} has an infinite score where null was meant; {again}")
