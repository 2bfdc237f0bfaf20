import numpy as np
import pytest

from bench.finished import read_comparable
from bench.leaderboard import build
from bench.metrics.clicks import THRESHOLDS, clicks_to, normalised_area
from bench.statistics.curves import area, steps_to
from bench.statistics.figures import ASKED, NO_CURVE, OK_ONLY

STEPS = np.array([1, 3, 5, 10])


@pytest.fixture
def board(make_run):
    """Return a function that builds the board of one run of some rows."""
    return lambda rows: build(read_comparable([make_run(rows)]))


def curve(scores, mask="m", **columns):
    """Make the rows of one mask; a score of None is a failure."""
    return [
        {"mask_id": mask, "step": int(step), "dice": score, "status": "ok" if score is not None else "failed"} | columns
        for step, score in zip(STEPS, scores, strict=True)
    ]


def test_many_curves_equal_the_definitions_for_one():
    """Area and steps to a Dice are those of bench.metrics.clicks, missing scores included."""
    scores = np.random.default_rng(1).uniform(0.6, 1, (200, 4))
    scores[::7, 2] = np.nan
    areas = area(scores, STEPS)
    for threshold in THRESHOLDS:
        reached, censored = steps_to(scores, STEPS, threshold)
        for row, values in enumerate(scores):
            one = {int(s): None if np.isnan(v) else float(v) for s, v in zip(STEPS, values, strict=True)}
            expected = clicks_to(one, threshold)
            assert (reached[row], censored[row]) == (expected.clicks, expected.censored)
            found = normalised_area(one, STEPS.tolist())
            assert np.isnan(areas[row]) if found is None else areas[row] == pytest.approx(found)


def test_area_by_hand(board):
    """(2 x 0.6 + 2 x 0.8 + 5 x 0.85) / 9 under the points 0.5, 0.7, 0.9 and 0.8; it stands at the last step."""
    table = board(curve([0.5, 0.7, 0.9, 0.8]))
    assert table.figure("net", "dice_area_over_steps").value == pytest.approx(7.05 / 9, abs=1e-6)
    assert table.figure("net", "dice_area_over_steps", step=5) is None


def test_failure_ends_a_curve_at_zero_or_takes_it_out(board):
    """A curve of 1, 1, failed, failed has the area (2 + 1) / 9 with failures as 0, and none among the answered."""
    table = board([*curve([1.0, 1.0, None, None]), *curve([0.5] * 4, mask="other")])
    assert table.figure("net", "dice_area_over_steps").value == pytest.approx((3 / 9 + 0.5) / 2, abs=1e-6)
    answered = table.figure("net", "dice_area_over_steps", policy=OK_ONLY)
    assert (answered.value, answered.n_masks) == (0.5, 1)


def test_steps_to_a_dice_by_hand(board):
    """One mask reaches 0.8 at step 3, one never: 6.5 steps on average, half of them censored."""
    table = board([*curve([0.5, 0.8, 0.8, 0.8]), *curve([0.1, None, None, None], mask="other")])
    assert table.figure("net", "steps_to_dice_80").value == 6.5
    assert table.figure("net", "never_reaches_dice_80").value == 0.5
    assert table.figure("net", "steps_to_dice_85").value == 10
    assert table.figure("net", "never_reaches_dice_85").value == 1


def test_masks_that_were_not_asked_have_no_steps(board):
    """An unsupported mask neither reaches a Dice nor fails to."""
    table = board([*curve([0.9] * 4), *curve([None] * 4, mask="other", status="unsupported")])
    assert (table.figure("net", "steps_to_dice_90").value, table.figure("net", "steps_to_dice_90").n_masks) == (1, 1)
    assert table.figure("net", "never_reaches_dice_90").value == 0


def test_one_step_is_no_curve(board):
    """With a single scored step there is no area, and the reason is given."""
    figure = board([{"dice": 0.5}]).figure("net", "dice_area_over_steps")
    assert (figure.value, figure.why_no_value) == (None, NO_CURVE)


def test_failure_rate_by_hand(board):
    """One failure and one timeout of four masks asked, and one not asked: 0.5."""
    statuses = ["ok", "ok", "failed", "timeout", "unsupported"]
    figure = board([{"status": status} for status in statuses]).figure("net", "failure_rate", policy=ASKED)
    assert (figure.value, figure.n_masks) == (0.5, 4)


def test_cost_is_median_and_maximum(board):
    """Of 1, 2 and 9 seconds the median is 2, of 100, 300 and 200 MiB the most is 300; neither has an interval."""
    rows = [
        {"patient_id": f"p{i}", "seconds_predict": seconds, "peak_memory_mb": memory}
        for i, (seconds, memory) in enumerate([(1.0, 100.0), (2.0, 300.0), (9.0, 200.0)])
    ]
    table = board(rows)
    predict, memory = (table.figure("net", name, policy=OK_ONLY) for name in ("seconds_predict", "peak_memory_mb"))
    assert (predict.value, predict.low) == (2.0, None)
    assert (memory.value, memory.low, memory.why_no_interval) == (300.0, None, "none is given for a maximum")


def seeds(values, mask="m", **columns):
    """Make one row per seed; None is a failure."""
    return [
        {"mask_id": mask, "seed": seed, "dice": value, "status": "ok" if value is not None else "failed"} | columns
        for seed, value in enumerate(values)
    ]


def test_seeds_are_averaged_before_masks_are_counted(board):
    """0.2 and 0.6 are one mask of 0.4; with a mask of 0.8 the mean is 0.6 of two masks, not of three rows."""
    figure = board([*seeds([0.2, 0.6]), *seeds([0.8], mask="other")]).figure("net")
    assert (figure.value, figure.n_masks) == (pytest.approx(0.6), 2)


def test_seed_that_failed_is_zero_or_left_out(board):
    """Of 0.8 and a failure the mask has 0.4 with failures as 0 and 0.8 among the answered; its outcome is failed."""
    table = board(seeds([0.8, None]))
    assert table.figure("net").value == pytest.approx(0.4)
    assert table.figure("net", policy=OK_ONLY).value == pytest.approx(0.8)
    assert table.entries[0].coverage.counts[1]["failed"] == 1


def test_spread_between_seeds_by_hand(board):
    """0.2, 0.4 and 0.6 have the standard deviation 0.2, 0.5 and 0.5 have 0: 0.1 on average of the masks with seeds."""
    rows = [*seeds([0.2, 0.4, 0.6]), *seeds([0.5, 0.5], mask="other"), *seeds([0.9], mask="once")]
    figure = board(rows).figure("net", "dice_sd_between_seeds")
    assert (figure.value, figure.n_masks) == (pytest.approx(0.1), 2)


def test_one_seed_has_no_spread(board):
    """Without repeated trials there is no such figure, rather than one of 0."""
    assert board([{"dice": 0.5}]).figure("net", "dice_sd_between_seeds") is None


def test_curves_of_seeds_are_averaged(board):
    """A mask whose seeds reach 0.8 at steps 1 and 5 takes 3 steps."""
    rows = [*curve([0.9] * 4), *curve([0.1, 0.1, 0.8, 0.8], seed=1)]
    figure = board(rows).figure("net", "steps_to_dice_80")
    assert (figure.value, figure.n_masks) == (3, 1)
