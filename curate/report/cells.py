"""How a value of a table is printed for people, in HTML and Markdown alike."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from curate.report.table import Column, Row, Table

DASH = "\N{EN DASH}"
CODES_TABLE = "rejections"
"""Key of the table that says what each code means; codes in other tables lead there."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell."""

    text: str
    why: str = ""
    """Why there is no value, when `text` is a dash."""
    link: str = ""
    order: float | None = None
    """What a numeric column is sorted by; None stands last."""
    anchor: str = ""
    """What links lead to."""
    notes: "tuple[Cell, ...]" = ()
    """In smaller type, one line each."""


def rows(table: Table) -> Iterator[tuple[Cell, ...]]:
    """Yield the rows that the page shows."""
    seen: set[str] = set()
    for row in table.rows[: table.shown_rows]:
        anchor = ""
        if table.key == CODES_TABLE and row["code"] not in seen:
            seen.add(row["code"])
            anchor = f"code-{row['code']}"
        first, *others = (cell(table, column, row) for column in table.cells)
        yield (Cell(first.text, first.why, first.link, first.order, anchor, first.notes), *others)


def cell(table: Table, column: Column, row: Row) -> Cell:
    """Print one value with its notes and its link."""
    value = row[column.name]
    notes = tuple(cell(table, note, row) for note in table.notes(column.name) if row[note.name] is not None)
    if value is None or value == []:
        return Cell(DASH, why=column.why, notes=notes)
    linked = table.link(column.name)
    link = str(row[linked.name] or "") if linked else ""
    if column.name == "code" and table.key != CODES_TABLE:
        link = f"#code-{value}"
    prefix = f"{column.title.lower()}: " if column.note_of and column.title == "But" else ""
    return Cell(prefix + text(column, value), link=link, order=_order(column, value), notes=notes)


def text(column: Column, value: Any) -> str:
    """Print a value that is there."""
    if column.kind == "count":
        return f"{value:,}"
    if column.kind == "number":
        return number(float(value))
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def number(value: float) -> str:
    """Print a number as a whole one from 100 on, below with four significant digits; never in the form 1e-05."""
    if abs(value) >= 99.95:
        return f"{value:,.0f}"
    return f"{float(f'{value:.4g}'):.12f}".rstrip("0").rstrip(".")


def cut_note(table: Table) -> str:
    """Say how many rows the page leaves out; empty where it has all."""
    left_out = len(table.rows) - table.shown_rows
    return f"{left_out:,} more rows are in the file." if left_out > 0 else ""


def _order(column: Column, value: Any) -> float | None:
    return float(value) if column.kind in {"count", "number"} else None
