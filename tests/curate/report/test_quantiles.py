import statistics

from hypothesis import given
from hypothesis import strategies as st

from curate.report.quantiles import NAMES, five

NUMBERS = st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=30)


@given(NUMBERS)
def test_quartiles_are_those_of_the_standard_library(values):
    """`statistics.quantiles` with the method `inclusive` interpolates in the same way."""
    found = five(values, digits=17)
    expected = statistics.quantiles(values, n=4, method="inclusive")
    for name, value in zip(("q1", "median", "q3"), expected, strict=True):
        assert abs(found[name] - value) <= 1e-6
    assert (found["lowest"], found["highest"]) == (min(values), max(values))


def test_what_does_not_exist_is_not_counted():
    """NaN is in neither n nor the five; without any value they are None, never 0."""
    assert five([float("nan"), 3.0]) == {"n": 1} | dict.fromkeys(NAMES, 3.0)
    assert five([float("nan")]) == {"n": 0} | dict.fromkeys(NAMES)
