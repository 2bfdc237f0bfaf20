"""The order of a leaderboard: the table, how sure it is, the curves, seen and unseen, groups, failures, sources."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from bench.board import Board
from bench.page import (
    coverage_tables,
    gap_tables,
    glossary,
    leak_tables,
    main_tables,
    published_tables,
    rank_tables,
    seen_tables,
    tables,
    words,
)
from bench.page.cells import Cell
from bench.page.tables import Table
from bench.statistics.figures import OVER_DATASETS, OVER_MASKS, OVER_TARGETS

_GROUPS = {
    "dataset": "By dataset",
    "modality": "By modality",
    "anatomy_group": "By anatomical group",
    "kind": "By kind of target",
    "size": "By size of target",
    "target": "By target",
    "suite_group": "By group of the suite",
}


@dataclass(frozen=True, slots=True)
class Section:
    """One part of the page."""

    key: str
    title: str
    tables: tuple[Table, ...]
    text: str = ""
    chart: str = ""
    """Key of the chart above the tables: `steps`, `seen`, `stability`, `heatmap` or `failures`."""
    folded: tuple[Table, ...] = ()
    """Tables that a reader opens on demand."""


def sections(board: Board) -> tuple[Section, ...]:
    """Lay the whole leaderboard out, first things first; what has no rows is left out."""
    found = [
        replace(section, tables=_filled(section.tables), folded=_filled(section.folded))
        for section in (*_results(board), *_parts(board), *_background(board))
    ]
    return tuple(section for section in found if section.tables or section.folded)


def _filled(some: Iterable[Table]) -> tuple[Table, ...]:
    return tuple(table for table in some if table.groups)


def _results(board: Board) -> tuple[Section, ...]:
    return (
        Section(
            "table", "The table", (main_tables.headline(board),), "In brackets: 95 % intervals; for ranks, of the rank."
        ),
        Section(
            "ranking",
            "How sure is the order",
            (rank_tables.tie_groups(board), rank_tables.schemes(board)),
            "The winner may change with the way of ranking and with the patients, so there are several of both.",
            chart="stability",
            folded=(rank_tables.pairs(board), rank_tables.agreement(board)),
        ),
        Section(
            "curves",
            "Dice over prompting steps",
            (main_tables.by_step(board, OVER_MASKS), main_tables.over_steps(board), main_tables.between_seeds(board)),
            chart="steps",
            folded=tuple(main_tables.by_step(board, aggregation) for aggregation in (OVER_TARGETS, OVER_DATASETS)),
        ),
        Section(
            "seen-unseen",
            "Seen and unseen targets",
            (seen_tables.targets(board), gap_tables.gaps(board)),
            chart="seen",
            folded=(seen_tables.targets_by_step(board), seen_tables.levels(board)),
        ),
        Section("leaks", "Leaks", (leak_tables.summary(board),), folded=(leak_tables.images(board),)),
        _published(board),
    )


def _published(board: Board) -> Section:
    whole, parts = published_tables.whole(board.published), published_tables.parts(board.published)
    shown, folded = ((whole,), (parts,)) if whole.groups else ((parts,), ())
    return Section("published", "Published results", shown, published_tables.CAVEAT, folded=folded)


def _parts(board: Board) -> tuple[Section, ...]:
    grouped = {key: main_tables.grouped(board, key, title) for key, title in _GROUPS.items()}
    return (
        Section(
            "groups",
            "By dataset, modality, anatomy and size",
            tuple(grouped[key] for key in ("dataset", "modality", "anatomy_group", "size")),
            chart="heatmap",
            folded=tuple(grouped[key] for key in ("kind", "suite_group", "target")),
        ),
        Section(
            "coverage",
            "Coverage and failures",
            (coverage_tables.coverage(board), coverage_tables.failures(board)),
            chart="failures",
            folded=(coverage_tables.losses(board),),
        ),
        Section("cost", "Time and memory", (coverage_tables.cost(board),)),
    )


def _background(board: Board) -> tuple[Section, ...]:
    return (
        Section(
            "definitions",
            "Definitions",
            (
                _prose("Metrics", ("Metric", "Definition"), board.definitions),
                _prose("Statistics and statuses", ("Term", "Meaning"), glossary.statistics(board)),
            ),
        ),
        Section(
            "licences",
            "Licences of data and weights",
            (
                _prose("Datasets", ("Dataset", "Title", "Licence", "Citation"), words.datasets(board)),
                _prose("Models", ("Model", "Description", "Licence", "Weights", "Training card"), words.models(board)),
            ),
        ),
        Section("provenance", "Provenance", (_prose("Runs", ("What", "Value"), words.provenance(board)),)),
    )


def _prose(title: str, columns: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Table:
    """Make a table of words only."""
    return tables.of_rows(title, "", columns, ([Cell(text) for text in row] for row in rows), words=len(columns))
