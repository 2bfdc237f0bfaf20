"""What every prompt protocol must keep, on large, tiny, flat and broken targets."""

import json
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from bench import protocols
from bench.protocols.key import Key
from bench.records import Prompts
from curate.errors import UsageError
from curate.labelmap import BoxMask

SHAPE = (11, 10, 9)
RNG = np.random.default_rng(8)
CLICKING = {"random-error", "ritm", "edt-largest", "off-centre", "training-random", "cvpr25"}
"""Protocols that click into what is wrong, from the first step on."""
FREE = {"automatic", "start-mask"}
"""Protocols whose first step costs the user nothing."""


def masks():
    """Return targets by what is hard about them."""
    block, dot, parts, flat = (np.zeros(SHAPE, dtype=bool) for _ in range(4))
    block[2:8, 3:7, 1:6] = True
    dot[4, 9, 0] = True
    parts[1:3, 1:3, 1:3] = parts[6:10, 5:9, 6:8] = True
    flat[3:9, 2:8, 4] = True
    return {
        "block": block,
        "one voxel": dot,
        "whole image": np.ones(SHAPE, dtype=bool),
        "two parts": parts,
        "one slice": flat,
        "scattered": RNG.random(SHAPE) < 0.2,
        "2D": flat[:, :, 4:5],
        "2D, one pixel": dot[:, :, :1],
        "2D, whole image": np.ones((7, 6, 1), dtype=bool),
    }


MASKS = masks()


@pytest.fixture(params=protocols.REGISTRY.names(), scope="module")
def protocol(request):
    """Return a protocol in its newest version, with its own defaults."""
    return protocols.load(request.param, protocols.REGISTRY.load(request.param).version, {})


@pytest.fixture(scope="module")
def trials(protocol):
    """Return mask, and prediction and prompts of each step, for every target by its name."""
    return {name: (mask, trial(protocol, mask)) for name, mask in MASKS.items()}


def key(protocol, step, image="d/c", seed=0):
    """Return a key."""
    return Key(protocol.name, protocol.version, "d", image, "liver", step, seed, spacing=(1.0, 1.0, 2.5))


def predictions(mask, steps):
    """Return what a clumsy model answers after each step: nothing, too much, half, the inverse, all right."""
    half = mask & (np.indices(mask.shape).sum(axis=0) % 2 == 0)
    answers = [np.zeros_like(mask), np.ones_like(mask), half, ~mask, np.roll(mask, 1, axis=0), mask]
    return [BoxMask.of(answers[n % len(answers)]) for n in range(steps)]


def trial(protocol, mask, image="d/c", seed=0):
    """Run a protocol against the clumsy model; return prediction and prompts of each step, from the start."""
    steps = protocol.scored_steps[-1]
    before = [None, *predictions(mask, steps)][:steps]
    shown, found = Prompts("x"), []
    for step, prediction in enumerate(before, start=1):
        shown = protocol.prompt(BoxMask.of(mask), prediction, shown, key(protocol, step, image, seed))
        found.append((prediction, shown))
    return found


def plain(prompts):
    """Return prompts as comparable values."""
    previous = None if prompts.previous is None else np.argwhere(prompts.previous.full()).tolist()
    strokes = [(one.tool, one.label, one.voxels_ijk.tolist()) for one in prompts.strokes]
    shown = (prompts.points_ijk.tolist(), prompts.labels.tolist(), prompts.box, prompts.boxes)
    return prompts.key, prompts.target, *shown, previous, strokes, prompts.n_actions


def test_prompts_are_pure(protocol, trials):
    """The same key and history give the same prompts."""
    for name, (mask, found) in trials.items():
        assert [plain(one) for _, one in trial(protocol, mask)] == [plain(one) for _, one in found], name


def test_prompts_do_not_depend_on_the_order_of_draws(protocol, trials):
    """Each step drawn again, the last first, is what it was when the steps came in order."""
    for name, (mask, found) in trials.items():
        before = [Prompts("x"), *(shown for _, shown in found)]
        for step in reversed(range(1, len(found) + 1)):
            prediction, shown = found[step - 1]
            again = protocol.prompt(BoxMask.of(mask), prediction, before[step - 1], key(protocol, step))
            assert plain(again) == plain(shown), name


def test_only_declared_kinds_are_shown(protocol, trials):
    """A protocol shows nothing that its `kinds` do not list, and its class says what its defaults show."""
    assert type(protocol).kinds == protocol.kinds
    for name, (_, found) in trials.items():
        assert all(shown.kinds <= protocol.kinds for _, shown in found), name


def test_points_and_strokes_lie_in_the_image_and_on_their_side(trials):
    """No label contradicts the reference."""
    for name, (mask, found) in trials.items():
        for _, shown in found:
            assert (shown.points_ijk >= 0).all()
            assert shown.labels.tolist() == [int(mask[tuple(point)]) for point in shown.points_ijk], name
            assert all((mask[tuple(one.voxels_ijk.T)] == one.label).all() for one in shown.strokes), name
            assert all(len(one.voxels_ijk) > 0 for one in shown.strokes), name


def test_boxes_lie_in_the_image(trials):
    """Every box is a half-open box of at least one voxel inside the image."""
    for name, (mask, found) in trials.items():
        for _, shown in found:
            for box in (*([shown.box] if shown.box else []), *shown.boxes):
                assert all(0 <= a < b <= n for a, b, n in zip(box[:3], box[3:], mask.shape, strict=True)), name
            assert all(1 in np.subtract(box[3:], box[:3]) for box in shown.boxes), name


def test_clicks_lie_in_the_error(protocol, trials):
    """Where something is wrong, a click protocol clicks it."""
    if protocol.name not in CLICKING:
        pytest.skip("does not only click into the error")
    for name, (mask, found) in trials.items():
        for (_, before), (prediction, after) in pairwise(found):
            wrong = prediction.full() != mask
            if wrong.any() and after.n_actions > before.n_actions:
                assert wrong[tuple(after.points_ijk[-1])], name


def test_history_is_kept_and_left_alone(protocol, trials):
    """Each step repeats the points and strokes before, unless only the newest are shown, and changes no old object."""
    for name, (mask, found) in trials.items():
        kept = [plain(shown) for _, shown in found]
        trial(protocol, mask, seed=3)
        assert [plain(shown) for _, shown in found] == kept, name
        if protocol.parameters.get("points") == "newest":
            assert all(len(shown.labels) <= 1 for _, shown in found), name
            continue
        for (_, before), (_, after) in pairwise(found):
            assert after.points_ijk[: len(before.labels)].tolist() == before.points_ijk.tolist(), name
            assert after.strokes[: len(before.strokes)] == before.strokes, name
            assert before.box in (None, after.box), name


def test_actions_never_fall(protocol, trials):
    """What a trial costs starts above nothing, for all but two protocols, and never falls."""
    for name, (_, found) in trials.items():
        costs = [protocol.actions(shown) for _, shown in found]
        assert costs == sorted(costs), name
        assert (costs[0] == 0) == (protocol.name in FREE), name


def test_a_step_that_adds_nothing_returns_the_history_itself(trials):
    """Whoever runs a trial can tell by identity that the model need not be asked again."""
    for name, (_, found) in trials.items():
        for (_, before), (_, after) in pairwise(found):
            assert plain(before) != plain(after) or before is after, name


@pytest.mark.parametrize("answered", [False, True])
def test_a_larger_grid_moves_no_prompt(protocol, answered):
    """The same masks in a larger, empty grid give the same prompts, moved; jitter may use the room, so it is off."""
    if protocol.name == "cvpr25":
        pytest.skip("its boxes grow with the image")
    if "jitter" in protocol.parameters:
        protocol = protocols.load(protocol.name, protocol.version, {**protocol.parameters, "jitter": 0})
    for name, mask in MASKS.items():
        shift = np.array((3, 0, 0 if mask.shape[2] == 1 else 4))
        padding = [(int(n), 0) for n in shift]
        answer = mask & (np.arange(mask.shape[0]) % 3 != 1)[:, None, None]
        pairs = [(mask, answer), (np.pad(mask, padding), np.pad(answer, padding))]
        small, large = (
            protocol.prompt(BoxMask.of(a), BoxMask.of(b) if answered else None, Prompts("x"), key(protocol, 2))
            for a, b in pairs
        )
        assert (large.points_ijk - shift).tolist() == small.points_ijk.tolist(), name
        assert large.labels.tolist() == small.labels.tolist(), name
        assert [moved(box, -shift) for box in large.boxes] == list(small.boxes), name
        assert (large.box and moved(large.box, -shift)) == small.box, name


def moved(box, shift):
    """Return a box elsewhere."""
    return tuple(int(n) for n in np.add(box, [*shift, *shift]))


def test_a_loose_box_moves_no_prompt(protocol):
    """Masks given in larger boxes than they need give the same prompts."""
    for name, mask in MASKS.items():
        loose = BoxMask(mask.shape, (0, 0, 0, *mask.shape), mask)
        prompts = [protocol.prompt(one, None, Prompts("x"), key(protocol, 1)) for one in (BoxMask.of(mask), loose)]
        assert plain(prompts[0]) == plain(prompts[1]), name


def test_an_empty_reference_is_refused(protocol):
    """Where there is nothing to segment, there is nothing to show."""
    with pytest.raises(ValueError, match="the reference is empty"):
        protocol.prompt(BoxMask.empty(SHAPE), None, Prompts("x"), key(protocol, 1))


def test_steps_ascend_from_one(protocol):
    """Scored steps are ascending whole numbers from 1, and the parameters are JSON that makes the same protocol."""
    steps = protocol.scored_steps
    assert steps[0] >= 1
    assert list(steps) == sorted(set(steps))
    parameters = json.loads(json.dumps(protocol.parameters))
    again = protocols.load(protocol.name, protocol.version, parameters)
    assert protocols.sha256(again) == protocols.sha256(protocol)


def test_other_versions_and_parameters_are_refused(protocol):
    """A suite that asks for what is not here is wrong usage."""
    with pytest.raises(UsageError, match="version"):
        protocols.load(protocol.name, protocol.version + 1, {})
    with pytest.raises(UsageError, match="no_such_parameter"):
        protocols.load(protocol.name, protocol.version, {"no_such_parameter": 1})


def test_the_seed_changes_the_draw_and_the_spacing_does_not():
    """Seed 0 draws what keys drew before there were seeds, another seed otherwise; the spacing changes nothing."""
    first = Key("random-error", 1, "d", "d/c", "liver", 1)
    numbers = [
        one.generator().integers(2**62) for one in (first, replace(first, seed=0), replace(first, spacing=(1, 1, 2)))
    ]
    assert len(set(map(int, numbers))) == 1
    assert replace(first, seed=1).generator().integers(2**62) != numbers[0]
