"""`bench validate`: is it complete, unmodified, and of the suite that it says it is?"""

from collections.abc import Callable
from pathlib import Path
from typing import Final

from bench.submission import content, of_facts, of_prompts, of_rows, of_store, of_training
from bench.submission.content import Submission
from bench.submission.problem import Check, SubmissionError, failed, passed, skipped
from bench.suite import Suite, Unit, units_of
from bench.training.cards import TrainingCard
from curate.errors import ReadError

_OF_ROWS: Final[dict[str, Callable[[Submission], Check]]] = {
    "values": of_rows.values,
    "overlap": of_rows.overlap,
    "one_run": of_rows.one_run,
    "row_order": of_rows.row_order,
    "growing_prompts": of_rows.growing_prompts,
    "same_masks": of_rows.same_masks,
    "version": of_facts.version,
    "weights": of_facts.weights,
    "limit": of_facts.limit,
}
"""Checks that need nothing but the submission."""
_OF_STORE: Final = ("store", "complete", "masks", "seen_images", "prompts")
NAMES: Final = ("files", "columns", *_OF_ROWS, "suite", "protocol", "training_card", "seen", *_OF_STORE)
"""Every check, in the order in which they are made and printed."""


def validate(
    path: Path, *, store: Path | None = None, suite: str | None = None, card: str | None = None
) -> list[Check]:
    """Make every check of one submission.

    What no check can tell is whether the scores are those of the model: predictions are not sent. Only running it
    again can.

    Args:
        path: Folder of a run, or what `bench pack` made of it.
        store: Root of the store that was run; None leaves the checks that need it out, and says so.
        suite: Path of a suite that does not ship.
        card: Path of a training card that does not ship.

    Returns:
        One check for each of NAMES, in that order.

    Raises:
        UsageError: When the path, the store, the given suite or the given card is not there.
    """
    try:
        submission = content.load(path)
    except SubmissionError as problem:
        stopped = failed(problem.check, problem.found, problem.fix)
        return [stopped if name == problem.check else skipped(name, "it could not be read") for name in NAMES]
    expected, training = of_facts.suite_of(submission, suite), of_training.card_of(submission, card)
    found = [passed("files", "run.json and scores.parquet"), passed("columns", "as in bench.schema.SCORES")]
    found += [check(submission) for check in _OF_ROWS.values()]
    found += [of_facts.suite(submission, expected), of_facts.protocol(submission, expected)]
    found += [of_training.training_card(submission, training), of_training.seen(submission, training)]
    return [*found, *_against(submission, expected, training, store)]


def is_valid(checks: list[Check]) -> bool:
    """Tell whether no check failed; one that could not be made is no failure."""
    return all(check.result != "fail" for check in checks)


def _against(submission: Submission, suite: Suite | None, card: TrainingCard | None, store: Path | None) -> list[Check]:
    """Make the checks that need the store and the suite."""
    if store is None:
        return [skipped(name, "no store was given", "give the store that was run with --store") for name in _OF_STORE]
    if suite is None:
        return [skipped(name, "the suite is not known", "give it with --suite") for name in _OF_STORE]
    units = units_of(suite, store)
    return [
        of_store.store(submission, store),
        of_store.complete(submission, suite, units),
        of_store.masks(submission, units),
        of_training.seen_images(submission, card, units),
        _prompts(submission, suite, units, store),
    ]


def _prompts(submission: Submission, suite: Suite, units: list[Unit], store: Path) -> Check:
    try:
        return of_prompts.prompts(submission, suite, units, store)
    except ReadError as error:
        return failed("prompts", str(error), "build the store again, or have the run's prompts sent again")
