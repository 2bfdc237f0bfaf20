"""The leaderboard: from finished runs to Markdown, CSV, JSON and one self-contained HTML page.

The files are a pure function of the runs: the same rows give the same bytes, whatever their order.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bench import published
from bench.board import Board, Entry
from bench.finished import FinishedRun, images, patient_keys, read_groups, rows_sha256
from bench.gap import gaps
from bench.statistics.aggregate import aggregate
from bench.statistics.bootstrap import stratify
from bench.statistics.comparisons import compare, tie_groups
from bench.statistics.coverage import coverage
from bench.statistics.figures import OVER_MASKS
from bench.statistics.headline import align
from bench.statistics.schemes import agreement, rank_all
from bench.training.leaks import of_run
from curate.files import write_bytes

if TYPE_CHECKING:
    from bench.page.cases import Sources

Definitions = Sequence[tuple[str, str]]
"""(metric, its definition in words)."""


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
