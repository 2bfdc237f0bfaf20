"""Does a model keep its promises? Checked on phantoms, without data, in seconds; an author can fix from the table."""

from pathlib import Path

from bench import models
from bench.conformance import checks, phantoms
from bench.conformance.checked import Checked, Finding
from bench.conformance.checks import Check
from bench.errors import UnsupportedError

CHECKS: dict[str, Check] = {
    "answers on the image's own grid": checks.answers_on_grid,
    "takes flipped, oblique and anisotropic grids": checks.takes_oblique,
    "finds the same when the axes are stored in another order": checks.follows_orientation,
    "answers the same twice": checks.repeats,
    "asked again from the start, answers the same": checks.goes_on,
    "answers several targets as it answers each": checks.batches,
    "keeps what the user clicks on": checks.honours_points,
    "refuses prompts that its card does not list": checks.refuses_others,
    "takes an image that is constant": checks.takes_constant,
    "takes targets of one voxel in the corners": checks.takes_corners,
    "leaves the image as it was": checks.leaves_image,
    "gives its memory back": checks.gives_back,
    "takes single slices": checks.takes_slices,
    "takes a mask to start from": checks.takes_previous,
}
"""What is checked, in this order; `_concerns` says of which models."""


def check(name: str, weights: Path | None = None, device: str = "auto") -> list[dict[str, str]]:
    """Return a row per check: `check`, `result` (pass, warn or fail) and `detail`.

    A warning is what may be meant so: it does not stop an evaluation.

    Args:
        name: As for `bench.models.load`.
        weights: Checkpoint, for models that need one.
        device: `auto`, `cpu` or `cuda`.

    Raises:
        UsageError: When the model cannot be made.
    """
    model = models.load(name, weights, models.device_for(name, device))
    flat = model.card.capabilities.dimensions == frozenset({2})
    one = Checked(model, phantoms.straight(flat=flat))
    return [_row(what, run, one) for what, run in CHECKS.items() if _concerns(run, one)]


def _concerns(run: Check, one: Checked) -> bool:
    """Tell whether a model's card promises what a check is about."""
    if run is checks.honours_points:
        return "points" in one.takes
    if run is checks.takes_previous:
        return "previous" in one.takes
    return run is not checks.takes_slices or one.model.card.capabilities.dimensions == {2, 3}


def _row(what: str, run: Check, one: Checked) -> dict[str, str]:
    finding = _finding(run, one)
    if finding is None:
        return {"check": what, "result": "pass", "detail": ""}
    return {"check": what, "result": "fail" if finding.fails else "warn", "detail": finding.detail}


def _finding(run: Check, one: Checked) -> Finding | None:
    try:
        return run(one)
    except UnsupportedError as error:
        return Finding(f"the card lists what the model refuses: {error}")
    except (Exception, SystemExit) as error:  # noqa: BLE001, whatever a model raises is its author's to see
        return Finding(f"{type(error).__name__}: {' '.join(str(error).split())}")
