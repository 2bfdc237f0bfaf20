"""Published numbers beside re-run ones: shown where the suite has some, and never counted in."""

import csv
import json

import pytest

from bench.leaderboard import write

SUITE = {"name": "sam-med3d-6", "version": 1, "sha256": "aa"}


@pytest.fixture
def board(make_run, tmp_path):
    """Return a function from a suite to the files of a leaderboard of two runs, by name."""

    def files(suite):
        rows = [{"mask_id": f"d1/p{p}#liver", "patient_id": f"p{p}", "dice": 0.5 + p / 50} for p in range(8)]
        runs = [make_run([row | {"suite": suite["name"]} for row in rows], model, suite=suite) for model in ("a", "b")]
        return {path.name: path.read_text(encoding="utf-8") for path in write(runs, tmp_path / suite["name"])[:4]}

    return files


def test_published_rows_stand_in_a_section_of_their_own(board):
    """The page of a suite with published numbers shows each of them once, marked, with source and caveat."""
    page = board(SUITE)
    for name in ("index.html", "leaderboard.md"):
        assert "Published results" in page[name]
        assert "not run here, never ranked, and part of no mean above" in page[name]
        assert page[name].count("(published)") == 30
        assert page[name].count("nnU-Net (published)") == 6
    assert page["leaderboard.md"].count("87.59 %") == 1


def test_published_numbers_enter_neither_figures_nor_ranks(board):
    """CSV and JSON, which hold what was run, are those of the same runs on a suite without published numbers."""
    plain, shown = (board(SUITE | {"name": name}) for name in ("tiny", "sam-med3d-6"))
    assert "Published results" not in plain["index.html"]
    rows = [list(csv.DictReader(files["leaderboard.csv"].splitlines())) for files in (plain, shown)]
    for row in rows[0] + rows[1]:
        del row["suite"]
    assert rows[0] == rows[1]
    heads = [json.loads(files["leaderboard.json"])["boards"][0] for files in (plain, shown)]
    assert [entry["card"]["name"] for entry in heads[1]["models"]] == ["a", "b"]
    assert "nnU-Net" not in shown["leaderboard.csv"] + shown["leaderboard.json"]
