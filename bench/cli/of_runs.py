"""`bench run`, `status`, `score` and `leaderboard`."""

import argparse
from typing import TYPE_CHECKING

from curate.console import FINDINGS, FINE, print_json

if TYPE_CHECKING:
    from bench.models.choice import Choice
    from bench.run import Report


def run(arguments: argparse.Namespace) -> int:
    """Run a model on a suite."""
    from dataclasses import asdict

    from bench import models, suite
    from bench import run as runs
    from bench.cli.again import command
    from bench.policy import OnFailure, Policy
    from curate.executor import Where

    report = runs.run(
        suite.load(arguments.suite),
        _choice(arguments),
        arguments.store,
        arguments.out,
        Where(arguments.workers, arguments.scheduler),
        policy=Policy(arguments.resume, arguments.retry_failed, OnFailure(arguments.on_failure), arguments.timeout),
        limit=arguments.limit,
        keep_predictions=arguments.keep_predictions,
        command=command(arguments, models.resolved(arguments.model)),
    )
    if arguments.json:
        print_json(asdict(report))
    else:
        _print_report(report, arguments)
    fine = set(report.statuses) <= {"ok"} and not report.missing_datasets and report.stopped is None
    return FINE if fine else FINDINGS


def _choice(arguments: argparse.Namespace) -> "Choice":
    from bench.cli.again import named
    from bench.models.choice import Choice, parse_options

    options, card = parse_options(arguments.options), arguments.training_card
    card = None if card is None else named(card)
    return Choice(arguments.model, arguments.weights, arguments.device, options, arguments.name, card)


def _print_report(report: "Report", arguments: argparse.Namespace) -> None:
    statuses = ", ".join(f"{count} {status}" for status, count in report.statuses.items())
    name = arguments.name or arguments.model
    print(f"{name}: {report.images} images, {report.rows} rows ({statuses}; {report.reused} kept)")
    for dataset in report.missing_datasets:
        print(f"the suite names {dataset}, which the store does not have")
    if report.masks_now:
        print(f"{report.masks_now} masks in {report.seconds:.1f} s, {report.masks_now / report.seconds:.2f} masks/s")
    if report.stopped is not None:
        print(f"{report.stopped}; rows so far are kept, and the same command goes on after them")
    if report.failed_masks:
        print(f"failed masks: {report.failed_masks}; the same command with --retry-failed tries them again")
    if set(report.statuses) - {"ok"}:
        print(f"why some rows have no score: bench status {arguments.out}")
    print(f"run: {arguments.out}")


def status(arguments: argparse.Namespace) -> int:
    """Say how far a run is."""
    from dataclasses import asdict

    from bench import status as states

    found = states.read(arguments.run)
    if arguments.json:
        print_json(asdict(found))
    else:
        print("\n".join(states.lines(found)))
    return FINE if found.fine else FINDINGS


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
    from bench.cli import of_submissions
    from bench.listing import definitions
    from bench.page.cases import Sources

    if of_submissions.wants_adding(arguments):
        return of_submissions.add(arguments)
    sources = Sources(arguments.runs, arguments.store, is_required=arguments.cases is True)
    files = boards.write(arguments.runs, arguments.out, definitions(), None if arguments.cases is False else sources)
    if arguments.json:
        print_json([str(path) for path in files])
    else:
        print("\n".join(f"leaderboard: {path}" for path in files if path.parent == arguments.out))
        print(f"tables: {arguments.out / 'tables'}")
    return FINE
