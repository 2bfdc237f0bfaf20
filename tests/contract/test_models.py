"""What every model must keep; run it on a model of your own.

`MEDSEEN_MODEL=path/to/file.py:Name pytest tests/contract/test_models.py` checks that model, too; `MEDSEEN_WEIGHTS`
names its checkpoint.
"""

import inspect
import os
import re
from pathlib import Path

import numpy as np
import pytest

from bench import conformance, models
from bench.models.base import Model, ModelCard, ReferenceModel
from bench.records import Prompts
from bench.training.cards import load_card
from curate.geometry import Geometry
from curate.labelmap import BoxMask
from curate.volume import Volume

THEIRS = os.environ.get("MEDSEEN_MODEL")
WEIGHTS = os.environ.get("MEDSEEN_WEIGHTS")


def without_weights():
    """Return the names of all shipped and installed models that need no weights, and the one that is asked for."""
    found = [name for name in models.REGISTRY.names() if models.REGISTRY.load(name).card.weights is None]
    return [*found, *([THEIRS] if THEIRS else [])]


@pytest.fixture(params=without_weights())
def name(request):
    """Return the name of a model."""
    return request.param


@pytest.fixture
def model(name):
    """Return the model."""
    return models.load(name, Path(WEIGHTS) if WEIGHTS and name == THEIRS else None)


def opened(model, image, mask):
    """Open a model on an image; references are shown the mask."""
    if isinstance(model, ReferenceModel):
        return model.open_with_references(image, {"x": mask})
    return model.open(image)


def prompts_for(model, point):
    """Return prompts of all kinds that a model takes, at one voxel."""
    kinds = model.card.capabilities.prompts
    box = (*point, *(n + 1 for n in point)) if "box" in kinds else None
    return Prompts("x", box=box).with_point(point, 1) if "points" in kinds else Prompts("x", box=box)


def test_conformance(name, model):
    """Every check of `bench check-model` passes; warnings are for what a model may mean so."""
    del model
    rows = conformance.check(name, Path(WEIGHTS) if WEIGHTS and name == THEIRS else None)
    assert [row for row in rows if row["result"] == "fail"] == []


def test_card(model):
    """The card is complete: a name fit for a file, a description, a licence, known dimensions and prompts."""
    card = model.card
    assert isinstance(model, Model | ReferenceModel)
    assert isinstance(card, ModelCard)
    assert re.fullmatch(r"[a-z0-9][a-z0-9._-]*", card.name)
    assert card.description
    assert card.licence
    assert card.capabilities.dimensions
    assert card.capabilities.dimensions <= {2, 3}
    assert card.capabilities.prompts
    assert card.capabilities.prompts <= {"points", "box", "boxes", "scribble", "lasso", "previous", "target"}
    assert not card.capabilities.targets or "target" in card.capabilities.prompts
    assert card.training_card is None or load_card(card.training_card)


def test_shipped_names_are_card_names(name, model):
    """What is asked for by name calls itself so."""
    if ".py:" not in name:
        assert model.card.name == name


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.uint16, np.float32])
def test_every_stored_dtype(model, dtype):
    """Voxels of every dtype that a store holds are taken."""
    grid = Geometry((14, 12, 1 if model.card.capabilities.dimensions == {2} else 10), np.diag([1.0, 2.0, 3.0, 1.0]))
    mask = np.zeros(grid.shape_ijk, dtype=bool)
    mask[4:9, 4:9] = True
    session = opened(model, Volume((mask * 200).astype(dtype), grid), BoxMask.of(mask))
    assert session.predict(prompts_for(model, (6, 6, 0))).shape_ijk == grid.shape_ijk


@pytest.mark.parametrize("channels", [None, 3, 4])
def test_pictures(model, channels):
    """Models of slices take pictures without spacing: grey, colour, and colour with transparency."""
    if 2 not in model.card.capabilities.dimensions:
        pytest.skip("takes volumes only")
    grid = Geometry((16, 13, 1), np.eye(4), unit="pixel")
    voxels = np.random.default_rng(0).integers(0, 255, (16, 13, 1) if channels is None else (16, 13, 1, channels))
    mask = BoxMask.of(np.ones(grid.shape_ijk, dtype=bool))
    session = opened(model, Volume(voxels.astype(np.uint8), grid), mask)
    assert session.predict(prompts_for(model, (8, 6, 0))).shape_ijk == (16, 13, 1)


def test_edges_of_the_image(model):
    """A prompt in the first and in the last voxel is answered."""
    shape = (9, 7, 1 if model.card.capabilities.dimensions == {2} else 5)
    image = Volume(np.zeros(shape, dtype=np.int16), Geometry(shape, np.eye(4)))
    session = opened(model, image, BoxMask.of(np.ones(shape, dtype=bool)))
    for point in ((0, 0, 0), tuple(n - 1 for n in shape)):
        assert session.predict(prompts_for(model, point)).shape_ijk == shape


def test_registered_factories_say_what_they_take(name):
    """A factory takes weights only where its card says which."""
    if ".py:" not in name:
        assert "weights" not in inspect.signature(models.REGISTRY.load(name)).parameters
