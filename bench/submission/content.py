"""What a submission holds: the facts of `run.json` and the rows of `scores.parquet`, from a run's folder or a zip."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from bench.submission import archive, table
from bench.submission.problem import SubmissionError, quoted
from curate.errors import UsageError

if TYPE_CHECKING:
    import pandas as pd

_FIX = "pack the run again: bench pack RUN --out FILE.zip"
_OBJECTS = ("model", "suite", "protocol", "store", "versions")
"""Entries of `run.json` that are objects."""


@dataclass(frozen=True, slots=True, eq=False)
class Submission:
    """One model on one suite, as somebody handed it in; nothing in it is believed yet."""

    facts: Mapping[str, Any]
    """What `run.json` says."""
    rows: "pd.DataFrame"
    """All columns of `bench.schema.SCORES`, in the order of the file; words are categorical."""
    folder: Path | None = None
    """Folder of the run; None for a zip, which holds no prompts."""

    @property
    def model(self) -> str:
        """Name of the model."""
        return str(self.facts["model"]["name"])

    def fact(self, *keys: str) -> Any:
        """Return what `run.json` says at a path of keys; None where it says nothing."""
        value: Any = self.facts
        for key in keys:
            value = value.get(key) if isinstance(value, Mapping) else None
        return value


def load(path: Path) -> Submission:
    """Read a run's folder or a packed run.

    Raises:
        UsageError: When there is no such folder or file.
        SubmissionError: When it cannot be read as a submission.
    """
    if path.is_dir():
        files = {name: _of_folder(path / name, most) for name, most in archive.MOST_BYTES.items()}
    elif path.is_file():
        files = archive.read(path)
    else:
        raise UsageError(f"{path}: no such file; give a folder that `bench run` wrote, or what `bench pack` made of it")
    return Submission(_facts(files["run.json"]), table.read(files["scores.parquet"]), path if path.is_dir() else None)


def _of_folder(path: Path, most: int) -> bytes:
    try:
        size = path.stat().st_size
        content = path.read_bytes() if size <= most else b""
    except OSError as error:
        raise SubmissionError(
            "files", f"{path.name} cannot be read ({error.strerror})", "finish the run: the same `bench run` again"
        ) from None
    if size > most:
        raise SubmissionError("files", f"{path.name} has {size} bytes, more than {most}", _FIX)
    return content


def _facts(content: bytes) -> dict[str, Any]:
    """Parse `run.json`; refuse what JSON does not have, and what is no record of a run."""
    try:
        facts = json.loads(content.decode("utf-8"), parse_constant=_refuse, parse_float=_finite)
    except (ValueError, RecursionError) as error:
        raise SubmissionError("files", f"run.json cannot be read: {quoted(error)}", _FIX) from None
    lacking = [name for name in _OBJECTS if not isinstance(facts, dict) or not isinstance(facts.get(name), dict)]
    if lacking:
        raise SubmissionError("files", f"run.json does not say its {', '.join(lacking)}", _FIX)
    if not isinstance(facts["model"].get("name"), str) or not facts["model"]["name"].strip():
        raise SubmissionError("files", "run.json does not name its model (model.name)", _FIX)
    found: dict[str, Any] = facts
    return found


def _refuse(word: str) -> NoReturn:
    raise ValueError(f"{word} is no JSON")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"the number {text:.20} is out of range")
    return value
