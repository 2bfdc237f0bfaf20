"""The story of `bench`: from a suite, a model and a store to `scores.parquet`."""

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from tqdm import tqdm

from bench import models, predictions, record, scores, trial
from bench.cards import TrainingCard, load_card
from bench.models import AnyModel, Choice
from bench.seen import seen
from bench.suite import Suite, Unit, plan
from curate import executor
from curate.errors import UsageError
from curate.executor import Where
from curate.files import held

_OF_MASK = (
    *("dataset", "patient_id", "image_id", "mask_id", "target"),
    *("modality", "anatomy_group", "kind", "suite_group"),
)
"""Columns that stand in the store's table of masks, or that the suite's plan added to it."""


@dataclass(frozen=True, slots=True)
class Report:
    """What became of a run."""

    images: int
    rows: int
    reused: int
    """Rows that an earlier start of this run had left."""
    statuses: Mapping[str, int]
    missing_datasets: Sequence[str]
    """Datasets that the suite names and the store does not have."""


def run(  # noqa: PLR0913, the options of the command
    suite: Suite,
    choice: Choice,
    store: Path,
    out: Path,
    where: Where,
    *,
    resume: str = "missing",
    limit: int | None = None,
    keep_predictions: bool = False,
) -> Report:
    """Run one model on one suite: plan, prompt and score image by image, stream rows to disk, gather them.

    Args:
        suite: What to evaluate and how.
        choice: The model.
        store: Root of a store.
        out: Folder of the run. A killed run continues where it was.
        where: Processes or a dask cluster; results do not depend on it.
        resume: missing: keep the rows that are there; never: start again; always: keep them even if the run was
            started with another store, model or version.
        limit: At most this many images.
        keep_predictions: Write predictions as label maps, so that `bench score` can score them again.

    Raises:
        UsageError: For a model that cannot be made, a store without masks of the suite, a folder of another run, a
            dask scheduler that does not answer or went away.
    """
    executor.check(where)
    store, out = store.resolve(), out.resolve()
    choice = _settled(choice)
    units = plan(suite, store, limit)
    model = load_model(choice, start := secrets.token_hex(8))
    card = load_card(model.card.training_card) if model.card.training_card else None
    content = record.describe(suite, model, choice, store, limit)
    task = partial(_evaluate, suite=suite, choice=choice, start=start, store=store, out=out, keep=keep_predictions)
    with held(out, "bench"):
        done = _opened(out, content, resume, units, suite, model)
        todo = _unfinished(units, done)
        results = executor.run(task, todo, where)
        for unit, result in tqdm(results, total=len(todo), desc=choice.name, unit="image", disable=None):
            if isinstance(result, UsageError):
                raise result
            rows = trial.lost(unit, suite, result) if isinstance(result, BaseException) else result
            scores.write_piece(out, _name(unit), [_whole(row, unit, suite, model, card) for row in rows])
        rows = scores.gather(out)
    return Report(
        images=len(units),
        rows=len(rows),
        reused=len(done),
        statuses=scores.count_statuses(rows),
        missing_datasets=content["missing_datasets"],
    )


@lru_cache(maxsize=1)
def load_model(choice: Choice, start: str) -> AnyModel:
    """Make a model once per process and start of a run: a worker that outlives a run must not keep its weights."""
    del start
    return models.load(choice.name, choice.weights, choice.device)


def _settled(choice: Choice) -> Choice:
    """Return a choice that means the same on every worker: absolute paths, and a device that is there."""
    weights = models.weights_for(choice.name, choice.weights)
    return Choice(
        models.resolved(choice.name), weights and weights.absolute(), models.device_for(choice.name, choice.device)
    )


def _opened(
    out: Path, content: Mapping[str, Any], resume: str, units: Sequence[Unit], suite: Suite, model: AnyModel
) -> list[dict[str, Any]]:
    """Make the folder ready and return the rows that stay: those of masks of this run that have all their steps."""
    if resume == "never" and (out / "run.json").is_file():
        scores.forget(out)
    record.start(out, content, resume)
    predictions.clean(out)
    planned = {mask["mask_id"] for unit in units for mask in unit.masks}
    ours = (model.card.name, suite.name, content["protocol"]["sha256"])
    steps_of: dict[str, set[int]] = {}
    rows = [
        row
        for row in scores.existing(out)
        if row["mask_id"] in planned and (row["model"], row["suite"], row["protocol_hash"]) == ours
    ]
    for row in rows:
        steps_of.setdefault(row["mask_id"], set()).add(row["step"])
    steps = set(trial.protocol_of(suite).scored_steps)
    done = [row for row in rows if steps_of[row["mask_id"]] == steps]
    scores.reopen(out, done)
    return done


def _evaluate(
    unit: Unit, *, suite: Suite, choice: Choice, start: str, store: Path, out: Path, keep: bool
) -> list[trial.Row]:
    """Evaluate one unit on a worker."""
    kept = partial(predictions.keep, out) if keep else None
    return trial.evaluate(unit, suite, load_model(choice, start), store, kept)


def _unfinished(units: Sequence[Unit], done: Sequence[Mapping[str, Any]]) -> list[Unit]:
    """Return the units with the masks that have no rows."""
    finished = {row["mask_id"] for row in done}
    left = [replace(one, masks=tuple(mask for mask in one.masks if mask["mask_id"] not in finished)) for one in units]
    return [unit for unit in left if unit.masks]


def _whole(row: trial.Row, unit: Unit, suite: Suite, model: AnyModel, card: TrainingCard | None) -> dict[str, Any]:
    """Add to a trial's row what the mask is and whether the model has seen it."""
    mask = next(mask for mask in unit.masks if mask["mask_id"] == row["mask_id"])
    answers = seen(
        card,
        target=mask["target"],
        modality=mask["modality"],
        dataset=mask["dataset"],
        image_id=mask["image_id"],
        split=unit.split,
    )
    return {
        "model": model.card.name,
        "suite": suite.name,
        **{name: mask[name] for name in _OF_MASK},
        "seen_target": answers.target,
        "seen_modality": answers.modality,
        "seen_dataset": answers.dataset,
        "seen_image": answers.image,
        **row,
    }


def _name(unit: Unit) -> str:
    """Return a file name for a unit's piece: its image and the masks that were run."""
    text = "\n".join([unit.image["image_id"], *(mask["mask_id"] for mask in unit.masks)])
    return hashlib.sha256(text.encode()).hexdigest()[:32]
