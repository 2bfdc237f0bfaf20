import json
import zipfile
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from bench.schema import MEASURED
from bench.submission import packing, redact
from curate.errors import UsageError

TIMES = [column.name for column in MEASURED]


def facts_of(path):
    """Return the record in a packed run."""
    with zipfile.ZipFile(path) as archive:
        return json.loads(archive.read("run.json"))


def rows_of(path):
    """Return the rows in a packed run."""
    with zipfile.ZipFile(path) as archive, archive.open("scores.parquet") as stream:
        return pq.read_table(stream).to_pylist()


def test_a_packed_run_holds_scores_and_facts_alone(honest_run, tmp_path):
    """Predictions and prompts that a run kept stay at home."""
    packed = packing.pack(honest_run, tmp_path / "sent.zip")
    with zipfile.ZipFile(packed.path) as archive:
        assert archive.namelist() == ["run.json", "scores.parquet"]
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    assert (packed.rows, packed.masks, packed.bytes) == (32, 8, packed.path.stat().st_size)


def test_the_same_run_gives_the_same_bytes_in_any_order_of_rows(forge, tmp_path):
    """Rows are sorted and dates fixed, so that two packings of one run are one file."""
    first = packing.pack(forge(), tmp_path / "one.zip").path.read_bytes()
    assert packing.pack(forge(rows=lambda rows: rows.reverse()), tmp_path / "other.zip").path.read_bytes() == first


def test_rows_are_kept_to_the_last_digit(honest_run, tmp_path):
    """Packing changes no score."""
    packing.pack(honest_run, tmp_path / "sent.zip")
    assert rows_of(tmp_path / "sent.zip") == pq.read_table(honest_run / "scores.parquet").to_pylist()


def test_no_path_and_no_person_leaves_the_house(forge, tmp_path):
    """Where the store lay is left out, and paths in messages are the names of their files."""

    def fail(rows):
        scores = {name: None for name, value in rows[0].items() if isinstance(value, float)}
        rows[0].update(scores, status="failed", detail="no /home/jane doe/model.pt, see /srv/data/x.log")

    run = forge(rows=fail, facts=lambda facts: facts["model"].update(training_card="/home/jane/card.toml"))
    packing.pack(run, tmp_path / "sent.zip")
    content = (tmp_path / "sent.zip").read_bytes()
    assert b"jane" not in content
    assert b"store_path" not in content
    assert str(tmp_path).encode() not in content
    assert rows_of(tmp_path / "sent.zip")[0]["detail"] == "no .../model.pt, see .../x.log"
    assert facts_of(tmp_path / "sent.zip")["model"]["training_card"] == "card.toml"


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("/home/jane/a/model.py:3 is no model", ".../model.py:3 is no model"),
        ("in /Users/Jane Doe/x.py", "in .../x.py"),
        (r"C:\Users\Jane\weights\m.pt", ".../m.pt"),
        (r"D:\data\m.pt and \\server\share\m.pt", ".../m.pt and .../m.pt"),
        ("file:///srv/x/y.nii.gz", ".../y.nii.gz"),
        (f"{Path.home()}/runs/x", ".../x"),
        ("hf://owner/repository/file.pt", "hf://owner/repository/file.pt"),
        ("https://example.org/a/b", "https://example.org/a/b"),
        ("hard/flipped#liver", "hard/flipped#liver"),
        ("1/2 of them, and/or 3", "1/2 of them, and/or 3"),
    ],
)
def test_paths_become_names_and_other_text_stays(text, left):
    """Only absolute paths are shortened; addresses, ids and fractions are not."""
    assert redact.text(text) == left


def test_the_number_of_planned_masks_goes_along(honest_run, forge, tmp_path):
    """While the store lies where it was, the plan is counted; elsewhere nothing is said."""
    assert facts_of(packing.pack(honest_run, tmp_path / "a.zip").path)["planned"] == {"masks": 8}
    gone = forge(facts=lambda facts: facts.update(store_path="/nowhere"))
    assert "planned" not in facts_of(packing.pack(gone, tmp_path / "b.zip").path)


def test_a_portable_run_has_nothing_of_its_machine(honest_run, tmp_path):
    """Times, memory, commit, device, libraries and the store's hash are left out; scores have 6 decimals."""
    packing.pack(honest_run, tmp_path / "sent.zip", portable=True)
    facts, rows = facts_of(tmp_path / "sent.zip"), rows_of(tmp_path / "sent.zip")
    assert (facts["commit"], facts["device"], facts["store"]["sha256"]) == (None, None, None)
    assert list(facts["versions"]) == ["medseen"]
    assert all(row[name] is None for row in rows for name in TIMES)
    exact = pq.read_table(honest_run / "scores.parquet").to_pylist()
    assert [row["dice"] for row in rows] == [round(row["dice"], 6) for row in exact]
    assert [row["mask_id"] for row in rows] == [row["mask_id"] for row in exact]


def test_what_is_no_run_is_not_packed(tmp_path):
    """A folder without a record, and a path that is not there, are wrong usage."""
    with pytest.raises(UsageError, match="no such folder; give one that `bench run` wrote"):
        packing.pack(tmp_path / "nothing", tmp_path / "out.zip")
    with pytest.raises(UsageError, match=r"run\.json cannot be read"):
        packing.pack(tmp_path, tmp_path / "out.zip")
    assert not (tmp_path / "out.zip").exists()
