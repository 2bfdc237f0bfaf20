"""The order of the study: answers, gaps, curves, what was held out, the papers' tables, definitions, sources."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from bench.page.cells import Cell
from bench.page.gap_tables import what
from bench.page.tables import Table, of_rows
from bench.statistics.figures import LEVELS
from bench.transfer import charts, glossary, levels, words
from bench.transfer.findings import Findings
from bench.transfer.held_out import COLUMNS_OF
from bench.transfer.held_out_tables import held_out_table, unknown_table
from bench.transfer.papers import sam_med2d, sam_med3d, sam_unet
from bench.transfer.reading import Study

_LONG = 40
"""Tables of more rows are opened on demand."""


@dataclass(frozen=True, slots=True)
class Block:
    """A table, and the chart that stands above it."""

    table: Table
    chart: str = ""
    """`<svg>` element."""
    folded: bool = False
    """Opened on demand."""


@dataclass(frozen=True, slots=True)
class Section:
    """One part of the page."""

    key: str
    title: str
    text: str
    blocks: tuple[Block, ...]


def sections(study: Study, found: Sequence[Findings]) -> tuple[Section, ...]:
    """Lay the whole study out, first things first; tables without rows and sections without tables are left out."""
    made = (
        Section("answers", "What was seen", words.cards(study), (Block(levels.answers(found)),)),
        Section("gap", "The generalisation gap", glossary.GAP_IN_SHORT, _gaps(found)),
        Section("curves", "Dice over prompting steps", "", tuple(_curves(study, found))),
        Section("held-out", "Which targets transfer", glossary.HELD_OUT_IN_SHORT, _held_out(found)),
        _paper("sam-med3d", "In the layout of SAM-Med3D", sam_med3d.tables(found, study)),
        _paper("sam-med2d", "In the layout of SAM-Med2D", sam_med2d.tables(found, study)),
        _paper("sam-unet", "In the layout of SAM-UNet", sam_unet.tables(found, study)),
        Section("definitions", "Definitions", "", (Block(_prose("Terms", ("Term", "Meaning"), glossary.terms())),)),
        Section("runs", "Runs", "", tuple(_sources(study))),
    )
    filled = (replace(one, blocks=tuple(map(_fold_long, filter(_has_rows, one.blocks)))) for one in made)
    return tuple(section for section in filled if section.blocks)


def _has_rows(block: Block) -> bool:
    return bool(block.table.groups)


def _fold_long(block: Block) -> Block:
    n_rows = sum(len(group.rows) for group in block.table.groups)
    return replace(block, folded=block.folded or n_rows > _LONG)


def _curves(study: Study, found: Sequence[Findings]) -> Iterator[Block]:
    for level in LEVELS:
        word = what(level)
        title = f"Dice over steps on seen, unseen and unknown {word}s"
        chart = charts.level_curves(found, level, word, title)
        yield Block(levels.curves(found, level, study.steps), chart, folded=level != LEVELS[0])


def _gaps(found: Sequence[Findings]) -> tuple[Block, ...]:
    return Block(levels.last_gaps(found)), Block(levels.gaps_by_step(found), folded=True)


def _held_out(found: Sequence[Findings]) -> tuple[Block, ...]:
    """Fold the tables of runs that have seen nothing: they have no gap."""
    blocks = [
        Block(held_out_table(one, level), folded=all(item.gap.value is None for item in one.held_out[level]))
        for level in COLUMNS_OF
        for one in found
    ]
    return (*sorted(blocks, key=lambda block: block.folded), Block(unknown_table(found), folded=True))


def _paper(key: str, title: str, tables: Sequence[Table]) -> Section:
    return Section(key, title, glossary.PUBLISHED_IN_SHORT, tuple(map(Block, tables)))


def _sources(study: Study) -> Iterator[Block]:
    columns = ("Run", "Model", "Licence", "Training card", "Prompts", "Seeds", "Steps", "Rows sha256")
    yield Block(_prose("Runs", columns, words.runs(study)))
    yield Block(_prose("Data", ("What", "Value"), words.data(study)))


def _prose(title: str, columns: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> Table:
    return of_rows(title, "", columns, ([Cell(text) for text in row] for row in rows), words=len(columns))
