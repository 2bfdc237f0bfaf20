"""A table of a leaderboard, before anyone decides between Markdown, HTML, LaTeX and CSV."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bench.board import Board, Entry
from bench.page.cells import DASH, Cell

Rows = tuple[tuple[Cell, ...], ...]


@dataclass(frozen=True, slots=True)
class Group:
    """Rows that stand apart from the other rows of their table, under a title of their own."""

    title: str
    rows: Rows


@dataclass(frozen=True, slots=True)
class Table:
    """One table; the first `words` columns are text, the others numbers."""

    title: str
    caption: str
    columns: tuple[str, ...]
    groups: tuple[Group, ...]
    words: int = 1


def of_rows(
    title: str, caption: str, columns: tuple[str, ...], rows: Iterable[Sequence[Cell]], words: int = 1
) -> Table:
    """Make a table of one group, or of none when there are no rows."""
    found = tuple(tuple(row) for row in rows)
    return Table(title, caption, columns, (Group("", found),) if found else (), words)


def rivals(board: Board) -> list[Entry]:
    """Return the models that compete: all but those that are shown the reference."""
    return [entry for entry in board.entries if not entry.is_reference]


def name_cell(entry: Entry) -> Cell:
    """Print a model's name with what sets it apart."""
    return Cell(entry.name, remarks(entry))


def remarks(entry: Entry) -> tuple[str, ...]:
    """Say what sets a model apart wherever its name stands."""
    reference = ("reference",) if entry.is_reference else ()
    return reference if entry.coverage.complete else (*reference, "partial coverage")


def tolerances(board: Board) -> str:
    """Name the tolerances of NSD, such as `2 mm` or `1 pixel, 2 mm`."""
    units = sorted({unit for unit, _ in board.tolerances})
    spans = []
    for unit in units:
        values = [value for other, value in board.tolerances if other == unit]
        span = f"{min(values):g}" if min(values) == max(values) else f"{min(values):g}{DASH}{max(values):g}"
        spans.append(f"{span} {unit}")
    return ", ".join(spans) or "tolerance unknown"
