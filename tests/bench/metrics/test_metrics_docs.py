"""docs/metrics.md: its tables state every metric as the registries do."""

from pathlib import Path

import pytest

from bench.metrics import FURTHER, METRICS, Metric, clicks
from bench.metrics.registry import EmptyCase

TEXT = (Path(__file__).resolve().parents[3] / "docs/metrics.md").read_text(encoding="utf-8")
CASES: tuple[EmptyCase, ...] = ("both_empty", "reference_empty", "prediction_empty")


def _cell(metric: Metric, case: EmptyCase) -> str:
    """Write the value of an empty case as the table does."""
    if case in metric.by_formula:
        return "formula"
    value = metric.when(case)
    return "null" if value is None else f"{value:g}"


@pytest.mark.parametrize("metric", [*METRICS.values(), *FURTHER.values()], ids=lambda metric: metric.name)
def test_the_guide_states_the_metric(metric):
    """Name, definition, unit, direction, empty cases and source stand in one row of a table."""
    definition = metric.definition.replace("|", "\\|")
    unit = metric.unit.replace("_", " ")
    empty = " / ".join(_cell(metric, case) for case in CASES)
    row = f"| `{metric.name}` | {definition} | {unit} | {metric.better} | {empty} | {metric.source} |"
    assert row in TEXT.splitlines()


@pytest.mark.parametrize("call", [clicks.normalised_area, clicks.clicks_to, clicks.summarise, clicks.failure_rate])
def test_the_guide_states_the_metrics_over_clicks(call):
    """Every metric over clicks has a row under the name of its function."""
    assert f"| `{call.__name__}` |" in TEXT
