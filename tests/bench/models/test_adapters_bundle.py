"""MONAI bundles: a small one is written here, its answers are known in closed form."""

import json
import runpy
from pathlib import Path

import numpy as np
import pytest
import torch

from bench.errors import UnsupportedError
from bench.models.adapters.monai_bundle import MonaiBundle
from curate.errors import UsageError
from curate.geometry import Geometry
from curate.volume import Volume

phantoms = runpy.run_path(str(Path(__file__).with_name("adapter_phantoms.py")))
ball_image, oblique_grid, straight_grid, told = (
    phantoms[name] for name in ("ball_image", "oblique_grid", "straight_grid", "told")
)

monai = pytest.importorskip("monai", reason="the extra `monai` is not installed")

NETWORK = {"_target_": "torch.nn.Conv3d", "in_channels": 1, "out_channels": 2, "kernel_size": 1}
INPUT = {"num_channels": 1, "spatial_shape": [16, 16, 16]}
SPACING = {"_target_": "Spacingd", "keys": "image", "pixdim": [2.0, 2.0, 2.0], "mode": "bilinear"}
INVERT = {"_target_": "Invertd", "keys": "pred", "transform": "@preprocessing", "orig_keys": "image"}
ARGMAX = {"_target_": "AsDiscreted", "keys": "pred", "argmax": True}


@pytest.fixture
def bundle(tmp_path):
    """Return a function that writes a bundle whose network thresholds at 50: channel 0 is 50 - x, channel 1 x - 50."""

    def write(steps=(), after=(ARGMAX, INVERT), names=("background", "spleen"), network=NETWORK, inputs=INPUT):
        folder = tmp_path / "Tiny Bundle"
        (folder / "configs").mkdir(parents=True, exist_ok=True)
        (folder / "models").mkdir(exist_ok=True)
        save = {"_target_": "SaveImaged", "keys": "pred", "output_dir": "$@bundle_root + '/eval'"}
        load = [{"_target_": name, "keys": "image"} for name in ("LoadImaged", "EnsureChannelFirstd")]
        turn = {"_target_": "Orientationd", "keys": "image", "axcodes": "RAS"}
        config = {
            "bundle_root": ".",
            "device": "$torch.device('cuda:0')",
            "network_def": network,
            "network": "$@network_def.to(@device)",
            "preprocessing": {"_target_": "Compose", "transforms": [*load, turn, *steps]},
            "inferer": {"_target_": "SlidingWindowInferer", "roi_size": [16, 16, 16], "overlap": 0.25},
            "postprocessing": {"_target_": "Compose", "transforms": [*after, save]},
        }
        outputs = {"pred": {"channel_def": {str(n): name for n, name in enumerate(names)}}}
        metadata = {
            "description": "thresholds",
            "network_data_format": {"inputs": {"image": inputs}, "outputs": outputs},
        }
        (folder / "configs/inference.json").write_text(json.dumps(config))
        (folder / "configs/metadata.json").write_text(json.dumps(metadata))
        weight = torch.tensor([-1.0, 1.0]).reshape(2, 1, 1, 1, 1)
        torch.save({"model": {"weight": weight, "bias": torch.tensor([50.0, -50.0])}}, folder / "models/model.pt")
        return folder

    return write


def test_a_bundle_gives_its_answer_on_the_images_grid(bundle):
    """Turned axes are turned back: the thresholded image comes out voxel for voxel, and nothing is written."""
    image, ball = ball_image(oblique_grid())
    folder = bundle()
    session = MonaiBundle(folder).open(image)
    assert (told(session, "spleen").full() == ball).all()
    assert sorted(path.name for path in folder.iterdir()) == ["configs", "models"]


@pytest.mark.parametrize("after", [(ARGMAX, INVERT), (ARGMAX,), (INVERT, ARGMAX)])
def test_resampled_answers_come_back(bundle, after):
    """At 2 mm the ball overlaps itself by more than 0.85, also where the bundle does not invert its own transforms."""
    image, ball = ball_image(straight_grid((30, 28, 24)), radius_mm=14.0)
    mask = told(MonaiBundle(bundle(steps=[SPACING], after=after)).open(image), "spleen").full()
    assert 2 * (mask & ball).sum() / (mask.sum() + ball.sum()) > 0.85


def test_channels_may_overlap(bundle):
    """A bundle that thresholds each channel gives a mask per channel."""
    after = [{"_target_": "AsDiscreted", "keys": "pred", "threshold": 0.0}, INVERT]
    image, ball = ball_image(straight_grid())
    session = MonaiBundle(bundle(after=after, names=("liver", "spleen"))).open(image)
    assert (told(session, "spleen").full() == ball).all()
    assert (told(session, "liver").full() == ~ball).all()


def test_one_channel_without_background(bundle):
    """Where channel 0 of the only channel is a target, that target is the value 1."""
    after = [ARGMAX, INVERT]
    image, ball = ball_image(straight_grid())
    session = MonaiBundle(bundle(after=after, names=("spleen",))).open(image)
    assert (told(session, "spleen").full() == ball).all()


def test_the_card_comes_from_the_metadata(bundle):
    """Name, description and targets are the bundle's, and its name is fit for a file."""
    model = MonaiBundle(bundle(names=("background", "left kidney")))
    assert (model.card.name, model.card.description) == ("tiny-bundle", "thresholds")
    assert model.card.capabilities.targets == {"kidney_left"}


def test_a_description_has_the_last_word(bundle):
    """`medseen.toml` names the targets that the metadata call otherwise, and what the model is called."""
    folder = bundle(names=("background", "foreground thing"))
    with pytest.raises(UsageError, match=r"no channel is a target .*found background, foreground thing.*medseen.toml"):
        MonaiBundle(folder)
    (folder / "medseen.toml").write_text('name = "mine"\nlicence = "MIT"\ntargets = { liver = 1 }')
    image, ball = ball_image(straight_grid())
    model = MonaiBundle(folder)
    assert (model.card.name, model.card.licence) == ("mine", "MIT")
    assert (told(model.open(image), "liver").full() == ball).all()
    (folder / "medseen.toml").write_text("targets = { livr = 1 }")
    with pytest.raises(UsageError, match=r"medseen.toml: targets: .*livr.*liver"):
        MonaiBundle(folder)


def test_a_unet_of_random_weights(bundle):
    """A U-Net of MONAI, drawn at random, answers twice the same."""
    network = {
        "_target_": "UNet",
        "spatial_dims": 3,
        "in_channels": 1,
        "out_channels": 2,
        "channels": [4, 8],
        "strides": [2],
    }
    folder = bundle(network=network)
    torch.manual_seed(0)
    options = {key: value for key, value in network.items() if key != "_target_"}
    torch.save(monai.networks.nets.UNet(**options).state_dict(), folder / "models/model.pt")
    image, _ = ball_image(straight_grid())
    first, second = (told(MonaiBundle(folder).open(image), "spleen") for _ in range(2))
    assert 0 < first.count < np.prod(first.shape_ijk)
    assert (first.full() == second.full()).all()


def test_what_the_folder_lacks_is_told(bundle, tmp_path):
    """No folder, an empty one, other weights and a configuration without an inferer are one line each."""
    with pytest.raises(UsageError, match=r"monai-bundle needs weights: add --weights FOLDER"):
        MonaiBundle(None)
    with pytest.raises(UsageError, match=r"is no folder of a bundle \(configs/inference.json"):
        MonaiBundle(tmp_path)
    folder = bundle()
    torch.save({"weight": torch.zeros(2, 1, 1, 1, 1)}, folder / "models/model.pt")
    with pytest.raises(UsageError, match=r"model.pt: looks like a checkpoint of another model: 1 missing \(bias\)"):
        MonaiBundle(folder)
    path = folder / "configs/inference.json"
    config = json.loads(path.read_text())
    del config["inferer"]
    path.write_text(json.dumps(config))
    with pytest.raises(UsageError, match=r"inference.json: has no inferer, which this adapter needs"):
        MonaiBundle(folder)


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({"num_channels": 4, "spatial_shape": [8, 8, 8]}, r"takes 1 input\(s\) of 4 channel\(s\) and 3 axes"),
        ({"num_channels": 1, "spatial_shape": [8, 8]}, r"of 1 channel\(s\) and 2 axes; only bundles that take one"),
    ],
)
def test_bundles_of_other_inputs_are_refused(bundle, inputs, message):
    """A bundle that needs four images at once, or pictures, is refused before anything is run."""
    with pytest.raises(UsageError, match=message):
        MonaiBundle(bundle(inputs=inputs))


def test_images_that_a_bundle_cannot_take(bundle):
    """Pictures, and images that hold NaN, are unsupported."""
    model = MonaiBundle(bundle())
    with pytest.raises(UnsupportedError, match="takes volumes with a spacing in mm"):
        model.open(Volume(np.zeros((5, 5, 1), dtype=np.uint8), Geometry((5, 5, 1), np.eye(4), "pixel")))
    grid = straight_grid()
    with pytest.raises(UnsupportedError, match="holds NaN or infinity"):
        model.open(Volume(np.full(grid.shape_ijk, np.nan, dtype=np.float32), grid))
