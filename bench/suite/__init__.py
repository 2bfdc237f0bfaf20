"""A suite: a named list of evaluation tasks, and its plan over a store."""

from bench.suite.choices import FirstPrompts, MetricChoice, ProtocolChoice
from bench.suite.content import (
    Answer,
    Group,
    Stated,
    Suite,
    Variant,
    datasets_named,
    is_pattern,
)
from bench.suite.loading import load
from bench.suite.planning import Unit, missing_datasets, plan, target_names, units_of

__all__ = [
    "Answer",
    "FirstPrompts",
    "Group",
    "MetricChoice",
    "ProtocolChoice",
    "Stated",
    "Suite",
    "Unit",
    "Variant",
    "datasets_named",
    "is_pattern",
    "load",
    "missing_datasets",
    "plan",
    "target_names",
    "units_of",
]
