import argparse
import json
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from curate import cli

HEAVY = [
    "numpy",
    "pandas",
    "pyarrow",
    "torch",
    "nibabel",
    "SimpleITK",
    "dask",
    "distributed",
    "scipy",
    "PIL",
    "pydantic",
]


def commands():
    """Return the parser of every command by name."""
    (action,) = (one for one in cli._parser()._actions if isinstance(one, argparse._SubParsersAction))
    return action.choices


def curate(*arguments, **options):
    """Run the command line in a process of its own."""
    command = [sys.executable, "-m", "curate", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, **options)


def test_the_commands_that_make_and_check_a_store_are_there():
    """From a recipe to a verified store there is a command for each step."""
    assert {"list", "check", "scan", "build", "verify", "stats"} <= set(commands())


@pytest.mark.parametrize("name", commands())
def test_every_command_and_option_has_help(name):
    """Walk the parser: no option without help text, no command without description, --json everywhere."""
    parser = commands()[name]
    assert parser.description
    assert any("--json" in action.option_strings for action in parser._actions)
    for action in parser._actions:
        assert action.help, f"{name} {action.option_strings or action.dest}"


@pytest.mark.parametrize("name", ["", *commands()])
def test_help_prints_and_ends_well(name, capsys):
    """--help of every command prints its usage and exits with 0."""
    with pytest.raises(SystemExit) as ended:
        cli.main([*name.split(), "--help"])
    assert ended.value.code == 0
    assert f"usage: curate {name}".strip() in capsys.readouterr().out


def test_help_imports_nothing_heavy_and_answers_at_once():
    """--help and wrong usage load none of the libraries that work needs, and take well under a second of computing."""
    code = "import sys; from curate.cli import main\ntry: main(sys.argv[1:])\nexcept SystemExit: pass\n"
    code += f"print([name for name in {HEAVY} if name in sys.modules])"
    for arguments in (["--help"], ["build", "--help"], ["verify"]):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        ended = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True)
        assert ended.stdout.splitlines()[-1] == "[]"
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 0.6


WRONG = [
    ([], "curate: the following arguments are required: COMMAND; see `curate --help`"),
    (["biuld"], "curate: argument COMMAND: invalid choice: 'biuld'"),
    (["build", "--out", "S"], "curate: give recipes with --raw DIR, or --sources FILE, and not both"),
    (["build", "phantom-png", "--sources", "x", "--out", "S"], "curate: give recipes with --raw DIR, or --sources"),
    (["build", "phantom-png", "--out", "S"], "curate: where does phantom-png lie? give --raw DIR"),
    (["build", "phantom-png", "--raw", "."], "curate build: the following arguments are required: --out"),
    (
        ["build", "phantom-pgn", "--raw", ".", "--out", "S"],
        "no recipes named `phantom-pgn`; did you mean `phantom-png`?",
    ),
    (["build", "./mine.toml", "--raw", ".", "--out", "S"], "mine.toml: no such file"),
    (["build", "phantom-png", "--raw", "nowhere", "--out", "S"], "curate: nowhere: no such folder; give the unpacked"),
    (["build", "phantom-png", "--raw", ".", "--out", "S", "--workers", "0"], "curate: --workers 0: give 1 or more"),
    (["build", "phantom-png", "--raw", ".", "--out", "S", "--workers", "two"], "invalid int value: 'two'"),
    (["build", "phantom-png", "--raw", ".", "--out", "S", "--resume", "yes"], "invalid choice: 'yes'"),
    (["build", "phantom-png", "--raw", ".", "--out", "S", "--profile", "natve"], "did you mean `native`?"),
    (["build", "phantom-png", "phantom-png", "--raw", ".", "--out", "S"], "`phantom-png` stands twice"),
    (["build", "--sources", "nowhere.toml", "--out", "S"], "nowhere.toml: cannot be read (No such file or directory)"),
    (["build", "phantom-png", "--raw", ".", "--out", __file__], "test_cli.py: cannot be used (File exists)"),
    (["build", "phantom-png", "--raw", ".", "--out", "/proc/nowhere"], "/proc/nowhere: cannot be used ("),
    (["scan", "phantom-png", "--raw", ".", "--scheduler", "here"], "no dask scheduler answers at `here`"),
    (["check", "phantom"], "no recipes named `phantom`"),
    (["check", ""], "no recipes named ``"),
    (["check", f"{Path(__file__).parent}/"], "no such file; give a path to a TOML file"),
    (["verify", "nowhere"], "curate: nowhere: no finished store here; make one with `curate build RECIPE"),
    (["stats", __file__], "cannot be read"),
]


@pytest.mark.parametrize(("arguments", "message"), WRONG)
def test_wrong_usage_is_one_line_and_status_2(arguments, message, tmp_path, monkeypatch, capsys):
    """Every slip is one line on stderr that says what to type, nothing on stdout, and leaves no file."""
    monkeypatch.chdir(tmp_path)
    try:
        status = cli.main(arguments)
    except SystemExit as ended:
        status = ended.code
    out, err = capsys.readouterr()
    assert (status, out, err.count("\n")) == (2, "", 1), err
    assert message in err
    assert "Traceback" not in err
    assert list(tmp_path.iterdir()) == []


def test_facts_are_printed_for_people_and_as_json(tree, capsys):
    """Every command prints tables, and with --json one document that holds the same facts."""
    tree.case("a")
    recipe, store = str(tree.write_recipe()), str(tree.folder / "store")
    source = ["--raw", str(tree.raw), "--workers", "1"]
    for command, words, find in (
        (["list"], "phantom-nnunet", lambda value: "phantom-png" in [row["recipe"] for row in value["recipes"]]),
        (
            ["check", recipe],
            "tiny: fine (1 image and 1 label entries, 2 targets)",
            lambda v: v["targets"][0] == "liver",
        ),
        (["scan", recipe, *source], "tiny", lambda value: (value["cases"], value["surprises"]) == (1, [])),
        (["build", recipe, *source, "--out", store], "store: ", lambda value: value[0]["masks"] == 2),
        (["verify", store], "every file, table and mask is as it was built", lambda value: value["problems"] == []),
        (["stats", store], "1 datasets, 1 images, 2 masks", lambda value: value["counts"]["masks"] == 2),
    ):
        assert cli.main(command) == 0
        assert words in capsys.readouterr().out
        assert cli.main([*command, "--json"]) == 0
        assert find(json.loads(capsys.readouterr().out))


def test_findings_are_status_1(tree, capsys):
    """A rejection that the recipe does not expect is a line and status 1, for scan, build and verify."""
    tree.case("a")
    tree.image("images/alone.nii.gz")
    recipe, store = str(tree.write_recipe()), tree.folder / "store"
    line = "tiny: no_label: found 1, the recipe expects 0\n"
    for command in (["scan", recipe], ["build", recipe, "--out", str(store)]):
        assert cli.main([*command, "--raw", str(tree.raw), "--workers", "1"]) == 1
        assert line in capsys.readouterr().out
    assert cli.main(["verify", str(store)]) == 0
    (store / "labels/tiny/a.nii.gz").unlink()
    capsys.readouterr()
    assert cli.main(["verify", str(store)]) == 1
    assert "labels/tiny/a.nii.gz: missing\n" in capsys.readouterr().out


def test_several_recipes_and_a_sources_file_build_the_same_store(tree, tmp_path, digests):
    """`--raw DIR` with several recipes means DIR/<recipe>; a sources file names each folder, relative to itself."""
    for name in ("first", "second"):
        tree.case("a")
        (tree.raw / name).mkdir()
        for kind in ("images", "labels"):
            (tree.raw / kind).rename(tree.raw / name / kind)
    recipes = [str(tree.write_recipe(name=name)) for name in ("first", "second")]
    sources = tmp_path / "sources.toml"
    entries = (f'[[source]]\nrecipe = "./{name}.toml"\nraw = "raw/{name}"\n' for name in ("first", "second"))
    sources.write_text("".join(entries), encoding="utf-8")
    one = ["build", *recipes, "--raw", str(tree.raw), "--out", str(tmp_path / "one"), "--workers", "1"]
    assert cli.main(one) == 0
    assert cli.main(["build", "--sources", str(sources), "--out", str(tmp_path / "two"), "--workers", "1"]) == 0
    assert digests(tmp_path / "one") == digests(tmp_path / "two")


def test_a_reader_who_has_enough_gets_no_traceback():
    """A closed pipe, as `| head` leaves, ends the command well and silently."""
    command = [sys.executable, "-m", "curate", "list", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 0


def test_an_interrupted_command_says_how_to_go_on(monkeypatch, capsys):
    """Control-C is one line and the status that shells expect."""

    def interrupted(_):
        raise KeyboardInterrupt

    monkeypatch.setattr(cli.of_catalogue, "list_", interrupted)
    assert cli.main(["list"]) == 130
    assert capsys.readouterr().err == "curate: interrupted; the same command goes on from here\n"


def test_the_command_and_the_module_are_one(tmp_path):
    """`python -m curate` works from any folder, and its statuses reach the shell."""
    assert curate("list", cwd=tmp_path).returncode == 0
    ended = curate("verify", "nowhere", cwd=tmp_path)
    assert (ended.returncode, ended.stderr.count("\n")) == (2, 1)
