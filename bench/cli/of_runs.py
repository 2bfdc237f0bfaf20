"""`bench run`, `score` and `leaderboard`."""

import argparse

from curate.console import FINDINGS, FINE, print_json


def run(arguments: argparse.Namespace) -> int:
    """Run a model on a suite."""
    from dataclasses import asdict

    from bench import models, suite
    from bench import run as runs
    from curate.executor import Where

    report = runs.run(
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


def score(arguments: argparse.Namespace) -> int:
    """Score kept predictions again."""
    from dataclasses import asdict

    from bench import score as scoring

    result = scoring.score(arguments.run, arguments.store)
    if arguments.json:
        print_json(asdict(result))
    else:
        print(f"{arguments.run}: {result.scored} rows scored again")
        if result.without_prediction:
            print(f"{result.without_prediction} rows have no prediction and stay as they were")
    return FINDINGS if result.without_prediction else FINE


def leaderboard(arguments: argparse.Namespace) -> int:
    """Compare runs."""
    from bench import leaderboard as boards
    from bench.listing import definitions

    files = boards.write(arguments.runs, arguments.out, definitions())
    if arguments.json:
        print_json([str(path) for path in files])
    else:
        print("\n".join(f"leaderboard: {path}" for path in files))
    return FINE
