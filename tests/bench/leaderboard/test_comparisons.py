import numpy as np
import pytest
from scipy.stats import ttest_rel, wilcoxon

from bench.finished import read_comparable
from bench.leaderboard import build
from bench.statistics.comparisons import Comparison, false_claim, tie_groups
from bench.statistics.figures import FEW_PATIENTS, NO_MASK

RNG = np.random.default_rng(11)


def rows_of(values, skip=()):
    """Make two masks per patient around one value each; masks of skipped patients are unsupported."""
    found = []
    for patient, value in enumerate(values):
        for shift in (-0.05, 0.05):
            row = {"mask_id": f"p{patient}#{shift}", "patient_id": f"p{patient}", "dice": float(value) + shift}
            found.append(row | ({"status": "unsupported", "dice": None} if patient in skip else {}))
    return found


@pytest.fixture
def compared(make_run):
    """Return a function from model -> rows to the comparisons of their board."""
    return lambda **models: build(read_comparable([make_run(rows, name) for name, rows in models.items()])).comparisons


def test_difference_by_hand(compared):
    """0.1 better on every mask is 0.1 in every resample, named from the better to the worse model."""
    values = RNG.uniform(0.2, 0.7, 8)
    (pair,) = compared(a=rows_of(values), b=rows_of(values + 0.1))
    assert (pair.better, pair.worse) == ("b", "a")
    assert (pair.low, pair.difference, pair.high) == (0.1, 0.1, 0.1)
    assert (pair.n_masks, pair.n_patients, pair.n_datasets) == (16, 8, 1)


def test_tests_are_those_of_scipy_on_patients_means(compared):
    """P is scipy's signed-rank test on eight patients, and the false claim is half of the paired t-test's p."""
    one, other = RNG.uniform(0.3, 0.6, 8), RNG.uniform(0.35, 0.65, 8)
    (pair,) = compared(a=rows_of(one), b=rows_of(other))
    assert pair.p == pytest.approx(wilcoxon(one, other).pvalue)
    assert pair.p_holm == pair.p
    assert pair.p_false_claim == pytest.approx(ttest_rel(one, other).pvalue / 2)


def test_only_common_masks_are_compared(compared):
    """A model that skips the hard patients gains nothing: the pair is of the masks that both did."""
    values = np.array([0.8, 0.8, 0.8, 0.8, 0.8, 0.1, 0.1, 0.1])
    (pair,) = compared(partial=rows_of(values - 0.05, skip=(5, 6, 7)), whole=rows_of(values))
    assert (pair.better, pair.difference, pair.n_masks) == ("whole", pytest.approx(0.05), 10)
    assert not pair.both_ranked


def test_no_common_mask_is_no_comparison(compared):
    """Two models that did different masks have no difference, and the reason is given."""
    values = np.full(6, 0.5)
    (pair,) = compared(a=rows_of(values, skip=(0, 1, 2)), b=rows_of(values, skip=(3, 4, 5)))
    assert (pair.difference, pair.p, pair.n_masks, pair.why) == (None, None, 0, NO_MASK)


def test_four_patients_are_not_tested(compared):
    """Below five patients there is a difference, and neither interval nor test."""
    (pair,) = compared(a=rows_of([0.1] * 4), b=rows_of([0.5] * 4))
    assert (pair.difference, pair.low, pair.p, pair.p_false_claim) == (pytest.approx(0.4), None, None, None)
    assert pair.why == FEW_PATIENTS


def test_partial_model_changes_no_test_between_ranked_ones(compared):
    """Pairs with a model that is not ranked are a family of their own."""
    tables = {name: rows_of(RNG.uniform(0.3, 0.6, 9)) for name in "abc"}
    alone = compared(**tables)
    joined = compared(**tables, d=rows_of(RNG.uniform(0.3, 0.6, 9), skip=(0,)))
    assert [pair for pair in joined if pair.both_ranked] == list(alone)
    assert len(joined) == 6


def test_references_are_compared_with_nobody(make_run):
    """A model that is shown the truth is in no pair."""
    runs = [make_run(rows_of([0.5] * 5), "net"), make_run(rows_of([0.9] * 5), "truth", card={"sees_reference": True})]
    assert build(read_comparable(runs)).comparisons == ()


@pytest.mark.parametrize(("differences", "probability"), [([0.0] * 6, 0.5), ([0.1] * 6, 0.0)])
def test_claims_without_spread(differences, probability):
    """Equal models are a coin's toss; the same gain on every patient leaves no doubt."""
    assert false_claim(np.array(differences)) == pytest.approx(probability, abs=1e-12)


def pair_of(better, worse, p):
    """Make a comparison of which only the names and the corrected p matter."""
    return Comparison(better, worse, True, 0.1, None, None, 9, 9, 1, p, p, p)


def test_tie_groups_by_hand():
    """A and c are not told apart, b is worse than a: the first group is a and c, b starts the next one."""
    pairs = [pair_of("a", "b", 0.01), pair_of("a", "c", 0.2), pair_of("b", "c", 0.9)]
    assert tie_groups(["a", "b", "c"], pairs) == (("a", "c"), ("b",))
    assert tie_groups([], pairs) == ()


def test_without_tests_all_are_one_group(make_run):
    """Where there are too few patients for a test, no order is claimed."""
    runs = [make_run(rows_of([0.1, 0.2]), "a"), make_run(rows_of([0.8, 0.9]), "b")]
    assert build(read_comparable(runs)).tie_groups == (("b", "a"),)
