"""The published 2D models: cards, options, weights, and the real networks behind the shared session."""

import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional

from bench.golden import golden_weight
from bench.models.base import Model, ModelCard, Session
from bench.models.planar.model import PlanarModel
from bench.models.planar.options import Options
from bench.models.planar.position_tables import resized
from bench.models.sam.model import SamVitB, SamVitB256, SamVitH, SamVitL
from bench.models.sam_med2d.model import SamMed2D
from bench.models.sam_unet.model import SamUNetRes34, SamUNetRes50
from bench.training.cards import load_card
from curate.errors import UsageError
from curate.volume import Volume

helpers = runpy.run_path(str(Path(__file__).with_name("planar_networks.py")))
Tiny, upright, clicks = (helpers[name] for name in ("Tiny", "upright", "clicks"))
PUBLISHED = {
    "sam-med2d": SamMed2D,
    "sam-unet-res34": SamUNetRes34,
    "sam-unet-res50": SamUNetRes50,
    "sam-vit-b": SamVitB,
    "sam-vit-l": SamVitL,
    "sam-vit-h": SamVitH,
    "sam-vit-b-256": SamVitB256,
}


@pytest.fixture(autouse=True)
def _two_threads():
    """Keep to two threads, as the other users of a machine expect."""
    before = torch.get_num_threads()
    torch.set_num_threads(min(2, before))
    yield
    torch.set_num_threads(before)


class Small(PlanarModel):
    """A model with the test's network."""

    card = ModelCard("small", "a random network", "Apache-2.0", weights="checkpoint of the test")
    defaults = Options(multimask="never", pictures_per_batch=3)

    def unfilled(self):
        """Return other weights than those of the checkpoint."""
        return Tiny(seed=5)


@pytest.fixture
def checkpoint(tmp_path):
    """Return a checkpoint file of the test's network."""
    torch.save({"model": Tiny().state_dict()}, path := tmp_path / "small.pth")
    return path


@pytest.mark.parametrize("name", PUBLISHED)
def test_cards_state_what_the_models_take(name):
    """Each published model is called what the design calls it, takes slices and volumes, and has a training card."""
    card = PUBLISHED[name].card
    assert card.name == name
    assert card.capabilities.dimensions == {2, 3}
    assert card.capabilities.prompts == {"points", "box", "boxes"}
    assert load_card(card.training_card).card.name == card.training_card


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("sam-med2d", ("pad-or-stretch", "bgr", "always", "sigmoid")),
        ("sam-vit-b-256", ("pad-or-stretch", "bgr", "always", "sigmoid")),
        ("sam-vit-h", ("longest-side", "rgb", "one-point", "logits")),
        ("sam-unet-res50", ("longest-side", "rgb", "never", "none")),
    ],
)
def test_defaults_are_the_published_ones(name, what):
    """Pre-processing, three masks or one, and the mask prompt are those of each model's own scripts."""
    options = PUBLISHED[name].defaults
    assert (options.fit, options.channels, options.multimask, options.previous) == what
    assert (options.intensity, options.axis, options.propagate) == ("volume", "coarsest", False)


@pytest.mark.parametrize("name", PUBLISHED)
def test_model_without_weights_says_what_to_type(name):
    """No weights are shipped: the message asks for them."""
    with pytest.raises(UsageError, match=f"{name} needs weights: add --weights FILE, a"):
        PUBLISHED[name](None)


def test_model_from_a_checkpoint_file(checkpoint):
    """The model answers with the weights of the file, with changed options, and keeps the file's digest."""
    model = Small(checkpoint, propagate=True)
    assert isinstance(model, Model)
    assert (model.options.propagate, model.options.multimask, len(model.weights_sha256)) == (True, "never", 64)
    image = Volume(np.random.default_rng(0).normal(0, 1, (20, 24, 5)), upright((20, 24, 5)))
    session = model.open(image)
    assert isinstance(session, Session)
    found = session.predict(clicks((5, 6, 2)))
    assert all(torch.equal(session.network.state_dict()[key], entry) for key, entry in Tiny().state_dict().items())
    assert found.shape_ijk == (20, 24, 5)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"windows": 3}, "small has no option `windows`; known: fit, channels"),
        ({"previous": "mask"}, "previous must be one of logits, sigmoid, none, found 'mask'"),
        ({"precision": "int8"}, "precision must be one of float32, bfloat16, float16, found 'int8'"),
        ({"precision": "bfloat16"}, "precision='bfloat16': only for CUDA; leave it out on 'cpu'"),
    ],
)
def test_options_that_cannot_be_meant(checkpoint, options, message):
    """A wrong option is refused before the file is read."""
    checkpoint.unlink()
    with pytest.raises(UsageError, match=message):
        Small(checkpoint, **options)


@pytest.mark.parametrize("device", ["auto", "tpu", "cuda"])
def test_device_that_is_not_there_says_what_to_type(tmp_path, device, monkeypatch):
    """A device that this machine lacks is refused before the weights are read."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(UsageError, match=f"device '{device}' is not available here: type --device cpu"):
        SamMed2D(tmp_path / "missing.pth", device)


@pytest.mark.parametrize("model", [SamMed2D, SamVitB256, SamUNetRes34])
def test_another_models_checkpoint_is_refused(tmp_path, model):
    """A checkpoint with other names says so in one line."""
    torch.save({"encoder.weight": torch.zeros(2)}, path := tmp_path / "other.pth")
    with pytest.raises(UsageError, match=r"another model: \d+ missing \(.*\); 1 unexpected \(encoder\.weight\)"):
        model(path)


def test_cards_do_not_import_torch():
    """Listing the models is instant: the cards stand in modules without heavy imports."""
    code = (
        "import sys, bench.models.sam.model, bench.models.sam_med2d.model, bench.models.sam_unet.model; "
        "print(bench.models.sam.model.SamVitB.card.name, 'torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["sam-vit-b", "False"]


def test_position_tables_are_interpolated_to_another_size():
    """A table that is linear in its place stays so inside; what fits, and what is no table, is left alone."""
    ramp = torch.arange(64.0)
    state = {
        "image_encoder.pos_embed": (ramp[:, None] + 100 * ramp)[None, :, :, None].expand(1, 64, 64, 3),
        "image_encoder.blocks.2.attn.rel_pos_h": torch.arange(127.0)[:, None].expand(127, 4),
        "image_encoder.blocks.1.attn.rel_pos_h": torch.randn(27, 4),
        "image_encoder.neck.0.weight": torch.randn(2, 3, 1, 1),
    }
    expected = {key: value.new_zeros(value.shape) for key, value in state.items()}
    expected["image_encoder.pos_embed"] = torch.zeros(1, 16, 16, 3)
    expected["image_encoder.blocks.2.attn.rel_pos_h"] = torch.zeros(31, 4)
    found = resized(state, expected)
    places = (torch.arange(16) + 0.5) * 4 - 0.5
    torch.testing.assert_close(found["image_encoder.pos_embed"][0, :, :, 1], places[:, None] + 100 * places)
    relative = (torch.arange(31) + 0.5) * 127 / 31 - 0.5
    torch.testing.assert_close(found["image_encoder.blocks.2.attn.rel_pos_h"][:, 2], relative)
    for key in ("image_encoder.blocks.1.attn.rel_pos_h", "image_encoder.neck.0.weight"):
        assert found[key] is state[key]


@pytest.mark.slow
def test_256_pixel_model_takes_the_checkpoint_for_1024(tmp_path):
    """The published file's tables are interpolated; all other entries reach the network as they are."""
    from bench.models.sam.network import unfilled_network

    empty = unfilled_network().state_dict()
    state = {key: torch.from_numpy(golden_weight(key, tuple(entry.shape))) for key, entry in empty.items()}
    torch.save(state, path := tmp_path / "sam_vit_b.pth")
    found = SamVitB256(path)._network.state_dict()
    path.unlink()
    changed = {key for key in state if not torch.equal(found[key], state[key])}
    tables = {f"image_encoder.blocks.{n}.attn.rel_pos_{axis}" for n in (2, 5, 8, 11) for axis in "hw"}
    assert changed == {"image_encoder.pos_embed", *tables}


@pytest.fixture(scope="module")
def med2d(tmp_path_factory):
    """Return a SAM-Med2D checkpoint file with golden weights (1 GB), and remove it at the end."""
    from bench.models.sam_med2d.network import unfilled_network

    empty = unfilled_network().state_dict()
    state = {key: torch.from_numpy(golden_weight(key, tuple(entry.shape))) for key, entry in empty.items()}
    torch.save({"model": state}, path := tmp_path_factory.mktemp("weights") / "sam-med2d_b.pth")
    yield path
    path.unlink()


@pytest.mark.slow
@pytest.mark.parametrize("adapters", [True, False])
def test_med2d_answers_what_its_network_says(med2d, adapters):
    """On a picture of 256 pixels, the mask after two clicks is that of the network asked as its script asks it."""
    model = SamMed2D(med2d, adapters=adapters)
    picture = np.random.default_rng(3).integers(0, 256, (256, 256, 1, 3), dtype=np.uint8)
    found = model.open(Volume(picture, upright((256, 256, 1)))).predict(
        clicks((100, 60, 0), (30, 200, 0), labels=[1, 0])
    )
    mean, deviation = np.array([123.675, 116.28, 103.53]), np.array([58.395, 57.12, 57.375])
    rows = picture[:, :, 0, ::-1].transpose(1, 0, 2)
    square = torch.from_numpy(((rows - mean) / deviation).transpose(2, 0, 1).astype(np.float32))[None]
    network = model._network
    with torch.inference_mode():
        embedding = network.encode(square)
        points, labels = torch.tensor([[[100.0, 60.0], [30.0, 200.0]]]), torch.tensor([[1, 0]])
        first, overlap = network.decode(embedding, points[:, :1], labels[:, :1], None, None, multimask=True)
        best = first[:, overlap[0].argmax()][:, None]
        second, overlap = network.decode(embedding, points, labels, None, torch.sigmoid(best), multimask=True)
        large = functional.interpolate(second[:, overlap[0].argmax()][:, None], (256, 256), mode="bilinear")
    expected = (torch.sigmoid(large[0, 0]) > 0.5).numpy().T
    assert 0 < expected.sum() < expected.size
    assert (found.full()[:, :, 0] != expected).sum() <= 6
