"""The command `bench`: parse, call, print. No logic lives here, and nothing heavy is imported before it is needed."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from curate.console import FINDINGS, FINE, Commands, dispatch, print_json, print_table

_GOLDEN_TOLERANCE = 1e-4


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status: 0 fine, 1 done with findings, 2 wrong usage or configuration."""
    return dispatch(_parser(), argv)


def _parser() -> argparse.ArgumentParser:
    commands = Commands("bench", "Run segmentation models over suites and compare them.")
    command = commands.add
    listing = command("list", _list, "list models, suites, protocols or metrics")
    listing.add_argument(
        "what",
        nargs="?",
        default="models",
        choices=("models", "suites", "protocols", "metrics"),
        help="what to list (default: models)",
    )
    check = command("check-model", _check_model, "check a model on phantoms, or a network against golden outputs")
    _add_model(check, positional=True)
    check.add_argument(
        "--golden", metavar="FILE", type=Path, help="golden outputs (.npz): print each array's error, exit 1 above 1e-4"
    )
    run = command("run", _run, "run a model on a suite")
    run.add_argument("suite", metavar="SUITE", help="name of a shipped suite, or path to a TOML file")
    _add_model(run, positional=False)
    run.add_argument("--store", metavar="STORE", type=Path, required=True, help="store that `curate build` made")
    run.add_argument("--out", metavar="RUN", type=Path, required=True, help="folder of the run")
    run.add_argument("--workers", metavar="N", type=int, default=1, help="processes to use (default: 1)")
    run.add_argument("--scheduler", metavar="ADDRESS", help="address of a running dask scheduler")
    run.add_argument(
        "--resume",
        choices=("missing", "never", "always"),
        default="missing",
        help="keep the rows that are there (missing), none (never), or all even of another run (always)",
    )
    run.add_argument("--limit", metavar="N", type=int, help="only the first N images")
    run.add_argument("--keep-predictions", action="store_true", help="write predictions as label maps")
    score = command("score", _score, "score kept predictions again, without a model")
    score.add_argument("run", metavar="RUN", type=Path, help="folder of a run with --keep-predictions")
    score.add_argument("--store", metavar="STORE", type=Path, help="where the run's store lies now")
    board = command("leaderboard", _leaderboard, "compare runs: Markdown, CSV, JSON and one HTML page")
    board.add_argument("runs", metavar="RUN", nargs="+", type=Path, help="folders of runs on one suite")
    board.add_argument("--out", metavar="DIR", type=Path, required=True, help="where the leaderboard goes")
    return commands.parser


def _add_model(parser: argparse.ArgumentParser, *, positional: bool) -> None:
    text = "name of a model, or path/to/file.py:Name of your own"
    if positional:
        parser.add_argument("model", metavar="MODEL", help=text)
    else:
        parser.add_argument("--model", metavar="MODEL", required=True, help=text)
    parser.add_argument("--weights", metavar="FILE", type=Path, help="checkpoint, for models that need one")
    parser.add_argument(
        "--device", choices=("auto", "cpu", "cuda"), default="auto", help="where the model runs (default: auto)"
    )


def _list(arguments: argparse.Namespace) -> int:
    from bench import listing

    rows = listing.rows(arguments.what)
    if arguments.json:
        print_json(rows)
    else:
        print_table(rows)
    return FINE


def _check_model(arguments: argparse.Namespace) -> int:
    if arguments.golden is not None:
        from bench import golden

        errors = golden.check(arguments.model, arguments.golden)
        print_json(errors)
        return FINE if max(errors.values()) <= _GOLDEN_TOLERANCE else FINDINGS
    from bench import conformance

    results = conformance.check(arguments.model, arguments.weights, arguments.device)
    if arguments.json:
        print_json(results)
    else:
        print_table(results)
    return FINE if all(result["result"] == "pass" for result in results) else FINDINGS


def _run(arguments: argparse.Namespace) -> int:
    from dataclasses import asdict

    from bench import models, run, suite
    from curate.executor import Where

    report = run.run(
        suite.load(arguments.suite),
        models.Choice(arguments.model, arguments.weights, arguments.device),
        arguments.store,
        arguments.out,
        Where(arguments.workers, arguments.scheduler),
        resume=arguments.resume,
        limit=arguments.limit,
        keep_predictions=arguments.keep_predictions,
    )
    if arguments.json:
        print_json(asdict(report))
    else:
        statuses = ", ".join(f"{count} {status}" for status, count in report.statuses.items())
        print(f"{arguments.model}: {report.images} images, {report.rows} rows ({statuses}; {report.reused} kept)")
        for dataset in report.missing_datasets:
            print(f"the suite names {dataset}, which the store does not have")
        print(f"run: {arguments.out}")
    return FINE if set(report.statuses) <= {"ok"} and not report.missing_datasets else FINDINGS


def _score(arguments: argparse.Namespace) -> int:
    from dataclasses import asdict

    from bench.score import score

    result = score(arguments.run, arguments.store)
    if arguments.json:
        print_json(asdict(result))
    else:
        print(f"{arguments.run}: {result.scored} rows scored again")
        if result.without_prediction:
            print(f"{result.without_prediction} rows have no prediction and stay as they were")
    return FINDINGS if result.without_prediction else FINE


def _leaderboard(arguments: argparse.Namespace) -> int:
    from bench import leaderboard
    from bench.listing import definitions

    files = leaderboard.write(arguments.runs, arguments.out, definitions())
    if arguments.json:
        print_json([str(path) for path in files])
    else:
        print("\n".join(f"leaderboard: {path}" for path in files))
    return FINE
