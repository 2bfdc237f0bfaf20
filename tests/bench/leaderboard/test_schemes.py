import numpy as np
import pytest

from bench.finished import read_comparable
from bench.leaderboard import build
from bench.statistics.bootstrap import RESAMPLES, stratify
from bench.statistics.figures import OVER_DATASETS, OVER_MASKS, OVER_TARGETS
from bench.statistics.ranking import Rank, rank
from bench.statistics.schemes import BY_MEAN_RANK, BY_MEDIAN_RANK, BY_TESTS, agreement, rank_cases

MODELS = ("a", "b", "c")
CASES = np.array(
    [
        [0.9, 0.5, 0.4],
        [0.9, 0.5, 0.4],
        [0.3, 0.5, 0.4],
        [0.3, 0.5, 0.5],
        [0.4, 0.5, 0.5],
    ]
)
"""Five patients: a has the largest mean (0.56), b (0.50) wins most patients, c (0.44) never wins alone."""


def places_of(ranks):
    """Return model -> place."""
    return {model: one.place for model, one in ranks.items()}


def test_schemes_disagree_as_worked_by_hand():
    """Places per patient: a 1 1 3 3 3 (mean 2.2), b 2 2 1 1 1 (1.4), c 3 3 2 1 1 (2.0); medians 3, 1 and 2."""
    strata = stratify([("d", str(i)) for i in range(5)])
    ranks = rank_cases(MODELS, CASES, strata, enough=True)
    assert places_of(ranks[BY_MEAN_RANK]) == {"a": 3, "b": 1, "c": 2}
    assert places_of(ranks[BY_MEDIAN_RANK]) == {"a": 3, "b": 1, "c": 2}
    assert places_of(ranks[BY_TESTS]) == {"a": 1, "b": 1, "c": 1}
    assert places_of(rank(dict(zip(MODELS, CASES.mean(axis=0), strict=True)), None)) == {"a": 1, "b": 2, "c": 3}


def test_resampled_places_equal_drawing_the_patients():
    """Mean and median ranks of a resample are those of its patients written out, and so are the shares of places."""
    rng = np.random.default_rng(3)
    strata = stratify([("a", str(i)) for i in range(4)] + [("b", str(i)) for i in range(5)])
    table = rng.random((9, 3))
    ranks = rank_cases(MODELS, table, strata, enough=True)
    of_patients = (-table).argsort(axis=1).argsort(axis=1) + 1
    for scheme, take in ((BY_MEAN_RANK, np.mean), (BY_MEDIAN_RANK, np.median)):
        first = np.zeros(3)
        for row in np.concatenate(strata.weights, axis=1).astype(int):
            scores = np.round(take(np.repeat(of_patients, row, axis=0), axis=0), 9)
            first += scores == scores.min()
        assert [ranks[scheme][model].first for model in MODELS] == pytest.approx((first / RESAMPLES).tolist())


def test_shares_of_places_sum_to_one():
    """Each model has exactly one place per resample, in every scheme."""
    strata = stratify([("d", str(i)) for i in range(5)])
    for ranks in rank_cases(MODELS, CASES, strata, enough=True).values():
        for one in ranks.values():
            assert sum(one.shares) == pytest.approx(1)
            assert one.low <= one.place <= one.high


def test_patients_without_a_score_of_every_model_are_left_out():
    """A patient whom one model has no Dice for changes no place."""
    strata = stratify([("d", str(i)) for i in range(6)])
    with_void = np.vstack([CASES, [np.nan, 0.1, 0.9]])
    ranks = rank_cases(MODELS, with_void, strata, enough=False)
    assert places_of(ranks[BY_MEAN_RANK]) == {"a": 3, "b": 1, "c": 2}


def test_kendall_by_hand():
    """1 2 3 against 1 3 2: two pairs agree, one does not, (2 - 1) / 3; a scheme without order has none."""
    ranks = {
        name: {model: Rank(place, None, None, None) for model, place in zip(MODELS, places, strict=True)}
        for name, places in {"x": (1, 2, 3), "y": (1, 3, 2), "z": (1, 1, 1)}.items()
    }
    found = agreement(ranks)
    assert found["x", "y"] == pytest.approx(1 / 3)
    assert found["x", "z"] is None
    assert list(found) == [("x", "y"), ("x", "z"), ("y", "z")]


@pytest.fixture
def board(make_run):
    """Build the board of three models over six patients of two datasets."""
    rng = np.random.default_rng(8)
    noise = rng.uniform(-0.02, 0.02, (3, 6))

    def rows(model, level):
        return [
            {
                "mask_id": f"d{p % 2}/p{p}#liver",
                "patient_id": f"p{p}",
                "dataset": f"d{p % 2}",
                "dice": level + float(noise[model, p]),
            }
            for p in range(6)
        ]

    return build(read_comparable([make_run(rows(i, 0.4 + 0.2 * i), name) for i, name in enumerate(MODELS)]))


def test_every_ranked_model_has_a_place_in_every_scheme(board):
    """The schemes of the board are three means, two of ranks and one of tests."""
    schemes = [OVER_MASKS, OVER_TARGETS, OVER_DATASETS, BY_MEAN_RANK, BY_MEDIAN_RANK, BY_TESTS]
    assert all(list(entry.ranks) == schemes for entry in board.entries)
    assert [entry.name for entry in board.entries] == ["c", "b", "a"]


def test_stability_is_of_the_headline(board):
    """Models that are far apart keep their places in every resample."""
    assert board.stability == {"c": (1.0, 0.0, 0.0), "b": (0.0, 1.0, 0.0), "a": (0.0, 0.0, 1.0)}


def test_few_patients_have_places_without_intervals(make_run):
    """Below five patients every scheme gives places and no interval."""
    rows = [{"mask_id": f"m{p}", "patient_id": f"p{p}", "dice": 0.5 + p / 10} for p in range(4)]
    for entry in build(read_comparable([make_run(rows, "a"), make_run(rows, "b")])).entries:
        assert {(one.place, one.low, one.shares) for one in entry.ranks.values()} == {(1, None, None)}
