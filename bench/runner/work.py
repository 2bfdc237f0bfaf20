"""One unit of a run in three parts, of which only the middle one needs the model."""

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from pathlib import Path

from bench import devices, models, predictions, trial
from bench.models import AnyModel
from bench.models.choice import Choice
from bench.runner.supervised import supervised
from bench.suite import Suite, Unit
from curate import executor
from curate.volume import Volume

Read = tuple[Volume, list[trial.Target]]

_TURN = threading.Lock()
"""Held by whoever asks the model of this process; another thread may read or score meanwhile."""


@dataclass(frozen=True, slots=True)
class Work:
    """What is done with every unit of a run; importable and picklable, since workers are other processes."""

    suite: Suite
    choice: Choice
    start: str
    """Token of this start of the run: a worker that outlives it must not keep its model."""
    store: Path
    out: Path
    keep: bool
    """Whether predictions are kept."""
    timeout_seconds: float | None
    sharing: int | None
    """Workers that share the cores and the CUDA devices of one machine; None where each has devices of its own."""

    def model(self) -> AnyModel:
        """Return the model of this process, made where it is not there yet.

        Raises:
            UsageError: When it cannot be made.
        """
        number = None if self.sharing is None else executor.worker_number()
        device = devices.of_worker(self.choice.device, number)
        return load_model(replace(self.choice, device=device), self.start, self.timeout_seconds)

    def __call__(self, unit: Unit) -> list[trial.Row]:
        """Do all three parts; where two threads do so at once, the model is asked for one unit after the other."""
        read = self.read(unit)
        with _TURN:
            asked = self.ask(unit, read)
        return self.finish(asked)

    def read(self, unit: Unit) -> Read:
        """Read an image and its references.

        Raises:
            ReadError: When a file cannot be read.
        """
        return trial.read_unit(unit, self.store)

    def ask(self, unit: Unit, read: Read) -> trial.Asked:
        """Ask the model; scores are computed meanwhile.

        Raises:
            UsageError: When the model cannot be made here.
        """
        kept = partial(predictions.keep, self.out) if self.keep else None
        return trial.ask(unit, self.suite, self.model(), read, kept, scorers(self.sharing))

    def finish(self, asked: trial.Asked) -> list[trial.Row]:
        """Wait for the scores."""
        return trial.finish(asked)


@lru_cache(maxsize=1)
def load_model(choice: Choice, start: str, timeout_seconds: float | None = None) -> AnyModel:
    """Make a model once per process and start of a run: a worker that outlives a run must not keep its weights."""
    del start
    if timeout_seconds is not None:
        return supervised(choice, timeout_seconds)
    return models.make(choice)


@lru_cache(maxsize=1)
def scorers(sharing: int | None) -> ThreadPoolExecutor:
    """Return the threads of this process that compute scores: its share of the cores, at least one."""
    return ThreadPoolExecutor(max(1, cores() // sharing) if sharing else 1, "scores")


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
