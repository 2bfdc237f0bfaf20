"""How good is a mask: overlap, surface distances and volume, each with one pinned definition."""

from bench.metrics.registry import METRICS, Direction, EmptyCase, Metric
from bench.metrics.scoring import empty_case, score

__all__ = ["METRICS", "Direction", "EmptyCase", "Metric", "empty_case", "score"]
