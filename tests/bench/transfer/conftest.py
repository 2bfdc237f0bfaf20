"""Runs whose Dice is a formula."""

import pytest

from bench.finished import read


@pytest.fixture
def finished(make_run):
    """Return a function that makes a run of some rows, as it is read from disk."""
    return lambda rows, model="net": read(make_run(rows, model))
