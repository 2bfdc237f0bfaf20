"""`bench leaderboard --add`: a folder of submissions, and the leaderboard that is made anew from all of them."""

import json
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from bench import leaderboard
from bench.leaderboard import Definitions
from bench.schema import MEASURED
from bench.submission import content, packing
from bench.submission.problem import Check, quoted
from bench.submission.validation import validate
from curate.errors import StoreError, UsageError
from curate.files import TEMPORARY_PREFIX, held, remove_temporaries, write_bytes

FOLDER: Final = "submissions"
_DIGEST_LENGTH: Final = 12
_IDENTITY: Final = (("model", "name"), ("suite", "sha256"), ("protocol", "sha256"), ("store", "sha256"))
"""What may stand on a leaderboard once: a model on a suite, by a protocol, over a store."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of some submissions."""

    added: tuple[str, ...]
    """Names of the new folders below `submissions`."""
    replaced: tuple[str, ...]
    """Names of the folders that they took the place of."""
    files: tuple[Path, ...]
    """What was written of the leaderboard."""
    refused: Mapping[str, tuple[Check, ...]]
    """Path -> the checks that it fails; where there is one, nothing was added."""


@dataclass(frozen=True, slots=True, eq=False)
class _Entry:
    """One submission on its way into the folder."""

    name: str
    identity: tuple[str, ...]
    files: Mapping[str, bytes]


def add(
    paths: Sequence[Path],
    board: Path,
    definitions: Definitions = (),
    *,
    replace: bool = False,
    **given: Any,
) -> Outcome:
    """Validate submissions, keep them in `board/submissions`, and make the leaderboard of `board` anew.

    All are added or none. The order in which submissions come makes no difference to any byte.

    Args:
        paths: Packed runs, or folders of runs.
        board: Folder of the leaderboard.
        definitions: Metrics and their definitions, as the pages print them.
        replace: Let a submission take the place of an earlier one of the same model, suite, protocol and store.
        given: `store`, `suite` and `card`, as `validate` takes them.

    Raises:
        UsageError: When one is already there, or another version of its model is and `replace` was not asked for.
    """
    made = {str(path): tuple(one for one in validate(path, **given) if one.result == "fail") for path in paths}
    if refused := {path: checks for path, checks in made.items() if checks}:
        return Outcome((), (), (), refused)
    entries = [_entry(path) for path in paths]
    with held(board, "bench"), _undone_on_error(board) as aside:
        for entry in entries:
            _place(entry, board / FOLDER, aside, replace=replace)
        files = rebuild(board, definitions)
    return Outcome(tuple(entry.name for entry in entries), tuple(sorted(aside)), tuple(files), {})


def rebuild(board: Path, definitions: Definitions = ()) -> list[Path]:
    """Make the leaderboard of a folder from all its submissions.

    Raises:
        UsageError: When it has none.
    """
    runs = _present(board / FOLDER)
    if not runs:
        raise UsageError(f"{board}: has no submissions; add one with `bench leaderboard --add FILE.zip --to {board}`")
    files = leaderboard.write(runs, board, definitions)
    for folder in {file.parent for file in files} - {board}:
        for path in folder.iterdir():
            if path.is_file() and path not in files:  # a table that only an earlier leaderboard had
                path.unlink()
    return files


def rows_sha256(submission: content.Submission) -> str:
    """Return a digest of all rows but for times and memory, whatever their order and file format."""
    rows = packing.sorted_rows(submission).drop(columns=[column.name for column in MEASURED])
    return sha256(rows.to_csv(index=False, lineterminator="\n").encode()).hexdigest()


def _entry(path: Path) -> _Entry:
    submission = content.load(path)
    facts = packing.shared_facts(submission)
    files = packing.as_files(facts, packing.sorted_rows(submission))
    slug = re.sub(r"[^a-z0-9]+", "-", str(facts["model"]["name"]).lower()).strip("-")[:60] or "model"
    return _Entry(f"{slug}-{rows_sha256(submission)[:_DIGEST_LENGTH]}", _identity(facts), files)


def _identity(facts: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(str((facts.get(what) or {}).get(key)) for what, key in _IDENTITY)


def _present(folder: Path) -> list[Path]:
    found = folder.iterdir() if folder.is_dir() else ()
    return sorted(path for path in found if (path / "run.json").is_file() and path.name[:1] != ".")


def _place(entry: _Entry, folder: Path, aside: dict[str, Path], *, replace: bool) -> None:
    """Write one submission; what it replaces is put aside."""
    for path in _present(folder):
        if _identity(_facts(path)) != entry.identity:
            continue
        model = quoted(entry.identity[0])
        if path.name == entry.name:
            raise UsageError(f"{model} with these rows is already there as {path}; nothing was added")
        if not replace:
            raise UsageError(f"another run of {model} is there as {path}; add --replace to put this one in its place")
        aside[path.name] = path.rename(folder / f"{TEMPORARY_PREFIX}{path.name}")
    for name in sorted(entry.files, reverse=True):  # run.json last: with it a submission counts as there
        write_bytes(folder / entry.name / name, entry.files[name])


def _facts(path: Path) -> dict[str, Any]:
    try:
        facts: dict[str, Any] = json.loads((path / "run.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise StoreError(f"{path}/run.json: cannot be read ({error}); delete that folder and add it again") from error
    return facts


@contextmanager
def _undone_on_error(board: Path) -> Iterator[dict[str, Path]]:
    """Yield where replaced folders are noted: name -> where it lies meanwhile; an error brings all back as it was."""
    folder, aside = board / FOLDER, dict[str, Path]()
    _recover(folder)
    before = {path.name for path in _present(folder)}
    try:
        yield aside
    except BaseException:
        for path in _present(folder):
            if path.name not in before:
                shutil.rmtree(path)
        _recover(folder)
        raise
    for path in aside.values():
        shutil.rmtree(path)


def _recover(folder: Path) -> None:
    """Bring back what was put aside and not replaced, and remove files that a killed writer left half-written."""
    there = {_identity(_facts(path)) for path in _present(folder)}
    for path in sorted(folder.glob(f"{TEMPORARY_PREFIX}*")):
        if _identity(_facts(path)) in there:
            shutil.rmtree(path)
        else:
            path.rename(folder / path.name.removeprefix(TEMPORARY_PREFIX))
    remove_temporaries(folder)
