"""A model that counts how often it is opened and what it is asked."""

import pytest

from bench import suite, trial
from bench.models.base import Capabilities, ModelCard
from bench.suite import ProtocolChoice, plan


class Counting:
    """Answers by a function of (how often this key was asked, its reference); notes every call."""

    card = ModelCard("counting", "counts", "MIT", Capabilities())

    def __init__(self, answer):
        self.answer, self.opened, self.asked = answer, 0, {}

    def open_with_references(self, image, references):
        """Open with the reference of every key."""
        self.opened += 1
        model = self

        class Session:
            def predict(self, prompts):
                model.asked.setdefault(prompts.key, []).append(prompts.points_ijk.tolist())
                return model.answer(len(model.asked[prompts.key]), references[prompts.key])

        del image
        return Session()

    open = open_with_references


@pytest.fixture(scope="session")
def counting():
    """Return the class of models that count."""
    return Counting


@pytest.fixture(scope="session")
def unit(store, everything):
    """Return the unit with three masks, two of them nested and one across both."""
    return plan(everything, store)[2]


@pytest.fixture(scope="session")
def asking():
    """Return a function that gives the suite of every mask with another protocol, and metrics if any."""

    def made(name, *, seeds=1, metrics=None, **parameters):
        choice = ProtocolChoice(name=name, version=1, parameters=parameters, seeds=seeds)
        return suite.load("all").model_copy(update={"protocol": choice} | ({"metrics": metrics} if metrics else {}))

    return made


@pytest.fixture
def evaluated(unit, store):
    """Return a function that evaluates a model on the unit; rows come sorted by mask, seed and step."""

    def run(model, of, keep=None):
        rows = trial.evaluate(unit, of, model, store, keep)
        return sorted(rows, key=lambda row: (row["mask_id"], row["seed"], row["step"]))

    return run
