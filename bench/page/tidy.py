"""The leaderboard for programs: one row per figure as CSV, and the whole of it as JSON."""

import csv
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from importlib.metadata import version
from operator import attrgetter
from typing import Any

from bench.board import Board, Entry
from bench.page.words import versioned
from bench.statistics.aggregate import VERSION
from bench.statistics.bootstrap import LEVEL, MIN_PATIENTS, RESAMPLES
from bench.statistics.figures import ALL, STATISTICS, Figure, Key

COLUMNS = (
    *("board", "suite", "protocol", "model", "aggregation", "split_by", "split", "step", "metric", "unit", "policy"),
    *("value", "low", "high", "n_masks", "n_patients", "n_datasets", "why_no_value", "why_no_interval"),
)
"""`board` counts from 1 in the order of the page: two boards may share the names of suite and protocol."""
_UNITS = {statistic.name: statistic.unit for statistic in STATISTICS}


def rows(board: Board) -> Iterator[dict[str, Any]]:
    """Yield one row per figure, and one per model, step and outcome with the share of masks that had it."""
    for key in sorted(board.figures, key=attrgetter(*Key.__slots__)):
        figure = board.figures[key]
        named = {name: getattr(key, name) for name in Key.__slots__}
        yield {**named, "unit": _UNITS[key.metric], **{name: getattr(figure, name) for name in Figure.__slots__}}
    for entry in sorted(board.entries, key=lambda entry: entry.name):
        yield from _shares(entry)


def to_csv(boards: Sequence[Board]) -> str:
    """Write the rows of every board as CSV; a value that does not exist is an empty field."""
    stream = io.StringIO()
    writer = csv.DictWriter(stream, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for number, board in enumerate(boards, start=1):
        which = {"board": number, "suite": versioned(board.facts.get("suite"))}
        which["protocol"] = versioned(board.facts.get("protocol"))
        writer.writerows(which | row for row in rows(board))
    return stream.getvalue()


def to_json(boards: Sequence[Board]) -> str:
    """Write every board as JSON, one figure a line; a value that does not exist is null."""
    head = {
        "aggregator": aggregator(),
        "interval": {
            "level": LEVEL,
            "resamples": RESAMPLES,
            "unit": "patients within datasets",
            "minimum_patients": MIN_PATIENTS,
        },
        "definitions": [{"term": term, "definition": definition} for term, definition in boards[0].definitions],
    }
    texts = ",\n".join(map(_board, boards))
    return f'{_open(head)},\n  "boards": [\n{texts}\n  ]\n}}\n'


def aggregator() -> str:
    """Name what computed the numbers."""
    return f"medseen {version('medseen')}, aggregator {VERSION}"


def _board(board: Board) -> str:
    lines = ",\n".join(json.dumps(row, ensure_ascii=False, allow_nan=False) for row in rows(board))
    return f'{_open(_head(board))},\n  "figures": [\n{lines}\n  ]\n}}'


def _open(content: dict[str, Any]) -> str:
    """Write an object without its closing brace, so that another member can follow."""
    return json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False).removesuffix("\n}")


def _head(board: Board) -> dict[str, Any]:
    return {
        **{name: board.facts.get(name) for name in ("suite", "protocol", "store")},
        "steps": list(board.steps),
        "nsd_tolerances": [{"unit": unit, "tolerance": tolerance} for unit, tolerance in board.tolerances],
        "models": [_model(entry) for entry in board.entries],
        "tie_groups": [list(group) for group in board.tie_groups],
        "comparisons": [asdict(one) for one in board.comparisons],
        "kendall_tau_b": [{"schemes": list(pair), "tau": tau} for pair, tau in board.agreement.items()],
    }


def _model(entry: Entry) -> dict[str, Any]:
    return {
        "card": entry.facts["model"],
        "weights_sha256": entry.facts.get("weights_sha256"),
        "rows_sha256": entry.rows_sha256,
        "is_reference": entry.is_reference,
        "complete": entry.coverage.complete,
        "ranks": {scheme: asdict(rank) for scheme, rank in entry.ranks.items()},
        "expected_masks": entry.coverage.expected,
        "outcomes": {str(step): dict(counts) for step, counts in entry.coverage.counts.items()},
    }


def _shares(entry: Entry) -> Iterator[dict[str, Any]]:
    for step, counts in sorted(entry.coverage.counts.items()):
        for outcome, number in counts.items():
            yield {
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
