"""The leaderboard: from finished runs to Markdown, CSV, JSON and one self-contained HTML page.

The files are a pure function of the runs: the same rows give the same bytes, whatever their order.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench import published
from bench.finished import FinishedRun, images, patient_keys, read_groups, rows_sha256
from bench.gap import LevelGap, gaps
from bench.published import Result
from bench.statistics.aggregate import aggregate
from bench.statistics.bootstrap import stratify
from bench.statistics.comparisons import Comparison, compare, tie_groups
from bench.statistics.coverage import Coverage, coverage
from bench.statistics.figures import ALL, FAILED_IS_ZERO, OVER_MASKS, Figure, Figures, Key
from bench.statistics.headline import align
from bench.statistics.ranking import Rank
from bench.statistics.schemes import agreement, rank_all
from bench.training.leaks import Leak, of_run
from curate.files import write_bytes

if TYPE_CHECKING:
    from bench.page.cases import Sources

Definitions = Sequence[tuple[str, str]]
"""(metric, its definition in words)."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One model of the table."""

    name: str
    is_reference: bool
    facts: Mapping[str, Any]
    """What `run.json` says."""
    rows_sha256: str
    coverage: Coverage
    ranks: Mapping[str, Rank]
    """Scheme (an aggregation, or one of `bench.statistics.ranking`) -> rank.

    Empty for references and for models that cover only part of the suite.
    """


@dataclass(frozen=True, slots=True)
class Board:
    """Everything that the writers lay out."""

    entries: tuple[Entry, ...]
    """Best first: ranked models, then those of partial coverage, then references."""
    steps: tuple[int, ...]
    figures: Figures
    tolerances: tuple[tuple[str, float], ...]
    """(unit, tolerance) pairs that NSD was measured with."""
    definitions: tuple[tuple[str, str], ...]
    published: tuple[Result, ...] = ()
    """What papers report on the same tasks: shown beside the runs, never ranked or averaged with them."""
    comparisons: tuple[Comparison, ...] = ()
    """Every two models that are no references."""
    tie_groups: tuple[tuple[str, ...], ...] = ()
    """Ranked models, best group first: no test separates a model from the first of its group."""
    agreement: Mapping[tuple[str, str], float | None] = field(default_factory=dict)
    """Two schemes -> Kendall's tau-b between their places."""
    gaps: Mapping[str, tuple[LevelGap, ...]] = field(default_factory=dict)
    """Model that is no reference -> its generalisation gaps at the last step."""
    leaks: Mapping[str, tuple[Leak, ...]] = field(default_factory=dict)
    """Model that is no reference -> images that it was, or may have been, trained on."""

    @property
    def last_step(self) -> int:
        """The step that the headline is about."""
        return self.steps[-1]

    @property
    def stability(self) -> Mapping[str, tuple[float, ...] | None]:
        """Ranked model -> shares of the resamples in which it has place 1, 2, ...; None for too few patients."""
        return {entry.name: entry.ranks[OVER_MASKS].shares for entry in self.entries if entry.ranks}

    @property
    def facts(self) -> Mapping[str, Any]:
        """Suite, protocol and store, which all runs share."""
        return self.entries[0].facts

    def figure(
        self,
        model: str,
        metric: str = "dice",
        *,
        split: tuple[str, str] = (ALL, ALL),
        step: int | None = None,
        policy: str = FAILED_IS_ZERO,
        aggregation: str = OVER_MASKS,
    ) -> Figure | None:
        """Look one figure up; None when the model has no such split."""
        key = Key(model, *split, self.last_step if step is None else step, metric, policy, aggregation)
        return self.figures.get(key)


def write(
    runs: Sequence[Path], out: Path, definitions: Definitions = (), sources: "Sources | None" = None
) -> list[Path]:
    """Write the leaderboard of some runs: one board per suite, protocol and store.

    Args:
        runs: Folders with `run.json` and `scores.parquet`.
        out: Folder for `leaderboard.md`, `leaderboard.csv`, `leaderboard.json`, `index.html` and `tables`.
        definitions: Metrics and their definitions, as the pages print them.
        sources: Where the images of cases come from; None for no pages of cases.

    Returns:
        The paths of the files, in that order; the pages of further boards stand behind `index.html`.

    Raises:
        UsageError: Runs of one suite and protocol that cannot share one table.
        StoreError: A run that cannot be read.
    """
    from bench.page import files, html, markdown, tidy

    groups = read_groups(runs)
    boards = tuple(build(group, definitions) for group in groups)
    texts = {
        "leaderboard.md": markdown.render(boards),
        "leaderboard.csv": tidy.to_csv(boards),
        "leaderboard.json": tidy.to_json(boards),
    }
    for name, text in texts.items():
        write_bytes(out / name, text.encode())
    pages = html.write(boards, groups, out, sources)
    return [*(out / name for name in texts), *pages, *files.write(boards, out / "tables")]


def build(runs: Sequence[FinishedRun], definitions: Definitions = ()) -> Board:
    """Compute everything that a leaderboard says.

    Args:
        runs: Runs of one table, as one group of `read_groups`.
        definitions: Metrics and their definitions.
    """
    from threadpoolctl import threadpool_limits

    steps = tuple(sorted({int(step) for run in runs for step in run.scores["step"].unique()}))
    strata = stratify(key for run in runs for key in patient_keys(run))
    covered = coverage(runs, steps)
    ranked = [run.model for run in runs if not run.is_reference and covered[run.model].complete]
    with threadpool_limits(1, user_api="blas"):  # sums of several threads differ in their last digits
        aggregates = {run.model: aggregate(run, strata, steps) for run in runs}
        rivals = align({run.model: aggregates[run.model].last for run in runs if not run.is_reference})
        comparisons = compare(rivals, ranked, strata)
        ranks = rank_all({model: aggregates[model] for model in ranked}, rivals, strata) if ranked else {}
    entries = [
        Entry(
            run.model,
            run.is_reference,
            run.facts,
            rows_sha256(run),
            covered[run.model],
            {scheme: places[run.model] for scheme, places in ranks.items() if run.model in places},
        )
        for run in runs
    ]
    ordered = tuple(sorted(entries, key=_place))
    return Board(
        ordered,
        steps,
        {key: figure for one in aggregates.values() for key, figure in one.figures.items()},
        _tolerances(runs),
        tuple(definitions),
        published.of_suite(str(runs[0].facts["suite"]["name"])),
        comparisons,
        tie_groups([entry.name for entry in ordered if entry.ranks], comparisons),
        agreement(ranks),
        {run.model: gaps(run, steps[-1], strata) for run in runs if not run.is_reference},
        {run.model: of_run(run.facts, images(run)) for run in runs if not run.is_reference},
    )


def _place(entry: Entry) -> tuple[bool, float, str]:
    place = entry.ranks[OVER_MASKS].place if entry.ranks else float("inf")
    return entry.is_reference, place, entry.name


def _tolerances(runs: Sequence[FinishedRun]) -> tuple[tuple[str, float], ...]:
    columns = ["distance_unit", "tolerance"]
    found = [run.scores.loc[run.scores["nsd"].notna(), columns].dropna().drop_duplicates() for run in runs]
    return tuple(sorted({(str(unit), float(tolerance)) for rows in found for unit, tolerance in rows.to_numpy()}))
