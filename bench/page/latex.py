r"""Tables as LaTeX, in the style of booktabs, each a file to `\input` into a paper."""

from collections.abc import Iterator

from bench.page.cells import Cell
from bench.page.tables import Table

_SPECIAL = str.maketrans(
    {
        "\\": r"\textbackslash{}",
        **{character: f"\\{character}" for character in "#$%&_{}"},
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        "<": r"\textless{}",
        ">": r"\textgreater{}",
        "|": r"\textbar{}",
        '"': r"\textquotedbl{}",
        "'": r"\textquotesingle{}",
        "`": r"\textasciigrave{}",
        "[": "{[}",
        "]": "{]}",
        "\N{MINUS SIGN}": "$-$",
        "\N{EN DASH}": "--",
        "\N{MULTIPLICATION SIGN}": r"$\times$",
    }
)


def render_table(table: Table) -> str:
    """Write one table with its caption; intervals and n stand in small type behind their numbers."""
    return "\n".join(_lines(table)) + "\n"


def escape(text: str) -> str:
    """Make text mean itself: no command, no mathematics, one line."""
    return " ".join(text.split()).translate(_SPECIAL)


def _lines(table: Table) -> Iterator[str]:
    width = len(table.columns)
    yield r"% needs \usepackage[T1]{fontenc}, \usepackage{textcomp,booktabs,graphicx}"
    yield r"\begin{table}"
    yield r"\centering"
    yield rf"\caption{{{escape('. '.join(part.rstrip('.') for part in (table.title, table.caption) if part))}.}}"
    yield r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%"
    yield rf"\begin{{tabular}}{{{'l' * table.words}{'r' * (width - table.words)}}}"
    yield r"\toprule"
    yield " & ".join(map(escape, table.columns)) + r" \\"
    for group in table.groups:
        yield r"\midrule"
        if group.title:
            yield rf"\multicolumn{{{width}}}{{l}}{{\emph{{{escape(group.title)}}}}} \\"
        yield from (" & ".join(map(_cell, row)) + r" \\" for row in group.rows)
    yield r"\bottomrule"
    yield r"\end{tabular}}"
    yield r"\end{table}"


def _cell(cell: Cell) -> str:
    notes = " ".join((*cell.notes, *([f"({cell.why})"] if cell.why else [])))
    return rf"{escape(cell.text)} {{\scriptsize {escape(notes)}}}" if notes else escape(cell.text)
