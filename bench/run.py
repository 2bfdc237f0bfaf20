"""The story of `bench`: from a suite, a model and a store to `scores.parquet`."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from tqdm import tqdm

from bench import models, predictions, record, scores, trial
from bench.cards import TrainingCard, load_card
from bench.models import AnyModel
from bench.seen import seen
from bench.suite import Suite, Unit, plan
from curate import executor
from curate.executor import Where


@dataclass(frozen=True, slots=True)
class Choice:
    """Which model, with which weights, where."""

    name: str
    weights: Path | None = None
    device: str = "cpu"


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
        UsageError: For a model that cannot be made, a store without masks of the suite, a folder of another run.
    """
    units = plan(suite, store, limit)
    model = load_model(choice)
    content = record.describe(suite, model, store, device=choice.device, limit=limit)
    record.start(out, content, check=resume == "missing")
    predictions.clean(out)
    done = [] if resume == "never" else scores.existing(out)
    if resume == "never":
        scores.forget(out)
    todo = _unfinished(units, suite, done)
    task = partial(_evaluate, suite=suite, choice=choice, store=store, keep_in=out if keep_predictions else None)
    card = load_card(model.card.training_card) if model.card.training_card else None
    for unit, result in tqdm(
        executor.run(task, todo, where), total=len(todo), desc=choice.name, unit="image", disable=None
    ):
        rows = trial.lost(unit, suite, result) if isinstance(result, BaseException) else result
        scores.write_piece(out, _name(unit), [_whole(row, unit, suite, model, card) for row in rows])
    rows = scores.gather(out, done)
    return Report(
        images=len(units),
        rows=len(rows),
        reused=len(done),
        statuses=scores.count_statuses(rows),
        missing_datasets=content["missing_datasets"],
    )


@lru_cache(maxsize=1)
def load_model(choice: Choice) -> AnyModel:
    """Make a model once per process."""
    return models.load(choice.name, choice.weights, choice.device)


def _evaluate(unit: Unit, *, suite: Suite, choice: Choice, store: Path, keep_in: Path | None) -> list[trial.Row]:
    """Evaluate one unit on a worker."""
    keep = partial(predictions.keep, keep_in) if keep_in is not None else None
    return trial.evaluate(unit, suite, load_model(choice), store, keep)


def _unfinished(units: Sequence[Unit], suite: Suite, done: Sequence[Mapping[str, Any]]) -> list[Unit]:
    """Return the units with the masks whose rows are not all there."""
    steps = trial.protocol_of(suite).scored_steps
    finished = {(row["mask_id"], row["step"]) for row in done}
    todo = []
    for unit in units:
        masks = tuple(mask for mask in unit.masks if any((mask["mask_id"], step) not in finished for step in steps))
        if masks:
            todo.append(replace(unit, masks=masks))
    return todo


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
    names = (
        "dataset",
        "patient_id",
        "image_id",
        "mask_id",
        "target",
        "modality",
        "anatomy_group",
        "kind",
        "suite_group",
    )
    return {
        "model": model.card.name,
        "suite": suite.name,
        **{name: mask[name] for name in names},
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
