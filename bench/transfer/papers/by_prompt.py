"""Tables whose rows are models and prompts, and whose columns are groups of masks."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from bench.gap import Masks
from bench.page.cells import DASH, Cell, count_cell
from bench.page.tables import Group, Table
from bench.published import Result
from bench.statistics.bootstrap import Strata
from bench.transfer.averages import average_where
from bench.transfer.findings import Findings
from bench.transfer.papers.cells import percent_cell, published_cell, source
from bench.transfer.papers.prompts import prompt_of, prompt_of_result

Chooser = Callable[[Masks], NDArray[np.bool_]]


@dataclass(frozen=True, slots=True)
class Layout:
    """What the columns are."""

    title: str
    caption: str
    columns: Mapping[str, Chooser]
    """Head -> which masks it is of."""
    keys: Mapping[str, tuple[str | None, str]]
    """Head -> group and target level that a published result of it has."""
    outside: bool = False
    """Count masks that no column takes."""


def by_prompt(layout: Layout, found: Sequence[Findings], strata: Strata, results: Sequence[Result] = ()) -> Table:
    """Lay out Dice in per cent: one row per run and step, fewest clicks first, then the published rows."""
    steps = sorted(
        (
            (prompt_of(one.series, step), one.label, at, step)
            for at, one in enumerate(found)
            for step in one.series.steps
        )
    )
    run = tuple(_row(layout, found[at], step, strata) for _, _, at, step in steps)
    groups = [Group("", run)] if not results else [Group("Run here", run)]
    for name, some in groupby(sorted(results, key=source), key=source):
        groups.append(Group(f"Published: {name}", _published(layout, list(some))))
    heads = ("Model", "Prompt", *layout.columns, *(("n in no column",) if layout.outside else ()), "n masks")
    return Table(layout.title, layout.caption, heads, tuple(group for group in groups if group.rows), words=2)


def _row(layout: Layout, one: Findings, step: int, strata: Strata) -> tuple[Cell, ...]:
    masks = one.masks[step]
    chosen = [choose(masks) for choose in layout.columns.values()]
    cells = [percent_cell(average_where(masks, choice, strata)) for choice in chosen]
    if layout.outside:
        cells.append(count_cell(int((~np.logical_or.reduce(chosen)).sum())))
    return (Cell(one.label), Cell(prompt_of(one.series, step).text), *cells, count_cell(len(masks.frame)))


def _published(layout: Layout, results: Sequence[Result]) -> tuple[tuple[Cell, ...], ...]:
    found = {
        (result.model, result.weights, prompt_of_result(result), result.group, result.target_level): result
        for result in results
    }
    identities = dict.fromkeys(key[:3] for key in sorted(found, key=lambda key: (key[2], key[0], key[1] or "")))
    rows = []
    for model, weights, prompt in identities:
        cells = [
            published_cell(found.get((model, weights, prompt, *layout.keys[head])))
            if head in layout.keys
            else Cell(DASH, why="the paper has no training card")
            for head in layout.columns
        ]
        rest = [Cell(DASH, why="the paper does not count them")] * (2 if layout.outside else 1)
        rows.append((Cell(model, (weights,) if weights else ()), Cell(prompt.text), *cells, *rest))
    return tuple(rows)
