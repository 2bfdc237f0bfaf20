"""The promises of a model, one function each: returns what is wrong with it, or raises what the model raises."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np

from bench.conformance import phantoms
from bench.conformance.checked import Checked, Finding
from bench.conformance.phantoms import KEYS, LARGE, SMALL
from bench.errors import UnsupportedError
from bench.records import Prompts
from curate.labelmap import BoxMask

_ALIKE = 0.99
"""Dice of answers that rounding alone may have made different."""
_SAME_OBJECT = 0.8
"""Dice of answers to one scan stored in two ways."""
_UNKNOWN_TARGET = "no_such_target"


Check = Callable[[Checked], Finding | None]


def answers_on_grid(one: Checked) -> Finding | None:
    """Answer at all, with a mask on the image's grid."""
    one.session  # noqa: B018, raises where there is no answer
    return None


def takes_oblique(one: Checked) -> Finding | None:
    """Answer on a grid that is flipped, oblique and anisotropic."""
    one.on(phantoms.oblique(one.form)).visit()
    return None


def follows_orientation(one: Checked) -> Finding | None:
    """Find the same voxels of a scan whose axes are stored in another order."""
    flat = one.phantom.image.geometry.is_2d
    expected = phantoms.turned(one.alone.full(), flat=flat)
    found = one.on(one.phantom.turned()).visit()[0].full()
    dice = _dice(expected != 0, found)
    if dice >= _SAME_OBJECT:
        return None
    why = "answer in the image's own axes, or learn nothing from their order"
    return Finding(f"the same scan with axes permuted and flipped: Dice of both answers {dice:.2f}; {why}", "warn")


def repeats(one: Checked) -> Finding | None:
    """Give the same answer in two sessions."""
    again = one.visit()[0]
    return None if _same(one.alone, again) else Finding("two sessions gave different masks for one prompt")


def goes_on(one: Checked) -> Finding | None:
    """Give an answer that depends on the prompts, not on the calls before."""
    at_once = one.ask(one.other_session, one.more(LARGE))[0]
    step_by_step = one.ask(one.session, one.more(LARGE))[0]
    if _same(step_by_step, at_once):
        return None
    return Finding("two clicks in one call differ from the same clicks in two calls")


def batches(one: Checked) -> Finding | None:
    """Answer two different targets together as each alone."""
    alone = {SMALL: one.alone, LARGE: one.ask(one.other_session, one.prompts(LARGE))[0]}
    if all(_same(one.together[key], alone[key]) for key in KEYS):
        return None
    worst = min(_dice(one.together[key].full(), alone[key].full()) for key in KEYS)
    detail = f"a target's mask depends on which others are asked for with it (Dice {worst:.4f})"
    return Finding(detail, "fail" if worst < _ALIKE else "warn")


def honours_points(one: Checked) -> Finding | None:
    """Keep a voxel that was found when the user clicks on it."""
    mask, before = one.phantom.targets[LARGE], one.together[LARGE].full()
    for point in (phantoms.middle(mask), _beside(mask)):
        after = one.ask(one.session, one.prompts(LARGE).with_point(point, 1))[0].full()
        if before[point] and not after[point]:
            return Finding(f"voxel {point} was found, and lost by a positive click on it", "warn")
    return None


def refuses_others(one: Checked) -> Finding | None:
    """Refuse prompts that the card does not list, in place of ignoring them."""
    for what, prompts in _unlisted(one).items():
        try:
            one.ask(one.session, prompts)
        except UnsupportedError:
            continue
        except (Exception, SystemExit) as error:  # noqa: BLE001, an error is no refusal
            return Finding(f"{what}: {_said(error)}; raise bench.errors.UnsupportedError", "warn")
        detail = f"{what}: the card does not list it, and the model answers; raise bench.errors.UnsupportedError"
        return Finding(detail, "warn")
    return None


def takes_constant(one: Checked) -> Finding | None:
    """Answer on an image without contrast."""
    one.on(phantoms.constant(one.phantom)).visit()
    return None


def takes_corners(one: Checked) -> Finding | None:
    """Answer for targets of one voxel in the first and the last corner."""
    one.on(phantoms.cornered(one.phantom)).visit(*KEYS)
    return None


def leaves_image(one: Checked) -> Finding | None:
    """Leave the voxels as they were, in a session that has been asked."""
    one.session  # noqa: B018, asks
    untouched = bool((one.image.voxels == one.phantom.image.voxels).all())
    return None if untouched else Finding("the model changed the image's voxels in place; work on a copy")


def takes_slices(one: Checked) -> Finding | None:
    """Answer on a single slice, too."""
    one.on(phantoms.straight("slice")).visit()
    return None


def takes_boxes(one: Checked) -> Finding | None:
    """Answer for a target that is shown by a box on each of its slices."""
    one.ask(one.session, Prompts(LARGE, boxes=one.phantom.boxes(LARGE)))
    return None


def takes_previous(one: Checked) -> Finding | None:
    """Answer with a mask to start from."""
    one.ask(one.session, replace(one.prompts(LARGE), previous=one.phantom.targets[LARGE]))
    return None


def gives_back(one: Checked) -> Finding | None:
    """Hold no image, nor memory that grows with every image, when the sessions have ended (of numpy and Python)."""
    grid = one.phantom.image.geometry
    left = [visit for visit in one.visits if visit.shape_ijk == grid.shape_ijk]
    if len(left) < 2:
        return Finding("fewer than two images were opened and answered, so that nothing can be said", "left out")
    alive = sum(visit.voxels() is not None for visit in left)
    if alive > 1:
        return Finding(f"{alive} of {len(left)} images are still in memory after their sessions have ended", "warn")
    growth, size = min(b.traced_bytes - a.traced_bytes for a, b in pairwise(left)), left[0].nbytes
    if growth < size / 2:
        return None
    return Finding(f"{growth / 1024:.0f} KiB stay in memory of every image of {size / 1024:.0f} KiB", "warn")


def _unlisted(one: Checked) -> dict[str, Prompts]:
    """Return prompts that the card does not list, by what they are."""
    mask, base = one.phantom.targets[LARGE], one.prompts(LARGE)
    found = {}
    if "points" not in one.takes:
        found["a click"] = base.with_point(phantoms.middle(mask), 1)
    if "box" not in one.takes:
        found["a box"] = replace(base, box=mask.box)
    if "boxes" not in one.takes:
        found["boxes of slices"] = replace(base, boxes=one.phantom.boxes(LARGE))
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
