"""A table of a report as data: what its columns mean and its rows, before anyone writes HTML, Markdown, CSV or JSON."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["word", "count", "number", "flag"]
"""word: text, or a list of words; count: a whole number; number: a measured value; flag: yes, no or unclear."""
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Column:
    """One column; what it holds is in the rows under `name`."""

    name: str
    """As in CSV and JSON, with its unit."""
    title: str
    kind: Kind = "word"
    why: str = "not stated"
    """Why there is no value, where there is none."""
    note_of: str | None = None
    """Column in whose cell it stands in small type on the page; None for a cell of its own."""
    link_of: str | None = None
    """Column whose text on the page is a link to it; it has no cell of its own."""
    only_files: bool = False
    """True when it stands in CSV and JSON only."""

    @property
    def has_cell(self) -> bool:
        """True when the page shows it as a column."""
        return not (self.note_of or self.link_of or self.only_files)


@dataclass(frozen=True, slots=True)
class Table:
    """One table."""

    key: str
    """Name of its files."""
    title: str
    caption: str
    """What is counted, over what."""
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    shown_rows: int = 200
    """Rows on the page; CSV and JSON have all of them."""

    @property
    def cells(self) -> tuple[Column, ...]:
        """The columns of the page."""
        return tuple(column for column in self.columns if column.has_cell)

    def notes(self, name: str) -> tuple[Column, ...]:
        """Return the columns that stand in small type below another."""
        return tuple(column for column in self.columns if column.note_of == name)

    def link(self, name: str) -> Column | None:
        """Return the column that another one's text leads to."""
        return next((column for column in self.columns if column.link_of == name), None)


def of(key: str, title: str, caption: str, columns: tuple[Column, ...], rows: Iterable[Row], shown: int = 200) -> Table:
    """Make a table.

    Raises:
        ValueError: When a row's keys are not exactly the columns.
    """
    found = tuple(rows)
    names = {column.name for column in columns}
    for row in found:
        if row.keys() != names:
            raise ValueError(f"{key}: row has unknown {sorted(row.keys() - names)}, lacks {sorted(names - row.keys())}")
    return Table(key, title, caption, columns, found, shown)


def counts(*names: str) -> tuple[Column, ...]:
    """Return columns of whole numbers that are called as they are named."""
    return tuple(Column(name, name.replace("_", " ").capitalize(), "count") for name in names)
