"""One image, all its targets: open the model, prompt it step by step, score what it answers."""

from bench.trial.evaluating import Asked, ask, evaluate, expected, finish, lost, protocol_of
from bench.trial.reading import Target, read_unit
from bench.trial.rows import Row
from bench.trial.scoring import scores_of, tolerance
from bench.trial.steps import Keep

__all__ = [
    "Asked",
    "Keep",
    "Row",
    "Target",
    "ask",
    "evaluate",
    "expected",
    "finish",
    "lost",
    "protocol_of",
    "read_unit",
    "scores_of",
    "tolerance",
]
