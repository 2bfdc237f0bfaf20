"""What every prompt protocol must keep."""

import json
from itertools import pairwise

import numpy as np
import pytest

from bench import protocols
from bench.protocols.key import Key
from bench.records import Prompts
from curate.errors import UsageError
from curate.labelmap import BoxMask

SHAPE = (9, 8, 7)


@pytest.fixture(params=protocols.REGISTRY.names())
def protocol(request):
    """Return a protocol in its newest version, with its own defaults."""
    return protocols.load(request.param, protocols.REGISTRY.load(request.param).version, {})


@pytest.fixture
def reference():
    """Return a mask of 60 voxels somewhere in the grid."""
    mask = np.zeros(SHAPE, dtype=bool)
    mask[2:7, 3:6, 1:5] = True
    return BoxMask.of(mask)


def key(protocol, step, image="d/c"):
    """Return a key."""
    return Key(protocol.name, protocol.version, "d", image, "liver", step)


def trial(protocol, reference, image="d/c"):
    """Prompt a model that answers with one voxel more at every step; return the prompts of each step."""
    shown, prediction, found = Prompts("x"), None, []
    for step in range(1, protocol.scored_steps[-1] + 1):
        shown = protocol.prompt(reference, prediction, shown, key(protocol, step, image))
        found.append(shown)
        answer = np.zeros(SHAPE, dtype=bool)
        answer.reshape(-1)[: 40 * step] = True
        prediction = BoxMask.of(answer)
    return found


def plain(prompts):
    """Return prompts as comparable values."""
    return [(one.key, one.points_ijk.tolist(), one.labels.tolist(), one.box) for one in prompts]


def test_prompts_are_pure(protocol, reference):
    """The same key and history give the same prompts; another image gives others."""
    assert plain(trial(protocol, reference)) == plain(trial(protocol, reference))
    assert plain(trial(protocol, reference)) != plain(trial(protocol, reference, "d/other"))


def test_nothing_that_was_shown_is_taken_back(protocol, reference):
    """Each step repeats what the step before showed and adds to it; points lie in the image and on their side."""
    found = trial(protocol, reference)
    for before, after in pairwise(found):
        assert after.points_ijk[: len(before.labels)].tolist() == before.points_ijk.tolist()
        assert after.labels[: len(before.labels)].tolist() == before.labels.tolist()
    last, inside = found[-1], reference.full()
    assert (last.points_ijk >= 0).all()
    assert (last.points_ijk < SHAPE).all()
    assert last.labels.tolist() == [int(inside[tuple(point)]) for point in last.points_ijk]


def test_only_declared_kinds_are_shown(protocol, reference):
    """A protocol shows nothing that its `kinds` do not list."""
    assert all(one.kinds <= protocol.kinds for one in trial(protocol, reference))


def test_actions_grow(protocol, reference):
    """Every step costs the user something."""
    costs = [protocol.actions(one) for one in trial(protocol, reference)]
    assert costs == sorted(set(costs))
    assert costs[0] >= 1


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
