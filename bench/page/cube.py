"""The data behind the explorer: sums and counts of Dice, so that any choice of masks has its exact mean."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from bench.coverage import COUNTED
from bench.figures import LEVELS, NO_GROUP
from bench.finished import FinishedRun
from bench.page.assets import visible
from bench.schema import SEEN

if TYPE_CHECKING:
    import pandas as pd

OF_MASK: Final = ("modality", "anatomy_group", "kind", "dataset", "target")
UNKNOWN: Final = "unknown"
_DECIMALS = 6
_TITLES = {"anatomy_group": "region", **{level: f"{level.removeprefix('seen_')} seen?" for level in LEVELS}}


def cube(runs: Sequence[FinishedRun]) -> dict[str, Any]:
    """Add up Dice, failed = 0, over the masks that are alike in everything that can be filtered by.

    Several seeds of one mask are averaged first, so that n is a number of masks.

    Args:
        runs: Runs of one table.

    Returns:
        For JSON: `dimensions` (name, title, values, whether it says what was seen), `steps`, `models` (names) and
        `cells`: for each model rows of the place of the value in each dimension, then n and sum of Dice at each step.
    """
    steps = sorted({int(step) for run in runs for step in run.scores["step"].unique()})
    tables = [_summed(run) for run in runs]
    names = (*OF_MASK, *LEVELS)
    values = {
        name: list(SEEN) if name in LEVELS else sorted({value for table in tables for value in table[name]})
        for name in names
    }
    return {
        "dimensions": [
            {
                "name": name,
                "title": _TITLES.get(name, name),
                "values": [visible(value) for value in values[name]],
                "seen": name in LEVELS,
            }
            for name in names
        ],
        "steps": steps,
        "models": [visible(run.model) for run in runs],
        "cells": [_cells(table, values, steps) for table in tables],
    }


def _summed(run: FinishedRun) -> "pd.DataFrame":
    """Return one row per combination of values and step, with `n` and `total`; a value nobody wrote down is named."""
    rows = run.scores[run.scores["status"].isin(COUNTED)]
    rows = rows.assign(value=rows["dice"].where(rows["status"] == "ok", 0.0)).dropna(subset=["value"])
    for name in OF_MASK:
        void = NO_GROUP if name == "anatomy_group" else UNKNOWN
        rows = rows.assign(**{name: rows[name].astype(object).where(rows[name].notna(), void)})
    keys = [*OF_MASK, *LEVELS]
    rows = rows.astype(dict.fromkeys(keys, "object"))
    masks = rows.groupby([*keys, "mask_id", "step"], observed=True, sort=True)["value"].mean().reset_index()
    found = masks.groupby([*keys, "step"], sort=True)["value"].agg(n="count", total="sum").reset_index()
    return found  # noqa: RET504, named for the type checker


def _cells(table: "pd.DataFrame", values: dict[str, list[str]], steps: Sequence[int]) -> list[list[float]]:
    """Return a row per combination: places of its values, then n and sum at every step."""
    places = {name: {value: place for place, value in enumerate(known)} for name, known in values.items()}
    column_of = {step: len(places) + 2 * at for at, step in enumerate(steps)}
    cells: dict[tuple[int, ...], list[float]] = {}
    for row in table.to_dict("records"):
        where = tuple(places[name][row[name]] for name in places)
        cell = cells.setdefault(where, [*where, *([0] * (2 * len(steps)))])
        at = column_of[int(row["step"])]
        cell[at], cell[at + 1] = int(row["n"]), round(float(row["total"]), _DECIMALS)
    return [cells[where] for where in sorted(cells)]
