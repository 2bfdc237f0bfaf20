"""The leaderboard: from finished runs to Markdown, CSV, JSON and one self-contained HTML page.

The files are a pure function of the runs: the same rows give the same bytes, whatever their order.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench import published
from bench.aggregate import aggregate
from bench.bootstrap import MIN_PATIENTS, stratify
from bench.coverage import Coverage, coverage
from bench.figures import ALL, FAILED_IS_ZERO, OVER_DATASETS, OVER_MASKS, Figure, Figures, Key
from bench.finished import FinishedRun, patient_keys, read_comparable, rows_sha256
from bench.published import Result
from bench.ranking import Rank, rank
from curate.files import write_bytes

if TYPE_CHECKING:
    from bench.aggregate import Aggregate

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
    """Aggregation -> rank; empty for references and for models that cover only part of the suite."""


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

    @property
    def last_step(self) -> int:
        """The step that the headline is about."""
        return self.steps[-1]

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


def write(runs: Sequence[Path], out: Path, definitions: Definitions = ()) -> list[Path]:
    """Write the leaderboard of some runs.

    Args:
        runs: Folders with `run.json` and `scores.parquet`.
        out: Folder for `leaderboard.md`, `leaderboard.csv`, `leaderboard.json` and `index.html`.
        definitions: Metrics and their definitions, as the pages print them.

    Returns:
        The four paths.

    Raises:
        UsageError: Runs that cannot share one table.
        StoreError: A run that cannot be read.
    """
    from bench.page import html, markdown, tidy

    board = build(read_comparable(runs), definitions)
    names = ("leaderboard.md", "leaderboard.csv", "leaderboard.json", "index.html")
    paths = [out / name for name in names]
    write_bytes(paths[0], markdown.render(board).encode())
    write_bytes(paths[1], tidy.to_csv(board).encode())
    write_bytes(paths[2], tidy.to_json(board).encode())
    write_bytes(paths[3], html.render(board).encode())
    return paths


def build(runs: Sequence[FinishedRun], definitions: Definitions = ()) -> Board:
    """Compute everything that a leaderboard says.

    Args:
        runs: Comparable runs, as `read_comparable` returns them.
        definitions: Metrics and their definitions.
    """
    steps = tuple(sorted({int(step) for run in runs for step in run.scores["step"].unique()}))
    strata = stratify(key for run in runs for key in patient_keys(run))
    aggregates = {run.model: aggregate(run, strata, steps) for run in runs}
    figures = {key: figure for one in aggregates.values() for key, figure in one.figures.items()}
    covered = coverage(runs, steps)
    ranks = _ranks(
        [run for run in runs if not run.is_reference and covered[run.model].complete], aggregates, figures, steps
    )
    entries = tuple(
        Entry(run.model, run.is_reference, run.facts, rows_sha256(run), covered[run.model], ranks.get(run.model, {}))
        for run in runs
    )
    known = published.of_suite(str(runs[0].facts["suite"]["name"]))
    return Board(tuple(sorted(entries, key=_place)), steps, figures, _tolerances(runs), tuple(definitions), known)


def _ranks(
    runs: Sequence[FinishedRun], aggregates: Mapping[str, "Aggregate"], figures: Figures, steps: Sequence[int]
) -> dict[str, dict[str, Rank]]:
    """Rank by Dice at the last step, failed = 0, once over masks and once over datasets."""
    ranks: dict[str, dict[str, Rank]] = {}
    for aggregation in (OVER_MASKS, OVER_DATASETS):
        found = {
            run.model: figures[Key(run.model, ALL, ALL, steps[-1], "dice", FAILED_IS_ZERO, aggregation)] for run in runs
        }
        values = {model: figure.value for model, figure in found.items() if figure.value is not None}
        enough = all(figure.n_patients >= MIN_PATIENTS for figure in found.values())
        replicates = {model: aggregates[model].headline[aggregation] for model in values} if enough else None
        for model, place in rank(values, replicates).items():
            ranks.setdefault(model, {})[aggregation] = place
    return ranks


def _place(entry: Entry) -> tuple[bool, float, str]:
    place = entry.ranks[OVER_MASKS].place if entry.ranks else float("inf")
    return entry.is_reference, place, entry.name


def _tolerances(runs: Sequence[FinishedRun]) -> tuple[tuple[str, float], ...]:
    columns = ["distance_unit", "tolerance"]
    found = [run.scores.loc[run.scores["nsd"].notna(), columns].dropna().drop_duplicates() for run in runs]
    return tuple(sorted({(str(unit), float(tolerance)) for rows in found for unit, tolerance in rows.to_numpy()}))
