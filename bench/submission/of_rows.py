"""Checks that need nothing but the rows: values, overlaps, order, prompts that grow, one run."""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from bench import metrics
from bench.schema import FURTHER, SCORED, SCORES, SEEN, STATUSES
from bench.submission.content import Submission
from bench.submission.problem import Check, failed, passed, quoted

_KEY: Final = ["mask_id", "protocol", "seed", "step"]
_PACK = "pack the run again: bench pack RUN --out FILE.zip"
_RUN = "run the model again: bench run SUITE --model MODEL --store STORE --out RUN --resume never"
_CLOSE = 1e-6
_METRICS: Final[Mapping[str, metrics.Metric]] = {**metrics.METRICS, **metrics.FURTHER}
_SCORES: Final = [column.name for column in (*SCORED, *FURTHER) if column.name in _METRICS]
_WORDS: Final[Mapping[str, tuple[str, ...]]] = {
    "status": tuple(STATUSES),
    **{f"seen_{level}": SEEN for level in ("target", "modality", "dataset", "image")},
}
_AT_LEAST: Final = {"reference_voxels": 0, "seed": 0, "step": 1, "n_points": 0, "n_actions": 0}
MASK_FACTS: Final = (
    *("suite_group", "dataset", "patient_id", "image_id", "target", "modality", "anatomy_group", "kind"),
    "reference_voxels",
)
"""Columns that say what a mask is: the same in each of its rows."""


def values(submission: Submission) -> Check:
    """Check ranges and words, that no number is NaN or infinite, and that a missing Dice has a status."""
    rows = submission.rows
    for name in (column.name for column in SCORES if column.kind == "double"):
        metric = _METRICS.get(name)
        numbers = rows[name].to_numpy(dtype=float, na_value=np.nan)
        low, high = (metric.lowest, metric.highest) if metric is not None else (0.0, None)
        beyond = (numbers < low) | (numbers > (np.inf if high is None else high)) | np.isinf(numbers)
        if beyond.any():
            return _outside(
                submission, name, int(beyond.argmax()), f"{low:g} {'or more' if high is None else f'to {high:g}'}"
            )
    for name, least in _AT_LEAST.items():
        if (below := (rows[name] < least).to_numpy()).any():
            return _outside(submission, name, int(below.argmax()), f"{least} or more")
    for name, words in _WORDS.items():
        if odd := sorted(set(rows[name].unique()) - set(words)):
            return failed("values", f"{name} is {quoted(odd[0])}, not one of {', '.join(words)}", _RUN)
    return _statuses(submission)


def overlap(submission: Submission) -> Check:
    """Check that IoU is Dice / (2 - Dice), as it is for any two masks."""
    rows = submission.rows[submission.rows["dice"].notna() & submission.rows["iou"].notna()]
    dice, iou = rows["dice"].to_numpy(dtype=float), rows["iou"].to_numpy(dtype=float)
    wrong = np.abs(iou - dice / np.where(dice == 2, 1, 2 - dice)) > _CLOSE  # a Dice of 2 is found by `values`
    if wrong.any():
        row = rows.iloc[int(wrong.argmax())]
        found = f"{wrong.sum()} rows; {_at(row)} has dice {row['dice']:.6g} and iou {row['iou']:.6g}"
        return failed("overlap", found, _RUN)
    return passed("overlap", f"iou = dice / (2 - dice) in {len(rows)} rows")


def one_run(submission: Submission) -> Check:
    """Check that all rows are of the one model, suite and protocol that `run.json` names."""
    fact = submission.fact
    named = {"model": submission.model, "suite": fact("suite", "name"), "protocol_hash": fact("protocol", "sha256")}
    named["protocol"] = f"{fact('protocol', 'name')}@{fact('protocol', 'version')}"
    for column, expected in named.items():
        found = sorted(submission.rows[column].astype(str).unique())
        if found != [expected]:
            words = ", ".join(quoted(one) for one in found[:3])
            return failed("one_run", f"{column} is {words} in the rows, {quoted(expected)} in run.json", _RUN)
    return passed(
        "one_run", f"{len(submission.rows)} rows of {quoted(submission.model)} on {quoted(fact('suite', 'name'))}"
    )


def row_order(submission: Submission) -> Check:
    """Check that rows are sorted by mask, protocol, seed and step, each key once."""
    keys = submission.rows[_KEY].astype({"mask_id": object, "protocol": object})
    twice = keys.duplicated()
    if twice.any():
        return failed("row_order", f"{_at(keys[twice].iloc[0])} stands {twice.sum() + 1} times or more", _PACK)
    ordered = keys.sort_values(_KEY, kind="stable")
    if (moved := ordered.index != keys.index).any():
        where = int(moved.argmax())
        return failed(
            "row_order", f"row {where} is {_at(keys.iloc[where])}, expected {_at(ordered.iloc[where])}", _PACK
        )
    return passed("row_order", "sorted by mask, protocol, seed and step, each once")


def growing_prompts(submission: Submission) -> Check:
    """Check that what was shown of a mask, and what it cost, never shrinks from step to step."""
    rows = submission.rows.sort_values(_KEY, kind="stable")
    trial = rows[["mask_id", "protocol", "seed"]]
    same = (trial.eq(trial.shift())).all(axis=1).to_numpy()
    for column in ("n_points", "n_actions"):
        fell = same & (rows[column].diff() < 0).to_numpy()
        if fell.any():
            row = rows.iloc[int(fell.argmax())]
            return failed("growing_prompts", f"{column} falls to {row[column]} at {_at(row)}", _RUN)
    return passed("growing_prompts", "n_points and n_actions never fall")


def same_masks(submission: Submission) -> Check:
    """Check that every seed and step has the same masks, each with the same facts, and as many as `run.json` plans."""
    rows = submission.rows
    masks = rows["mask_id"].nunique()
    trials = rows[["mask_id", "seed", "step"]].drop_duplicates().groupby(["seed", "step"]).size().reset_index(name="n")
    for seed, step, number in trials.itertuples(index=False):
        if number != masks:
            return failed("same_masks", f"step {step} of seed {seed} has {number} of {masks} masks", _RUN)
    described = rows[["mask_id", *MASK_FACTS]].drop_duplicates()
    if (several := described.duplicated("mask_id")).any():
        mask = described[several].iloc[0]["mask_id"]
        return failed("same_masks", f"{quoted(mask)} is described in two ways", _RUN)
    planned = submission.fact("planned", "masks")
    if planned is not None and planned != masks:
        return failed("same_masks", f"{masks} masks, and run.json plans {quoted(planned)}", _RUN)
    return passed("same_masks", f"{masks} masks at each of {len(trials)} (seed, step)")


def _statuses(submission: Submission) -> Check:
    rows = submission.rows
    fine = (rows["status"] == "ok").to_numpy()
    if (blank := fine & rows["dice"].isna().to_numpy()).any():
        return failed("values", f"{_at(rows.iloc[int(blank.argmax())])} is `ok` and has no dice", _RUN)
    scored = rows[_SCORES].notna().to_numpy().any(axis=1) & ~fine
    if scored.any():
        row = rows.iloc[int(scored.argmax())]
        return failed("values", f"{_at(row)} is `{row['status']}` and has scores", _RUN)
    return passed("values", f"{len(rows)} rows, {fine.sum()} of them ok; all scores in range, none NaN or infinite")


def _outside(submission: Submission, column: str, where: int, expected: str) -> Check:
    row = submission.rows.iloc[where]
    return failed("values", f"{column} is {row[column]:.10g} at {_at(row)}, expected {expected}", _RUN)


def _at(row: Any) -> str:
    return f"{quoted(row['mask_id'])} seed {row['seed']} step {row['step']}"
