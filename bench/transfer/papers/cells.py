"""Cells of the papers' tables: Dice in per cent, as the papers print it, and published values, always marked."""

from dataclasses import replace

from bench.page.cells import DASH, Cell, figure_cell
from bench.published import Result, papers
from bench.statistics.figures import Figure

PUBLISHED = "published"


def percent_cell(figure: Figure | None, why: str = "no mask of this run belongs here") -> Cell:
    """Print Dice in per cent with its interval and n; a dash with the reason where no mask is."""
    if figure is None or figure.value is None:
        return Cell(DASH, why=why)
    scaled = replace(
        figure,
        value=100 * figure.value,
        low=None if figure.low is None else 100 * figure.low,
        high=None if figure.high is None else 100 * figure.high,
    )
    return figure_cell(scaled, -1, decimals=2)


def published_cell(result: Result | None, why: str = "the paper gives no number") -> Cell:
    """Print a published value in per cent, marked."""
    if result is None:
        return Cell(DASH, why=why)
    value = result.value * (100 if result.unit == "1" else 1)
    return Cell(f"{value:.2f}", (PUBLISHED, *((result.note,) if result.note else ())), order=value)


def source(result: Result) -> str:
    """Say where a value was published."""
    return f"{papers()[result.paper].citation}, {result.place}"
