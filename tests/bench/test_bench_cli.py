"""The command `bench`: exit codes, one-line errors, JSON, and help that loads nothing."""

import argparse
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from bench import cli

ROOT = Path(__file__).resolve().parents[2]
HEAVY = ("numpy", "pandas", "pyarrow", "torch", "dask", "distributed", "scipy", "skimage", "matplotlib", "pydantic")
COMMANDS = ("list", "suite", "freeze", "seen", "check-model", "run", "status", "score", "leaderboard")


@pytest.fixture
def bench(capsys):
    """Return a function that runs `bench` here and gives exit status, standard output and standard error."""

    def run(*arguments):
        try:
            status = cli.main([str(argument) for argument in arguments])
        except SystemExit as error:
            status = error.code
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return run


def subparsers(parser):
    """Return name -> parser of the commands of a parser."""
    actions = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    return actions[0].choices if actions else {}


@pytest.mark.parametrize("name", ["", *COMMANDS])
def test_help_is_there(bench, name):
    """Every command explains itself and exits with 0."""
    status, out, err = bench(*filter(None, [name]), "--help")
    assert (status, err) == (0, "")
    assert out.startswith("usage: bench")


def test_every_command_and_option_has_help():
    """No argument is left unexplained, and every command prints JSON on request."""
    commands = subparsers(cli._parser())
    assert set(COMMANDS) <= commands.keys()
    for name, parser in commands.items():
        assert parser.description, name
        assert "--json" in parser._option_string_actions, name
        for action in parser._actions:
            assert action.help, f"{name} {action.dest}"


@pytest.mark.parametrize("name", ["", *COMMANDS])
def test_help_imports_nothing_heavy(name):
    """`--help` answers without numpy, pandas, pyarrow, torch or dask."""
    program = (
        "import sys\nfrom bench.cli import main\ntry:\n    main(sys.argv[1:])\nexcept SystemExit: pass\n"
        f"print(sorted(set({HEAVY!r}) & set(sys.modules)), file=sys.stderr)"
    )
    found = subprocess.run(
        [sys.executable, "-c", program, *filter(None, [name]), "--help"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stderr.strip() == "[]"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("run", "all", "--model", "orakle"), "unknown model `orakle`; did you mean `oracle`?"),
        (("run", "al", "--model", "oracle"), "no suites named `al`; did you mean `all`?"),
        (("run", "missing.toml", "--model", "oracle"), "missing.toml: no such file"),
        (
            ("run", "all", "--model", "oracle", "--weights", "w.pth"),
            "model `oracle` has no weights; leave --weights out",
        ),
        (("run", "all", "--model", "oracle", "--limit", "0"), "--limit 0: give 1 or more"),
        (("run", "all", "--model", "oracle", "--limit", "-3"), "--limit -3: give 1 or more"),
        (("run", "all", "--model", "oracle", "--workers", "0"), "--workers 0: give 1 or more"),
        (("run", "all", "--model", "oracle", "--device", "cuda"), "model `oracle` takes no device; leave --device out"),
        (("run", "all", "--model", "oracle", "--scheduler", "nowhere"), "no dask scheduler answers at"),
        (("run", "phantom", "--model", "oracle"), "no mask of"),
    ],
)
def test_wrong_usage_is_one_line(bench, store, tmp_path, arguments, message):
    """What cannot be meant exits with 2 and one line on standard error, and leaves no folder."""
    status, out, err = bench(*arguments, "--store", store, "--out", tmp_path / "run")
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert err.startswith("bench: ")
    assert message in err
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("run", "all", "--model", "oracle", "--store", "nowhere", "--out", "run"), "nowhere: no finished store here"),
        (("score", "nowhere"), "nowhere: no run here; make one with `bench run"),
        (("leaderboard", "nowhere", "--out", "board"), "nowhere has no run.json"),
        (("suite", "phantm"), "no suites named `phantm`; did you mean `phantom`"),
        (("suite", "phantom", "--store", "nowhere"), "nowhere: no finished store here"),
        (("freeze", "phantom", "--store", "nowhere", "--out", "first.parquet"), "nowhere: no finished store here"),
        (("seen", "sam-med", "phantom"), "no training card or model `sam-med`; did you mean `sam-"),
        (("seen", "sam-med3d@stage9", "phantom"), "card `sam-med3d` has no stage `stage9`; did you mean `stage"),
        (("seen", "sam-med3d", "phantom", "--store", "nowhere"), "nowhere: no finished store here"),
        (("check-model", "nobody"), "unknown model `nobody`"),
        (("check-model", "oracle", "--golden", "g.npz"), "no golden outputs for model 'oracle'"),
        (("check-model", "sam-med3d", "--golden", "g.npz"), "g.npz: cannot be read"),
    ],
)
def test_missing_things_are_one_line(bench, tmp_path, monkeypatch, arguments, message):
    """A store, run, model or file that is not there exits with 2 and one line that names it."""
    monkeypatch.chdir(tmp_path)
    status, out, err = bench(*arguments)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert message in err


@pytest.mark.parametrize("arguments", [(), ("fly",), ("run",), ("list", "birds"), ("run", "all", "--limit", "x")])
def test_unknown_words_exit_with_2(bench, arguments):
    """Commands and options that do not exist are refused in one line that names the help."""
    status, out, err = bench(*arguments)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert err.startswith("bench")
    assert "--help`" in err


def test_a_good_run_exits_with_0(bench, store, tmp_path):
    """A run without failures says how many images and rows there are, and scores again from its predictions."""
    arguments = ("run", "all", "--model", "oracle", "--store", store, "--out", tmp_path / "run", "--keep-predictions")
    status, out, err = bench(*arguments)
    assert (status, err) == (0, "")
    first, speed, last = out.splitlines()
    assert (first, last) == ("oracle: 4 images, 32 rows (32 ok; 0 kept)", f"run: {tmp_path}/run")
    assert re.fullmatch(r"8 masks in \d+\.\d s, \d+\.\d\d masks/s", speed)
    assert bench(*arguments)[1].startswith("oracle: 4 images, 32 rows (32 ok; 32 kept)")
    assert bench("score", tmp_path / "run") == (0, f"{tmp_path}/run: 32 rows scored again\n", "")


def test_failures_exit_with_1(bench, own_store, tmp_path):
    """A run with failed rows is done, and says so by its exit status."""
    (own_store / "images/hard/flipped.nii.gz").unlink()
    status, out, err = bench(
        "run", "all", "--model", "oracle", "--store", own_store, "--out", tmp_path / "run", "--json"
    )
    assert (status, err) == (1, "")
    assert json.loads(out)["statuses"] == {"failed": 8, "ok": 24}


def test_unsupported_rows_exit_with_1(bench, store, tmp_path):
    """Rows that a model could not be asked for are findings too."""
    mine = tmp_path / "mine.py"
    mine.write_text(
        "from bench.models.base import Capabilities, ModelCard\nfrom bench.models.reference import Empty\n"
        "class Mine(Empty):\n    card = ModelCard('m', 'd', 'MIT', Capabilities(dimensions=frozenset({3})))\n"
    )
    status, out, _ = bench(
        "run", "all", "--model", f"{mine}:Mine", "--store", store, "--out", tmp_path / "run", "--json"
    )
    assert status == 1
    assert json.loads(out)["statuses"] == {"ok": 28, "unsupported": 4}


def test_missing_datasets_exit_with_1(bench, store, tmp_path):
    """A dataset that the suite names and the store lacks is a finding, named on a line of its own."""
    (tmp_path / "mine.toml").write_text(
        'schema = 1\nname = "mine"\nversion = 1\ndescription = "d"\nsource = "s"\n'
        '[protocol]\nname = "random-error"\nversion = 1\n[[groups]]\nname = "g"\ndatasets = ["hard", "amos22"]\n'
    )
    status, out, _ = bench(
        "run", tmp_path / "mine.toml", "--model", "oracle", "--store", store, "--out", tmp_path / "run"
    )
    assert status == 1
    assert "the suite names amos22, which the store does not have\n" in out


def test_a_suite_says_what_it_needs_and_what_is_missing(bench, store, tmp_path):
    """Without a store nothing is missing and the exit status is 0; with one it is 1 while a task cannot run."""
    (tmp_path / "mine.toml").write_text(
        'schema = 1\nname = "mine"\nversion = 1\ndescription = "d"\nsource = "s"\n'
        '[protocol]\nname = "random-error"\nversion = 1\n[[groups]]\nname = "g"\ndatasets = ["hard", "nobodys"]\n'
        '[[variants]]\nname = "box"\ndescription = "with boxes"\nsource = "s"\nlacks = "no boxes"\n'
    )
    where = "nobodys: no recipe called `nobodys` ships; write one with `curate init SOURCE_TREE`\n"
    status, out, err = bench("suite", tmp_path / "mine.toml")
    assert (status, err) == (0, "")
    assert out.startswith("mine: d\ngroup  dataset  split  status  images  masks  targets\n")
    assert "g      hard     all    needed  -       -      *\n" in out
    assert out.endswith(f"{where}variant mine@box: with boxes\n")
    status, out, _ = bench("suite", tmp_path / "mine.toml", "--store", store)
    assert status == 1
    assert "g      hard     all    ready         3      7  heart, kidney, kidney_tumor, liver and 1 more\n" in out
    assert "g      nobodys  all    missing       0      0  *\n" in out
    tasks = json.loads(bench("suite", tmp_path / "mine.toml", "--store", store, "--json")[1])["tasks"]
    assert [(task["dataset"], task["status"], task["masks"]) for task in tasks] == [
        ("hard", "ready", 7),
        ("nobodys", "missing", 0),
    ]


def test_a_suite_that_is_all_there_exits_with_0(bench, store, tmp_path):
    """When every task is ready, nothing is a finding."""
    (tmp_path / "mine.toml").write_text(
        'schema = 1\nname = "mine"\nversion = 1\ndescription = "d"\nsource = "s"\n'
        '[protocol]\nname = "random-error"\nversion = 1\n[[groups]]\nname = "g"\ndatasets = ["hard:test"]\n'
    )
    assert bench("suite", tmp_path / "mine.toml", "--store", store)[0] == 0


def test_a_variant_runs_as_a_suite_of_its_own(bench, store, tmp_path):
    """The record names SUITE@VARIANT, its steps are the variant's, and the suite itself may not continue its run."""
    (tmp_path / "mine.toml").write_text(
        'schema = 1\nname = "mine"\nversion = 1\ndescription = "d"\nsource = "s"\n'
        '[protocol]\nname = "random-error"\nversion = 1\n[[groups]]\nname = "g"\ndatasets = ["pictures"]\n'
        '[[variants]]\nname = "two"\ndescription = "d"\nsource = "s"\n'
        'protocol = { name = "random-error", version = 1, parameters = { score_after = [2] } }\n'
    )
    here = ("--model", "oracle", "--store", store, "--out", tmp_path / "run")
    status, out, _ = bench("run", f"{tmp_path}/mine.toml@two", *here)
    assert (status, out.splitlines()[0]) == (0, "oracle: 1 images, 1 rows (1 ok; 0 kept)")
    record = json.loads((tmp_path / "run/run.json").read_text())
    assert (record["suite"]["name"], record["protocol"]["parameters"]) == ("mine@two", {"score_after": [2]})
    status, _, err = bench("run", tmp_path / "mine.toml", *here)
    assert status == 2
    assert "another run (suite, protocol differ)" in err


def test_seen_prints_both_tables_and_every_disagreement(bench):
    """Computed beside stated, a count by group, and one line for each statement that differs."""
    status, out, err = bench("seen", "sam-med3d", "sam-med3d-16")
    assert (status, err) == (0, "")
    assert out.startswith("sam-med3d-16 for sam-med3d: computed from card and lineage, beside what the paper states\n")
    rows = json.loads(bench("seen", "sam-med3d", "sam-med3d-16", "--json")[1])["rows"]
    differing = [row for row in rows if row["disagrees"]]
    stated = [row for row in rows if row["stated"]]
    assert f"{len(differing)} of {len(stated)} statements differ from what is computed\n" in out
    for row in differing:
        line = f"{row['level']} {row['name']}: stated {row['stated']}, computed {row['computed']}: {row['why']}\n"
        assert out.count(line) == 1
    assert {"sega", "kits21", "brats21", "liver_tumor"} <= {row["name"] for row in differing}


def test_seen_answers_for_a_store(bench, store):
    """With a store, masks are counted: `untrained` has seen none of the 8."""
    rows = json.loads(bench("seen", "region-growing", "all", "--store", store, "--json")[1])["rows"]
    assert {row["computed"] for row in rows} == {"unseen"}
    assert bench("seen", "region-growing", "all", "--store", store)[1].endswith("\nnothing is stated\n")
    assert sum(row["masks"] for row in rows if row["level"] == "target") == 8


def test_rows_without_predictions_exit_with_1(bench, store, tmp_path):
    """Scoring again that could not reach every row says so."""
    arguments = ("run", "all", "--model", "oracle", "--store", store, "--out", tmp_path / "run")
    bench(*arguments, "--limit", "1")
    bench(*arguments, "--keep-predictions")
    status, out, _ = bench("score", tmp_path / "run")
    assert status == 1
    assert out.endswith("24 rows scored again\n8 rows have no prediction and stay as they were\n")


@pytest.mark.parametrize(
    "what", [(), ("models",), ("suites",), ("cards",), ("protocols",), ("metrics",), ("published",)]
)
def test_lists_print_tables_and_json(bench, what):
    """Both forms have the same rows; without a word, models are listed."""
    status, out, _ = bench("list", *what, "--json")
    rows = json.loads(out)
    table = bench("list", *what)[1].splitlines()
    assert status == 0
    assert len(table) == len(rows) + 1
    assert [line.split()[0] for line in table[1:]] == [next(iter(row.values())) for row in rows]


@pytest.mark.parametrize("form", [(), ("--json",)])
def test_models_are_checked(bench, model_file, form):
    """A model that keeps its promises exits with 0, one that does not with 1."""
    status, out, err = bench("check-model", "region-growing", *form)
    assert (status, err) == (0, "")
    assert out.count("pass") == 13
    model_file.write_text(model_file.read_text().replace("return BoxMask.of(inside)", "return None"))
    status, out, _ = bench("check-model", f"{model_file}:Cubes", *form)
    assert status == 1
    assert out.count("answered with NoneType") == 12
    assert "fewer than two images were opened and answered" in out


def test_a_leaderboard_is_written(bench, store, tmp_path):
    """From two runs to files that are named on standard output and exist."""
    for model in ("empty", "box-fill"):
        bench("run", "all", "--model", model, "--store", store, "--out", tmp_path / model)
    status, out, _ = bench(
        "leaderboard", tmp_path / "empty", tmp_path / "box-fill", "--out", tmp_path / "board", "--json"
    )
    assert status == 0
    files = [Path(path) for path in json.loads(out)]
    assert {path.suffix for path in files} >= {".md", ".csv", ".json", ".html"}
    assert all(path.stat().st_size > 0 for path in files)


def test_python_m_bench_is_the_command(command, store, tmp_path):
    """`python -m bench` runs, and its exit status is the command's."""
    done = command("run", "all", "--model", "empty", "--store", store, "--out", tmp_path / "run")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("empty: 4 images, 32 rows (32 ok; 0 kept)")
    assert command("score", tmp_path / "nowhere").returncode == 2


def test_relative_paths_are_meant_from_here(command, store, tmp_path, model_file):
    """A run with relative paths, in two processes, can be scored from another folder: its record is not relative."""
    here = ("--store", os.path.relpath(store, tmp_path), "--out", "run", "--keep-predictions", "--workers", "2")
    done = command("run", "all", "--model", f"{model_file.name}:Cubes", *here, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert command("score", tmp_path / "run", cwd="/").stdout == f"{tmp_path}/run: 32 rows scored again\n"


def test_a_closed_pipe_is_no_error():
    """`bench list | head -0` says nothing on standard error."""
    done = subprocess.run(
        f"{sys.executable} -m bench list metrics | true; exit ${{PIPESTATUS[0]}}",
        shell=True,
        executable="/bin/bash",
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_ctrl_c_says_how_to_go_on(bench, store, tmp_path, monkeypatch):
    """An interrupted run exits with 130 and one line; the same command finishes it."""

    def stop(*_arguments):
        raise KeyboardInterrupt

    arguments = ("run", "all", "--model", "oracle", "--store", store, "--out", tmp_path / "run")
    with monkeypatch.context() as patch:
        patch.setattr("bench.trial.ask", stop)
        status, _, err = bench(*arguments)
    assert (status, err) == (130, "bench: interrupted; the same command goes on from here\n")
    assert bench(*arguments)[0] == 0
