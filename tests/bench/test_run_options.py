"""Runs of one model with other options, under other names, and with another training card."""

import re

import pyarrow.parquet as pq
import pytest

from bench.cli import main
from bench.cli.again import named

MODEL = """
from bench.models.base import Capabilities, ModelCard
from bench.models.reference import Empty
from curate.labelmap import BoxMask
import numpy as np


class Cube(Empty):
    card = ModelCard("cube", "a cube around the first click", "MIT", Capabilities(frozenset({2, 3})), "sam-med3d")

    def __init__(self, reach=1):
        self.reach = reach

    def open(self, image):
        return Session(image.geometry.shape_ijk, self.reach)


class Session:
    def __init__(self, shape_ijk, reach):
        self.shape_ijk, self.reach = shape_ijk, reach

    def predict(self, prompts):
        mask = np.zeros(self.shape_ijk, dtype=np.bool_)
        low = [max(0, n - self.reach) for n in prompts.points_ijk[0]]
        high = [n + self.reach + 1 for n in prompts.points_ijk[0]]
        mask[low[0]:high[0], low[1]:high[1], low[2]:high[2]] = True
        return BoxMask.of(mask)
"""


@pytest.fixture
def run(tmp_path, store, capsys):
    """Return a function that runs the cubes into a folder and returns exit status, standard output and error."""
    path = tmp_path / "cubes.py"
    path.write_text(MODEL, encoding="utf-8")

    def start(out, *options):
        arguments = ("run", "all", "--model", f"{path}:Cube", "--store", store, "--out", tmp_path / out, *options)
        status = main([str(argument) for argument in arguments])
        return status, *capsys.readouterr()

    return start


def dice(folder):
    """Return the Dice of every row."""
    return pq.read_table(folder / "scores.parquet", columns=["dice"]).column("dice").to_pylist()


def test_options_reach_the_model_and_its_name(run, tmp_path, facts):
    """Another reach gives other masks, in this process and in one of the model's own, and a name that says so."""
    run("one")
    run("three", "--set", "reach=3")
    run("alone", "--set", "reach=3", "--timeout", "60")
    assert dice(tmp_path / "one") != dice(tmp_path / "three")
    assert dice(tmp_path / "alone") == dice(tmp_path / "three")
    assert [facts(tmp_path / name)["model"]["name"] for name in ("one", "three")] == ["cube", "cube[reach=3]"]
    assert facts(tmp_path / "three")["model"]["options"] == {"reach": 3}
    assert "options" not in facts(tmp_path / "one")["model"]
    assert set(pq.read_table(tmp_path / "three/scores.parquet").column("model").to_pylist()) == {"cube[reach=3]"}


def test_a_folder_belongs_to_one_choice_of_options(run):
    """The same folder with another option, or another name, is another run."""
    run("here", "--set", "reach=2")
    for other in (("--set", "reach=3"), ("--set", "reach=2", "--name", "ours"), ()):
        status, _, error = run("here", *other)
        assert (status, "another run (model differ)" in error) == (2, True)
    assert "32 kept" in run("here", "--set", "reach=2")[1]


def test_names_let_one_model_stand_twice_on_a_leaderboard(run, tmp_path, capsys):
    """Two runs of one name are refused with what to type; under two names they are compared."""
    run("one")
    run("two", "--set", "reach=2", "--name", "cube")
    board = ["leaderboard", *(str(tmp_path / name) for name in ("one", "two")), "--out", str(tmp_path / "board")]
    assert main(board) == 2
    assert (
        "are both runs of cube; give one of them, or run the second again with --name NAME" in capsys.readouterr().err
    )
    run("two", "--set", "reach=2", "--name", "cube <b>two</b>", "--resume", "never")
    assert main(board) == 0
    page = (tmp_path / "board/index.html").read_text(encoding="utf-8")
    assert "cube &lt;b&gt;two&lt;/b&gt;" in page
    assert "<b>two</b>" not in page


def test_own_weights_have_their_own_training_card(run, tmp_path):
    """With `none` nothing is known to be seen or unseen; the model's own card says it of some masks."""
    run("published")
    run("own", "--training-card", "none", "--name", "ours")
    columns = ["seen_target", "seen_dataset"]
    found = {
        name: set(pq.read_table(tmp_path / name / "scores.parquet", columns=columns).to_pandas().to_numpy().ravel())
        for name in ("published", "own")
    }
    assert found["own"] == {"unknown"}
    assert found["published"] != {"unknown"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--set", "reach"), "--set reach: write NAME=VALUE"),
        (("--set", "rech=2"), "has no option `rech`; known: reach"),
        (("--training-card", "sam-med3"), "sam-med3"),
        (("--name", " "), "give a name of printable characters"),
    ],
)
def test_a_misspelt_choice_stops_before_anything_is_written(run, tmp_path, options, message):
    """Exit status 2, one line, and no folder that claims to be a run."""
    status, _, error = run("nothing", *options)
    assert (status, error.count("\n")) == (2, 1)
    assert re.search(re.escape(message), error)
    assert not (tmp_path / "nothing" / "run.json").exists()


def test_the_command_that_goes_on_has_the_options(run, tmp_path, monkeypatch, capsys):
    """`bench status` repeats options, name and card of a run that was interrupted."""

    def stop(*_arguments):
        raise KeyboardInterrupt

    card = tmp_path / "own card.toml"
    card.write_text('name = "own"\n', encoding="utf-8")
    monkeypatch.setattr("bench.run.load_card", lambda _: None)
    monkeypatch.setattr("bench.trial.ask", stop)
    run("cut", "--set", "reach=2", "--name", "two words", "--training-card", card)
    main(["status", str(tmp_path / "cut")])
    command = capsys.readouterr().out.splitlines()[-1]
    assert f"--set reach=2 --name 'two words' --training-card '{card}'" in command


def test_files_are_named_for_every_folder_and_words_stay(tmp_path, monkeypatch):
    """A file, and a variant of one, get their whole path; a shipped name does not, though a folder is called so."""
    monkeypatch.chdir(tmp_path)
    for file in ("mine.toml", "me@home.toml"):
        (tmp_path / file).touch()
    (tmp_path / "all").mkdir()
    words = ("mine.toml", "mine.toml@box", "me@home.toml", "me@home.toml@box", "all", "all@box", "none")
    expected = [*(f"{tmp_path}/{word}" for word in words[:4]), *words[4:]]
    assert [named(word) for word in words] == expected


def test_check_model_takes_options(tmp_path, capsys):
    """A model is checked with its options; golden outputs have none."""
    path = tmp_path / "cubes.py"
    path.write_text(MODEL, encoding="utf-8")
    assert main(["check-model", f"{path}:Cube", "--set", "reach=0"]) == 0
    assert main(["check-model", f"{path}:Cube", "--set", "rech=0"]) == 2
    capsys.readouterr()
    assert main(["check-model", "sam-med2d", "--set", "adapters=false", "--golden", "file.npz"]) == 2
    assert "golden outputs are those of the published defaults: leave --set out" in capsys.readouterr().err
