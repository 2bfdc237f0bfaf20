"""Metrics over clicks: curves whose areas and clicks can be worked out by hand."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.metrics.clicks import (
    ClicksSummary,
    ClicksTo,
    clicks_to,
    failure_rate,
    normalised_area,
    summarise,
)
from bench.schema import STATUSES
from curate.errors import UsageError

CURVE = {1: 0.5, 3: 0.7, 5: 0.9, 10: 0.9}


def test_area_of_a_curve_in_straight_pieces():
    """The area is that of the trapezoids, over the length of the grid."""
    expected = (2 * 0.6 + 2 * 0.8 + 5 * 0.9) / 9
    assert normalised_area(CURVE, (1, 3, 5, 10)) == pytest.approx(expected)
    assert normalised_area(CURVE, (1, 5)) == pytest.approx(0.7)


@given(st.lists(st.floats(0, 1), min_size=2, max_size=8), st.integers(1, 5))
@settings(max_examples=80, deadline=None)
def test_area_lies_between_the_least_and_the_largest_score(values, spread):
    """The area is normalised: a constant curve has its constant, any other lies between its ends, 0 to 1."""
    curve = {1 + spread * n: value for n, value in enumerate(values)}
    area = normalised_area(curve, sorted(curve))
    assert area is not None
    assert min(values) - 1e-12 <= area <= max(values) + 1e-12
    assert normalised_area(dict.fromkeys(curve, 0.25), sorted(curve)) == pytest.approx(0.25)


def test_a_click_without_a_score_counts_only_as_told():
    """A missing score makes the area null; told to count as 0, it lowers the area."""
    curve = {1: 0.5, 2: None, 3: 0.5}
    assert normalised_area(curve, (1, 2, 3)) is None
    assert normalised_area(curve, (1, 2, 3), failed_as=0.0) == pytest.approx(0.25)
    assert normalised_area(curve, (1, 3)) == pytest.approx(0.5)


@pytest.mark.parametrize("grid", [(), (1,), (3, 1), (1, 1, 3)])
def test_what_is_no_grid_is_refused(grid):
    """A grid of fewer than two clicks, or one that does not ascend, raises an error that shows it."""
    with pytest.raises(UsageError, match="two ascending clicks or more"):
        normalised_area(CURVE, grid)


def test_a_grid_beyond_the_curve_is_refused():
    """A click of the grid that was never scored raises an error that lists those that were."""
    with pytest.raises(UsageError, match=r"no score at click 2; .* among \[1, 3, 5, 10\]"):
        normalised_area(CURVE, (1, 2, 3))


@pytest.mark.parametrize(
    ("threshold", "expected"),
    [(0.5, ClicksTo(1, False)), (0.7, ClicksTo(3, False)), (0.8, ClicksTo(5, False)), (0.95, ClicksTo(10, True))],
)
def test_clicks_to_a_score(threshold, expected):
    """The first click at or above the threshold counts; one that never comes is censored at the last click."""
    assert clicks_to(CURVE, threshold) == expected


def test_success_at_the_last_click_is_not_censored():
    """A target that gets there with its last click counts the same clicks as one that fails, and is told apart."""
    late, never = clicks_to({1: 0.1, 20: 0.9}, 0.9), clicks_to({1: 0.1, 20: 0.89}, 0.9)
    assert (late.clicks, late.censored) == (20, False)
    assert (never.clicks, never.censored) == (20, True)
    assert summarise([late, never]) == ClicksSummary(mean=20.0, censored_share=0.5, targets=2)


def test_a_failed_click_reaches_nothing():
    """A click without a score is passed over; a later one may reach the threshold."""
    assert clicks_to({1: None, 2: 0.9}, 0.8) == ClicksTo(2, censored=False)
    assert clicks_to({1: None}, 0.0) == ClicksTo(1, censored=True)


def test_a_curve_without_clicks_is_refused():
    """An empty curve raises an error that says what it lacks."""
    with pytest.raises(UsageError, match="a curve without clicks reaches no score"):
        clicks_to({}, 0.8)


def test_no_target_has_no_summary():
    """Nothing was measured, so there is no mean."""
    assert summarise([]) is None


def test_failure_rate_leaves_out_what_was_never_asked():
    """Failed, timed out and out of memory are failures; unsupported and not applicable are not in the denominator."""
    assert failure_rate(STATUSES) == pytest.approx(3 / 4)
    assert failure_rate(["ok", "ok", "failed", "unsupported"]) == pytest.approx(1 / 3)
    assert failure_rate(["unsupported", "not_applicable"]) is None
