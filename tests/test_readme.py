"""The README does what it says: its recipe builds, its model runs, its commands exist."""

import argparse
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import bench.cli
import curate.cli
from curate.geometry import Geometry
from curate.volume import Volume, write

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language):
    """Return the fenced blocks of a language, in order."""
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


def commands(parser):
    """Return the names of a parser's commands."""
    actions = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    return sorted(actions[0].choices)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    """Write the source tree that the README describes, its recipe and its model; return their folder."""
    folder = tmp_path_factory.mktemp("readme")
    grid = Geometry((20, 18, 12), np.diag([2.0, 2.0, 3.0, 1.0]))
    for number in range(5):
        labels = np.zeros(grid.shape_ijk, dtype=np.uint8)
        labels[4:14, 4:12, 3:9] = 1
        labels[6:9, 6:9, 4:6] = 2
        labels[10:12, 8:10, 6:8] = 3
        write(Volume(labels, grid), folder / f"mydata/masks/p{number:02}.nii.gz")
        write(Volume((labels > 0).astype(np.int16) * 100, grid), folder / f"mydata/scans/p{number:02}.nii.gz")
    (folder / "mydata.toml").write_text(blocks("toml")[0], encoding="utf-8")
    model = next(block for block in blocks("python") if "class Threshold" in block)
    (folder / "mymodel.py").write_text(model, encoding="utf-8")
    return folder


def test_the_first_block_is_the_two_commands():
    """Set-up is two commands: one runs the demo, one the tests, and CI runs the second."""
    first, second = (line.split("#")[0].strip() for line in blocks("sh")[0].strip().splitlines())
    assert first == "python -m pip install nox && python -m nox -s demo"
    assert second == "python -m nox -s tests"
    assert second in (ROOT / ".ci/run").read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize("program", [curate.cli, bench.cli])
def test_every_command_is_mentioned(program):
    """Whoever reads the README has met every command."""
    name = program.__name__.split(".")[0]
    missing = [command for command in commands(program._parser()) if f"{name} {command}" not in README]
    assert missing == []


def test_the_recipe_and_the_model_go_the_whole_way(dataset, monkeypatch, capsys):
    """The README's commands, typed in a folder with its files, end with a leaderboard."""
    monkeypatch.chdir(dataset)
    for line in (line for block in blocks("sh")[1:] for line in block.splitlines()):
        words = line.split("#")[0].split()
        program = {"curate": curate.cli, "bench": bench.cli}[words[0]]
        assert program.main(words[1:]) == 0, (line, capsys.readouterr())
    masks = pd.read_parquet("store/manifest/masks")
    assert set(masks.target) == {"kidney", "kidney_tumor", "kidney_cyst"}
    assert set(masks[masks.target == "kidney"].voxels) == {10 * 8 * 6}
    assert "threshold" in Path("board/leaderboard.md").read_text(encoding="utf-8")
