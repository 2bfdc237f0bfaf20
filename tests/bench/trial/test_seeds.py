"""Several seeds: each mask is tried anew, the image is opened once, and seed 0 is what it was without seeds."""

import hashlib

import numpy as np
import pytest

from bench import trial
from bench.models.reference import Oracle
from bench.schema import MEASURED
from curate.labelmap import BoxMask

STEPS = (1, 3, 5, 10)
TIMINGS = {column.name for column in MEASURED}


def nothing(_number, reference):
    """Answer with the empty mask, so that every click is in the target."""
    return BoxMask.empty(reference.shape_ijk)


def untimed(rows):
    """Return rows without what is measured."""
    return [{name: value for name, value in row.items() if name not in TIMINGS} for row in rows]


def test_each_seed_has_every_row(asking, evaluated, unit):
    """A mask has one row for each of the pairs that `expected` gives, and these are all seeds and scored steps."""
    chosen = asking("random-error", seeds=3)
    assert trial.expected(chosen) == {(seed, step) for seed in range(3) for step in STEPS}
    found = [(row["mask_id"], row["seed"], row["step"]) for row in evaluated(Oracle(), chosen)]
    pairs = sorted(trial.expected(chosen))
    assert found == [(mask["mask_id"], *pair) for mask in unit.masks for pair in pairs]


def test_the_first_seed_is_the_trial_without_seeds(asking, evaluated, counting):
    """Rows, clicks and keys of seed 0 are those of a suite that says nothing of seeds."""
    many, one = counting(nothing), counting(nothing)
    rows = evaluated(many, asking("random-error", seeds=3))
    alone = evaluated(one, asking("random-error"))
    assert untimed(row for row in rows if row["seed"] == 0) == untimed(alone)
    assert {key: many.asked[key] for key in one.asked} == one.asked


def test_keys_of_one_seed_are_what_they_were(asking, evaluated, counting, unit):
    """The key of a target is the start of the SHA-256 of its mask_id."""
    model = counting(nothing)
    evaluated(model, asking("random-error"))
    assert model.asked.keys() == {hashlib.sha256(m["mask_id"].encode()).hexdigest()[:16] for m in unit.masks}


def test_seeds_click_elsewhere_and_share_no_state(asking, evaluated, counting):
    """The image is opened once; each of three seeds has a key and clicks of its own for each of three masks."""
    model = counting(nothing)
    evaluated(model, asking("random-error", seeds=3))
    assert model.opened == 1
    assert [len(calls) for calls in model.asked.values()] == [10] * 9
    assert len({str(calls[-1]) for calls in model.asked.values()}) == 9


def test_a_model_that_is_shown_the_truth_has_it_for_every_seed(asking, evaluated):
    """The reference model scores a Dice of 1 in all trials."""
    rows = evaluated(Oracle(), asking("random-error", seeds=2))
    assert {(row["seed"], row["status"], row["dice"]) for row in rows} == {(0, "ok", 1.0), (1, "ok", 1.0)}


def test_a_failure_is_its_seeds_alone(asking, evaluated, counting):
    """A model that fails at its 11th key, the second of seed 3, loses one mask of one seed."""
    model = counting(None)

    def answer(_number, reference):
        if len(model.asked) == 11:
            raise ValueError("eleventh")
        return BoxMask.of(np.ones(reference.shape_ijk, dtype=bool))

    model.answer = answer
    rows = evaluated(model, asking("random-error", seeds=4, score_after=[1]))
    bad = [(row["mask_id"], row["seed"]) for row in rows if row["status"] != "ok"]
    assert bad == [("hard/permuted#kidney_tumor", 3)]


@pytest.mark.parametrize("how", ["lost", "unsupported"])
def test_nothing_is_missing_when_nothing_was_run(asking, evaluated, counting, unit, how):
    """A lost worker, or prompts that the model does not take, give a row for each mask, seed and step."""
    chosen = asking("random-error" if how == "lost" else "box", seeds=2)
    rows = trial.lost(unit, chosen, ValueError("gone")) if how == "lost" else evaluated(counting(nothing), chosen)
    found = sorted((row["mask_id"], row["seed"], row["step"]) for row in rows)
    assert found == sorted((mask["mask_id"], *pair) for mask in unit.masks for pair in trial.expected(chosen))
    assert {row["status"] for row in rows} == {"failed" if how == "lost" else "unsupported"}
