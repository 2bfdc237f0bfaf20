"""The promises of a model, one function each: returns what is wrong with it, or raises what the model raises."""

import gc
import tracemalloc
import weakref
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from bench.conformance import phantoms
from bench.conformance.checked import Checked, Finding
from bench.conformance.phantoms import KEYS, OUTSIDE
from bench.errors import UnsupportedError
from bench.records import Prompts
from curate.labelmap import BoxMask

_ALIKE = 0.99
"""Dice of answers that rounding alone may have made different."""
_SAME_OBJECT = 0.8
"""Dice of answers to one scan stored in two ways."""
_OPENED = 2
"""Images that are opened one after the other to see whether they are given back."""
_UNKNOWN_TARGET = "no_such_target"


Check = Callable[[Checked], Finding | None]


def answers_on_grid(one: Checked) -> Finding | None:
    """Answer at all, with a mask on the image's grid."""
    one.first  # noqa: B018, raises where there is no answer
    return None


def takes_oblique(one: Checked) -> Finding | None:
    """Answer on a grid that is flipped, oblique and anisotropic."""
    one = replace(one, phantom=phantoms.oblique(flat=one.phantom.image.geometry.is_2d))
    return answers_on_grid(one)


def follows_orientation(one: Checked) -> Finding | None:
    """Find the same voxels of a scan whose axes are stored in another order."""
    flat = one.phantom.image.geometry.is_2d
    expected = phantoms.turned(one.first[0].full(), flat=flat)
    found = replace(one, phantom=one.phantom.turned()).answer().full()
    dice = _dice(expected != 0, found)
    if dice >= _SAME_OBJECT:
        return None
    why = "answer in the image's own axes, or learn nothing from their order"
    return Finding(f"the same scan with axes permuted and flipped: Dice of both answers {dice:.2f}; {why}", fails=False)


def repeats(one: Checked) -> Finding | None:
    """Give the same answer in two sessions."""
    return None if _same(one.first[0], one.answer()) else Finding("two sessions gave different masks for one prompt")


def goes_on(one: Checked) -> Finding | None:
    """Give an answer that depends on the prompts, not on the calls before."""
    start = one.prompts()
    then = start.with_point(OUTSIDE, 0) if "points" in start.kinds else start
    session = one.open()
    one.ask(session, start)
    step_by_step, at_once = one.ask(session, then)[0], one.ask(one.open(), then)[0]
    if _same(step_by_step, at_once):
        return None
    return Finding("two clicks in one call differ from the same clicks in two calls")


def batches(one: Checked) -> Finding | None:
    """Answer two different targets together as each alone."""
    shown = [one.prompts(key) for key in KEYS]
    together = one.ask(one.open(), *shown)
    alone = [one.first[0], *(one.ask(one.open(), prompts)[0] for prompts in shown[1:])]
    worst = min(_dice(a.full(), b.full()) for a, b in zip(together, alone, strict=True))
    if all(_same(a, b) for a, b in zip(together, alone, strict=True)):
        return None
    detail = f"a target's mask depends on which others are asked for with it (Dice {worst:.4f})"
    return Finding(detail, fails=worst < _ALIKE)


def honours_points(one: Checked) -> Finding | None:
    """Keep a voxel that was found when the user clicks on it."""
    session, start = one.open(), one.prompts()
    mask = one.phantom.targets[KEYS[0]]
    before = one.ask(session, start)[0].full()
    for point in (phantoms.middle(mask), _beside(mask)):
        after = one.ask(session, start.with_point(point, 1))[0].full()
        if before[point] and not after[point]:
            return Finding(f"voxel {point} was found, and lost by a positive click on it", fails=False)
    return None


def refuses_others(one: Checked) -> Finding | None:
    """Refuse prompts that the card does not list, in place of ignoring them."""
    for what, prompts in _unlisted(one).items():
        try:
            one.ask(one.open(), prompts)
        except UnsupportedError:
            continue
        except (Exception, SystemExit) as error:  # noqa: BLE001, an error is no refusal
            return Finding(f"{what}: {_said(error)}; raise bench.errors.UnsupportedError", fails=False)
        detail = f"{what}: the card does not list it, and the model answers; raise bench.errors.UnsupportedError"
        return Finding(detail, fails=False)
    return None


def takes_constant(one: Checked) -> Finding | None:
    """Answer on an image without contrast."""
    return answers_on_grid(replace(one, phantom=phantoms.constant(one.phantom)))


def takes_corners(one: Checked) -> Finding | None:
    """Answer for targets of one voxel in the first and the last corner."""
    one = replace(one, phantom=phantoms.cornered(one.phantom))
    session = one.open()
    for key in KEYS:
        one.ask(session, one.prompts(key))
    return None


def leaves_image(one: Checked) -> Finding | None:
    """Leave the voxels as they were."""
    untouched = one.first[1]
    return None if untouched else Finding("the model changed the image's voxels in place; work on a copy")


def takes_slices(one: Checked) -> Finding | None:
    """Answer on a single slice, too."""
    return answers_on_grid(replace(one, phantom=phantoms.straight(flat=True)))


def takes_previous(one: Checked) -> Finding | None:
    """Answer with a mask to start from."""
    one.ask(one.open(), replace(one.prompts(), previous=one.phantom.targets[KEYS[0]]))
    return None


def gives_back(one: Checked) -> Finding | None:
    """Hold no image, nor memory that grows with every image, when the sessions have ended (of numpy and Python)."""
    kept, sizes = [], []
    tracemalloc.start()
    try:
        for _ in range(_OPENED):
            kept.append(_opened_and_left(one))
            gc.collect()
            sizes.append(tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()
    alive = sum(voxels() is not None for voxels in kept)
    if alive > 1:
        return Finding(f"{alive} of {_OPENED} images are still in memory after their sessions have ended", fails=False)
    growth, size = sizes[-1] - sizes[0], one.phantom.image.voxels.nbytes
    if growth < size / 2:
        return None
    return Finding(f"{growth / 1024:.0f} KiB stay in memory of every image of {size / 1024:.0f} KiB", fails=False)


def _opened_and_left(one: Checked) -> "weakref.ref[np.ndarray[tuple[int, ...], np.dtype[np.generic]]]":
    image = one.copied_image()
    one.ask(one.open(image), one.prompts())
    return weakref.ref(image.voxels)


def _unlisted(one: Checked) -> dict[str, Prompts]:
    """Return prompts that the card does not list, by what they are."""
    mask, base = one.phantom.targets[KEYS[0]], one.prompts()
    found = {}
    if "points" not in one.takes:
        found["a click"] = base.with_point(phantoms.middle(mask), 1)
    if "box" not in one.takes:
        found["a box"] = replace(base, box=mask.box)
    if one.model.card.capabilities.targets:
        found[f"the target {_UNKNOWN_TARGET}"] = replace(base, target=_UNKNOWN_TARGET)
    return found


def _beside(mask: BoxMask) -> tuple[int, int, int]:
    """Return a voxel of a ball half of the way from its middle to its side."""
    i, j, k = phantoms.middle(mask)
    return (i + mask.box[3]) // 2, j, k


def _same(one: BoxMask, other: BoxMask) -> bool:
    return one.box == other.box and bool((one.voxels == other.voxels).all())


def _dice(one: Sequence[bool] | np.ndarray, other: np.ndarray) -> float:
    total = np.count_nonzero(one) + np.count_nonzero(other)
    return 1.0 if total == 0 else float(2 * np.count_nonzero(np.logical_and(one, other)) / total)


def _said(error: BaseException) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())}"
