"""`bench pack`, `validate`, `leaderboard --add` and `leaks`."""

import argparse
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from curate.console import FINDINGS, FINE, print_json, print_table
from curate.errors import UsageError

if TYPE_CHECKING:
    from bench.submission.problem import Check
    from bench.training.leaks import Leak


def pack(arguments: argparse.Namespace) -> int:
    """Pack a run into a file that can be sent."""
    from bench.submission import packing

    packed = packing.pack(arguments.run, arguments.out, portable=arguments.portable)
    if arguments.json:
        print_json({"path": str(packed.path), "rows": packed.rows, "masks": packed.masks, "bytes": packed.bytes})
    else:
        print(f"{packed.path}: {packed.rows} rows of {packed.masks} masks in {packed.bytes} bytes")
    return FINE


def validate(arguments: argparse.Namespace) -> int:
    """Check a run or a packed run."""
    from dataclasses import asdict

    from bench.submission import validation

    checks = validation.validate(arguments.run, **_given(arguments))
    if arguments.json:
        print_json([asdict(check) for check in checks])
    else:
        _print_checks(checks)
    return FINE if validation.is_valid(checks) else FINDINGS


def wants_adding(arguments: argparse.Namespace) -> bool:
    """Tell whether `leaderboard` is about a folder of submissions.

    Raises:
        UsageError: When its options do not go together.
    """
    to, runs = arguments.to is not None, bool(arguments.runs) or arguments.out is not None
    if arguments.add and not to:
        raise UsageError("--add needs --to DIR, the folder of the leaderboard")
    if to and runs:
        raise UsageError("--to makes the leaderboard of its own submissions; name runs with --add, and no --out")
    if not to and not (arguments.runs and arguments.out):
        raise UsageError("give RUN... --out DIR, or --add FILE.zip --to DIR")
    return to


def add(arguments: argparse.Namespace) -> int:
    """Add submissions to a folder and make its leaderboard anew."""
    from bench.listing import definitions
    from bench.submission import adding

    outcome = adding.add(arguments.add, arguments.to, definitions(), replace=arguments.replace, **_given(arguments))
    if arguments.json:
        print_json(_outcome(outcome))
    for path, checks in outcome.refused.items() if not arguments.json else ():
        print(f"{path}: refused, nothing was added")
        _print_checks(checks)
    if not arguments.json and not outcome.refused:
        print("\n".join(f"added: {name}" for name in outcome.added))
        print("\n".join(f"leaderboard: {path}" for path in outcome.files))
    return FINDINGS if outcome.refused else FINE


def leaks(arguments: argparse.Namespace) -> int:
    """List the images of a suite that a model was trained on."""
    from dataclasses import asdict

    from bench import suite as suites
    from bench.training import leaks as finding
    from bench.training import seen_table

    name, card = seen_table.card_of(arguments.model)
    loaded = suites.load(arguments.suite)
    found = finding.find(loaded, card, arguments.store)
    counts = finding.counts(found)
    if arguments.json:
        rows = [{**asdict(leak), "is_certain": leak.is_certain} for leak in found]
        print_json({"card": name, "suite": loaded.name, "images": counts, "leaks": rows})
    else:
        print(f"{loaded.name} for {name}" + ("" if card else ": nothing is disclosed, so nothing can be found"))
        print_table([_line(leak) for leak in found if leak.is_certain])
        print_table(_by_dataset([leak for leak in found if not leak.is_certain]))
        print("images: " + ", ".join(f"{evidence} {number}" for evidence, number in counts.items()))
    return FINDINGS if any(leak.is_certain for leak in found) else FINE


def _given(arguments: argparse.Namespace) -> dict[str, Any]:
    return {"store": arguments.store, "suite": arguments.suite, "card": arguments.card}


def _print_checks(checks: Sequence["Check"]) -> None:
    for check in checks:
        print(f"{check.result:<11} {check.name}: {check.found}" + (f"; {check.fix}" if check.fix else ""))


def _outcome(outcome: Any) -> Mapping[str, Any]:
    from dataclasses import asdict

    refused = {path: [asdict(check) for check in checks] for path, checks in outcome.refused.items()}
    named = {"added": list(outcome.added), "replaced": list(outcome.replaced)}
    return {**named, "files": [str(path) for path in outcome.files], "refused": refused}


def _line(leak: "Leak") -> dict[str, Any]:
    return {
        "evidence": leak.evidence,
        "dataset": leak.dataset,
        "image_id": leak.image_id,
        "masks": leak.masks,
        "because": leak.why,
    }


def _by_dataset(possible: Sequence["Leak"]) -> list[dict[str, Any]]:
    """Count possible leaks by dataset; `--json` names each image."""
    images = Counter((leak.evidence, leak.dataset, leak.why) for leak in possible)
    return [
        {"evidence": evidence, "dataset": dataset, "images": number, "because": why}
        for (evidence, dataset, why), number in images.items()
    ]
