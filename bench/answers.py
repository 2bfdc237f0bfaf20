"""Ask a session, and make an answer or an error of whatever it does: nothing that a model does stops a run."""

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bench import devices
from bench.errors import UnsupportedError
from bench.models.base import Session, as_mask
from bench.records import Prompts
from curate.labelmap import BoxMask

MODEL_ERRORS = (Exception, SystemExit)
"""What a model may raise and still be only a row; a model that calls `exit()` is one of them."""

_ADDRESS = re.compile(r"\b0x[0-9a-f]+\b")
_DETAIL_LENGTH = 300


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """What came of asking for one target: a mask or an error."""

    mask: BoxMask | None
    error: BaseException | None
    seconds: float
    """Of this target: an equal share where several were asked for in one call."""


def answers(session: Session, prompts: Sequence[Prompts], shape_ijk: tuple[int, int, int]) -> list[Answer]:
    """Ask a session for some targets, in one call where it can batch them.

    A batch for which there is no memory is asked for again in halves, down to single targets. Where a batch raises
    anything else or gives the wrong number of masks, the targets are asked for one by one, so that one target's error
    is its own. The model gets copies of the prompts, and its answers are copied.

    Args:
        session: A model opened on an image.
        prompts: All prompts so far of each target.
        shape_ijk: The image's grid.

    Returns:
        An answer for each target, in order.
    """
    try:
        batch = _batched(session, prompts, shape_ijk)
    except MODEL_ERRORS as error:
        batch, no_memory = None, is_out_of_memory(error)
    else:
        no_memory = False
    if no_memory:
        devices.free_memory()
        if len(prompts) > 1:
            half = (len(prompts) + 1) // 2
            return [*answers(session, prompts[:half], shape_ijk), *answers(session, prompts[half:], shape_ijk)]
    return batch or [_one(session, one, shape_ijk) for one in prompts]


def is_out_of_memory(error: BaseException) -> bool:
    """Tell whether memory ran out: Python's own error, or that of torch, known by its name."""
    return isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError"


def status_of(error: BaseException) -> tuple[str, str]:
    """Return the status and detail that an error of a model, or the loss of its process, becomes."""
    name = type(error).__name__
    text = f"{name}: {error}"
    if name == "KilledWorker":
        text = f"{name}: the process died while it ran this image: a crash, a kill, or no memory left"
    plain = " ".join(_ADDRESS.sub("0x...", text).encode("utf-8", "replace").decode().split())
    detail = plain[:_DETAIL_LENGTH]
    if isinstance(error, UnsupportedError):
        return "unsupported", detail.removeprefix(f"{name}: ")
    if isinstance(error, TimeoutError):
        return "timeout", detail
    if is_out_of_memory(error):
        return "out_of_memory", detail
    return "failed", detail


def _batched(session: Session, prompts: Sequence[Prompts], shape_ijk: tuple[int, int, int]) -> list[Answer] | None:
    """Ask once for all targets; None where the session cannot, or answers with another number of masks."""
    many = getattr(session, "predict_many", None)
    if many is None:
        return None
    start = time.perf_counter()
    given = list(many([one.copy() for one in prompts]))
    seconds = (time.perf_counter() - start) / max(1, len(prompts))
    return [_checked(one, shape_ijk, seconds) for one in given] if len(given) == len(prompts) else None


def _one(session: Session, prompts: Prompts, shape_ijk: tuple[int, int, int]) -> Answer:
    start = time.perf_counter()
    try:
        given = session.predict(prompts.copy())
    except MODEL_ERRORS as error:  # its traceback would keep alive what the model had in memory
        answer = Answer(None, error.with_traceback(None), time.perf_counter() - start)
    else:
        answer = _checked(given, shape_ijk, time.perf_counter() - start)
    if answer.error is not None and is_out_of_memory(answer.error):
        devices.free_memory()
    return answer


def _checked(given: Any, shape_ijk: tuple[int, int, int], seconds: float) -> Answer:
    """Take an answer as a mask; an error in the place of a mask is the error of its target."""
    if isinstance(given, Exception):
        return Answer(None, given, seconds)
    try:
        return Answer(as_mask(given, shape_ijk), None, seconds)
    except MODEL_ERRORS as error:
        return Answer(None, error, seconds)
