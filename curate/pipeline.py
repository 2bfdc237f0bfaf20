"""The story of `curate`: from source trees and recipes to a store."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tqdm import tqdm

from curate import case as cases
from curate import executor, scan, store
from curate.case import Piece
from curate.executor import Where
from curate.profile import Profile
from curate.recipe import Recipe
from curate.rejections import Rejection
from curate.scan import Case, Found
from curate.store import Resume


@dataclass(frozen=True, slots=True)
class Source:
    """A recipe and the folder where its dataset lies."""

    recipe: Recipe
    raw: Path


@dataclass(frozen=True, slots=True)
class Report:
    """What became of one dataset."""

    dataset: str
    cases: int
    reused: int
    """Cases that an earlier build had finished."""
    images: int
    masks: int
    rejections: Mapping[str, int]
    """Code -> rows, for every stage but `rule`."""
    decisions: Mapping[str, int]
    """Code -> rows of the profile's rules."""
    surprises: Sequence[str] = field(default_factory=list)
    """Where the counts differ from what the recipe expects; a clean build has none."""


def build(
    sources: Sequence[Source], out: Path, profile: Profile, where: Where, resume: Resume = "missing"
) -> list[Report]:
    """Build a store from source trees: scan, then harmonise case by case in parallel, then write the tables.

    Args:
        sources: What to build from; other datasets that are in the store already stay there.
        out: Root of the store. A killed build continues where it was; a finished one builds only what changed.
        profile: How to harmonise and clean.
        where: Threads, processes or a dask cluster.
        resume: Which finished cases to keep.

    Returns:
        A report per dataset, in the order of `sources`.

    Raises:
        UsageError: For a missing source folder, a folder that is no store, or a store of another profile.
    """
    found = {source.recipe.dataset.id: scan.find(source.recipe, source.raw) for source in sources}
    store.prepare(out, profile)
    reports: list[Report] = []
    rows: list[dict[str, Any]] = []
    files: dict[str, str] = {}
    for source in sources:
        recipe, dataset = source.recipe, source.recipe.dataset.id
        pieces, reused = _build_cases(source, found[dataset], out, profile, where, resume)
        rows.append(store.finish_dataset(out, recipe, profile, found[dataset], pieces))
        files |= {path: digest for piece in pieces.values() for path, digest in piece.files.items()}
        reports.append(_report(recipe, profile, found[dataset], pieces, reused))
    store.finish(out, profile, rows, files)
    return reports


@dataclass(frozen=True, slots=True)
class _Task:
    """One case with all that a worker needs."""

    case: Case
    mark: str
    source: Source
    profile: Profile
    out: Path


def _build_cases(
    source: Source, found: Found, out: Path, profile: Profile, where: Where, resume: Resume
) -> tuple[dict[str, Piece], int]:
    """Return the piece of every case, and how many an earlier build had left."""
    pieces: dict[str, Piece] = {}
    tasks: list[_Task] = []
    for case in found.cases:
        mark = store.fingerprint(case, source.recipe, profile, source.raw)
        piece = store.load_piece(out, source.recipe.dataset.id, case.case_id, mark, resume)
        if piece is None:
            tasks.append(_Task(case, mark, source, profile, out))
        else:
            pieces[case.case_id] = piece
    reused = len(pieces)
    results = executor.run(_build_case, tasks, where)
    for task, result in tqdm(results, total=len(tasks), desc=source.recipe.dataset.id, unit="case", disable=None):
        pieces[task.case.case_id] = _failed(task, result) if isinstance(result, BaseException) else result
    return pieces, reused


def _build_case(task: _Task) -> Piece:
    """Build one case on a worker and write its piece down, so that a killed build need not repeat it."""
    piece = cases.build(task.case, task.source.recipe, task.profile, task.source.raw, task.out)
    store.save_piece(task.out, task.source.recipe.dataset.id, task.case.case_id, piece, task.mark)
    return piece


def _failed(task: _Task, error: BaseException) -> Piece:
    """Turn an error that nobody foresaw into rejections of the case's files; the next build tries again."""
    dataset, detail = task.source.recipe.dataset.id, f"{type(error).__name__}: {error}"[:300]
    rows = [
        Rejection(dataset, "build", "unexpected_error", detail, case_id=task.case.case_id, source_path=file.path).row()
        for file in task.case.files
    ]
    return Piece(rejections=rows)


def _report(recipe: Recipe, profile: Profile, found: Found, pieces: Mapping[str, Piece], reused: int) -> Report:
    rows = [rejection.row() for rejection in found.rejections]
    rows += [row for piece in pieces.values() for row in piece.rejections]
    rejections = Counter(row["code"] for row in rows if row["stage"] != "rule")
    decisions = Counter(row["code"] for row in rows if row["stage"] == "rule")
    images = sum(len(piece.images) for piece in pieces.values())
    masks = sum(len(piece.masks) for piece in pieces.values())
    counts = {"cases": len(found.cases), "images": images}
    if not profile.rules and profile.spacing_mm is None:
        counts["masks"] = masks
    surprises = [] if rejections["profile_needs_volume"] else unexpected(recipe, counts, rejections)
    return Report(
        recipe.dataset.id,
        cases=len(pieces),
        reused=reused,
        images=images,
        masks=masks,
        rejections=dict(sorted(rejections.items())),
        decisions=dict(sorted(decisions.items())),
        surprises=surprises,
    )


def unexpected(recipe: Recipe, counts: Mapping[str, int], rejections: Mapping[str, int]) -> list[str]:
    """Compare counts with the recipe's `[expect]`; return what differs, a line each.

    Args:
        recipe: Its `expect` says how many; counts that it leaves out are not compared.
        counts: `cases`, `images` and `masks`, as far as they are known.
        rejections: Code -> rows.
    """
    lines = []
    for name, found in counts.items():
        expected = getattr(recipe.expect, name)
        if expected is not None and expected != found:
            lines.append(f"{name}: found {found}, the recipe expects {expected}")
    expected_codes = recipe.expect.rejections
    for code in sorted({*rejections, *expected_codes}):
        found, expected = rejections.get(code, 0), expected_codes.get(code, 0)
        if found != expected:
            lines.append(f"{code}: found {found}, the recipe expects {expected}")
    return lines
