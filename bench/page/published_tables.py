"""The tables of published numbers, which stand apart from everything that was run."""

from collections.abc import Sequence

from bench.page.cells import DASH, Cell
from bench.page.tables import Table, of_rows
from bench.published import Result, papers

CAVEAT = (
    "As papers report them for the same tasks, from their own copies of the data: not run here, never ranked, and part "
    "of no mean above."
)
_COLUMNS = ("Published model", "Weights", "Targets", "Part", "Prompts", "Metric", "Source", "Note", "Value")


def whole(results: Sequence[Result]) -> Table:
    """Lay out the numbers of all masks, or of all seen or unseen ones."""
    return _table("Published: all masks", [one for one in results if one.dataset is None and one.group is None])


def parts(results: Sequence[Result]) -> Table:
    """Lay out the numbers of one dataset or group."""
    return _table("Published: by dataset or group", [one for one in results if one.dataset or one.group])


def _table(title: str, results: Sequence[Result]) -> Table:
    return of_rows(title, "", _COLUMNS, map(_row, results), words=len(_COLUMNS) - 1)


def _row(result: Result) -> tuple[Cell, ...]:
    part = " ".join(filter(None, (result.group or result.dataset, result.modality)))
    return (
        Cell(f"{result.model} (published)"),
        Cell(result.weights or DASH),
        Cell(result.target_level),
        Cell(part or DASH),
        Cell(_prompts(result)),
        Cell(result.metric),
        Cell(f"{papers()[result.paper].citation}, {result.place}"),
        Cell(result.note or DASH),
        Cell(_value(result), order=result.value),
    )


def _value(result: Result) -> str:
    return f"{result.value:.2f} %" if result.unit == "%" else f"{result.value:g} {result.unit}".removesuffix(" 1")


def _prompts(result: Result) -> str:
    """Say what was shown, such as `random-error, 3 clicks per slice`."""
    if result.clicks is None:
        return result.protocol
    return f"{result.protocol}, {result.clicks} click{'s' if result.clicks > 1 else ''} per {result.clicks_per}"
