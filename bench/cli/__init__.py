"""The command `bench`: parse, call, print. No logic lives here, and nothing heavy is imported before it is needed."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from bench.cli import of_models, of_runs, of_submissions, of_suites, of_transfer
from curate.console import Commands, dispatch

_SUITE = "name of a shipped suite or path to a TOML file; SUITE@VARIANT, or SUITE@PROTOCOL such as all@box"


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status: 0 fine, 1 done with findings, 2 wrong usage or configuration."""
    return dispatch(_parser(), argv)


def _parser() -> argparse.ArgumentParser:
    commands = Commands("bench", "Run segmentation models over suites and compare them.")
    _add_lists(commands)
    check = commands.add(
        "check-model", of_models.check, "check a model on phantoms, its weights, or its answers against golden outputs"
    )
    _add_model(check, positional=True)
    check.add_argument(
        "--golden", metavar="FILE", type=Path, help="golden outputs (.npz): print each array's error, exit 1 above 1e-4"
    )
    check.add_argument("--corpus", metavar="DIR", type=Path, help="images of a golden file that is about real images")
    check.add_argument("--all", action="store_true", help="run every check on phantoms, even beyond a minute")
    _add_run(commands)
    score = commands.add("score", of_runs.score, "score kept predictions again, without a model")
    score.add_argument("run", metavar="RUN", type=Path, help="folder of a run with --keep-predictions")
    score.add_argument("--store", metavar="STORE", type=Path, help="where the run's store lies now")
    board = commands.add("leaderboard", of_runs.leaderboard, "compare runs: Markdown, CSV, JSON and one HTML page")
    board.add_argument("runs", metavar="RUN", nargs="*", type=Path, help="folders of runs")
    board.add_argument("--out", metavar="DIR", type=Path, help="where the leaderboard goes")
    board.add_argument(
        "--add", metavar="FILE.zip|RUN", nargs="+", type=Path, default=[], help="validate and add these to --to DIR"
    )
    board.add_argument("--to", metavar="DIR", type=Path, help="leaderboard of the submissions in DIR, made anew")
    board.add_argument("--replace", action="store_true", help="let --add replace an earlier run of the same model")
    board.add_argument(
        "--cases",
        action=argparse.BooleanOptionalAction,
        help="pages of single cases: demand them, or leave them out (default: where predictions and store are there)",
    )
    _add_given(board)
    _add_submissions(commands)
    study = commands.add(
        "transfer", of_transfer.transfer, "say what models keep on targets, modalities and sources they have not seen"
    )
    study.add_argument("runs", metavar="RUN", nargs="+", type=Path, help="folders of runs on one suite and one store")
    study.add_argument("--out", metavar="DIR", type=Path, required=True, help="where the study goes")
    return commands.parser


def _add_lists(commands: Commands) -> None:
    listing = commands.add(
        "list", of_suites.list_, "list models, suites, cards, protocols, metrics or published numbers"
    )
    listing.add_argument(
        "what",
        nargs="?",
        default="models",
        choices=("models", "suites", "cards", "protocols", "metrics", "weights", "published"),
        help="what to list (default: models)",
    )
    suite = commands.add("suite", of_suites.suite, "say what a suite needs, and what of it a store can run")
    suite.add_argument("suite", metavar="SUITE", help=_SUITE)
    suite.add_argument("--store", metavar="STORE", type=Path, help="store that `curate build` made")
    freeze = commands.add("freeze", of_suites.freeze, "write the first prompts of a suite to a file that it can name")
    freeze.add_argument("suite", metavar="SUITE", help=_SUITE)
    freeze.add_argument("--store", metavar="STORE", type=Path, required=True, help="store that `curate build` made")
    freeze.add_argument("--out", metavar="FILE", type=Path, required=True, help="file of prompts to write (.parquet)")
    seen = commands.add(
        "seen", of_suites.seen, "say what of a suite a model has seen in training, and what its paper says"
    )
    seen.add_argument(
        "model", metavar="MODEL_OR_CARD", help="name of a training card, CARD@STAGE or path to a TOML file, or a model"
    )
    seen.add_argument("suite", metavar="SUITE", help=_SUITE)
    seen.add_argument("--store", metavar="STORE", type=Path, help="answer for the masks of this store")


def _add_submissions(commands: Commands) -> None:
    pack = commands.add("pack", of_submissions.pack, "pack a run to be sent: scores and run.json, no images, no paths")
    pack.add_argument("run", metavar="RUN", type=Path, help="folder of a finished run")
    pack.add_argument("--out", metavar="FILE.zip", type=Path, required=True, help="the file")
    pack.add_argument("--portable", action="store_true", help="leave out times and all that machines differ in")
    check = commands.add("validate", of_submissions.validate, "check that a run is complete, unmodified, of its suite")
    check.add_argument("run", metavar="RUN|FILE.zip", type=Path, help="folder of a run, or a packed run")
    _add_given(check)
    leaks = commands.add("leaks", of_submissions.leaks, "list the images of a suite that a model was trained on")
    leaks.add_argument("model", metavar="MODEL_OR_CARD", help="a model, or name or path of a training card")
    leaks.add_argument("suite", metavar="SUITE", help=_SUITE)
    leaks.add_argument("--store", metavar="STORE", type=Path, required=True, help="store that `curate build` made")


def _add_given(parser: argparse.ArgumentParser) -> None:
    """Add what a submission is checked against."""
    parser.add_argument("--store", metavar="STORE", type=Path, help="store that was run: every mask, the first prompts")
    parser.add_argument("--suite", metavar="SUITE", help="path of the suite, where it does not ship")
    parser.add_argument("--card", metavar="CARD", help="path of the training card, where it does not ship")


def _add_run(commands: Commands) -> None:
    run = commands.add("run", of_runs.run, "run a model on a suite")
    run.add_argument("suite", metavar="SUITE", help=_SUITE)
    _add_model(run, positional=False)
    run.add_argument("--name", metavar="NAME", help="what leaderboards call the model (default: its name and options)")
    run.add_argument(
        "--training-card",
        metavar="CARD",
        help="name or path of the card of what these weights have learnt, or none (default: the model's own)",
    )
    run.add_argument("--store", metavar="STORE", type=Path, required=True, help="store that `curate build` made")
    run.add_argument("--out", metavar="RUN", type=Path, required=True, help="folder of the run")
    run.add_argument(
        "--workers", metavar="N", type=int, help="processes to use (default: one per CUDA device in use, else 1)"
    )
    run.add_argument("--scheduler", metavar="ADDRESS", help="address of a running dask scheduler")
    run.add_argument(
        "--resume",
        choices=("missing", "never", "always"),
        default="missing",
        help="keep the rows that are there (missing), none (never), or all even of another run (always)",
    )
    run.add_argument(
        "--retry-failed",
        action="store_true",
        help="try masks again whose rows are failed, timeout or out_of_memory; without it they stay as they are",
    )
    run.add_argument(
        "--on-failure",
        metavar="POLICY",
        default="record",
        help="record failed masks and go on (record), stop at the first (stop), or above a share (such as 5%%)",
    )
    run.add_argument(
        "--timeout",
        metavar="SECONDS",
        type=float,
        help="limit of each call of the model, which then runs in a process of its own; none unless given",
    )
    run.add_argument("--limit", metavar="N", type=int, help="only the first N images")
    run.add_argument("--keep-predictions", action="store_true", help="write predictions as label maps")
    status = commands.add("status", of_runs.status, "say how far a run is, what failed, and how to go on")
    status.add_argument("run", metavar="RUN", type=Path, help="folder of a run, at work or not")


def _add_model(parser: argparse.ArgumentParser, *, positional: bool) -> None:
    text = "name of a model, or path/to/file.py:Name of your own"
    if positional:
        parser.add_argument("model", metavar="MODEL", help=text)
    else:
        parser.add_argument("--model", metavar="MODEL", required=True, help=text)
    parser.add_argument(
        "--weights",
        metavar="FILE",
        type=Path,
        help="checkpoint: a file or folder, or hf://owner/repository/file[@revision]",
    )
    parser.add_argument(
        "--device",
        metavar="DEVICE",
        default="auto",
        help="where the model runs: auto, cpu, cuda or one CUDA device such as cuda:1 (default: auto)",
    )
    parser.add_argument(
        "--set",
        metavar="OPTION=VALUE",
        dest="options",
        action="append",
        default=[],
        help="change an option of the model, such as clamp_ct=true; may be given several times (docs/models.md)",
    )
