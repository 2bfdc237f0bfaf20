import json

import pytest

from curate import catalogue
from curate.cli import of_catalogue
from curate.console import Commands, dispatch


@pytest.fixture
def run(capsys):
    """Return a function that runs a command and returns its status, output and errors."""

    def call(*arguments):
        commands = Commands("curate", "a test")
        of_catalogue.add_list(commands.add("list", of_catalogue.list_, "list"))
        of_catalogue.add_lineage(commands.add("lineage", of_catalogue.lineage, "lineage"))
        status = dispatch(commands.parser, list(arguments))
        return (status, *capsys.readouterr())

    return call


def test_the_list_fits_a_terminal_and_has_every_recipe(run):
    """Each recipe has a row of at most 120 characters, and the profiles follow where nothing was asked."""
    _, text, _ = run("list")
    table, profiles = text.split("\n\n")
    entries, _ = catalogue.load()
    assert [line.split()[0] for line in table.splitlines()[1:-1]] == [entry.recipe for entry in entries]
    assert max(map(len, table.splitlines())) <= 120
    assert table.splitlines()[-1].startswith(f"{len(entries)} of {len(entries)} recipes")
    assert "native" in profiles


def test_filters_meet_and_json_says_the_same(run):
    """The rows of a filtered list are those of its JSON, which has what the table has no room for."""
    _, text, _ = run("list", "--target", "kidney", "--modality", "CT", "--licence", "commercial")
    status, document, _ = run("list", "--target", "kidney", "--modality", "CT", "--licence", "commercial", "--json")
    rows = json.loads(document)["recipes"]
    assert [line.split()[0] for line in text.splitlines()[1:-1]] == [row["recipe"] for row in rows]
    assert all("CT" in row["modalities"] and row["commercial"] == "yes" for row in rows)
    assert status == (1 if json.loads(document)["broken"] else 0)
    assert {"title", "homepage", "unverified", "licence_evidence", "targets"} <= rows[0].keys()


def test_nothing_found_is_said(run):
    """A choice that no recipe meets is an empty table with its count."""
    _, text, _ = run("list", "--search", "no such words anywhere")
    assert text.startswith("0 of ")


def test_a_broken_recipe_is_a_finding(run, monkeypatch):
    """It is one line on stderr and status 1; the others are listed."""
    entries, _ = catalogue.load()
    monkeypatch.setattr(catalogue, "load", lambda: (entries, ["odd.toml: missing key `dataset`"]))
    status, text, errors = run("list", "--verified")
    assert (status, errors) == (1, "odd.toml: missing key `dataset`\n")
    assert "phantom-nnunet" in text


def test_lineage_tells_what_overlaps_and_why(run):
    """MSD Liver is LiTS; through it, it overlaps with what re-annotates LiTS, and the evidence stands below."""
    status, text, _ = run("lineage", "msd-liver")
    assert status == 0
    rows = {line.split()[0]: line.split(maxsplit=2)[1:] for line in text.split("\n\n")[0].splitlines()[1:]}
    assert rows["lits"] == ["certain", "msd-liver resplits lits"]
    assert rows["abdomenct-1k"] == ["certain", "msd-liver resplits lits; abdomenct-1k reannotates lits"]
    assert "AbdomenCT-1K issue 28" in text
    document = json.loads(run("lineage", "msd-liver", "--json")[1])
    assert {one["dataset"]: one["degree"] for one in document["overlaps"]} == {k: v[0] for k, v in rows.items()}
    assert {"dataset", "other", "relation", "evidence", "case_map"} <= document["links"][0].keys()


def test_a_dataset_without_overlap_is_said(run):
    """A recipe that no row names has no known overlap, which is no error."""
    assert run("lineage", "phantom-png") == (0, "phantom-png: no overlap with another dataset is known\n", "")
    assert json.loads(run("lineage", "phantom-png", "--json")[1])["overlaps"] == []


def test_a_dataset_without_recipe_is_known_too(run):
    """The table has collections that do not ship, such as TCGA-GBM."""
    assert "brats15" in run("lineage", "tcga-gbm")[1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["lineage", "msd-livr"], "curate: unknown dataset `msd-livr`; did you mean `msd-liver`?; `curate list` shows"),
        (["list", "--modality", "ct"], "curate: unknown modality `ct`; did you mean `CT`?"),
        (["list", "--licence", "comercial"], "curate: unknown licence `comercial`; did you mean `commercial`?"),
    ],
)
def test_a_misspelt_word_is_one_line_and_status_2(run, arguments, message):
    """Nothing is listed; the line says what was probably meant."""
    status, text, errors = run(*arguments)
    assert (status, text, errors.count("\n")) == (2, "", 1)
    assert errors.startswith(message)
