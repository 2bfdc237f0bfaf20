"""`bench check-model`."""

import argparse
from collections.abc import Mapping, Sequence
from typing import Any

from curate.console import FINDINGS, FINE, print_json, print_table
from curate.errors import UsageError

_GOLDEN_TOLERANCE = 1e-4


def check(arguments: argparse.Namespace) -> int:
    """Check a model on phantoms, its weights, or its answers against golden outputs."""
    from bench.models.choice import parse_options

    options = parse_options(arguments.options)
    if arguments.golden is not None:
        if options:
            raise UsageError("golden outputs are those of the published defaults: leave --set out")
        return _golden(arguments)
    if arguments.corpus is not None:
        raise UsageError("--corpus holds the images of a golden file: add --golden FILE.npz")
    from bench import conformance, models
    from bench.models.verify import verify

    weights = models.weights_for(arguments.model, arguments.weights)
    results = [] if weights is None else verify(arguments.model, weights)
    if not any(result["result"] == "fail" for result in results):
        seconds = None if arguments.all else conformance.SECONDS
        results += conformance.check(arguments.model, weights, arguments.device, seconds, options)
    return _shown(results, arguments)


def _golden(arguments: argparse.Namespace) -> int:
    from bench import golden
    from bench.golden import pipeline

    golden.require(arguments.model)
    if arguments.corpus is not None:
        return _shown(pipeline.check(arguments.model, arguments.golden, arguments.corpus), arguments)
    if pipeline.is_pipeline(arguments.golden):
        raise UsageError(f"{arguments.golden}: is about real images: add --corpus DIR, the folder that holds them")
    errors = golden.check(arguments.model, arguments.golden)
    print_json(errors)
    return FINE if max(errors.values()) <= _GOLDEN_TOLERANCE else FINDINGS


def _shown(results: Sequence[Mapping[str, Any]], arguments: argparse.Namespace) -> int:
    rows = [dict(result) for result in results]
    if arguments.json:
        print_json(rows)
    else:
        print_table(rows)
    return FINDINGS if any(row["result"] == "fail" for row in rows) else FINE
