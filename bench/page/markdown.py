"""The leaderboard as Markdown."""

from collections.abc import Iterator, Sequence

from bench.board import Board
from bench.page import words
from bench.page.cells import Cell
from bench.page.sections import sections
from bench.page.tables import Table
from bench.page.tidy import aggregator
from curate.webpage.markdown import escape, grid


def render(boards: Sequence[Board]) -> str:
    """Write the tables of every board as Markdown; where HTML has a tooltip, the reason stands in parentheses."""
    parts = [part for board in boards for part in _board(board)]
    parts.append(f"Computed by {escape(aggregator())}.")
    return "\n\n".join(part for part in parts if part) + "\n"


def _board(board: Board) -> Iterator[str]:
    yield f"# {escape(words.title(board))}"
    yield escape(words.question(board))
    yield f"**{escape(words.answer(board))}**"
    yield from (escape(caveat) for caveat in words.caveats(board))
    for section in sections(board):
        yield f"## {escape(section.title)}"
        yield escape(section.text)
        for table in (*section.tables, *section.folded):
            yield from _table(table)


def render_table(table: Table) -> str:
    """Write one table alone, as Markdown."""
    return "\n\n".join(part for part in _table(table) if part) + "\n"


def _table(table: Table) -> Iterator[str]:
    yield f"### {escape(table.title)}"
    yield escape(table.caption)
    are_numbers = [column >= table.words for column in range(len(table.columns))]
    for group in table.groups:
        if group.title:
            yield f"#### {escape(group.title)}"
        yield grid(table.columns, are_numbers, [[_cell(cell) for cell in row] for row in group.rows])


def _cell(cell: Cell) -> str:
    if cell.why:
        return f"{escape(cell.text)} ({escape(cell.why)})"
    return escape(" ".join((cell.text, *cell.notes)))
