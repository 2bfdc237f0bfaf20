import numpy as np
import pytest

from bench.finished import read_comparable
from bench.leaderboard import build
from bench.statistics.coverage import MISSING
from bench.statistics.figures import ALL, FAILED_IS_ZERO, FEW_PATIENTS, GAP, NO_MASK, NO_SIDE, OK_ONLY, OVER_DATASETS


def patients(values, **columns):
    """Make one mask per patient."""
    return [{"patient_id": f"p{i}", "dice": float(value)} | columns for i, value in enumerate(values)]


@pytest.fixture
def board(make_run):
    """Return a function that builds the board of one run of some rows."""
    return lambda rows, **more: build(read_comparable([make_run(rows, **more)]))


def test_both_means_by_hand(board):
    """(0.2 + 0.4 + 0.9) / 3 over masks, ((0.2 + 0.4) / 2 + 0.9) / 2 over datasets."""
    rows = [{"dice": 0.2}, {"dice": 0.4}, {"dice": 0.9, "dataset": "d2"}]
    table = board(rows)
    over_masks, over_datasets = table.figure("net"), table.figure("net", aggregation=OVER_DATASETS)
    assert over_masks.value == pytest.approx(0.5)
    assert over_datasets.value == pytest.approx(0.6)
    assert (over_masks.n_masks, over_masks.n_patients, over_masks.n_datasets) == (3, 2, 2)


@pytest.mark.parametrize("status", ["failed", "timeout", "out_of_memory"])
def test_failures_count_as_zero_and_stay_in_the_denominator(board, status):
    """One mask of 0.8 and one failure: 0.4 of two masks, and 0.8 of the one answered."""
    table = board([{"dice": 0.8, "iou": 0.6, "nsd": 1.0}, {"status": status}])
    for metric, zeroed, answered in (("dice", 0.4, 0.8), ("iou", 0.3, 0.6), ("nsd", 0.5, 1.0)):
        failed, ok = (table.figure("net", metric, policy=policy) for policy in (FAILED_IS_ZERO, OK_ONLY))
        assert (failed.value, failed.n_masks) == (pytest.approx(zeroed), 2)
        assert (ok.value, ok.n_masks) == (pytest.approx(answered), 1)


@pytest.mark.parametrize("status", ["unsupported", "not_applicable"])
def test_masks_that_were_not_asked_are_in_no_mean(board, status):
    """An unsupported mask is shown as coverage: it neither raises nor lowers a mean."""
    table = board([{"dice": 0.8}, {"status": status}])
    assert (table.figure("net").value, table.figure("net").n_masks) == (0.8, 1)
    assert table.entries[0].coverage.counts[1][status] == 1
    assert table.entries[0].coverage.lost == (("d1", status, 1),)


def test_answer_without_a_score_is_not_zero(board):
    """A mask that is ok but whose definition gives no score lowers nothing; n says so."""
    figure = board([{"dice": 0.8}, {"dice": None}]).figure("net")
    assert (figure.value, figure.n_masks) == (0.8, 1)


def test_distances_are_of_millimetres_only(board):
    """A distance in pixels has no part in HD95, and a failure has no distance."""
    rows = [{"hd95_mm": 4.0}, {"hd95_mm": 90.0, "distance_unit": "pixel"}, {"status": "failed", "distance_unit": None}]
    figure = board(rows).figure("net", "hd95_mm", policy=OK_ONLY)
    assert (figure.value, figure.n_masks) == (4.0, 1)


def test_volume_error_by_hand(board):
    """Of -0.5, 0.1 and 0.3 the median is 0.1 and the mean absolute value 0.3; a median has no interval."""
    table = board([{"volume_error": value, "patient_id": str(value)} for value in (-0.5, 0.1, 0.3)])
    median = table.figure("net", "volume_error_median", policy=OK_ONLY)
    assert (median.value, median.low) == (0.1, None)
    assert table.figure("net", "volume_error_mean_absolute", policy=OK_ONLY).value == pytest.approx(0.3)


def test_median_over_datasets_is_the_mean_of_medians(board):
    """Medians 0.2 and 0.6 of two datasets give 0.4."""
    rows = [{"volume_error": v} for v in (0.1, 0.2, 0.9)] + [{"volume_error": 0.6, "dataset": "d2"}]
    figure = board(rows).figure("net", "volume_error_median", policy=OK_ONLY, aggregation=OVER_DATASETS)
    assert figure.value == pytest.approx(0.4)


def test_missing_steps_and_masks_are_coverage(make_run):
    """A mask that only another run has is missing here, and the run is not complete."""
    runs = [make_run([{"dice": 0.5}], "short"), make_run([{"dice": 0.5}, {"dice": 0.5}], "long")]
    covered = {entry.name: entry.coverage for entry in build(read_comparable(runs)).entries}
    assert (covered["short"].counts[1]["ok"], covered["short"].counts[1][MISSING]) == (1, 1)
    assert (covered["short"].complete, covered["long"].complete) == (False, True)
    assert sum(covered["short"].counts[1].values()) == covered["short"].expected == 2


def test_mask_that_the_protocol_never_applies_to_costs_no_rank(make_run):
    """What is not applicable to every model leaves the masks that a model must cover."""
    rows = [{"dice": 0.5}, {"status": "not_applicable"}]
    board = build(read_comparable([make_run(rows, "a"), make_run(rows, "b")]))
    assert all(entry.coverage.complete and entry.ranks for entry in board.entries)


def test_interval_of_a_constant_has_no_width(board):
    """When every mask scores the same, so does every resample."""
    figure = board(patients([0.7] * 12)).figure("net")
    assert (figure.low, figure.value, figure.high) == (0.7, 0.7, 0.7)


def test_interval_agrees_with_the_normal_approximation(board):
    """For 200 independent patients the bootstrap is within a tenth of 1.96 standard errors."""
    values = np.random.default_rng(3).uniform(0, 1, 200)
    figure = board(patients(values)).figure("net")
    half = 1.96 * values.std() / np.sqrt(len(values))
    assert figure.low < figure.value < figure.high
    assert figure.value - figure.low == pytest.approx(half, rel=0.1)
    assert figure.high - figure.value == pytest.approx(half, rel=0.1)


def test_more_masks_of_the_same_patients_do_not_shrink_the_interval(board):
    """Patients are clusters: writing every mask down four times is no evidence, four times the patients is."""
    values = np.random.default_rng(4).uniform(0, 1, 20)
    once = board(patients(values)).figure("net")
    fourfold = board(patients(values) * 4).figure("net")
    assert (fourfold.low, fourfold.high) == (once.low, once.high)
    assert (fourfold.n_masks, fourfold.n_patients) == (80, 20)
    more = board(patients(np.tile(values, 4))).figure("net")
    assert more.high - more.low < 0.7 * (once.high - once.low)


@pytest.mark.parametrize(("number", "why"), [(4, FEW_PATIENTS), (5, None)])
def test_no_interval_below_five_patients(board, number, why):
    """Four patients have a mean and no interval, and the reason is given; five have one."""
    figure = board(patients(np.linspace(0.1, 0.9, number))).figure("net")
    assert figure.value is not None
    assert (figure.low is None, figure.why_no_interval) == (why is not None, why)


def test_gap_is_paired(board):
    """When each patient's seen target is 0.1 better than the unseen one, the gap is 0.1 in every resample."""
    values = np.random.default_rng(5).uniform(0.2, 0.8, 15)
    rows = patients(values) + patients(values - 0.1, seen_target="unseen")
    rows = [row | {"mask_id": f"m{i}"} for i, row in enumerate(rows)]
    gap = board(rows).figure("net", split=("seen_target", GAP))
    assert (gap.low, gap.value, gap.high) == (0.1, 0.1, 0.1)
    assert (gap.n_masks, gap.n_patients) == (30, 15)


def test_gap_needs_both_sides(board):
    """Without unseen masks there is neither an unseen mean nor a gap, and unknown is its own split."""
    table = board([{"dice": 0.5}, {"dice": 0.3, "seen_target": "unknown"}])
    unseen, gap, unknown = (table.figure("net", split=("seen_target", name)) for name in ("unseen", GAP, "unknown"))
    assert (unseen.value, unseen.why_no_value, unseen.n_masks) == (None, NO_MASK, 0)
    assert (gap.value, gap.why_no_value) == (None, NO_SIDE)
    assert unknown.value == 0.3


def test_null_anatomy_group_is_a_group(board):
    """Masks outside the taxonomy are shown, not dropped."""
    table = board([{"dice": 0.5, "anatomy_group": None}, {"dice": 0.7}])
    assert table.figure("net", split=("anatomy_group", "outside the taxonomy")).value == 0.5
    assert table.figure("net", split=("anatomy_group", "abdomen")).value == 0.7


def test_another_run_does_not_change_a_models_figures(make_run):
    """Resamples belong to the suite: adding a model leaves every figure of the first one as it was."""
    first = make_run(patients(np.linspace(0, 1, 9)), "a")
    alone = build(read_comparable([first]))
    together = build(read_comparable([first, make_run(patients(np.linspace(0.2, 0.6, 9)), "b")]))
    assert all(together.figures[key] == figure for key, figure in alone.figures.items())
    assert {key.split_by for key in alone.figures} > {ALL, "seen_target", "dataset"}


@pytest.mark.parametrize(("unseen", "why"), [(4, "n < 5 patients a side"), (5, None)])
def test_a_gap_needs_five_patients_on_each_side(board, unseen, why):
    """Many patients on one side do not make up for few on the other; the unmatched gap beside it says the same."""
    values = np.random.default_rng(6).uniform(0.2, 0.8, 12 + unseen)
    rows = [row | {"mask_id": f"m{i:02}", "patient_id": f"p{i:02}"} for i, row in enumerate(patients(values))]
    rows = [row | {"seen_target": "seen" if i < 12 else "unseen"} for i, row in enumerate(rows)]
    found = board(rows)
    figure = found.figure("net", split=("seen_target", GAP))
    (raw,) = [gap.raw for gap in found.gaps["net"] if gap.level == "seen_target"]
    assert (figure.low is None, figure.why_no_interval) == (why is not None, why)
    assert (raw.value, raw.low, raw.high, raw.why_no_interval) == (figure.value, figure.low, figure.high, why)
