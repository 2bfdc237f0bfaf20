"""Every table of a leaderboard as files of its own: Markdown, CSV, LaTeX and JSON, for papers and programs."""

import csv
import io
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.board import Board
from bench.page import latex, markdown
from bench.page.cells import Cell
from bench.page.sections import sections
from bench.page.tables import Table
from bench.page.words import versioned
from curate.files import write_bytes

_LETTERS = 60


def write(boards: Sequence[Board], out: Path) -> list[Path]:
    """Write `<section>-<table>` in every format; several boards have a numbered folder each.

    Tables that an earlier leaderboard left in the folder are removed.

    Args:
        boards: At least one.
        out: Folder of the tables.
    """
    paths = []
    for number, board in enumerate(boards, start=1):
        folder = out if len(boards) == 1 else out / f"{number}-{slug(_name(board))}"
        for name, table in named_tables(board):
            for suffix, render in FORMATS.items():
                paths.append(folder / f"{name}.{suffix}")
                write_bytes(paths[-1], render(table).encode())
    for old in set(out.rglob("*.*")) - set(paths):
        if old.suffix.removeprefix(".") in FORMATS:
            old.unlink()
    return paths


def named_tables(board: Board) -> Iterator[tuple[str, Table]]:
    """Yield the tables of a board under names that are unique in it."""
    taken: dict[str, int] = {}
    for section in sections(board):
        for table in (*section.tables, *section.folded):
            name = f"{section.key}-{slug(table.title)}"
            taken[name] = taken.get(name, 0) + 1
            yield name if taken[name] == 1 else f"{name}-{taken[name]}", table


def slug(text: str) -> str:
    """Turn any text into a file name of small letters, digits and hyphens."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:_LETTERS].strip("-") or "table"


def to_csv(table: Table) -> str:
    """Write a table as CSV: words as they stand, numbers in full, and beside each number its notes in a column."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    grouped = any(group.title for group in table.groups)
    writer.writerow([*(["Group"] if grouped else []), *(name for column in _columns(table) for name in column)])
    for group in table.groups:
        for row in group.rows:
            cells = [text for number, cell in enumerate(row) for text in _texts(cell, words=number < table.words)]
            writer.writerow([*([group.title] if grouped else []), *cells])
    return stream.getvalue()


def to_json(table: Table) -> str:
    """Write a table as JSON: each cell with its text, its number, its notes and why it has no value."""
    content = {
        "title": table.title,
        "caption": table.caption,
        "columns": list(table.columns),
        "groups": [
            {"title": group.title, "rows": [[_object(cell) for cell in row] for row in group.rows]}
            for group in table.groups
        ],
    }
    return json.dumps(content, ensure_ascii=False, allow_nan=False, indent=1) + "\n"


FORMATS: Mapping[str, Callable[[Table], str]] = {
    "md": markdown.render_table,
    "csv": to_csv,
    "tex": latex.render_table,
    "json": to_json,
}
"""Suffix -> writer."""


def _columns(table: Table) -> Iterator[tuple[str, ...]]:
    for number, column in enumerate(table.columns):
        yield (column,) if number < table.words else (column, f"{column}: interval and n")


def _texts(cell: Cell, *, words: bool) -> tuple[str, ...]:
    if words:
        return ("; ".join((cell.text, *cell.notes)),)
    value = "" if cell.order is None else str(cell.order)
    return value, "; ".join((*cell.notes, *([cell.why] if cell.why else [])))


def _object(cell: Cell) -> dict[str, Any]:
    content = {"text": cell.text, "value": cell.order, "notes": list(cell.notes), "why": cell.why}
    return {name: value for name, value in content.items() if value not in (None, [], "") or name == "text"}


def _name(board: Board) -> str:
    return f"{versioned(board.facts.get('suite'))} {versioned(board.facts.get('protocol'))}"
