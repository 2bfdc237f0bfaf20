"""Models without prompts: told a target by name, one step, no actions; unknown targets are that mask's own affair."""

from dataclasses import replace

import numpy as np
import pytest

from bench import protocols, trial
from bench.errors import UnsupportedError
from bench.models.automatic import Automatic
from bench.models.base import Capabilities, ModelCard
from bench.models.region_growing import RegionGrowing
from bench.protocols.automatic import Automatic as Protocol
from bench.protocols.key import Key
from bench.records import Prompts
from bench.suite import plan
from bench.suite.content import ProtocolChoice
from curate.errors import UsageError
from curate.geometry import Geometry
from curate.labelmap import BoxMask
from curate.volume import Volume

CARD = ModelCard("auto", "d", "MIT")
IMAGE = Volume(np.arange(4 * 3 * 2).reshape(4, 3, 2), Geometry((4, 3, 2), np.eye(4)))
KEY = Key("automatic", 1, "d", "d/c", "liver", 1)


def told(target, **others):
    """Return prompts that name a target."""
    return Prompts("x", target=target, **others)


@pytest.fixture
def suite(everything, monkeypatch):
    """Return the suite of all masks under the protocol `automatic`."""
    monkeypatch.setitem(protocols.REGISTRY.builtin, "automatic", "bench.protocols.automatic:Automatic")
    return everything.model_copy(update={"protocol": ProtocolChoice(name="automatic", version=1)})


@pytest.fixture
def unit(store, everything):
    """Return the unit with a kidney, its tumour, and a liver across both."""
    return plan(everything, store)[2]


def by_target(rows):
    """Return status, detail, dice and costs of each row by target."""
    names = ("status", "detail", "dice", "step", "n_points", "n_actions")
    return {row["mask_id"].partition("#")[2]: tuple(row[name] for name in names) for row in rows}


def test_each_image_is_predicted_once():
    """All targets of an image come from one call of the function; a target is the union of its values."""
    calls = []

    def segment(image):
        calls.append(image)
        return image.voxels % 4

    session = Automatic(CARD, segment, {1: ("kidney", "kidney_tumor"), 2: "kidney", 9: "liver"}).open(IMAGE)
    remainder = IMAGE.voxels % 4
    assert (session.predict(told("kidney")).full() == np.isin(remainder, (1, 2))).all()
    assert (session.predict(told("kidney_tumor")).full() == (remainder == 1)).all()
    assert session.predict(told("liver")).count == 0
    assert len(calls) == 1


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.int32, np.uint32, np.int64, np.uint64, bool])
def test_label_maps_of_every_integer_type_are_taken(dtype):
    """The mask is tight, whatever the label map's type."""
    labels = np.zeros(IMAGE.geometry.shape_ijk, dtype=dtype)
    labels[1:3, 2, 0] = 1
    mask = Automatic(CARD, lambda _: labels, {1: "liver"}).open(IMAGE).predict(told("liver"))
    assert mask.box == (1, 2, 0, 3, 3, 1)
    assert mask.voxels.all()


@pytest.mark.parametrize(
    ("labels", "found"),
    [
        (np.zeros((3, 4, 2), dtype=np.uint8), r"uint8 of shape \(3, 4, 2\)"),
        (np.zeros((4, 3, 2)), r"float64 of shape \(4, 3, 2\)"),
        (None, r"object of shape \(\)"),
    ],
)
def test_what_is_no_label_map_is_refused(labels, found):
    """Probabilities and other grids are no label maps."""
    with pytest.raises(ValueError, match=rf"the label map is {found}, expected integers of shape \(4, 3, 2\)"):
        Automatic(CARD, lambda _: labels, {1: "liver"}).open(IMAGE)


@pytest.mark.parametrize("table", [{}, {0: "liver"}, {-1: "liver"}, {"1": "liver"}, {True: "liver"}])
def test_tables_without_values_are_refused(table):
    """Values are whole numbers from 1: 0 is what no target is."""
    with pytest.raises(ValueError, match="targets must map values from 1 to vocabulary slugs"):
        Automatic(CARD, lambda image: image.voxels, table)


@pytest.mark.parametrize(
    ("prompts", "message"),
    [
        (told("spleen"), "auto does not know the target spleen"),
        (Prompts("x"), "auto is told a target and nothing else, found nothing"),
        (told("liver").with_point((0, 0, 0), 1), "found points, target"),
        (told("liver", box=(0, 0, 0, 1, 1, 1)), "found box, target"),
    ],
)
def test_other_prompts_are_unsupported(prompts, message):
    """An unknown target, clicks and boxes are refused, never ignored."""
    session = Automatic(CARD, lambda image: image.voxels, {1: "liver"}).open(IMAGE)
    with pytest.raises(UnsupportedError, match=message):
        session.predict(prompts)


def test_the_card_says_what_may_be_asked():
    """The card of the model has the targets of its table, whatever the card that was given said."""
    model = Automatic(CARD, lambda image: image.voxels, {1: "liver", 2: ("spleen", "liver")}, frozenset({3}))
    assert model.card == replace(
        CARD, capabilities=Capabilities(frozenset({3}), frozenset({"target"}), frozenset({"liver", "spleen"}))
    )


def test_a_trial_without_clicks(suite, unit, store):
    """A model that knows the kidney gets a row for it; the others are unsupported, each for itself."""
    references = {one.slug: one.reference for one in trial.read_unit(unit, store)[1]}
    model = Automatic(CARD, lambda _: references["kidney"].full().astype(np.uint8), {1: "kidney"})
    rows = trial.evaluate(unit, suite, model, store)
    unknown = [
        ("unsupported", f"auto does not know the target {name}", None, 1, 0, 0) for name in ("kidney_tumor", "liver")
    ]
    assert by_target(rows) == {
        "kidney": ("ok", None, 1.0, 1, 0, 0),
        "kidney_tumor": unknown[0],
        "liver": unknown[1],
    }


def test_models_that_must_be_shown_a_target_take_no_part(suite, unit, store):
    """A promptable model under the protocol `automatic` is unsupported, and never asked without prompts."""
    rows = trial.evaluate(unit, suite, RegionGrowing(), store)
    assert {(row["status"], row["detail"]) for row in rows} == {("unsupported", "region-growing takes no target")}


def test_models_without_prompts_are_not_clicked(everything, unit, store):
    """An automatic model in a suite of clicks is unsupported."""
    model = Automatic(CARD, lambda image: image.voxels, {1: "kidney"})
    rows = trial.evaluate(unit, everything, model, store)
    said = "auto takes no points; it is told its targets: run SUITE@automatic"
    assert {(row["status"], row["detail"]) for row in rows} == {("unsupported", said)}


@pytest.mark.parametrize(
    ("kinds", "names"), [({"points"}, {None}), ({"points", "target"}, {"kidney", "kidney_tumor", "liver"})]
)
def test_only_models_that_list_it_are_told_the_target(everything, unit, store, kinds, names):
    """What a target is called reaches a clicked model only if its card lists `target`."""
    shown = []

    class Model:
        card = ModelCard("m", "d", "MIT", Capabilities(prompts=frozenset(kinds)))

        def open(self, image):
            self.shape = image.geometry.shape_ijk
            return self

        def predict(self, prompts):
            shown.append(prompts)
            return np.zeros(self.shape, dtype=bool)

    trial.evaluate(unit, everything, Model(), store)
    assert {one.target for one in shown} == names
    assert {one.kinds for one in shown} == {frozenset(kinds)}


def test_the_protocol_shows_nothing_and_costs_nothing():
    """One step, whose prompts are the history, for no actions."""
    history, protocol = told("liver"), Protocol.create(1, {})
    reference = BoxMask.of(np.ones((2, 2, 2), dtype=bool))
    assert protocol.prompt(reference, None, history, KEY) is history
    assert protocol.scored_steps == (1,)
    assert protocol.actions(history) == 0
    assert protocol.parameters == {}
    assert history.kinds == protocol.kinds


def test_an_empty_reference_is_not_applicable():
    """A mask without voxels is told as it is by the protocols that click."""
    with pytest.raises(ValueError, match="the reference is empty: there is nothing to segment"):
        Protocol().prompt(BoxMask.empty((2, 2, 2)), None, told("liver"), KEY)


@pytest.mark.parametrize(
    ("version", "parameters", "message"),
    [(2, {}, "has version 1 here, the suite asks for 2"), (1, {"steps": 3}, "takes no parameters, found `steps`")],
)
def test_other_words_are_refused(version, parameters, message):
    """Another version, and any parameter, are wrong usage."""
    with pytest.raises(UsageError, match=message):
        Protocol.create(version, parameters)


def test_prompts_keep_target_and_previous_mask():
    """A copy, and a further point, keep what was told; the copy's mask is its own."""
    previous = BoxMask.of(np.ones((2, 2, 2), dtype=bool))
    prompts = told("liver", previous=previous).with_point((1, 1, 1), 1)
    assert (prompts.target, prompts.previous) == ("liver", previous)
    assert prompts.kinds == {"points", "target", "previous"}
    copy = prompts.copy()
    copy.previous.voxels[:] = False
    assert copy.target == "liver"
    assert previous.voxels.all()
