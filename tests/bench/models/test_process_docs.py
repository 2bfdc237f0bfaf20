"""docs/your-model.md does what it says: each example is short, runs, and passes every check without a warning."""

import json
import re
import shlex
import sys
from pathlib import Path

import numpy as np
import pytest

from bench import cli, conformance, models
from bench.models.process import serve
from bench.models.process.model import ExecModel
from bench.models.process.program import Program
from bench.records import Prompts
from curate.geometry import Geometry
from curate.volume import Volume

TEXT = (Path(__file__).resolve().parents[3] / "docs/your-model.md").read_text(encoding="utf-8")
IN_PROCESS, AUTOMATIC, PROGRAM = re.findall(r"```python\n(.*?)```", TEXT, flags=re.DOTALL)
TRANSCRIPT = [json.loads(line) for line in re.findall(r"^\{.*\}$", TEXT, flags=re.MULTILINE)]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Return the working directory, with the files of the guide."""
    (tmp_path / "mymodel.py").write_text(IN_PROCESS, encoding="utf-8")
    (tmp_path / "myautomatic.py").write_text(AUTOMATIC, encoding="utf-8")
    (tmp_path / "myprogram.py").write_text(PROGRAM, encoding="utf-8")
    (tmp_path / "serve.py").write_bytes(Path(serve.__file__).read_bytes())
    monkeypatch.chdir(tmp_path)
    return tmp_path


NAMES = {
    "mymodel.py:Threshold": "threshold",
    "myautomatic.py:make": "two-thresholds",
    f"exec:{shlex.quote(sys.executable)} myprogram.py": "threshold-exec",
}


@pytest.mark.parametrize("text", [IN_PROCESS, AUTOMATIC, PROGRAM])
def test_the_examples_are_short(text):
    """A model comes in with fewer than 30 lines."""
    assert len(text.splitlines()) < 30


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(("name", "card"), NAMES.items())
def test_the_examples_keep_every_promise(name, card, capsys):
    """`bench check-model` finds neither failures nor warnings, in process and out of process."""
    assert models.load(name).card.name == card
    assert cli.main(["check-model", name, "--json"]) == 0
    assert {row["result"] for row in json.loads(capsys.readouterr().out)} == {"pass"}


def test_both_ways_give_the_same_scores(folder, bench_run, rows_of):
    """The model of the guide has the same scores as an object and as a program, but for its name."""
    runs = [bench_run(name, f"run-{number}") for number, name in enumerate(NAMES) if "automatic" not in name]
    scores = [rows_of(folder / f"run-{number}") for number in (0, 2)]
    assert [run.statuses for run in runs] == [{"ok": 32}, {"ok": 32}]
    first, second = ([{**row, "model": None} for row in rows] for rows in scores)
    assert first == second


def test_the_guide_lists_every_check():
    """A check that is added is explained."""
    table = TEXT[TEXT.index("## What is checked") :]
    assert re.findall(r"^\| (.*?) \|", table, flags=re.MULTILINE)[1:] == list(conformance.CHECKS)


def test_the_transcript_is_what_is_said(folder, monkeypatch):
    """Requests and answers of the guide have the fields that cross the pipe, in their order."""
    said = []
    ask = Program.ask

    def noted(self, line, seconds):
        answer = ask(self, line, seconds)
        said.extend([json.loads(line), json.loads(answer)])
        return answer

    monkeypatch.setattr(Program, "ask", noted)
    session = ExecModel(f"{sys.executable} {folder / 'myprogram.py'}").open(
        Volume(np.zeros((4, 4, 4)), Geometry((4, 4, 4), np.eye(4)))
    )
    session.predict(Prompts("k").with_point((1, 2, 3), 1))
    asked, expected = said[::2], TRANSCRIPT[:6:2]
    assert [list(one) for one in asked] == [list(one) for one in expected]
    assert [one["id"] for one in said] == [one["id"] for one in TRANSCRIPT[:6]]
    assert list(asked[1]["image"]) == list(expected[1]["image"])
    assert asked[2]["prompts"] == expected[2]["prompts"]
    for answer, shown in zip(said[1::2], TRANSCRIPT[1:6:2], strict=True):
        assert set(shown) <= set(answer)
    assert set(said[1]["card"]) == set(TRANSCRIPT[1]["card"])
    assert set(said[5]["masks"][0]) == set(TRANSCRIPT[5]["masks"][0])
