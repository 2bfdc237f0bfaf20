"""Simulated clicks: pure, uniform, on the right side, and the same on every machine."""

import hashlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from bench import protocols
from bench.protocols.key import Key
from bench.protocols.random_error import RandomError
from bench.records import Prompts
from curate.errors import UnknownNameError, UsageError
from curate.labelmap import BoxMask

ROOT = Path(__file__).resolve().parents[2]
RNG = np.random.default_rng(5)
BLOB = RNG.random((7, 6, 5)) < 0.3
HALF = BLOB & (np.arange(7) < 4)[:, None, None]


def key(step=1, image="d/case", target="liver", dataset="d", version=1):
    """Return a key of the protocol."""
    return Key("random-error", version, dataset, image, target, step)


def first(mask, one):
    """Return the first click on a mask as a tuple."""
    return tuple(RandomError().prompt(BoxMask.of(mask), None, Prompts("x"), one).points_ijk[0].tolist())


def expected_draw(mask, fields):
    """Draw by the seeding rule, written down again: SHA-256 of the fields seeds PCG64, one integer picks a voxel."""
    seed = int(hashlib.sha256("\x1f".join(map(str, fields)).encode()).hexdigest(), 16)
    candidates = np.argwhere(mask)
    return tuple(candidates[np.random.Generator(np.random.PCG64(seed)).integers(len(candidates))].tolist())


@pytest.mark.parametrize(
    ("fields", "golden"),
    [
        (("random-error", 1, "d", "d/case", "liver", 1), (7, 4, 10)),
        (("random-error", 1, "amos22", "amos22/0117", "gall_bladder", 3), (3, 1, 11)),
        (("random-error", 2, "d", "d/case", "liver", 1), (5, 3, 16)),
    ],
)
def test_draws_are_golden(fields, golden):
    """The click of a key is the one that the seeding rule gives, whatever NumPy or this code becomes."""
    mask = np.indices((11, 13, 17)).sum(axis=0) % 3 == 0
    protocol, version, dataset, image, target, step = fields
    found = first(mask, Key(protocol, version, dataset, image, target, step))
    assert found == golden == expected_draw(mask, fields)


def test_a_draw_does_not_depend_on_what_was_drawn_before():
    """The same keys in any order give the same clicks."""
    keys = [key(step, target=target) for step in (1, 2, 3) for target in ("liver", "spleen")]
    forwards = [first(BLOB, one) for one in keys]
    backwards = [first(BLOB, one) for one in reversed(keys)]
    assert forwards == backwards[::-1]
    assert len(set(forwards)) > 1


def test_a_draw_does_not_depend_on_the_process():
    """Another process, with another hash seed, gives the same clicks."""
    program = (
        "from bench.protocols.key import Key;"
        "print([int(Key('random-error', 1, 'd', 'd/c', t, 1).generator().integers(10**9)) for t in 'abcdef'])"
    )
    found = [
        subprocess.run(
            [sys.executable, "-c", program], env={"PYTHONHASHSEED": seed}, cwd=ROOT, capture_output=True, check=True
        )
        for seed in ("1", "2")
    ]
    here = [int(key(image="d/c", target=t).generator().integers(10**9)) for t in "abcdef"]
    assert found[0].stdout == found[1].stdout == f"{here}\n".encode()


@pytest.mark.parametrize("changed", [{"step": 2}, {"image": "d/other"}, {"target": "liver/rater2"}, {"dataset": "e"}])
def test_every_field_of_the_key_matters(changed):
    """Changing one field of the key changes the generator's stream."""
    streams = [one.generator().integers(2**63, size=4).tolist() for one in (key(), key(**changed))]
    assert streams[0] != streams[1]


def test_first_click_is_uniform_in_the_foreground():
    """Over 4,000 images each of 12 foreground voxels is clicked equally often (chi-square, p > 0.001)."""
    mask = np.zeros((5, 4, 3), dtype=bool)
    mask.flat[[0, 3, 7, 8, 19, 20, 21, 33, 40, 41, 55, 59]] = True
    counts = np.zeros(mask.shape, dtype=int)
    for n in range(4000):
        counts[first(mask, key(image=f"d/{n}"))] += 1
    assert counts[~mask].sum() == 0
    assert stats.chisquare(counts[mask]).pvalue > 0.001


def test_error_clicks_are_uniform_in_the_error_region_and_know_their_side():
    """Missed voxels are clicked as inside, wrongly covered ones as outside, right ones never, all equally often."""
    reference, prediction = np.zeros((6, 5, 4), dtype=bool), np.zeros((6, 5, 4), dtype=bool)
    reference[1:4, 1:3, 1:3] = True
    prediction[2:5, 1:3, 1:3] = True
    counts = np.zeros(reference.shape, dtype=int)
    for n in range(3000):
        shown = RandomError().prompt(
            BoxMask.of(reference), BoxMask.of(prediction), Prompts("x"), key(step=2, image=f"d/{n}")
        )
        point = tuple(shown.points_ijk[0])
        counts[point] += 1
        assert shown.labels[0] == int(reference[point])
    wrong = reference != prediction
    assert counts[~wrong].sum() == 0
    assert stats.chisquare(counts[wrong]).pvalue > 0.001


def test_a_perfect_prediction_gets_a_foreground_click():
    """Without any error left, the click lies in the reference with label 1."""
    for n in range(30):
        shown = RandomError().prompt(BoxMask.of(BLOB), BoxMask.of(BLOB), Prompts("x"), key(step=n + 2))
        assert BLOB[tuple(shown.points_ijk[0])]
        assert shown.labels.tolist() == [1]


def test_an_empty_prediction_is_all_error():
    """After an empty answer the click is drawn from the whole reference, inside."""
    empty = BoxMask.of(np.zeros(BLOB.shape, dtype=bool))
    shown = RandomError().prompt(BoxMask.of(BLOB), empty, Prompts("x"), key(step=2))
    assert tuple(shown.points_ijk[0].tolist()) == first(BLOB, key(step=2))
    assert shown.labels.tolist() == [1]


@pytest.mark.parametrize("shift", [(0, 0, 0), (3, 0, 9), (20, 11, 1)])
@pytest.mark.parametrize("prediction", [None, HALF, ~BLOB])
def test_padding_moves_no_click(shift, prediction):
    """The same masks in a larger, empty grid give the same voxel of the mask."""
    padding = [(low, 4) for low in shift]
    small = RandomError().prompt(BoxMask.of(BLOB), _box(prediction), Prompts("x"), key(step=4))
    large = RandomError().prompt(
        BoxMask.of(np.pad(BLOB, padding)),
        None if prediction is None else BoxMask.of(np.pad(prediction, padding)),
        Prompts("x"),
        key(step=4),
    )
    assert (large.points_ijk - small.points_ijk).tolist() == [list(shift)]
    assert large.labels.tolist() == small.labels.tolist()


def test_a_loose_box_moves_no_click():
    """A prediction given in a larger box than it needs gives the same click."""
    loose = BoxMask(HALF.shape, (0, 0, 0, *HALF.shape), HALF)
    clicks = [
        RandomError().prompt(BoxMask.of(BLOB), one, Prompts("x"), key(step=3)).points_ijk.tolist()
        for one in (BoxMask.of(HALF), loose)
    ]
    assert clicks[0] == clicks[1]


def _box(mask):
    return None if mask is None else BoxMask.of(mask)


def test_history_grows_by_one_and_is_left_alone():
    """Each step repeats the earlier points in order and adds one; the history itself does not change."""
    history = Prompts("x")
    for step in range(1, 6):
        shown = RandomError().prompt(BoxMask.of(BLOB), BoxMask.of(HALF), history, key(step))
        assert len(history.labels) == step - 1
        assert shown.points_ijk[:-1].tolist() == history.points_ijk.tolist()
        assert shown.labels[:-1].tolist() == history.labels.tolist()
        assert shown.key == "x"
        history = shown


def test_an_empty_reference_has_nothing_to_click():
    """A mask without a voxel is refused instead of clicked at random."""
    with pytest.raises(ValueError, match="the reference is empty"):
        RandomError().prompt(BoxMask.of(np.zeros((3, 3, 3), dtype=bool)), None, Prompts("x"), key())


def test_actions_are_clicks():
    """A click costs one action."""
    shown = Prompts("x").with_point((0, 0, 0), 1).with_point((1, 0, 0), 0)
    assert RandomError().actions(shown) == 2
    assert RandomError().actions(Prompts("x")) == 0


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"score_afer": [1]}, "takes `score_after`, found `score_afer`"),
        ({"score_after": []}, r"ascending steps from 1, found \[\]"),
        ({"score_after": [0, 1]}, "ascending steps from 1"),
        ({"score_after": [3, 1]}, "ascending steps from 1"),
        ({"score_after": [1, 1]}, "ascending steps from 1"),
        ({"score_after": [1.0, 3.0]}, "ascending steps from 1"),
        ({"score_after": [True, 3]}, "ascending steps from 1"),
        ({"score_after": 3}, "ascending steps from 1, found 3"),
        ({"score_after": "135"}, "ascending steps from 1, found '135'"),
        ({"score_after": {"1": 1}}, "ascending steps from 1"),
    ],
)
def test_wrong_parameters_are_refused(parameters, message):
    """Parameters that cannot be meant are wrong usage, in words."""
    with pytest.raises(UsageError, match=message):
        protocols.load("random-error", 1, parameters)


def test_other_versions_are_refused():
    """A suite written for another version never runs silently with this one."""
    with pytest.raises(UsageError, match="has version 1 here, the suite asks for 2"):
        protocols.load("random-error", 2, {})


def test_unknown_protocols_are_refused_with_a_hint():
    """A misspelt protocol names its nearest neighbour."""
    with pytest.raises(UnknownNameError, match="did you mean `random-error`"):
        protocols.load("random-eror", 1, {})


def test_the_hash_follows_the_parameters():
    """Equal protocols hash alike, written out or by default; other steps hash otherwise."""
    default, written, other = (
        protocols.sha256(protocols.load("random-error", 1, parameters))
        for parameters in ({}, {"score_after": [1, 3, 5, 10]}, {"score_after": [1, 3, 5]})
    )
    assert default == written
    assert other != default
