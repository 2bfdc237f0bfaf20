import json
import re
import shutil
from itertools import permutations

import pyarrow.parquet as pq
import pytest

from bench import leaderboard
from bench.schema import SCORES
from bench.submission import adding, packing
from curate.errors import UsageError
from curate.files import sha256_of_file, write_bytes
from curate.schema import arrow_table


@pytest.fixture
def sent(honest_run, tmp_path):
    """Return a function that packs the run as one of another model, with another Dice in its first row."""

    def write(model="box-fill", dice=None, name=None):
        run = shutil.copytree(honest_run, tmp_path / f"run-{name or model}")
        rows = [{**row, "model": model} for row in pq.read_table(run / "scores.parquet").to_pylist()]
        if dice is not None:
            rows[0].update(dice=dice, iou=dice / (2 - dice))
        pq.write_table(arrow_table(SCORES, rows), run / "scores.parquet")
        facts = json.loads((run / "run.json").read_text())
        facts["model"]["name"] = model
        (run / "run.json").write_text(json.dumps(facts))
        return packing.pack(run, tmp_path / f"{name or model}.zip").path

    return write


def content(folder):
    """Return every file of a folder by its path there."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def stand_in(monkeypatch):
    """Put a quick writer in the leaderboard's place: names and digests of runs, and a table named by their number."""

    def write(runs, out, _):
        texts = {"index.html": repr([(run.name, sha256_of_file(run / "scores.parquet")) for run in runs])}
        texts[f"tables/of-{len(runs)}.md"] = "x"
        for name, text in texts.items():
            write_bytes(out / name, text.encode())
        return [out / name for name in texts]

    monkeypatch.setattr(leaderboard, "write", write)


def added_in_any_order(files, folder):
    """Return the contents of a leaderboard to which files were added at once, and one by one in some orders."""
    adding.add(files, folder / "at-once")
    yield content(folder / "at-once")
    for number, order in enumerate(list(permutations(files))[1::4]):
        for file in order:
            adding.add([file], folder / f"{number}")
        yield content(folder / f"{number}")


@pytest.mark.usefixtures("stand_in")
def test_the_order_of_adding_changes_no_byte(sent, tmp_path):
    """Submissions added one by one in any order give the folder that all at once give, and no table of fewer models."""
    files = [sent("a", 0.5), sent("b", 0.25), sent("C c", 0.125)]
    first, *others = added_in_any_order(files, tmp_path)
    assert {"index.html", "tables/of-3.md"} < first.keys()
    assert "tables/of-1.md" not in first
    assert len(others) == 2
    assert all(other == first for other in others)


@pytest.mark.slow
def test_the_order_of_adding_changes_no_byte_of_the_pages(sent, tmp_path):
    """The real leaderboard of three submissions is the same in any order."""
    first, *others = added_in_any_order([sent("a", 0.5), sent("b", 0.25), sent("c", 0.125)], tmp_path)
    assert {"index.html", "leaderboard.csv"} < first.keys()
    assert all(other == first for other in others)


@pytest.mark.usefixtures("stand_in")
def test_a_submission_is_kept_by_model_and_digest(sent, tmp_path):
    """Its folder is named by words of the model's name and the digest of its rows, and holds the packed files."""
    outcome = adding.add([sent("../My Net (v2)", name="net")], tmp_path / "board")
    (name,) = outcome.added
    assert re.fullmatch(r"my-net-v2-[0-9a-f]{12}", name)
    assert sorted(path.name for path in (tmp_path / "board/submissions" / name).iterdir()) == [
        "run.json",
        "scores.parquet",
    ]


@pytest.mark.usefixtures("stand_in")
def test_the_same_rows_twice_are_refused(sent, honest_run, tmp_path):
    """A model with rows that are there is refused in one line, as a zip or as the run itself, and changes nothing."""
    file = sent()
    adding.add([file], tmp_path / "board")
    before = content(tmp_path / "board")
    for again in (file, honest_run):
        with pytest.raises(UsageError, match=r"'box-fill' with these rows is already there as .*; nothing was added"):
            adding.add([again], tmp_path / "board", replace=True)
    assert content(tmp_path / "board") == before


@pytest.mark.usefixtures("stand_in")
def test_a_new_version_needs_to_be_asked_for(sent, tmp_path):
    """Other rows of a model replace the first ones only with `replace`, and then nothing of these is left."""
    first, second = sent(), sent(dice=0.5, name="second")
    (old,) = adding.add([first], tmp_path / "board").added
    with pytest.raises(UsageError, match=r"another run of 'box-fill' is there as .*; add --replace"):
        adding.add([second], tmp_path / "board")
    outcome = adding.add([second], tmp_path / "board", replace=True)
    assert outcome.replaced == (old,)
    adding.add([second], tmp_path / "fresh")
    assert content(tmp_path / "board") == content(tmp_path / "fresh")


@pytest.mark.usefixtures("stand_in")
def test_one_invalid_submission_keeps_all_out(sent, forge, tmp_path):
    """The failing checks come back, and no folder is made."""
    bad = forge(facts=lambda facts: facts.update(limit=2))
    outcome = adding.add([sent("other"), bad], tmp_path / "board")
    assert outcome.added == ()
    assert {path: [check.name for check in checks] for path, checks in outcome.refused.items()} == {str(bad): ["limit"]}
    assert not (tmp_path / "board").exists()


@pytest.mark.usefixtures("stand_in")
def test_an_error_on_the_way_leaves_all_as_it_was(sent, tmp_path, monkeypatch):
    """Where the leaderboard cannot be written, what was replaced comes back and what was new goes."""
    adding.add([sent()], tmp_path / "board")
    before = content(tmp_path / "board")

    def fail(*_):
        raise UsageError("the disk is full")

    monkeypatch.setattr(leaderboard, "write", fail)
    with pytest.raises(UsageError, match="the disk is full"):
        adding.add([sent(dice=0.5, name="second")], tmp_path / "board", replace=True)
    assert content(tmp_path / "board") == before


@pytest.mark.parametrize("came", [True, False])
@pytest.mark.usefixtures("stand_in")
def test_a_killed_start_is_cleared_up(sent, tmp_path, came):
    """What was put aside comes back, unless what replaces it is already there."""
    board = tmp_path / "board"
    (old,) = adding.add([sent()], board).added
    (board / "submissions" / old).rename(board / "submissions" / f".part-{old}")
    if came:
        adding.add([sent(dice=0.5, name="second")], tmp_path / "fresh")
        shutil.copytree(tmp_path / "fresh/submissions", board / "submissions", dirs_exist_ok=True)
    adding.add([sent("other")], board)
    names = [path.name for path in sorted((board / "submissions").iterdir())]
    assert [name.startswith(".") for name in names] == [False, False]
    assert (old in names) is not came


@pytest.mark.usefixtures("stand_in")
def test_a_leaderboard_is_made_anew_from_its_submissions(sent, tmp_path):
    """Pages that were deleted come back with the bytes that they had; a folder without submissions is refused."""
    adding.add([sent()], tmp_path / "board")
    before = content(tmp_path / "board")
    (tmp_path / "board/index.html").unlink()
    adding.add([], tmp_path / "board")
    assert content(tmp_path / "board") == before
    with pytest.raises(UsageError, match="has no submissions; add one with `bench leaderboard --add"):
        adding.add([], tmp_path / "empty")
