"""`bench transfer` from run folders to files."""

import csv
import json
from html.parser import HTMLParser

import pytest

from bench.cli import main
from bench.transfer import study

HOSTILE = '<img src=x onerror=alert(1)>|$&"_{}'


def rows_of(n_patients=6, **more):
    """Return seen and unseen masks of some patients at two steps."""
    rows = []
    for patient in range(n_patients):
        for at, (target, answer, dice) in enumerate((("liver", "seen", 0.9), ("spleen", "unseen", 0.5))):
            for step in (1, 3):
                name = f"{patient}-{at}"
                row = {"mask_id": name, "patient_id": f"p{patient}", "target": target, "seen_target": answer}
                rows.append(row | {"step": step, "dice": dice + step / 100} | more)
    return rows


@pytest.fixture
def folders(make_run):
    """Return two runs."""
    return [make_run(rows_of(), model="one"), make_run(rows_of(), model="two")]


def test_files(folders, tmp_path, capsys):
    """The command writes the page, Markdown, JSON, and every table that the JSON names in four formats."""
    out = tmp_path / "study"
    assert main(["transfer", *map(str, folders), "--out", str(out), "--json"]) == 0
    written = json.loads(capsys.readouterr().out)
    names = json.loads((out / "transfer.json").read_text())["tables"]
    expected = {f"tables/{name}.{ending}" for name in names for ending in ("csv", "json", "md", "tex")}
    assert {str(path.relative_to(out)) for path in out.rglob("*") if path.is_file()} == expected | {
        "index.html",
        "transfer.md",
        "transfer.json",
    }
    assert len(written) == len(expected) + 3


def test_same_bytes(folders, tmp_path):
    """The order in which runs are named changes no byte of any file."""
    first = study.write(folders, tmp_path / "a")
    second = study.write(folders[::-1], tmp_path / "b")
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]


def test_gap_in_every_form(folders, tmp_path):
    """The gap of 0.4 stands in the page, the Markdown, the CSV and the JSON."""
    study.write(folders[:1], tmp_path / "a")
    assert "+0.400" in (tmp_path / "a/index.html").read_text()
    assert "+0.400" in (tmp_path / "a/transfer.md").read_text()
    with (tmp_path / "a/tables/gap-gap-last-step.csv").open() as stream:
        row = next(csv.DictReader(stream))
    assert (row["Gap, matched"], row["Gap, matched: interval and n"]) == ("0.4", "[+0.400, +0.400]")
    table = json.loads((tmp_path / "a/transfer.json").read_text())["tables"]["gap-gap-last-step"]
    cells = dict(zip(table["columns"], table["groups"][0]["rows"][0], strict=True))
    assert cells["Gap, matched"]["value"] == pytest.approx(0.4)


def test_old_tables_go(folders, tmp_path):
    """A table of an earlier study in the same folder is removed; other people's files stay."""
    out = tmp_path / "a"
    (out / "tables").mkdir(parents=True)
    (out / "tables/held-out-of-old.csv").write_text("old")
    (out / "tables/notes.txt").write_text("mine")
    study.write(folders[:1], out)
    assert not (out / "tables/held-out-of-old.csv").exists()
    assert (out / "tables/notes.txt").read_text() == "mine"


def test_refused_in_one_line(folders, make_run, tmp_path, capsys):
    """Runs that cannot share a study give one line and status 2, and nothing is written."""
    other = make_run(rows_of(), model="three", store={"profile": "as-is", "sha256": "zz"})
    out = tmp_path / "study"
    assert main(["transfer", str(folders[0]), str(other), "--out", str(out)]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "differ in the sha256 of the store" in error
    assert not out.exists()


class Tags(HTMLParser):
    """Collects the tags of a page, and what it loads."""

    def __init__(self):
        super().__init__()
        self.tags, self.loaded = [], []

    def handle_starttag(self, tag, attributes):
        """Note the tag and every address that is not inside the page."""
        self.tags.append(tag)
        values = [value or "" for name, value in attributes if name in ("src", "href", "xlink:href")]
        self.loaded += [value for value in values if not value.startswith(("#", "data:"))]


def test_hostile_names(make_run, tmp_path):
    """Markup in names of models, datasets and groups stays text, and the page loads nothing."""
    folder = make_run(rows_of(dataset=HOSTILE, suite_group=HOSTILE), model=HOSTILE)
    study.write([folder], tmp_path / "a")
    page = (tmp_path / "a/index.html").read_text()
    tags = Tags()
    tags.feed(page)
    assert "img" not in tags.tags
    assert tags.loaded == []
    assert "<img" not in (tmp_path / "a/transfer.md").read_text()


def test_no_card(make_run, tmp_path):
    """A run without a training card has unknown answers everywhere, is named as such, and has no gap."""
    levels = ("seen_target", "seen_modality", "seen_dataset", "seen_image")
    rows = [row | dict.fromkeys(levels, "unknown") for row in rows_of()]
    study.write([make_run(rows)], tmp_path / "a")
    text = (tmp_path / "a/transfer.md").read_text()
    assert "Without a training card, so that every answer is unknown: net." in text
    assert "nobody says which of these targets it was trained on" in text
