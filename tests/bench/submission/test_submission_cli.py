import json

import pytest

from bench.cli import main


def test_from_a_run_to_a_leaderboard(honest_run, store, tmp_path, capsys):
    """Pack, validate and add print what they did, and exit with 0."""
    sent, board = str(tmp_path / "sent.zip"), str(tmp_path / "board")
    assert main(["pack", str(honest_run), "--out", sent]) == 0
    assert main(["validate", sent, "--store", str(store)]) == 0
    out = capsys.readouterr().out
    assert "32 rows of 8 masks in" in out
    assert "pass        complete: 8 masks, 4 rows of each" in out
    assert main(["leaderboard", "--add", sent, "--to", board, "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert [name.rpartition("-")[0] for name in said["added"]] == ["box-fill"]
    assert (tmp_path / "board/index.html").is_file()


def test_findings_exit_with_1(forge, tmp_path, capsys):
    """A failed check is printed with what to do; adding prints the failing checks alone."""
    run = forge(facts=lambda facts: facts.update(limit=2))
    assert main(["validate", str(run)]) == 1
    assert (
        "fail        limit: the run was limited to '2' images; run it again without --limit" in capsys.readouterr().out
    )
    assert main(["leaderboard", "--add", str(run), "--to", str(tmp_path / "board")]) == 1
    out = capsys.readouterr().out
    assert "refused, nothing was added" in out
    assert "pass" not in out


def test_validate_prints_json(honest_run, capsys):
    """Every check has its name, result, what was found and what to do."""
    assert main(["validate", str(honest_run), "--json"]) == 0
    checks = json.loads(capsys.readouterr().out)
    assert {tuple(check) for check in checks} == {("name", "result", "found", "fix")}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["leaderboard"], "give RUN... --out DIR, or --add FILE.zip --to DIR"),
        (["leaderboard", "run"], "give RUN... --out DIR"),
        (["leaderboard", "--add", "x.zip"], "--add needs --to DIR"),
        (["leaderboard", "--add", "x.zip", "--to", "d", "--out", "o"], "--to makes the leaderboard of its own"),
        (["validate", "nothing.zip"], "nothing.zip: no such file"),
        (["pack", "nothing", "--out", "x.zip"], "nothing: no such folder"),
    ],
)
def test_wrong_usage_exits_with_2(arguments, message, capsys):
    """Options that do not go together, and paths that are not there, are one line."""
    assert main(arguments) == 2
    assert message in capsys.readouterr().err
