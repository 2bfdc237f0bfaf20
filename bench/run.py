"""The story of `bench`: from a suite, a model and a store to `scores.parquet`."""

import secrets
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bench import devices, models, record, scores, status, trial
from bench.models.base import ModelCard
from bench.models.choice import Choice, presented
from bench.policy import FAILURES, Policy, failed_masks
from bench.runner import progress, resuming, stages
from bench.runner.storing import Storing
from bench.runner.work import Work, load_model
from bench.suite import Suite, plan
from bench.training.cards import load_card
from curate import executor
from curate.executor import Where
from curate.files import held

_USUAL = Policy()


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
    failed_masks: int
    """Masks with a row that is failed, timeout or out_of_memory."""
    masks_now: int
    """Masks that this start has run."""
    seconds: float
    """Wall time that they took."""
    stopped: str | None
    """Why the policy ended the run before its end; None where it did not."""


def run(  # noqa: PLR0913, the options of the command
    suite: Suite,
    choice: Choice,
    store: Path,
    out: Path,
    where: Where,
    *,
    policy: Policy = _USUAL,
    limit: int | None = None,
    keep_predictions: bool = False,
    command: str | None = None,
) -> Report:
    """Run one model on one suite: plan, prompt and score image by image, stream rows to disk, gather them.

    Args:
        suite: What to evaluate and how.
        choice: The model.
        store: Root of a store.
        out: Folder of the run. A killed run continues where it was.
        where: Processes or a dask cluster; results do not depend on it. Without either: one process per CUDA device
            where the model runs on CUDA, else this one.
        policy: What becomes of rows that are there, of failures, and of a model that does not answer.
        limit: At most this many images.
        keep_predictions: Write predictions as label maps, so that `bench score` can score them again.
        command: What `bench status` says to type to go on.

    Raises:
        UsageError: For a model that cannot be made, a store without masks of the suite, a folder of another run, a
            dask scheduler that does not answer or went away.
    """
    executor.check(where)
    store, out = store.resolve(), out.resolve()
    choice = _settled(choice)
    where = _workers(where, choice)
    units = plan(suite, store, limit)
    work = _work(suite, choice, store, out, where, policy, keep=keep_predictions)
    card, content = _described(work, limit, here=stages.here(where))
    training = load_card(card.training_card) if card.training_card else None
    with held(out, "bench"):
        done = resuming.opened(out, content, policy, units, suite, card)
        todo = resuming.unfinished(units, done)
        status.note_start(out, units, trial.expected(suite), command)
        storing = Storing(out, suite, card, training)
        clock = time.perf_counter()
        with closing(stages.run(work, todo, where, storing, ahead=policy.on_failure.never)) as stored:
            masks_now, stopped = _followed(progress.shown(stored, len(todo), choice.name), policy, done)
            seconds = time.perf_counter() - clock
        rows = scores.existing(out) if stopped else scores.gather(out)
    return Report(
        images=len(units),
        rows=len(rows),
        reused=len(done),
        statuses=scores.count_statuses(rows),
        missing_datasets=content["missing_datasets"],
        failed_masks=len(failed_masks(rows)),
        masks_now=masks_now,
        seconds=seconds,
        stopped=stopped,
    )


def _settled(choice: Choice) -> Choice:
    """Return a choice that means the same on every worker: absolute paths, and a device that is there."""
    weights = models.weights_for(choice.name, choice.weights)
    return replace(
        choice,
        name=models.resolved(choice.name),
        weights=weights and weights.absolute(),
        device=models.device_for(choice.name, choice.device),
    )


def _workers(where: Where, choice: Choice) -> Where:
    """Return where work runs if nothing is said: one process per CUDA device that the model may use, else this one."""
    if where.workers is not None or where.scheduler is not None:
        return where
    return Where(devices.count() if choice.device == "cuda" else 1)


def _work(suite: Suite, choice: Choice, store: Path, out: Path, where: Where, policy: Policy, *, keep: bool) -> Work:
    start = secrets.token_hex(8)
    sharing = None if where.scheduler else where.workers
    return Work(suite, choice, start, store, out, keep, policy.timeout_seconds, sharing)


def _described(work: Work, limit: int | None, *, here: bool) -> tuple[ModelCard, dict[str, Any]]:
    """Make the model to hear what it is; return its card and the record of the run.

    Where the work is done in other processes, the model is not kept here: it may fill a GPU.
    """
    model = work.model()
    anywhere = replace(work.choice, device=devices.kind(work.choice.device))
    content = record.describe(work.suite, model, anywhere, work.store, limit)
    if not here:
        load_model.cache_clear()
    return presented(model.card, work.choice), content


def _followed(
    stored: Iterable[Sequence[Mapping[str, Any]]], policy: Policy, done: Sequence[Mapping[str, Any]]
) -> tuple[int, str | None]:
    """Take in the rows of each image; return how many masks there were, and why the policy ends the run, if it does."""
    now, failed, before = 0, len(failed_masks(done)), len({row["mask_id"] for row in done})
    for rows in stored:
        now += len({row["mask_id"] for row in rows})
        failed += len(failed_masks(rows))
        latest = next((row for row in rows if row["status"] in FAILURES), None)
        reason = policy.on_failure.reason(before + now, failed, latest)
        if reason is not None:
            return now, reason
    return now, None
