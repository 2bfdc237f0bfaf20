"""How good is a mask: overlap, surface distances, volume, lesions and centre-lines, each with one pinned definition."""

from bench.metrics.full import score_in_full
from bench.metrics.further import FURTHER
from bench.metrics.grid import isotropic, resampled
from bench.metrics.labels import score_labels
from bench.metrics.registry import METRICS, Direction, EmptyCase, Metric
from bench.metrics.scoring import empty_case, score

__all__ = [
    "FURTHER",
    "METRICS",
    "Direction",
    "EmptyCase",
    "Metric",
    "empty_case",
    "isotropic",
    "resampled",
    "score",
    "score_in_full",
    "score_labels",
]
