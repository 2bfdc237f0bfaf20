"""docs/suites.md: its suite loads, its commands parse, and it names every suite and card that ships."""

import re
from pathlib import Path

import pytest

from bench import cli, suite
from curate.plugins import shipped_names

TEXT = (Path(__file__).resolve().parents[2] / "docs/suites.md").read_text(encoding="utf-8")


def blocks(language):
    """Return the fenced blocks of a language, in order."""
    return re.findall(rf"```{language}\n(.*?)```", TEXT, flags=re.DOTALL)


def test_the_suite_of_the_guide_loads(tmp_path):
    """The example has one group and one variant that runs."""
    path = tmp_path / "tumours.toml"
    path.write_text(blocks("toml")[0], encoding="utf-8")
    assert [group.name for group in suite.load(str(path)).groups] == ["kidney"]
    assert suite.load(f"{path}@one-click").protocol.parameters == {"score_after": [1]}


@pytest.mark.parametrize("line", [line for line in blocks("sh")[0].splitlines() if "..." not in line])
def test_the_commands_of_the_guide_parse(line):
    """Every command line of the first block is one that `bench` takes."""
    program, *words = line.partition("#")[0].split()
    assert program == "bench"
    assert cli._parser().parse_args(words).handler


@pytest.mark.parametrize(("kind", "heading"), [("suites", "## Suites"), ("cards", "## Training cards")])
def test_the_guide_names_all_that_ships(kind, heading):
    """A suite or card that is added has a row in its table."""
    table = TEXT[TEXT.index(heading) :].partition("\n## ")[0]
    assert [name for name in shipped_names(kind) if f"`{name}`" not in table] == []
