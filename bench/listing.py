"""What ships: models, suites, protocols and metrics, as rows to print."""

from typing import Any

from bench import models, protocols, suite
from bench.metrics import METRICS
from curate.plugins import shipped_names


def rows(what: str) -> list[dict[str, Any]]:
    """Return one row per model, suite, protocol or metric."""
    return {"models": _models, "suites": _suites, "protocols": _protocols, "metrics": _metrics}[what]()


def definitions() -> list[tuple[str, str]]:
    """Return name and definition of every metric, for the page that shows its numbers."""
    return [(metric.title, metric.definition) for metric in METRICS.values()]


def _models() -> list[dict[str, Any]]:
    found = []
    for name in models.REGISTRY.names():
        card = models.REGISTRY.load(name).card
        found.append(
            {
                "model": name,
                "takes": " ".join(
                    [*(f"{n}D" for n in sorted(card.capabilities.dimensions)), *sorted(card.capabilities.prompts)]
                ),
                "licence": card.licence,
                "trained on": card.training_card or "undisclosed",
                "weights": card.weights or "none",
                "description": card.description,
            }
        )
    return found


def _suites() -> list[dict[str, Any]]:
    found = [suite.load(name) for name in shipped_names("suites")]
    return [
        {
            "suite": one.name,
            "version": one.version,
            "protocol": f"{one.protocol.name}@{one.protocol.version}",
            "groups": len(one.groups),
            "description": one.description,
        }
        for one in found
    ]


def _protocols() -> list[dict[str, Any]]:
    found = [(name, protocols.REGISTRY.load(name)) for name in protocols.REGISTRY.names()]
    return [
        {
            "protocol": name,
            "version": one.version,
            "prompts": " ".join(sorted(one.kinds)),
            "description": str(one.__doc__).splitlines()[0],
        }
        for name, one in found
    ]


def _metrics() -> list[dict[str, Any]]:
    return [
        {"metric": name, "unit": metric.unit, "better": metric.better, "definition": metric.definition}
        for name, metric in METRICS.items()
    ]
