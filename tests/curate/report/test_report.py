import csv
import json
import shutil

import pytest

from curate import cli, report
from curate.errors import StoreError
from curate.executor import Where
from curate.report import cells, links
from curate.report.table import Column, of


def test_every_table_is_there_as_csv_and_json(written):
    """report.json names the tables; each has a CSV and a JSON file with the same rows."""
    out, _ = written
    names = json.loads((out / "report.json").read_text())["tables"]
    assert {"datasets", "modalities", "regions", "targets", "licences", "splits", "true_negatives", "funnel"} <= set(
        names
    )
    assert {path.stem for path in (out / "tables").iterdir()} == set(names)
    for name in names:
        rows = json.loads((out / f"tables/{name}.json").read_text())["rows"]
        with (out / f"tables/{name}.csv").open(newline="") as stream:
            read = list(csv.DictReader(stream))
        assert len(read) == len(rows)
        for line, row in zip(read, rows, strict=True):
            for key, value in row.items():
                shown = "" if value is None else "|".join(value) if isinstance(value, list) else str(value)
                assert line[key] == shown


def test_the_same_store_gives_the_same_bytes(hostile, written, tmp_path, digests):
    """A second report, into a folder that holds an earlier one of more pictures, is the first to the byte."""
    store, recipes = hostile
    out, _ = written
    report.write(store, tmp_path / "again", 1, Where(1))
    (tmp_path / "again/images/stale.png").write_bytes(b"")
    report.write(store, tmp_path / "again", where=Where(1), recipes=recipes)
    assert digests(tmp_path / "again") == digests(out)


def test_without_images_no_voxel_is_read(hostile, tmp_path):
    """With all images and label maps gone, tables and page are still written; that they are gone is a fault."""
    store, _ = hostile
    shutil.copytree(store / "manifest", tmp_path / "store/manifest")
    found = report.write(tmp_path / "store", tmp_path / "out", 0)
    assert (found.pictures, found.not_shown, found.has_faults) == (0, 0, True)
    assert found.findings[0].kind == "files"
    assert not (tmp_path / "out/images").exists()


@pytest.mark.parametrize("place", [".", "report", "../other"])
def test_a_store_is_never_written_into(hostile, tmp_path, place):
    """The store itself, a folder in it and another store are refused as --out, and nothing is made there."""
    store = tmp_path / "store"
    for folder in (store, tmp_path / "other"):
        shutil.copytree(hostile[0] / "manifest", folder / "manifest")
    with pytest.raises(StoreError, match="within a store; give another folder with --out"):
        report.write(store, store / place, 0)
    assert not (store / "report").exists()


def test_a_folder_with_other_things_is_left_alone(hostile, tmp_path):
    """What is not an earlier report is not emptied."""
    (tmp_path / "images").mkdir()
    with pytest.raises(StoreError, match="not empty and no report; give a new folder"):
        report.write(hostile[0], tmp_path, 0)
    assert (tmp_path / "images").is_dir()


def test_the_command_says_what_is_not_in_order(hostile, tmp_path, capsys):
    """A dataset that differs from its recipe gives status 1 and a line; without the recipes there is no fault."""
    store, recipes = hostile
    line = ["report", str(store), "--out", str(tmp_path / "out"), "--no-images"]
    given = [part for path in recipes for part in ("--recipe", path)]
    assert cli.main([*line, *given]) == 1
    assert "second: no_label: found 1, the recipe expects 0" in capsys.readouterr().out.splitlines()[0]
    assert cli.main([*line, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["pictures"] == 0


def test_a_negative_number_of_images_is_wrong_usage(hostile, tmp_path, capsys):
    """One line says what to type."""
    assert cli.main(["report", str(hostile[0]), "--out", str(tmp_path / "o"), "--images", "-1"]) == 2
    assert "give 1 or more, or --no-images" in capsys.readouterr().err


def test_markdown_has_no_markup_of_the_recipes(written):
    """Titles and evidence that are HTML stand there as text."""
    text = (written[0] / "report.md").read_text()
    assert "<img" not in text
    assert "&lt;img" in text


def test_rows_with_unknown_keys_are_refused():
    """A table neither drops nor invents a column."""
    with pytest.raises(ValueError, match=r"row has unknown \['b'\], lacks \['a'\]"):
        of("t", "T", "", (Column("a", "A"),), [{"b": 1}])


def test_a_long_table_is_cut_on_the_page_alone():
    """The page says how many rows are in the file."""
    table = of("t", "T", "", (Column("a", "A", "count"),), ({"a": n} for n in range(7)), shown=3)
    assert len(list(cells.rows(table))) == 3
    assert cells.cut_note(table) == "4 more rows are in the file."


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0"), (0.97656, "0.9766"), (3.0, "3"), (1048576.0, "1,048,576"), (99.96, "100"), (1e-7, "0.0000001")],
)
def test_numbers_are_plain(value, text):
    """Four significant digits below 100, whole from there on, no exponent."""
    assert cells.number(value) == text


@pytest.mark.parametrize(
    ("text", "link"),
    [
        ("see https://example.org/a.", "https://example.org/a"),
        ("stated at doi:10.1000/xyz, twice", "https://doi.org/10.1000/xyz"),
        ("javascript:alert(1)", None),
        (None, None),
    ],
)
def test_links_lead_to_the_web_alone(text, link):
    """Addresses and DOIs in a text become links, scripts do not."""
    assert links.first_link(text) == link


def test_a_homepage_that_is_a_script_is_no_link():
    """Only http and https."""
    assert links.web_page("javascript:alert(1)") is None
    assert links.web_page("https://example.org/") == "https://example.org/"
