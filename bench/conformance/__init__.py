"""Does a model keep its promises? Checked on phantoms, without data, in seconds; an author can fix from the table."""

import gc
import time
import tracemalloc
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import models
from bench.conformance import checks, phantoms
from bench.conformance.checked import Checked, Finding
from bench.conformance.checks import Check
from bench.errors import UnsupportedError

CHECKS: dict[str, Check] = {
    "answers on the image's own grid": checks.answers_on_grid,
    "answers several targets as it answers each": checks.batches,
    "asked again from the start, answers the same": checks.goes_on,
    "keeps what the user clicks on": checks.honours_points,
    "takes boxes of single slices": checks.takes_boxes,
    "takes a mask to start from": checks.takes_previous,
    "leaves the image as it was": checks.leaves_image,
    "refuses prompts that its card does not list": checks.refuses_others,
    "answers the same twice": checks.repeats,
    "takes flipped, oblique and anisotropic grids": checks.takes_oblique,
    "takes an image that is constant": checks.takes_constant,
    "takes targets of one voxel in the corners": checks.takes_corners,
    "finds the same when the axes are stored in another order": checks.follows_orientation,
    "takes single slices": checks.takes_slices,
    "gives its memory back": checks.gives_back,
}
"""What is checked, in this order: first what the shared sessions can answer; `_concerns` says of which models."""
SECONDS = 60.0
"""After which checks that would open one more image are left out."""
_OPENS = (
    *(checks.batches, checks.goes_on, checks.repeats, checks.takes_oblique),
    *(checks.takes_constant, checks.takes_corners, checks.follows_orientation, checks.takes_slices, checks.gives_back),
)
"""Checks that open an image, or need those that were opened."""


def check(
    name: str,
    weights: Path | None = None,
    device: str = "auto",
    seconds: float | None = SECONDS,
    options: Iterable[tuple[str, Any]] = (),
) -> list[dict[str, str]]:
    """Return a row per check: `check`, `result` (pass, warn, fail or left out) and `detail`.

    A warning is about what may be meant so: it does not stop an evaluation.

    Args:
        name: As for `bench.models.load`.
        weights: Checkpoint, for models that need one.
        device: `auto`, `cpu` or `cuda`.
        seconds: Time for all checks, the making of the model included: what would open one more image when that
            probably takes longer is left out, with the reason. None for no limit.
        options: As for `bench.models.load`.

    A model with a method `own_checks` is not shown phantoms: its rows are what that returns.

    Raises:
        UsageError: When the model cannot be made.
    """
    clock = _Clock(seconds, time.perf_counter())
    model = models.load(name, weights, models.device_for(name, device), options)
    if hasattr(model, "own_checks"):
        rows: list[dict[str, str]] = model.own_checks()
        return rows
    one = Checked(model, phantoms.straight(phantoms.form_for(model.card.capabilities.dimensions)))
    with _tracing():
        return [clock.row(what, run, one) for what, run in CHECKS.items() if _concerns(run, one)]


@dataclass(slots=True)
class _Clock:
    """How much of the time is left, and what an image probably takes: as long as the first one."""

    limit: float | None
    start: float
    of_an_image: float = 0.0

    def row(self, what: str, run: Check, one: Checked) -> dict[str, str]:
        """Run a check, or leave it out, and say what came of it."""
        began = time.perf_counter()
        spent = began - self.start
        if self.limit is not None and run in _OPENS and spent + self.of_an_image > self.limit:
            detail = f"{spent:.0f} s are spent, and one more image takes about {self.of_an_image:.0f} s; add --all"
            return {"check": what, "result": "left out", "detail": detail}
        finding = _finding(run, one)
        self.of_an_image = self.of_an_image or time.perf_counter() - began
        if finding is None:
            return {"check": what, "result": "pass", "detail": ""}
        return {"check": what, "result": finding.result, "detail": finding.detail}


def _concerns(run: Check, one: Checked) -> bool:
    """Tell whether a model's card promises what a check is about."""
    kinds = {checks.honours_points: "points", checks.takes_previous: "previous", checks.takes_boxes: "boxes"}
    if run in kinds:
        return kinds[run] in one.takes
    return run is not checks.takes_slices or one.model.card.capabilities.dimensions == {2, 3}


def _finding(run: Check, one: Checked) -> Finding | None:
    try:
        return run(one)
    except UnsupportedError as error:
        return Finding(f"the card lists what the model refuses: {error}")
    except (Exception, SystemExit) as error:  # noqa: BLE001, whatever a model raises is its author's to see
        return Finding(f"{type(error).__name__}: {' '.join(str(error).split())}")


@contextmanager
def _tracing() -> Iterator[None]:
    """Count the memory of Python and NumPy, for the check that it is given back.

    What is there before is frozen: where much is loaded, to search it for garbage after each image takes seconds.
    """
    gc.collect()
    gc.freeze()
    tracemalloc.start()
    try:
        yield
    finally:
        tracemalloc.stop()
        gc.unfreeze()
