import numpy as np
import pytest
from scipy.stats import wilcoxon

from bench.statistics.signed_rank import holm, one_sided, significant_wins


def drawn(differences, weights):
    """Write every difference down as often as it was drawn."""
    return np.repeat(differences, weights.astype(int))


@pytest.mark.parametrize("decimals", [9, 1])
def test_resampled_tests_equal_scipy_on_the_patients_written_out(decimals):
    """Weights give the p that scipy's normal approximation gives for the drawn patients, with and without ties."""
    rng = np.random.default_rng(1)
    differences = np.round(rng.normal(0.05, 0.2, 25), decimals)
    weights = rng.multinomial(25, np.full(25, 1 / 25), size=20).astype(float)
    above, below = one_sided(differences, weights)
    for number, row in enumerate(weights):
        sample = drawn(differences, row)
        for p, alternative in ((above, "greater"), (below, "less")):
            expected = wilcoxon(sample, alternative=alternative, method="asymptotic", correction=True).pvalue
            assert p[number] == pytest.approx(expected, abs=1e-12)


def test_no_difference_is_no_evidence():
    """Where all differences are zero both p are 1, also in one resample of several."""
    assert [p.tolist() for p in one_sided(np.zeros(6), np.ones((2, 6)))] == [[1.0, 1.0], [1.0, 1.0]]
    above, below = one_sided(np.array([0.0, 0.0, 1.0]), np.array([[2.0, 1.0, 0.0]]))
    assert (above[0], below[0]) == (1.0, 1.0)


def test_holm_by_hand():
    """0.01, 0.04, 0.03 become 3 x 0.01, then 2 x 0.03, and 0.06 again for 0.04, which may not be smaller."""
    assert holm(np.array([0.01, 0.04, 0.03])) == pytest.approx([0.03, 0.06, 0.06])
    assert holm(np.array([[0.9, 0.6], [0.01, 0.5]])).tolist() == [[1.0, 1.0], [0.02, 0.5]]
    assert holm(np.array([])).tolist() == []


def test_wins_by_hand():
    """Of three models, one is better on all of 12 patients and beats both; the two others are equal."""
    base = np.linspace(0.2, 0.6, 12)
    scores = np.column_stack([base, base + np.linspace(0.1, 0.2, 12), base])
    assert significant_wins(scores, np.ones((1, 12))).tolist() == [[0.0, 2.0, 0.0]]


def test_few_patients_win_nothing():
    """With four patients no one-sided test can reach 0.05, however clear the difference."""
    scores = np.column_stack([np.zeros(4), np.arange(1.0, 5.0)])
    assert significant_wins(scores, np.ones((1, 4))).tolist() == [[0.0, 0.0]]


def test_one_model_has_no_rival():
    """A single model wins nothing and raises nothing."""
    assert significant_wins(np.zeros((5, 1)), np.ones((3, 5))).tolist() == [[0.0]] * 3
