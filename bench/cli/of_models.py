"""`bench check-model`."""

import argparse

from curate.console import FINDINGS, FINE, print_json, print_table

_GOLDEN_TOLERANCE = 1e-4


def check(arguments: argparse.Namespace) -> int:
    """Check a model on phantoms, or a network against golden outputs."""
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
