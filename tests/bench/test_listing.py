"""What ships, as rows."""

import pytest

from bench import listing, models, schema
from bench.metrics import FURTHER, METRICS
from bench.schema import SCORED


@pytest.mark.parametrize(
    ("what", "key", "names"),
    [
        ("models", "model", {"oracle", "empty", "box-fill", "region-growing", "sam-med3d"}),
        ("suites", "suite", {"all", "phantom", "sam-med3d-16"}),
        ("cards", "card", {"sam-med3d", "sam-med2d", "sam-unet", "sam", "segvol", "untrained"}),
        ("published", "paper", {"sam-med3d", "sam-med2d", "sam-unet"}),
        ("protocols", "protocol", {"random-error"}),
        ("metrics", "metric", {*METRICS, *FURTHER, "nauc", "noc_80", "noc_85", "noc_90", "failure_rate"}),
    ],
)
def test_every_kind_is_listed(what, key, names):
    """Each list has at least what is promised, with the same columns in each row; what is not known is null."""
    rows = listing.rows(what)
    assert names <= {row[key] for row in rows}
    assert len({tuple(row) for row in rows}) == 1
    assert all(isinstance(value, str | int | float | None) and value != "" for row in rows for value in row.values())


def test_a_broken_plugin_hides_no_other_model(monkeypatch):
    """A model that cannot be imported, or says nothing of itself, is listed with its problem beside the others."""
    from curate.plugins import Registry

    registry = models.REGISTRY
    builtin = {**registry.builtin, "silent": "bench.listing:rows"}
    points = type("Point", (), {"name": "broken", "value": "x:y", "dist": None, "load": lambda _self: 1 / 0})
    monkeypatch.setattr(Registry, "_points", lambda _self: [points()])
    monkeypatch.setattr(models, "REGISTRY", Registry("model", registry.group, builtin))
    rows = {row["model"]: row["description"] for row in listing.rows("models")}
    assert rows["broken"] == "model `broken` of x:y cannot be imported: division by zero"
    assert rows["silent"] == "its class has no card; `bench check-model` tells more"
    assert rows["oracle"] == "the reference itself"


def test_a_metric_says_its_direction():
    """More area under the curve is better; fewer clicks and fewer failures are, and clicks are their unit."""
    rows = {row["metric"]: (row["unit"], row["better"]) for row in listing.rows("metrics")}
    assert rows["nauc"] == ("1", "higher")
    assert {rows[f"noc_{percent}"] for percent in (80, 85, 90)} == {("clicks", "lower")}
    assert rows["failure_rate"] == ("1", "lower")


def test_definitions_are_those_of_the_score_columns():
    """Every metric of the page has its definition, and is a column of the scores."""
    assert [title for title, definition in listing.definitions() if definition] == [
        one.title for one in {**METRICS, **FURTHER}.values()
    ]
    assert set(METRICS) <= {column.name for column in SCORED}
    assert set(FURTHER) == {column.name for column in schema.FURTHER}
