"""The report as Markdown."""

from collections.abc import Iterator, Sequence

from curate.report import cells
from curate.report.cells import Cell
from curate.report.contact import Sheet
from curate.report.facts import Facts
from curate.report.sections import Section
from curate.report.table import Table
from curate.webpage.markdown import escape, grid


def render(facts: Facts, parts: Sequence[Section], sheets: Sequence[Sheet]) -> str:
    """Write the page's tables and pictures as Markdown; where HTML has a tooltip, the reason stands in parentheses."""
    lines = [f"# {escape(facts.title)}", f"**{escape(facts.answer)}**", escape(facts.caveat)]
    for part in parts:
        lines += [f"## {escape(part.title)}", escape(part.text)]
        for table in (*part.tables, *part.folded):
            if table.rows:
                lines += _table(table)
    if sheets:
        lines += ["## Images", *(line for sheet in sheets for line in _sheet(sheet))]
    lines += ["## Made by", "\n".join(f"- {escape(name)}: {escape(value)}" for name, value in facts.provenance)]
    return "\n\n".join(line for line in lines if line) + "\n"


def _table(table: Table) -> Iterator[str]:
    yield f"### {escape(table.title)}"
    yield escape(table.caption)
    yield grid(
        [column.title for column in table.cells],
        [column.kind in {"count", "number"} for column in table.cells],
        [[_cell(one) for one in row] for row in cells.rows(table)],
    )
    yield f"{cells.cut_note(table)} [CSV](tables/{table.key}.csv), [JSON](tables/{table.key}.json)".strip()


def _cell(cell: Cell) -> str:
    text = f"{escape(cell.text)} ({escape(cell.why)})" if cell.why else escape(cell.text)
    return "; ".join((text, *(_cell(note) for note in cell.notes)))


def _sheet(sheet: Sheet) -> Iterator[str]:
    yield f"### {escape(sheet.dataset)}"
    for tile in sheet.tiles:
        name = escape(tile.image_id)
        yield (
            f"![{name}]({tile.file}) {name}, {escape(tile.place)}"
            if tile.file
            else f"{name}: {escape(tile.problem or '')}"
        )
