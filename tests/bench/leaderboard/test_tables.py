import csv
import json
import re
from pathlib import Path

import numpy as np
import pytest

from bench.finished import read_comparable
from bench.leaderboard import build, write
from bench.page import latex
from bench.page.cells import Cell
from bench.page.files import named_tables, slug, to_csv, to_json
from bench.page.tables import Group, Table, of_rows
from bench.statistics.figures import AGGREGATIONS, ALL, GAP, GROUPS, LEVELS, STATISTICS
from bench.statistics.schemes import BY_MEAN_RANK, BY_MEDIAN_RANK, BY_TESTS

DOCUMENT = Path(__file__).resolve().parents[3] / "docs" / "leaderboard.md"
HOSTILE = r"\input{x} 100% $a_b$ #1 & {c} ~^ <d>"


def rows(level, dataset="d1", **columns):
    """Make six patients of one dataset at two steps."""
    return [
        {"mask_id": f"{dataset}/p{p}", "patient_id": f"p{p}", "dataset": dataset, "dice": level + p / 50, "step": step}
        | columns
        for p in range(6)
        for step in (1, 3)
    ]


@pytest.fixture
def out(make_run, tmp_path):
    """Write the leaderboard of two models."""
    write([make_run(rows(0.4), "low"), make_run(rows(0.7), "high")], tmp_path / "out")
    return tmp_path / "out"


def test_every_table_is_there_in_four_formats(out, make_run):
    """The folder has Markdown, CSV, LaTeX and JSON of each table of the page, under the section's and its own name."""
    runs = read_comparable([make_run(rows(0.4), "low"), make_run(rows(0.7), "high")])
    names = [name for name, _ in named_tables(build(runs))]
    found = {path.name for path in (out / "tables").iterdir()}
    assert found == {f"{name}.{suffix}" for name in names for suffix in ("md", "csv", "tex", "json")}
    assert {"table-models", "ranking-tie-groups", "curves-over-steps", "cost-time-and-memory"} <= set(names)


def test_formats_say_the_same(out):
    """CSV, JSON and LaTeX of the headline have the same models in the same order, and the same mean."""
    table = list(csv.DictReader((out / "tables" / "table-models.csv").open(encoding="utf-8")))
    assert [row["Model"] for row in table] == ["high", "low"]
    assert float(table[0]["Dice, mean over masks"]) == pytest.approx(0.75)
    content = json.loads((out / "tables" / "table-models.json").read_text(encoding="utf-8"))
    at = content["columns"].index("Dice, mean over masks")
    assert [row[at]["value"] for row in content["groups"][0]["rows"]] == pytest.approx([0.75, 0.45])
    text = (out / "tables" / "table-models.tex").read_text(encoding="utf-8")
    assert text.index("high &") < text.index("low &")
    assert "0.750 {\\scriptsize {[}0.7" in text


def test_old_tables_do_not_stay(out, make_run):
    """A table that an earlier leaderboard left is removed; what is no table is left alone."""
    for name in ("gone-table.csv", "notes.txt"):
        (out / "tables" / name).write_text("x", encoding="utf-8")
    write([make_run(rows(0.4), "alone")], out)
    assert not (out / "tables" / "gone-table.csv").exists()
    assert (out / "tables" / "notes.txt").exists()


def test_several_suites_share_the_files(make_run, tmp_path):
    """Two suites are two boards: one CSV that names both, one Markdown, one JSON, and a folder of tables each."""
    other = {"name": "other", "version": 2, "sha256": "ff"}
    runs = [make_run(rows(0.4), "a"), make_run(rows(0.5, suite="other"), "a", suite=other)]
    paths = write(runs, tmp_path / "out")
    table = list(csv.DictReader(paths[1].open(encoding="utf-8")))
    assert {(row["board"], row["suite"], row["protocol"]) for row in table} == {
        ("1", "other@2", "clicks@2"),
        ("2", "tiny@1", "clicks@2"),
    }
    assert len(json.loads(paths[2].read_text(encoding="utf-8"))["boards"]) == 2
    assert re.findall("^# .*", paths[0].read_text(encoding="utf-8"), re.MULTILINE) == [
        "# Leaderboard: other@2",
        "# Leaderboard: tiny@1",
    ]
    assert [path.name for path in sorted((tmp_path / "out" / "tables").iterdir())] == [
        "1-other-2-clicks-2",
        "2-tiny-1-clicks-2",
    ]


def test_latex_means_what_it_says():
    """No character of a name is a command, a comment, mathematics or a column."""
    text = latex.escape(HOSTILE)
    assert text == (
        r"\textbackslash{}input\{x\} 100\% \$a\_b\$ \#1 \& \{c\} \textasciitilde{}\textasciicircum{} "
        r"\textless{}d\textgreater{}"
    )
    table = Table(HOSTILE, HOSTILE, ("Model", "n"), (Group(HOSTILE, ((Cell(HOSTILE), Cell("1", order=1)),)),))
    lines = latex.render_table(table).splitlines()
    assert [len(re.findall(r"(?<!\\)&", line)) for line in lines if line.endswith(r"\\") and "multi" not in line] == [
        1,
        1,
    ]


def test_latex_balances_its_braces(out):
    """Braces that are not escaped open and close in pairs, in every table."""
    for path in (out / "tables").glob("*.tex"):
        bare = re.sub(r"\\[{}\\]", "", path.read_text(encoding="utf-8"))
        assert bare.count("{") == bare.count("}"), path.name
        assert r"\begin{tabular}" in bare


def test_numbers_of_csv_are_whole():
    """A number column holds the number itself, with a plain minus sign, and its notes beside it."""
    table = of_rows("t", "", ("Model", "Gap"), [[Cell("a", ("partial",)), Cell("x", ("[-1, 0]",), order=-0.25)]])
    assert list(csv.reader(to_csv(table).splitlines())) == [
        ["Model", "Gap", "Gap: interval and n"],
        ["a; partial", "-0.25", "[-1, 0]"],
    ]


def test_json_keeps_the_reason():
    """A cell without a value says why."""
    table = of_rows("t", "", ("Model",), [[Cell("-", why="not run")]])
    assert json.loads(to_json(table))["groups"][0]["rows"] == [[{"text": "-", "why": "not run"}]]


@pytest.mark.parametrize(
    ("text", "name"),
    [("By dataset", "by-dataset"), ("../../etc", "etc"), ("<>", "table"), ("x" * 90, "x" * 60), ("Ä/b:c", "b-c")],
)
def test_file_names_are_plain(text, name):
    """Whatever a name is, the file has small letters, digits and hyphens."""
    assert slug(text) == name


def test_tie_group_stands_in_the_answer(make_run, tmp_path):
    """Two models that differ by noise are one group, and the first sentence names the rival."""
    noise = np.random.default_rng(5).uniform(-0.05, 0.05, 12)
    other = [row | {"dice": row["dice"] + float(shift)} for row, shift in zip(rows(0.5), noise, strict=True)]
    text = write([make_run(rows(0.5), "a"), make_run(other, "b")], tmp_path / "out")[0].read_text(encoding="utf-8")
    assert re.search(r"No test separates it from [ab]\.\*\*", text)
    assert re.search(r"\| 1 \| [ab], [ab] \| 2 \|", text)


def test_every_name_is_documented():
    """Each metric, policy, aggregation, split and scheme of the figures stands in docs/leaderboard.md as code."""
    text = DOCUMENT.read_text(encoding="utf-8")
    named = {one.name for one in STATISTICS} | {one.policy for one in STATISTICS} | {*AGGREGATIONS, ALL, GAP}
    named |= {*LEVELS, *GROUPS, BY_MEAN_RANK, BY_MEDIAN_RANK, BY_TESTS}
    assert [name for name in sorted(named) if f"`{name}`" not in text] == []


def test_one_ranked_model_is_no_competition(make_run):
    """A single model has no section about how sure its order is."""
    names = [name for name, _ in named_tables(build(read_comparable([make_run(rows(0.4))])))]
    assert not [name for name in names if name.startswith("ranking-")]
