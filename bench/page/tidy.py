"""The leaderboard for programs: one row per figure as CSV, and the whole board as JSON."""

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import asdict
from importlib.metadata import version
from operator import attrgetter
from typing import Any

from bench.aggregate import VERSION
from bench.bootstrap import LEVEL, MIN_PATIENTS, RESAMPLES
from bench.figures import ALL, STATISTICS, Figure, Key
from bench.leaderboard import Board, Entry

COLUMNS = (
    *("model", "aggregation", "split_by", "split", "step", "metric", "unit", "policy"),
    *("value", "low", "high", "n_masks", "n_patients", "n_datasets", "why_no_value", "why_no_interval"),
)
_UNITS = {statistic.name: statistic.unit for statistic in STATISTICS}


def rows(board: Board) -> Iterator[dict[str, Any]]:
    """Yield one row per figure, and one per model, step and outcome with the share of masks that had it."""
    for key in sorted(board.figures, key=attrgetter(*Key.__slots__)):
        figure = board.figures[key]
        named = {name: getattr(key, name) for name in Key.__slots__}
        yield {**named, "unit": _UNITS[key.metric], **{name: getattr(figure, name) for name in Figure.__slots__}}
    for entry in sorted(board.entries, key=lambda entry: entry.name):
        yield from _shares(entry)


def to_csv(board: Board) -> str:
    """Write `rows` as CSV; a value that does not exist is an empty field."""
    stream = io.StringIO()
    writer = csv.DictWriter(stream, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows(board))
    return stream.getvalue()


def to_json(board: Board) -> str:
    """Write the board as JSON, one figure a line; a value that does not exist is null."""
    head = json.dumps(_head(board), indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False).removesuffix("\n}")
    lines = ",\n".join(json.dumps(row, ensure_ascii=False, allow_nan=False) for row in rows(board))
    return f'{head},\n  "figures": [\n{lines}\n  ]\n}}\n'


def aggregator() -> str:
    """Name what computed the numbers."""
    return f"medseen {version('medseen')}, aggregator {VERSION}"


def _head(board: Board) -> dict[str, Any]:
    facts = board.facts
    return {
        "aggregator": aggregator(),
        "interval": {
            "level": LEVEL,
            "resamples": RESAMPLES,
            "unit": "patients within datasets",
            "minimum_patients": MIN_PATIENTS,
        },
        **{name: facts.get(name) for name in ("suite", "protocol", "store")},
        "steps": list(board.steps),
        "nsd_tolerances": [{"unit": unit, "tolerance": tolerance} for unit, tolerance in board.tolerances],
        "definitions": [{"term": term, "definition": definition} for term, definition in board.definitions],
        "models": [_model(entry) for entry in board.entries],
    }


def _model(entry: Entry) -> dict[str, Any]:
    return {
        "card": entry.facts["model"],
        "weights_sha256": entry.facts.get("weights_sha256"),
        "rows_sha256": entry.rows_sha256,
        "is_reference": entry.is_reference,
        "complete": entry.coverage.complete,
        "ranks": {aggregation: asdict(rank) for aggregation, rank in entry.ranks.items()},
        "expected_masks": entry.coverage.expected,
        "outcomes": {str(step): dict(counts) for step, counts in entry.coverage.counts.items()},
    }


def _shares(entry: Entry) -> Iterator[dict[str, Any]]:
    for step, counts in sorted(entry.coverage.counts.items()):
        for outcome, number in counts.items():
            yield {
                **dict.fromkeys(COLUMNS),
                "model": entry.name,
                "aggregation": "share of masks",
                "split_by": ALL,
                "split": ALL,
                "step": step,
                "metric": f"share_{outcome}",
                "unit": "1",
                "policy": "every mask of the suite",
                "value": round(number / entry.coverage.expected, 6),
                "n_masks": entry.coverage.expected,
                "why_no_interval": "none is given for shares",
            }
