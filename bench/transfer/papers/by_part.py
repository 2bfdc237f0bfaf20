"""Tables whose rows are parts of the data, such as datasets or modalities, and whose columns are models and prompts."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bench.gap import Masks
from bench.page.cells import DASH, Cell
from bench.page.tables import Table, of_rows
from bench.published import Result
from bench.statistics.bootstrap import Strata
from bench.statistics.figures import Figure
from bench.transfer.averages import averages
from bench.transfer.findings import Findings
from bench.transfer.papers.cells import percent_cell, published_cell, source
from bench.transfer.papers.prompts import prompt_of, prompt_of_result
from bench.transfer.papers.structures import structure_of

Part = tuple[str, ...]
WHOLE, STRUCTURE = "all masks", "structure"


@dataclass(frozen=True, slots=True)
class Column:
    """One run at one step."""

    found: Findings
    step: int

    @property
    def title(self) -> str:
        """Model and prompts."""
        return f"{self.found.label}: {prompt_of(self.found.series, self.step).text}"


def by_part(
    title: str, caption: str, names: Part, columns: Sequence[Column], strata: Strata, results: Sequence[Result] = ()
) -> Table:
    """Lay out Dice in per cent per part and over all masks.

    Args:
        title: Of the table.
        caption: Of the table.
        names: Columns of scores that tell the parts apart, which published results have too; or STRUCTURE, which is
            made of the target by `structure_of`.
        columns: Runs and steps.
        strata: Patients and their resamples.
        results: Published numbers of the same parts; one without a part is of all masks.
    """
    figures = [_figures(column, names, strata) for column in columns]
    papers_ = list(dict.fromkeys(_identity(result) for result in results))
    published = {(_identity(result), _part(result, names)): result for result in results}
    whole = _whole(names)
    parts = sorted({*(part for column in figures for part in column), *(part for _, part in published)} - {whole})
    rows = []
    for part in (*parts, whole):
        cells = [percent_cell(column.get(part)) for column in figures]
        cells += [published_cell(published.get((paper, part))) for paper in papers_]
        rows.append((*(Cell(word or DASH) for word in part), *cells))
    heads = (*(name.capitalize() for name in names), *(column.title for column in columns), *map(_title, papers_))
    sources = "; ".join(dict.fromkeys(source(result) for result in results))
    return of_rows(title, caption + (f" Published numbers: {sources}." if sources else ""), heads, rows, len(names))


_Identity = tuple[str, str | None, str]


def _identity(result: Result) -> _Identity:
    return result.model, result.weights, prompt_of_result(result).text


def _title(identity: _Identity) -> str:
    model, weights, prompt = identity
    return f"{model}{f' ({weights})' if weights else ''}: {prompt}, published"


def _part(result: Result, names: Part) -> Part:
    if all(getattr(result, name) is None for name in names):
        return _whole(names)
    return tuple(str(getattr(result, name) or "") for name in names)


def _words(masks: Masks, name: str) -> list[str]:
    """Return (masks,) the part of each mask by one name; empty where it has none."""
    if name == STRUCTURE:
        return [structure_of(target) for target in masks.frame["target"].astype(object).fillna("")]
    return list(masks.frame[name].astype(object).fillna(""))


def _whole(names: Part) -> Part:
    return (WHOLE, *("" for _ in names[1:]))


def _figures(column: Column, names: Part, strata: Strata) -> dict[Part, Figure]:
    masks = column.found.masks[column.step]
    rows = list(zip(*(_words(masks, name) for name in names), strict=True))
    parts = sorted(set(rows))
    place = {part: at for at, part in enumerate(parts)}
    cells = np.array([place[row] for row in rows], dtype=np.int64)
    found = dict(zip(parts, averages(masks, cells, len(parts), strata), strict=True))
    return {**found, _whole(names): column.found.average(column.step, strata)}
