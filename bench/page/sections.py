"""The order of a leaderboard: the table, the curves, seen and unseen, by dataset, coverage, definitions, sources."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from bench.figures import GROUPS, OVER_DATASETS, OVER_MASKS
from bench.leaderboard import Board
from bench.page import glossary, published_tables, tables, words
from bench.page.cells import Cell
from bench.page.tables import Table

_GROUPS = dict(zip(GROUPS, ("By group of the suite", "By dataset", "By modality", "By anatomical group"), strict=True))


@dataclass(frozen=True, slots=True)
class Section:
    """One part of the page."""

    key: str
    title: str
    tables: tuple[Table, ...]
    text: str = ""
    chart: str = ""
    """`steps` or `seen`: the chart above the tables."""
    folded: tuple[Table, ...] = ()
    """Tables that a reader opens on demand."""


def sections(board: Board) -> tuple[Section, ...]:
    """Lay the whole leaderboard out, first things first; what has no rows is left out."""
    found = [
        replace(section, tables=_filled(section.tables), folded=_filled(section.folded))
        for section in (*_results(board), *_background(board))
    ]
    return tuple(section for section in found if section.tables)


def _filled(some: Iterable[Table]) -> tuple[Table, ...]:
    return tuple(table for table in some if table.groups)


def _results(board: Board) -> tuple[Section, ...]:
    return (
        Section(
            "table", "The table", (tables.headline(board),), "In brackets: 95 % intervals; for ranks, of the rank."
        ),
        Section(
            "curves",
            "Dice over prompting steps",
            (tables.by_step(board, OVER_MASKS),),
            chart="steps",
            folded=(tables.by_step(board, OVER_DATASETS),),
        ),
        Section(
            "seen-unseen",
            "Seen and unseen targets",
            (tables.seen_targets(board),),
            chart="seen",
            folded=(tables.seen_targets_by_step(board), tables.seen_levels(board)),
        ),
        _published(board),
        Section(
            "groups",
            "By dataset, modality and anatomy",
            tuple(tables.grouped(board, group, _GROUPS[group]) for group in ("dataset", "modality", "anatomy_group")),
            folded=(tables.grouped(board, "suite_group", _GROUPS["suite_group"]),),
        ),
    )


def _published(board: Board) -> Section:
    whole, parts = published_tables.whole(board.published), published_tables.parts(board.published)
    shown, folded = ((whole,), (parts,)) if whole.groups else ((parts,), ())
    return Section("published", "Published results", shown, published_tables.CAVEAT, folded=folded)


def _background(board: Board) -> tuple[Section, ...]:
    return (
        Section("coverage", "Coverage and failures", (tables.coverage(board),), folded=(tables.losses(board),)),
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
