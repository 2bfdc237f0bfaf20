"""The generalisation gap against closed forms and against a second way of computing it."""

import numpy as np
import pytest

from bench.finished import patient_keys
from bench.gap import estimate, gaps, masks_at, strata_of
from bench.gap.estimate import NO_MATCH
from bench.statistics.bootstrap import RESAMPLES, stratify
from bench.statistics.figures import NO_SIDE

BY_SIZE = {50: 0.3, 500: 0.6, 5000: 0.9}
"""Voxels of a reference -> Dice."""


def masks_of(dice_of, n_patients=6, effect=0.0):
    """Make rows: every patient has seen and unseen masks of three sizes, more unseen ones of the small."""
    rows = []
    for patient in range(n_patients):
        for size, n_seen, n_unseen in ((50, 1, 4), (500, 2, 2), (5000, 4, 1)):
            for answer, n in (("seen", n_seen), ("unseen", n_unseen)):
                lost = effect if answer == "unseen" else 0.0
                row = {"patient_id": f"p{patient}", "reference_voxels": size, "seen_target": answer}
                rows += [row | {"dice": dice_of[size] - lost} for _ in range(n)]
    return rows


def level_gap(run, level="seen_target"):
    """Return the gap of one level at step 1."""
    strata = stratify(patient_keys(run))
    return next(one for one in gaps(run, 1, strata) if one.level == level)


def test_size_alone(finished):
    """Where difficulty is size alone and unseen targets are small, the raw gap is what size makes, the matched is 0."""
    found = level_gap(finished(masks_of(BY_SIZE)))
    seen, unseen = (0.3 + 2 * 0.6 + 4 * 0.9) / 7, (4 * 0.3 + 2 * 0.6 + 0.9) / 7
    assert found.raw.value == pytest.approx(seen - unseen, abs=1e-6)
    assert found.matched.value == 0
    assert (found.matched.low, found.matched.high) == (0, 0)
    assert found.matched.n_strata == 3


def test_planted_effect(finished):
    """A loss of 0.2 on every unseen mask is found whatever size does, with an interval that holds nothing else."""
    found = level_gap(finished(masks_of(BY_SIZE, effect=0.2))).matched
    assert (found.value, found.low, found.high) == pytest.approx((0.2, 0.2, 0.2), abs=1e-6)


def test_weights_are_of_the_unseen(finished):
    """Strata weigh by their unseen masks: losses of 0.4 on three small and 0.0 on one large mask average 0.3."""
    rows = [{"seen_target": "seen", "reference_voxels": 50, "dice": 0.8}] * 10
    rows += [{"seen_target": "seen", "reference_voxels": 5000, "dice": 0.9}]
    rows += [{"seen_target": "unseen", "reference_voxels": 50, "dice": 0.4}] * 3
    rows += [{"seen_target": "unseen", "reference_voxels": 5000, "dice": 0.9}]
    assert level_gap(finished(rows)).matched.value == pytest.approx(0.3)


def test_share_that_found_a_match(finished):
    """An unseen mask of a modality or size without seen ones is left out of the matched gap, and counted as such."""
    rows = [{"seen_target": "seen", "dice": 0.8}, {"seen_target": "unseen", "dice": 0.7}]
    rows += [{"seen_target": "unseen", "modality": "MR", "dice": 0.0}]
    rows += [{"seen_target": "unseen", "reference_voxels": 5, "dice": 0.0}]
    found = level_gap(finished(rows))
    assert found.matched.value == pytest.approx(0.1)
    assert found.matched.matched_share == pytest.approx(1 / 3)
    assert (found.matched.n_seen, found.matched.n_unseen) == (1, 1)
    assert found.raw.n_unseen == 3


def test_no_stratum_holds_both(finished):
    """Without a stratum of both sides there is no matched gap, and the reason says so."""
    rows = [{"seen_target": "seen", "dice": 0.8}, {"seen_target": "unseen", "modality": "MR", "dice": 0.7}]
    found = level_gap(finished(rows)).matched
    assert found.value is None
    assert found.why_no_value == NO_MATCH


def test_one_side_only(finished):
    """Without seen masks there is neither gap, and unknown masks are counted, on no side."""
    rows = [{"seen_target": "unseen", "dice": 0.8}, {"seen_target": "unknown", "dice": 0.7}]
    found = level_gap(finished(rows))
    assert (found.raw.value, found.raw.why_no_value) == (None, NO_SIDE)
    assert (found.n_seen, found.n_unseen, found.n_unknown) == (0, 1, 1)


def test_unknown_changes_nothing(finished):
    """Masks of unknown answer move neither gap, however good they are."""
    rows = masks_of(BY_SIZE, effect=0.1)
    more = [{"patient_id": "p0", "seen_target": "unknown", "dice": 1.0}] * 30
    assert level_gap(finished(rows + more)).matched == level_gap(finished(rows)).matched


def test_modality_level_matches_by_size(finished):
    """A modality is seen or not, so its gap is matched by size alone."""
    rows = [
        {"seen_modality": "seen", "dice": 0.8},
        {"seen_modality": "unseen", "modality": "US", "dice": 0.5},
        {"seen_modality": "unseen", "modality": "US", "reference_voxels": 5, "dice": 0.0},
    ]
    found = level_gap(finished(rows), "seen_modality").matched
    assert found.value == pytest.approx(0.3)
    assert found.matched_share == 0.5


def test_few_patients(finished):
    """Four patients on one side give a gap without an interval, and the reason."""
    found = level_gap(finished(masks_of(BY_SIZE, n_patients=4, effect=0.1))).matched
    assert found.value == pytest.approx(0.1)
    assert (found.low, found.high, found.why_no_interval) == (None, None, "n < 5 patients a side")


def test_failures_count_as_zero(finished):
    """A failed unseen mask has Dice 0 in the gap; an unsupported one has no part in it."""
    rows = [{"seen_target": "seen", "dice": 0.8}, {"seen_target": "unseen", "status": "failed"}]
    rows += [{"seen_target": "unseen", "status": "unsupported"}]
    found = level_gap(finished(rows))
    assert found.raw.value == pytest.approx(0.8)
    assert found.n_unseen == 1


def test_seeds_are_averaged(finished):
    """Three trials of one mask are one mask, whose Dice is their mean."""
    rows = [{"mask_id": "a", "seed": seed, "dice": dice} for seed, dice in enumerate((0.2, 0.4, 0.9))]
    run = finished(rows)
    masks = masks_at(run, 1, stratify(patient_keys(run)))
    assert masks.dice == pytest.approx([0.5])


def test_powers_of_ten(finished):
    """Size classes start at 1, 10, 100 and 1000 voxels."""
    rows = [{"reference_voxels": n, "dice": 0.5} for n in (1, 9, 10, 99, 100, 999, 1000)]
    run = finished(rows)
    masks = masks_at(run, 1, stratify(patient_keys(run)))
    found = strata_of(masks, "seen_target")
    assert (found[0], found[2], found[4]) == (found[1], found[3], found[5])
    assert len(set(found.tolist())) == 4


def test_interval_by_hand():
    """The interval is the percentiles of the gap computed resample by resample with whole patients."""
    generator = np.random.default_rng(3)
    n = 40
    patients = generator.integers(6, size=n)
    seen = generator.random(n) < 0.5
    classes = generator.integers(2, size=n)
    dice = generator.random(n)
    strata = stratify(("d", f"p{number}") for number in range(6))
    found = estimate(dice, patients, seen, ~seen, classes, strata)
    expected = []
    for draw in strata.weights[0]:
        weight = draw[patients]
        top = bottom = 0.0
        for code in (0, 1):
            a, b = (weight * side * (classes == code) for side in (seen, ~seen))
            if a.sum() and b.sum():
                top += b.sum() * ((a * dice).sum() / a.sum() - (b * dice).sum() / b.sum())
                bottom += b.sum()
        expected.append(top / bottom)
    assert len(expected) == RESAMPLES
    assert (found.low, found.high) == pytest.approx(tuple(np.percentile(expected, [2.5, 97.5])), abs=1e-6)


def test_order_of_rows(finished):
    """The order of the rows changes nothing."""
    rows = [row | {"mask_id": f"m{at}"} for at, row in enumerate(masks_of(BY_SIZE, effect=0.05))]
    assert level_gap(finished(rows)) == level_gap(finished(rows[::-1]))
