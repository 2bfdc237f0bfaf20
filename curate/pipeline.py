"""The story of `curate`: from source trees and recipes to a store."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tqdm import tqdm

from curate import case as cases
from curate import executor, scan, splits, store
from curate.executor import Where
from curate.files import held
from curate.piece import Piece, Tally
from curate.profile import Profile
from curate.recipe import Recipe
from curate.rejections import NO_FAULT, Rejection
from curate.scan import Case, Found
from curate.source_tree import SourceTree
from curate.store import Finished, Resume

OF_PICTURES = ("profile_needs_volume", "image_rejected")
"""Codes of what a profile for volumes leaves out of a dataset with pictures."""


@dataclass(frozen=True, slots=True)
class Source:
    """A recipe and the folder where its dataset lies."""

    recipe: Recipe
    raw: Path
    roots: Mapping[str, Path] = field(default_factory=dict)
    """Name of another source tree that the recipe reads from -> its folder."""

    @property
    def tree(self) -> SourceTree:
        """Its folders."""
        return SourceTree(self.raw, self.roots).absolute()


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
        UsageError: For a missing source folder, a folder that is no store, a store of another profile, a split that
            the recipe does not map, or a scheduler that does not answer.
    """
    executor.check(where)
    jobs = [_job(source) for source in sources]
    out = out.absolute()
    with held(out, "curate"):
        store.prepare(out, profile)
        tasks = [task for job in jobs for task in _tasks(job, out, profile, resume)]
        finished: list[Finished] = []
        reports: dict[str, Report] = {}
        for job in _completed(jobs, tasks, where):
            finished.append(store.finish_dataset(out, job.source.recipe, profile, job.found, job.failed))
            reports[job.dataset] = _report(profile, job)
        store.finish(out, profile, finished)
    return [reports[job.dataset] for job in jobs]


@dataclass(slots=True)
class _Job:
    """One dataset on its way."""

    source: Source
    found: Found
    tallies: dict[str, Tally] = field(default_factory=dict)
    """case_id -> how much the case added; complete when every case has one. The pieces themselves are on disk."""
    failed: dict[str, Piece] = field(default_factory=dict)
    """case_id -> piece of a case that has none on disk."""
    reused: int = 0

    @property
    def dataset(self) -> str:
        return self.source.recipe.dataset.id


@dataclass(frozen=True, slots=True)
class _Task:
    """One case with all that a worker needs, wherever it runs."""

    case: Case
    mark: str
    recipe: Recipe
    tree: SourceTree
    profile: Profile
    out: Path


def _job(source: Source) -> _Job:
    """Scan one source tree."""
    found = scan.find(source.recipe, SourceTree(source.raw, source.roots))
    splits.check_words(source.recipe, (case.split for case in found.cases))
    return _Job(source, found)


def _tasks(job: _Job, out: Path, profile: Profile, resume: Resume) -> list[_Task]:
    """Take over the cases that an earlier build had finished; return a task for each of the others."""
    tasks = []
    common = store.basis(job.source.recipe, profile)
    for case in job.found.cases:
        mark = store.fingerprint(case, job.source.tree, common)
        piece = store.load_piece(out, job.dataset, case.case_id, mark, resume)
        if piece is None:
            tasks.append(_Task(case, mark, job.source.recipe, job.source.tree, profile, out))
        else:
            job.tallies[case.case_id] = Tally.of(piece)
    job.reused = len(job.tallies)
    return tasks


def _completed(jobs: Sequence[_Job], tasks: Sequence[_Task], where: Where) -> Iterator[_Job]:
    """Run the cases of all datasets as one stream of work; yield each dataset when its last case is done."""
    running = {job.dataset: job for job in jobs}
    waiting = Counter(task.recipe.dataset.id for task in tasks)
    yield from (job for job in jobs if not waiting[job.dataset])
    results = executor.run(_build_case, tasks, where)
    for task, result in tqdm(results, total=len(tasks), desc="build", unit="case", disable=None):
        job, case_id = running[task.recipe.dataset.id], task.case.case_id
        if isinstance(result, BaseException):  # no piece is written down: the next build tries again
            rows = [rejection.row() for rejection in failed(task.case, task.recipe, result)]
            job.failed[case_id] = Piece(rejections=rows)
        job.tallies[case_id] = Tally.of(job.failed[case_id]) if isinstance(result, BaseException) else result
        waiting[job.dataset] -= 1
        if not waiting[job.dataset]:
            yield job


def _build_case(task: _Task) -> Tally:
    """Build one case on a worker and write its piece down, so that a killed build need not repeat it."""
    dataset, case_id = task.recipe.dataset.id, task.case.case_id
    store.drop_piece(task.out, dataset, case_id)
    piece = cases.build(task.case, task.recipe, task.profile, task.tree, task.out)
    store.save_piece(task.out, dataset, case_id, piece, task.mark)
    return Tally.of(piece)


def failed(case: Case, recipe: Recipe, error: BaseException) -> list[Rejection]:
    """Turn an error that nobody foresaw into a rejection of each of the case's files."""
    text = " ".join(f"{type(error).__name__}: {error}".split())
    detail = text.encode("utf-8", "backslashreplace").decode()[:300]
    return [
        Rejection(recipe.dataset.id, "build", "unexpected_error", detail, case_id=case.case_id, source_path=path)
        for path in dict.fromkeys(file.path for file in case.files)
    ]


def _report(profile: Profile, job: _Job) -> Report:
    tallies = job.tallies.values()
    rejections = Counter(rejection.code for rejection in job.found.rejections)
    decisions: Counter[str] = Counter()
    for tally in tallies:
        rejections.update(tally.rejections)
        decisions.update(tally.decisions)
    images, masks = sum(tally.images for tally in tallies), sum(tally.masks for tally in tallies)
    return Report(
        job.dataset,
        cases=len(job.tallies),
        reused=job.reused,
        images=images,
        masks=masks,
        rejections=dict(sorted(rejections.items())),
        decisions=dict(sorted(decisions.items())),
        surprises=_surprises(profile, job, images, masks, rejections),
    )


def _surprises(profile: Profile, job: _Job, images: int, masks: int, rejections: Counter[str]) -> list[str]:
    """Compare with the recipe's expectations, as far as they hold under this profile."""
    recipe = job.source.recipe
    counts = {"cases": len(job.found.cases)}
    if rejections["profile_needs_volume"]:  # pictures are left out whole, so only what goes beyond that surprises
        beyond = Counter({code: rows for code, rows in rejections.items() if code not in OF_PICTURES})
        return unexpected(recipe, counts, beyond | Counter(recipe.expect.rejections))
    if profile.keeps_images:
        counts["images"] = images
    if not profile.rules:
        counts["masks"] = masks
    return unexpected(recipe, counts, rejections)


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
    if counts.get("cases") == 0 and recipe.expect.cases is None:
        lines.append("cases: found none; is --raw the folder that the recipe's paths start from?")
    expected_codes = recipe.expect.rejections
    for code in sorted({*(rejections.keys() - NO_FAULT), *expected_codes}):
        found, expected = rejections.get(code, 0), expected_codes.get(code, 0)
        if found != expected:
            lines.append(f"{code}: found {found}, the recipe expects {expected}")
    return lines
