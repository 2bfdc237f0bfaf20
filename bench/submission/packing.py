"""`bench pack`: a run as one small file, without images, predictions, prompts, paths or names of people."""

import json
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final

from bench.schema import MEASURED, SCORES
from bench.submission import archive, content, redact
from bench.submission.content import Submission
from bench.submission.problem import SubmissionError
from curate import manifest
from curate.errors import MedseenError, UsageError
from curate.files import sha256_of_file
from curate.schema import arrow_schema

if TYPE_CHECKING:
    import pandas as pd

_KEY: Final = ["mask_id", "protocol", "seed", "step"]
_DECIMALS = 6
_OF_THE_MACHINE: Final[dict[str, Any]] = {"commit": None, "device": None, "store": {"sha256": None}}


@dataclass(frozen=True, slots=True)
class Packed:
    """What was written."""

    path: Path
    rows: int
    masks: int
    bytes: int


def pack(run: Path, out: Path, *, portable: bool = False) -> Packed:
    """Write a run as a zip of `run.json` and `scores.parquet`.

    Equal runs give equal bytes with one version of pyarrow: rows and entries are sorted and dates fixed.

    Args:
        run: Folder that `bench run` wrote.
        out: The file.
        portable: Leave out what another machine would give otherwise, as `portable_parts` says it.

    Raises:
        UsageError: When the folder is no finished run.
    """
    if not run.is_dir():
        raise UsageError(f"{run}: no such folder; give one that `bench run` wrote")
    try:
        submission = content.load(run)
    except SubmissionError as problem:
        raise UsageError(f"{run}: {problem}") from problem
    facts, rows = shared_facts(submission), sorted_rows(submission)
    if portable:
        facts, rows = portable_parts(facts, rows)
    files = as_files(facts, rows)
    archive.write(out, files)
    return Packed(out, len(rows), int(rows["mask_id"].nunique()), out.stat().st_size)


def shared_facts(submission: Submission) -> dict[str, Any]:
    """Return `run.json` as others may see it, with the number of masks that the run's own store plans."""
    facts: dict[str, Any] = redact.record(submission.facts)
    card = facts["model"].get("training_card")
    if isinstance(card, str):
        facts["model"]["training_card"] = card.removeprefix(".../")
    planned = _planned(submission)
    return facts if planned is None else {**facts, "planned": {"masks": planned}}


def sorted_rows(submission: Submission) -> "pd.DataFrame":
    """Return the rows by mask, protocol, seed and step, without paths in what went wrong."""
    rows = submission.rows.astype({"mask_id": object, "protocol": object, "detail": object})
    rows["model"] = rows["model"].cat.rename_categories(redact.text)
    found = rows["detail"].notna()
    rows.loc[found, "detail"] = [redact.text(str(detail)) for detail in rows.loc[found, "detail"]]
    return rows.sort_values(_KEY, kind="stable", ignore_index=True)


def portable_parts(facts: dict[str, Any], rows: "pd.DataFrame") -> tuple[dict[str, Any], "pd.DataFrame"]:
    """Return facts and rows that are the same wherever the run is made.

    Left out are times and memory, the commit, the device, all versions but that of medseen, and the hash of the
    store, which compressors of different machines write differently; scores are rounded to 6 decimals.
    """
    versions = {"medseen": facts["versions"].get("medseen")}
    same = {**facts, **_OF_THE_MACHINE, "store": {**facts["store"], "sha256": None}, "versions": versions}
    rows = rows.copy()
    rows[[column.name for column in MEASURED]] = None
    scores = [column.name for column in SCORES if column.kind == "double" and column not in MEASURED]
    rows[scores] = rows[scores].astype(float).round(_DECIMALS) + 0.0  # plus zero: -0.0 would be written as such
    return same, rows


def as_files(facts: dict[str, Any], rows: "pd.DataFrame") -> dict[str, bytes]:
    """Return the two files of a submission."""
    import pyarrow as pa

    schema = arrow_schema(SCORES)
    table = pa.Table.from_pandas(rows[schema.names], schema=schema, preserve_index=False, safe=True)
    with TemporaryDirectory() as folder:
        with manifest.TableWriter(Path(folder) / "scores.parquet", SCORES) as writer:
            writer.add_table(table)
        scores = (Path(folder) / "scores.parquet").read_bytes()
    text = json.dumps(facts, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False)
    return {"run.json": f"{text}\n".encode(), "scores.parquet": scores}


def _planned(submission: Submission) -> int | None:
    """Count the masks of the run's plan, where its store still lies where it was; None where it does not."""
    from bench.submission.of_facts import suite_of
    from bench.suite import units_of

    place, expected = submission.fact("store_path"), suite_of(submission, None)
    stated = submission.fact("planned", "masks")
    if place is None or expected is None:
        return stated if isinstance(stated, int) else None
    try:
        if sha256_of_file(Path(str(place)) / manifest.STORE_PATH) != submission.fact("store", "sha256"):
            return None
        return sum(len(unit.masks) for unit in units_of(expected, Path(str(place))))
    except (OSError, MedseenError):
        return None
