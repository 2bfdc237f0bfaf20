"""SAM-Med3D as a model: weights, options, card."""

import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from bench.golden import golden_weight
from bench.models.base import Model, Session
from bench.models.sam_med3d.golden import filled_network
from bench.models.sam_med3d.inference import PaperSession
from bench.models.sam_med3d.model import SamMed3D, SamMed3DCrop, SamMed3DNative
from bench.models.sam_med3d.network import upsampled
from bench.models.sam_med3d.one_cube import OneCubeSession
from bench.models.sam_med3d.options import CROP, NATIVE, PAPER, Options
from curate.errors import UsageError
from curate.volume import Volume

phantoms = runpy.run_path(str(Path(__file__).with_name("sam_med3d_phantoms.py")))
oblique, upright, ball = (phantoms[name] for name in ("oblique", "upright", "ball"))
clicks, dice = phantoms["clicks"], phantoms["dice"]


@pytest.fixture(autouse=True)
def _two_threads():
    """Keep to two threads, as the other users of a machine expect."""
    before = torch.get_num_threads()
    torch.set_num_threads(min(2, before))
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def network():
    """Return the real network with golden weights."""
    return filled_network(golden_weight)


def test_session_answers_what_the_network_says(network):
    """With the real network on a 1.5 mm cube, the mask is that of encode, decode, enlarge and threshold by hand."""
    voxels = np.random.default_rng(3).normal(50, 20, (128, 128, 128)).astype(np.float32)
    session = PaperSession(network, Volume(voxels, upright((128, 128, 128))), Options(max_windows=1))
    found = session.predict(clicks((64, 64, 64), (20, 90, 30), labels=[1, 0]))
    positive = voxels[voxels > 0]
    cube = torch.from_numpy((voxels - positive.mean()) / positive.std(ddof=1))[None, None]
    with torch.inference_mode():
        embedding = network.encode(cube)
        logits = torch.zeros(1, 1, 32, 32, 32)
        for point, label in (((64, 64, 64), 1), ((20, 90, 30), 0)):
            logits, _ = network.decode(embedding, torch.tensor([[point]]).float(), torch.tensor([[label]]), logits)
        expected = (torch.sigmoid(upsampled(logits)) > 0.5)[0, 0].numpy()
    assert 0 < np.count_nonzero(expected) < expected.size
    assert dice(found.full(), expected) > 0.9999


@pytest.mark.slow
@pytest.mark.parametrize(
    ("factory", "session_type"),
    [(SamMed3D, PaperSession), (SamMed3DCrop, OneCubeSession), (SamMed3DNative, OneCubeSession)],
)
def test_model_from_a_checkpoint_file(tmp_path, network, factory, session_type):
    """The model built from a wrapped checkpoint file answers on the image's own grid."""
    path = tmp_path / "weights.pth"
    torch.save({"epoch": 199, "model_state_dict": network.state_dict()}, path)
    model = factory(path)
    assert isinstance(model, Model)
    assert len(model.weights_sha256) == 64
    _, image = ball(oblique((60, 50, 20), (1.2, 1.2, 4.0)), (0, 0, 0), 20)
    session = model.open(image)
    assert isinstance(session, Session)
    assert isinstance(session, session_type)
    assert session.predict(clicks((30, 25, 10))).shape_ijk == (60, 50, 20)


def test_model_without_weights_says_what_to_type():
    """No weights are shipped: the message asks for them."""
    with pytest.raises(UsageError, match="sam-med3d needs weights: add --weights FILE"):
        SamMed3D(None)


@pytest.mark.parametrize("device", ["auto", "tpu", "cuda"])
def test_device_that_is_not_there_says_what_to_type(tmp_path, device, monkeypatch):
    """A device that this machine lacks is refused before the weights are read."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(UsageError, match=f"device '{device}' is not available here: type --device cpu"):
        SamMed3D(tmp_path / "missing.pth", device)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"points_fed": "some"}, "points_fed must be one of newest, all"),
        ({"max_windows": 0}, "max_windows must be 1"),
        ({"spacing": 1}, "sam-med3d has no option `spacing`; known: canonical, clamp_ct, points_fed, max_windows"),
    ],
)
def test_options_that_cannot_be_meant(tmp_path, options, message):
    """A wrong option is refused before any file is read."""
    with pytest.raises(UsageError, match=message):
        SamMed3D(tmp_path / "missing.pth", **options)


@pytest.mark.parametrize("factory", [SamMed3DCrop, SamMed3DNative])
def test_one_cube_is_one_cube(tmp_path, factory):
    """The published code has no second cube, and a number of them is refused."""
    with pytest.raises(UsageError, match=rf"{factory.card.name} has one cube; leave max_windows out, or use sam-med3d"):
        factory(tmp_path / "missing.pth", max_windows=2)


def test_variants_differ_by_what_was_published():
    """Three names, three sets of defaults; the clamp is off in all of them, and all answer in float32."""
    assert [one.card.name for one in (SamMed3D, SamMed3DCrop, SamMed3DNative)] == [
        "sam-med3d",
        "sam-med3d-crop",
        "sam-med3d-native",
    ]
    assert (SamMed3D.defaults, SamMed3DCrop.defaults, SamMed3DNative.defaults) == (PAPER, CROP, NATIVE)
    assert [(one.canonical, one.points_fed, one.max_windows) for one in (PAPER, CROP, NATIVE)] == [
        (True, "newest", 8),
        (False, "newest", 1),
        (True, "all", 1),
    ]
    assert {(one.clamp_ct, one.precision, one.compiled) for one in (PAPER, CROP, NATIVE)} == {(False, "float32", False)}


@pytest.mark.slow
def test_real_network_answers_targets_together_as_alone(network):
    """With the real network, too, a target's mask does not depend on its company, to the last voxel."""
    voxels = np.random.default_rng(4).normal(50, 20, (128, 128, 128)).astype(np.float32)
    image = Volume(voxels, upright((128, 128, 128)))
    targets = [clicks((60 + n, 64, 70 - n), key=str(n)) for n in range(6)]
    together = PaperSession(network, image, Options(max_windows=1)).predict_many(targets)
    session = PaperSession(network, image, Options(max_windows=1))
    for one, joint in zip(targets, together, strict=True):
        alone = session.predict(one)
        assert alone.box == joint.box
        assert np.array_equal(alone.voxels, joint.voxels)


def test_another_models_checkpoint_is_refused(tmp_path):
    """A checkpoint with other names says so in one line."""
    path = tmp_path / "other.pth"
    torch.save({"encoder.weight": torch.zeros(2)}, path)
    with pytest.raises(
        UsageError, match=r"another model: 324 missing \(.*\); 1 unexpected \(encoder\.weight\)"
    ) as error:
        SamMed3D(path)
    assert "\n" not in str(error.value)


def test_card_does_not_import_torch():
    """Listing the models is instant: the card stands in a module without heavy imports."""
    code = "import sys; from bench.models.sam_med3d.model import CARD; print(CARD.name, 'torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["sam-med3d", "False"]
