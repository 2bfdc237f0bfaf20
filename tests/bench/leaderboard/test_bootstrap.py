import numpy as np
import pytest

from bench.statistics.bootstrap import RESAMPLES, draw, interval, means, stratify
from bench.statistics.ranking import rank

RNG = np.random.default_rng(7)


def test_patients_are_drawn_with_replacement():
    """Every resample of a dataset has as many patients as the dataset, and some patients more than once."""
    weights = draw("liver-ct", 30)
    assert weights.shape == (RESAMPLES, 30)
    assert (weights.sum(axis=1) == 30).all()
    assert weights.max() > 1


def test_resamples_belong_to_the_dataset():
    """A dataset's resamples do not change when another dataset joins the table."""
    alone = stratify([("b", f"p{i}") for i in range(9)])
    together = stratify([("b", f"p{i}") for i in range(9)] + [("a", "p0"), ("c", "p1")])
    assert np.array_equal(alone.weights[0], together.weights[1])
    assert not np.array_equal(draw("b", 9), draw("c", 9))


def test_same_patient_key_in_two_datasets_is_two_patients():
    """Patient 1 of one dataset is not patient 1 of another."""
    assert stratify([("a", "1"), ("b", "1"), ("a", "1")]).patients == (("a", "1"), ("b", "1"))


def test_means_equal_a_plain_loop_over_resamples():
    """The matrix product gives what drawing the patients one by one and averaging their masks gives."""
    strata = stratify([("a", str(i)) for i in range(4)] + [("b", str(i)) for i in range(6)])
    counts = RNG.integers(0, 3, size=(1, 10)).astype(float)
    sums = RNG.random((1, 10)) * counts
    over_masks, over_datasets = means(sums, counts, strata, resampled=True)
    for resample in (0, 17, 999):
        parts = []
        for part, weights in zip(strata.parts, strata.weights, strict=True):
            drawn = np.repeat(np.arange(part.start, part.stop), weights[resample].astype(int))
            parts.append((sums[0, drawn].sum(), counts[0, drawn].sum()))
        assert over_masks[resample, 0] == pytest.approx(sum(s for s, _ in parts) / sum(n for _, n in parts))
        assert over_datasets[resample, 0] == pytest.approx(np.mean([s / n for s, n in parts if n]))


def test_interval_equals_numpy_percentile():
    """The interval is numpy's linear percentile, also where some resamples hold no mask."""
    replicates = RNG.normal(size=(RESAMPLES, 3))
    replicates[::3, 1] = np.nan
    low, high = interval(replicates)
    expected = np.nanpercentile(replicates, [2.5, 97.5], axis=0)
    assert np.allclose([low, high], expected)


def test_interval_of_nothing_is_nan():
    """A cell that no resample has a mask of has no interval."""
    assert np.isnan(interval(np.full((RESAMPLES, 1), np.nan))).all()


def test_equal_models_share_the_better_place():
    """Two best models are both first, and the next one is third."""
    places = rank({"a": 0.9, "b": 0.9, "c": 0.1}, None)
    assert {name: one.place for name, one in places.items()} == {"a": 1, "b": 1, "c": 3}
    assert places["a"].low is None


def test_rank_interval_is_the_range_of_places_over_resamples():
    """A model that is first in 60 % of the resamples and second in the others has the interval [1, 2]."""
    a = np.where(np.arange(RESAMPLES) < 600, 1.0, 0.0)
    places = rank({"a": 0.6, "b": 0.5}, {"a": a, "b": np.full(RESAMPLES, 0.5)})
    assert (places["a"].low, places["a"].high, places["a"].first) == (1, 2, 0.6)


def test_clear_winner_has_a_narrow_rank_interval():
    """A model that is better in every resample is first in all of them."""
    places = rank({"a": 0.6, "b": 0.5}, {"a": np.full(RESAMPLES, 0.6), "b": np.full(RESAMPLES, 0.5)})
    assert (places["a"].low, places["a"].high, places["b"].low) == (1, 1, 2)
