"""The data behind the explorer: sums and counts of Dice, so that any choice of masks has its exact mean."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from bench.finished import FinishedRun
from bench.schema import SEEN
from bench.statistics.coverage import COUNTED
from bench.statistics.figures import LEVELS, NO_GROUP
from curate.webpage.assets import visible

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
    words = [_words(run) for run in runs]
    values = {
        name: list(SEEN) if name in LEVELS else sorted({value for one in words for value in one[name].unique()})
        for name in (*OF_MASK, *LEVELS)
    }
    return {
        "dimensions": [
            {
                "name": name,
                "title": _TITLES.get(name, name),
                "values": [visible(value) for value in known],
                "seen": name in LEVELS,
            }
            for name, known in values.items()
        ],
        "steps": steps,
        "models": [visible(run.model) for run in runs],
        "cells": [_cells(run, of_run, values, steps) for run, of_run in zip(runs, words, strict=True)],
    }


def _words(run: FinishedRun) -> "pd.DataFrame":
    """Return the words of each row; a word that nobody wrote down is named."""
    void = dict.fromkeys(OF_MASK, UNKNOWN) | {"anatomy_group": NO_GROUP}
    columns = run.scores[[*OF_MASK, *LEVELS]].astype(object)
    return columns.where(columns.notna(), None).fillna(void)


def _cells(
    run: FinishedRun, words: "pd.DataFrame", values: Mapping[str, Sequence[str]], steps: Sequence[int]
) -> list[list[float]]:
    """Return a row per combination of values: their places, then n and sum at every step."""
    import pandas as pd

    counted = run.scores["status"].isin(COUNTED).to_numpy()
    places = [pd.Index(list(known)).get_indexer(pd.Index(words[name])) for name, known in values.items()]
    shape = [len(known) for known in values.values()]
    rows = pd.DataFrame(
        {
            "cell": np.ravel_multi_index(places, shape),
            "mask": pd.factorize(run.scores["mask_id"])[0],
            "step": run.scores["step"].to_numpy(),
            "dice": run.scores["dice"].where(run.scores["status"] == "ok", 0.0).to_numpy(dtype=float),
        }
    )[counted].dropna()
    masks = rows.groupby(["cell", "mask", "step"], as_index=False)["dice"].mean()
    found = masks.groupby(["cell", "step"])["dice"].agg(["count", "sum"]).unstack(fill_value=0)  # noqa: PD010, of two columns
    found = found.reindex(columns=[(what, step) for step in steps for what in ("count", "sum")], fill_value=0)
    where = np.stack(np.unravel_index(found.index.to_numpy(), shape), axis=1)
    sums = found.to_numpy().round(_DECIMALS)
    return [
        [*at, *(int(number) if column % 2 == 0 else number for column, number in enumerate(row))]
        for at, row in zip(where.tolist(), sums.tolist(), strict=True)
    ]
