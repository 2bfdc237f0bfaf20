import numpy as np
import pytest

from bench.finished import read_comparable
from bench.leaderboard import build
from bench.statistics.figures import OVER_DATASETS, OVER_TARGETS
from bench.statistics.splits import NO_SIZE, size_class


@pytest.fixture
def board(make_run):
    """Return a function that builds the board of one run of some rows."""
    return lambda rows: build(read_comparable([make_run(rows)]))


def test_mean_over_targets_by_hand(board):
    """Livers 0.2, 0.4 and 0.6 and a kidney of 0.8 weigh as two targets: (0.4 + 0.8) / 2, over masks 0.5."""
    rows = [{"dice": value} for value in (0.2, 0.4, 0.6)] + [{"dice": 0.8, "target": "kidney"}]
    table = board(rows)
    assert table.figure("net").value == pytest.approx(0.5)
    assert table.figure("net", aggregation=OVER_TARGETS).value == pytest.approx(0.6)


def test_a_target_of_two_datasets_is_one_target(board):
    """Livers of two datasets are pooled over targets, and apart over datasets."""
    rows = [{"dice": 0.2}, {"dice": 0.4}, {"dice": 0.9, "dataset": "d2"}, {"dice": 1.0, "target": "spleen"}]
    table = board(rows)
    assert table.figure("net", aggregation=OVER_TARGETS).value == pytest.approx((0.5 + 1.0) / 2)
    assert table.figure("net", aggregation=OVER_DATASETS).value == pytest.approx((1.6 / 3 + 0.9) / 2, abs=1e-6)


def test_interval_over_targets_equals_a_plain_loop(board):
    """The resamples of the mean over targets are those of drawing patients and averaging the targets' means."""
    from bench.statistics.bootstrap import stratify

    rng = np.random.default_rng(2)
    rows = [
        {"patient_id": str(p), "target": target, "mask_id": f"{p}#{target}", "dice": float(rng.random())}
        for p in range(7)
        for target in ("liver", "spleen", "rare")
        if target != "rare" or p < 2
    ]
    figure = board(rows).figure("net", aggregation=OVER_TARGETS)
    weights = stratify([("d1", str(p)) for p in range(7)]).weights[0]
    resamples = []
    for drawn in weights.astype(int):
        found = {}
        for row in rows:
            found.setdefault(row["target"], []).extend([row["dice"]] * drawn[int(row["patient_id"])])
        resamples.append(np.mean([np.mean(values) for values in found.values() if values]))
    assert (figure.low, figure.high) == pytest.approx(np.percentile(resamples, [2.5, 97.5]), abs=1e-6)


@pytest.mark.parametrize(
    ("voxels", "name"),
    [
        (1, "10^0 to 10^1 voxels"),
        (9, "10^0 to 10^1 voxels"),
        (10, "10^1 to 10^2 voxels"),
        (999, "10^2 to 10^3 voxels"),
        (1000, "10^3 to 10^4 voxels"),
        (0, "no voxels"),
        (float("nan"), NO_SIZE),
    ],
)
def test_size_classes_are_half_open_powers_of_ten(voxels, name):
    """A power of ten belongs to the class that it begins; no voxels and no number have classes of their own."""
    assert size_class(voxels) == name


@pytest.mark.parametrize(
    ("split_by", "column", "one", "other"),
    [
        ("kind", "kind", "organ", "lesion"),
        ("target", "target", "liver", "kidney"),
        ("modality", "modality", "CT", "MR"),
        ("suite_group", "suite_group", "all", "hard"),
    ],
)
def test_parts_hold_their_own_masks(board, split_by, column, one, other):
    """Each part of a split has the mean and the n of its own masks."""
    table = board([{"dice": 0.2, column: one}, {"dice": 0.6, column: one}, {"dice": 0.9, column: other}])
    first, second = (table.figure("net", split=(split_by, name)) for name in (one, other))
    assert (first.value, first.n_masks) == (pytest.approx(0.4), 2)
    assert (second.value, second.n_masks) == (pytest.approx(0.9), 1)


def test_sizes_split_a_board(board):
    """Masks of 50 and 500 voxels are two classes."""
    table = board([{"dice": 0.2, "reference_voxels": 50}, {"dice": 0.8, "reference_voxels": 500}])
    assert table.figure("net", split=("size", "10^1 to 10^2 voxels")).value == pytest.approx(0.2)
    assert table.figure("net", split=("size", "10^2 to 10^3 voxels")).value == pytest.approx(0.8)
