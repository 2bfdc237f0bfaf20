"""What ships or is known: models, suites, cards, protocols, metrics, weights and published numbers, as rows."""

import inspect
from dataclasses import asdict
from typing import Any

from bench import models, protocols, published, suite
from bench.metrics import FURTHER, METRICS, Metric
from bench.metrics.clicks import CLICK_METRICS, ClickMetric
from bench.models import weights
from bench.models.base import ModelCard
from bench.training import cards
from curate.errors import UsageError
from curate.plugins import shipped_names


def rows(what: str) -> list[dict[str, Any]]:
    """Return one row per model, suite, training card, protocol, metric, weights file or published number."""
    return {
        "models": _models,
        "suites": _suites,
        "cards": _cards,
        "protocols": _protocols,
        "metrics": _metrics,
        "weights": _weights,
        "published": _published,
    }[what]()


def _weights() -> list[dict[str, Any]]:
    return [asdict(one) for one in weights.published()]


def definitions() -> list[tuple[str, str]]:
    """Return name and definition of every metric, for the page that shows its numbers."""
    return [(metric.title, metric.definition) for metric in {**METRICS, **FURTHER}.values()]


def _models() -> list[dict[str, Any]]:
    return [_model(name) for name in models.REGISTRY.names()]


def _model(name: str) -> dict[str, Any]:
    """Return a model's row; one that is broken or says nothing of itself must not hide the others."""
    try:
        card = getattr(models.REGISTRY.load(name), "card", None)
        problem = None if isinstance(card, ModelCard) else "its class has no card; `bench check-model` tells more"
    except UsageError as error:
        card, problem = None, str(error)
    if not isinstance(card, ModelCard):
        return {"model": name, **dict.fromkeys(("takes", "licence", "trained on", "weights")), "description": problem}
    takes = [*(f"{n}D" for n in sorted(card.capabilities.dimensions)), *sorted(card.capabilities.prompts)]
    return {
        "model": name,
        "takes": " ".join(takes),
        "licence": card.licence,
        "trained on": card.training_card or "undisclosed",
        "weights": card.weights or "none",
        "description": card.description,
    }


def _suites() -> list[dict[str, Any]]:
    found = [suite.load(name) for name in shipped_names("suites")]
    return [
        {
            "suite": one.name,
            "version": one.version,
            "protocol": f"{one.protocol.name}@{one.protocol.version}",
            "groups": len(one.groups),
            "variants": " ".join(variant.name for variant in one.variants) or None,
            "description": one.description,
        }
        for one in found
    ]


def _cards() -> list[dict[str, Any]]:
    found = [cards.load_card(name) for name in shipped_names("cards")]
    return [
        {
            "card": one.card.name,
            "version": one.card.version,
            "datasets": len(one.datasets),
            "targets": len(one.verified_targets),
            "modalities": " ".join(sorted(one.modalities)) or None,
            "disclosed": "all" if one.card.complete else "in part",
            "stages": " ".join(stage.name for stage in one.stages) or None,
        }
        for one in found
    ]


def _published() -> list[dict[str, Any]]:
    return [asdict(one) for one in published.results()]


def _protocols() -> list[dict[str, Any]]:
    found = [(name, protocols.REGISTRY.load(name)) for name in protocols.REGISTRY.names()]
    return [
        {
            "protocol": name,
            "version": one.version,
            "prompts": " ".join(sorted(one.kinds)),
            "description": (inspect.getdoc(one) or "-").splitlines()[0],
        }
        for name, one in found
    ]


def _metrics() -> list[dict[str, Any]]:
    """Return those of every row, then those over the steps of a mask."""
    found: tuple[Metric | ClickMetric, ...] = (*METRICS.values(), *FURTHER.values(), *CLICK_METRICS)
    return [
        {"metric": metric.name, "unit": metric.unit, "better": metric.better, "definition": metric.definition}
        for metric in found
    ]
