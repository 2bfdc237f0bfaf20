import csv
import importlib.util
import json
import re
from pathlib import Path

import pytest

from bench.schema import MEASURED

ROOT = Path(__file__).resolve().parent.parent
EXAMPLE = ROOT / "reports" / "example"
FILES = sorted(path for path in EXAMPLE.rglob("*") if path.is_file())
MOST_BYTES = 3 << 19
MACHINE = re.compile(r"/(?:home|tmp|work|root|Users)/|[A-Z]:\\\\")


@pytest.fixture(scope="module")
def made():
    """Return the script that makes the example."""
    spec = importlib.util.spec_from_file_location("make_example", Path(__file__).with_name("make_example.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_committed_example_is_what_the_code_makes(made, tmp_path):
    """Made anew on any machine, every file of the example has the bytes that are committed."""
    made.make(tmp_path / "example")
    assert made.differences(EXAMPLE, tmp_path / "example") == [], "make it anew: python -m nox -s reports"


def test_the_example_is_small_text():
    """The example is a page, its tables and rows as text, below one and a half MiB together."""
    assert {path.suffix for path in FILES} <= {".md", ".csv", ".json", ".tex", ".html", ".toml"}
    assert sum(path.stat().st_size for path in FILES) < MOST_BYTES
    assert {"index.html", "leaderboard.md", "leaderboard.csv", "README.md"} <= {path.name for path in FILES}
    for path in FILES:
        path.read_text(encoding="utf-8")


def test_the_example_tells_nothing_of_the_machine_that_made_it():
    """No path, time, memory, commit, device or library of one machine is in any file."""
    assert [path.name for path in FILES if MACHINE.search(path.read_text(encoding="utf-8"))] == []
    for path in EXAMPLE.glob("runs/*/run.json"):
        facts = json.loads(path.read_text(encoding="utf-8"))
        assert (facts["commit"], facts["device"], facts["store"]["sha256"]) == (None, None, None)
        assert list(facts["versions"]) == ["medseen"]
    for path in EXAMPLE.glob("runs/*/scores.csv"):
        with path.open(encoding="utf-8", newline="") as stream:
            rows = list(csv.DictReader(stream))
        assert {row[column.name] for row in rows for column in MEASURED} == {""}


def test_what_differs_is_named(made, tmp_path):
    """A changed, a missing and an additional file are each found by name; equal folders differ in nothing."""
    for folder, texts in {"one": {"a": "1", "b": "2", "x/c": "3"}, "other": {"a": "1", "b": "3", "d": "4"}}.items():
        for name, text in texts.items():
            (tmp_path / folder / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / folder / name).write_text(text)
    assert made.differences(tmp_path / "one", tmp_path / "other") == ["b", "d", "x/c"]
    assert made.differences(tmp_path / "one", tmp_path / "one") == []
