"""An honest run, and ways to tamper with copies of it."""

import json
import shutil

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bench import models
from bench import run as runs
from bench.schema import SCORES
from bench.submission.validation import validate
from curate.executor import Where
from curate.schema import arrow_table


@pytest.fixture(scope="session")
def honest_run(store, everything, tmp_path_factory):
    """Return a run of `box-fill` on a store of 8 masks, with its prompts."""
    out = tmp_path_factory.mktemp("honest") / "run"
    runs.run(everything, models.Choice("box-fill"), store, out, Where(1, None), keep_predictions=True)
    return out


@pytest.fixture
def own_run(honest_run, tmp_path):
    """Return a copy of the run that a test may tamper with."""
    return shutil.copytree(honest_run, tmp_path / "own-run")


@pytest.fixture
def forge(own_run):
    """Return a function that rewrites a copy of the run: its rows by one function, its facts by another."""

    def write(rows=None, facts=None):
        path = own_run / "scores.parquet"
        if rows is not None:
            found = pq.read_table(path).to_pylist()
            pq.write_table(arrow_table(SCORES, rows(found) or found), path)
        if facts is not None:
            content = json.loads((own_run / "run.json").read_text())
            facts(content)
            (own_run / "run.json").write_text(json.dumps(content))
        return own_run

    return write


@pytest.fixture
def rewrite(own_run):
    """Return a function that replaces the table of scores by what a function makes of it, whatever that is."""

    def write(change):
        path = own_run / "scores.parquet"
        table = change(pq.read_table(path))
        pq.write_table(table, path) if isinstance(table, pa.Table) else path.write_bytes(table)
        return own_run

    return write


@pytest.fixture(scope="session")
def failing():
    """Return a function that gives the failed checks of a path by name: what was found."""

    def check(path, **options):
        return {one.name: one.found for one in validate(path, **options) if one.result == "fail"}

    return check
