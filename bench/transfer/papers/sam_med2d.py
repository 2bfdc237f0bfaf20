"""The tables of SAM-Med2D (Cheng et al. 2023, arXiv 2308.16184): by prompt mode, and zero-shot by dataset."""

from collections.abc import Sequence
from itertools import groupby, product

from bench import published
from bench.page.cells import Cell
from bench.page.tables import Group, Table
from bench.published import Result
from bench.transfer.findings import Findings
from bench.transfer.papers.by_part import Column, by_part
from bench.transfer.papers.cells import percent_cell, published_cell, source
from bench.transfer.papers.prompts import BOX, Prompt, points, prompt_of, prompt_of_result
from bench.transfer.reading import Study

_MODES = {"Box": (BOX,), **{points(n, "volume").text: (points(n, "volume"), points(n, "slice")) for n in (1, 3, 5)}}
"""Columns of the table of overall results -> prompts that stand in them; on a picture both clicks are the same."""
_DICE = "Dice in per cent, mean over masks, failed = 0; in brackets 95 % intervals."


def tables(found: Sequence[Findings], study: Study) -> tuple[Table, ...]:
    """Lay out both tables."""
    return by_mode(found, study), zero_shot(found, study)


def by_mode(found: Sequence[Findings], study: Study) -> Table:
    """Lay out Dice by prompt mode, one row per model; several runs of a model fill one row."""
    rows = [
        _row(model, some, study)
        for model, runs in groupby(found, lambda one: one.series.model)
        for some in _pairs(list(runs))
    ]
    results = _of(study, "sam-med2d-test", "table of overall results")
    groups = [Group("Run here" if results else "", tuple(rows))]
    if results:
        groups.append(Group(f"Published: {source(results[0])}", tuple(_published(results))))
    caption = f"Layout of SAM-Med2D's table of overall results. {_DICE}"
    return Table("By prompt mode", caption, ("Model", *_MODES), tuple(group for group in groups if group.rows))


def zero_shot(found: Sequence[Findings], study: Study) -> Table:
    """Lay out Dice by dataset, for a box and for one click."""
    wanted = {*_MODES["Box"], *_MODES["1 pt"]}
    columns = [Column(one, step) for one in found for step in one.series.steps if prompt_of(one.series, step) in wanted]
    columns.sort(key=lambda column: prompt_of(column.found.series, column.step))
    results = _of(study, "sam-med2d-miccai23", "table of zero-shot results")
    caption = (
        "Layout of SAM-Med2D's table of zero-shot results: a box, then one click. The row of all masks weighs datasets "
        f"by their masks, as its row `weighted` may. {_DICE}"
    )
    return by_part("Zero-shot, by dataset", caption, ("dataset",), columns, study.strata, results)


def _pairs(runs: Sequence[Findings]) -> list[tuple[Findings, ...]]:
    """Pair each run with boxes with each run with clicks, so that no column of a row has two of them."""
    boxed: list[Findings] = []
    clicked: list[Findings] = []
    other: list[Findings] = []
    for one in runs:
        prompts = {prompt_of(one.series, step) for step in one.series.steps}
        wide = BOX in prompts
        narrow = any(prompt in some for prompt in prompts for some in list(_MODES.values())[1:])
        (boxed if wide else clicked if narrow else other).append(one)
    if boxed and clicked:
        return list(product(boxed, clicked))
    return [(one,) for one in (*boxed, *clicked, *other)]


def _row(model: str, runs: Sequence[Findings], study: Study) -> tuple[Cell, ...]:
    at = {prompt_of(one.series, step): (one, step) for one in runs for step in one.series.steps}
    cells = []
    for head, prompts in _MODES.items():
        place = next((at[prompt] for prompt in prompts if prompt in at), None)
        if place is None:
            cells.append(percent_cell(None, why=f"no run of {model} with {head.lower()} is given"))
        else:
            one, step = place
            cells.append(percent_cell(one.average(step, study.strata)))
    return (Cell(model, tuple(one.series.protocol for one in runs)), *cells)


def _published(results: Sequence[Result]) -> list[tuple[Cell, ...]]:
    identities = dict.fromkeys((one.model, one.weights) for one in results)
    found: dict[tuple[str, str | None, Prompt], Result] = {
        (one.model, one.weights, prompt_of_result(one)): one for one in results
    }
    rows = []
    for model, weights in identities:
        cells = [
            published_cell(next((found[key] for prompt in prompts if (key := (model, weights, prompt)) in found), None))
            for prompts in _MODES.values()
        ]
        rows.append((Cell(model, (weights,) if weights else ()), *cells))
    return rows


def _of(study: Study, suite: str, place: str) -> list[Result]:
    known = published.of_suite(study.suite) if study.suite == suite else ()
    return [one for one in known if (one.paper, one.place, one.metric) == ("sam-med2d", place, "dice")]
