"""Exported networks: TorchScript and ONNX files that are made here, with answers known in closed form."""

import runpy
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from bench import models
from bench.errors import UnsupportedError
from bench.models.adapters.onnx import Onnx
from bench.models.adapters.torchscript import TorchScript
from bench.records import Prompts
from curate.errors import UsageError
from curate.geometry import Geometry
from curate.volume import Volume

phantoms = runpy.run_path(str(Path(__file__).with_name("adapter_phantoms.py")))
SIDECAR, ball_image, centroid_mm, dice, oblique_grid, straight_grid, told = (
    phantoms[name] for name in ("SIDECAR", "ball_image", "centroid_mm", "dice", "oblique_grid", "straight_grid", "told")
)

pytest.importorskip("monai", reason="the extra `monai` is not installed")


class Brighter(nn.Module):
    """Channel 1 wins above 50, channel 2 above 150."""

    def forward(self, image):  # noqa: D102
        x = image[:, :1]
        return torch.cat([50 - x, x - 50, 2 * x - 200], dim=1)


class Neighbour(nn.Module):
    """Channel 1 wins where the next voxel along the first axis is bright."""

    def forward(self, image):  # noqa: D102
        x = torch.roll(image[:, :1], -1, 2)
        return torch.cat([50 - x, x - 50], dim=1)


class Mean(nn.Module):
    """Channel 0 is positive where the mean colour is above 50, channel 1 where the first is above 150."""

    def forward(self, image):  # noqa: D102
        return torch.cat([image.mean(1, keepdim=True) - 50, image[:, :1] - 150], dim=1)


@pytest.fixture
def scripted(tmp_path):
    """Return a function that writes a TorchScript file and its sidecar."""

    def write(module, more="", activation="softmax", patch=(16, 16, 16), targets="{ liver = 1 }"):
        path = tmp_path / "tiny.pt"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.jit.save(torch.jit.script(module), str(path))
        text = SIDECAR.format(activation=activation, patch=list(patch), targets=targets)
        path.with_suffix(".toml").write_text(text + more)
        return path

    return write


def test_the_window_covers_the_image(scripted):
    """A network that thresholds each voxel gives the thresholded image, however its windows lie."""
    image, ball = ball_image(straight_grid())
    session = TorchScript(scripted(Brighter(), targets="{ liver = 1, spleen = 2, kidney = [1, 2] }")).open(image)
    assert (told(session, "liver").full() == ball).all()
    assert told(session, "spleen").count == 0
    assert (told(session, "kidney").full() == ball).all()


def test_the_network_sees_right_anterior_superior(scripted):
    """On a grid whose axes are swapped and flipped, `the next voxel` is still the next one to the right."""
    image, ball = ball_image(oblique_grid())
    session = TorchScript(scripted(Neighbour(), patch=(32, 32, 32))).open(image)
    shift = centroid_mm(told(session, "liver"), image.geometry) - centroid_mm(ball, image.geometry)
    to_the_left = image.geometry.canonical().affine[:3, 0] * -1
    assert shift == pytest.approx(to_the_left, abs=1e-6)


def test_axes_stay_where_the_sidecar_says_so(scripted):
    """Without `canonical`, `the next voxel` is the next along i as the file has it."""
    image, ball = ball_image(oblique_grid())
    session = TorchScript(scripted(Neighbour(), "canonical = false", patch=(32, 32, 32))).open(image)
    moved = told(session, "liver").full()
    assert (moved[:-1] == ball[1:]).all()


def test_resampled_images_keep_their_place(scripted):
    """At another spacing the ball keeps its centre within 0.1 mm and overlaps itself by more than 0.9."""
    image, ball = ball_image(oblique_grid((40, 36, 20)), radius_mm=14.0)
    session = TorchScript(scripted(Brighter(), "spacing_mm = [2.0, 1.0, 1.7]")).open(image)
    mask = told(session, "liver")
    assert dice(mask.full(), ball) > 0.9
    assert centroid_mm(mask, image.geometry) == pytest.approx(centroid_mm(ball, image.geometry), abs=0.1)


def test_sigmoid_channels_may_overlap(scripted):
    """Under `sigmoid` one voxel may belong to several targets, channel 0 is a target, and colours are three."""
    image, ball = ball_image(straight_grid(), inside=200.0)
    path = scripted(Mean(), "colours = 3", activation="sigmoid", targets="{ liver = 0, liver_tumor = 1 }")
    session = TorchScript(path).open(image)
    assert (told(session, "liver").full() == ball).all()
    assert (told(session, "liver_tumor").full() == ball).all()


@pytest.mark.parametrize(
    ("grid", "channels"), [(straight_grid((24, 20, 3)), None), (Geometry((24, 20, 1), np.eye(4), "pixel"), 3)]
)
def test_networks_of_slices(scripted, grid, channels):
    """A network of slices takes pictures, in colour too, and volumes slice by slice."""
    image, ball = ball_image(grid, radius_mm=6.0, channels=channels)
    model = TorchScript(scripted(Brighter(), patch=(16, 16)))
    assert model.card.capabilities.dimensions == {2, 3}
    assert (told(model.open(image), "liver").full() == ball).all()


@pytest.mark.parametrize(
    ("more", "bright", "dark"),
    [
        ("[normalisation]\nclip = [0, 60]\nmethod = 'none'", 60, 0),
        ("[normalisation]\nclip = [-100, 300]\nmethod = 'range'", 0.5, 0.25),
        ("[normalisation]\nmethod = 'range'", 1, 0),
        ("[normalisation]\nmethod = 'zscore'\nmean = 40\ndeviation = 20", 3, -2),
    ],
)
def test_normalisation(scripted, more, bright, dark):
    """The voxels that the network sees are those that the sidecar's formula gives."""
    seen = []
    image, ball = ball_image(straight_grid((16, 16, 16)), radius_mm=6.0)
    model = TorchScript(scripted(Brighter(), more))
    model._predictor = lambda patch: seen.append(patch.clone()) or patch.repeat(1, 3, 1, 1, 1)
    model.open(image)
    assert seen[0][0, 0].numpy() == pytest.approx(np.where(ball, bright, dark), abs=1e-6)


def test_zscore_of_the_image(scripted):
    """Without figures of the training data the image itself is brought to mean 0 and deviation 1; constants to 0."""
    seen = []
    model = TorchScript(scripted(Brighter(), "[normalisation]\nmethod = 'zscore'"))
    model._predictor = lambda patch: seen.append(patch.clone()) or patch.repeat(1, 3, 1, 1, 1)
    grid = straight_grid((16, 16, 16))
    model.open(ball_image(grid)[0])
    model.open(Volume(np.full(grid.shape_ijk, 7, dtype=np.int16), grid))
    assert (float(seen[0].mean()), float(seen[0].std(correction=0))) == pytest.approx((0, 1), abs=1e-5)
    assert not seen[1].any()


def test_the_card_is_the_sidecars(scripted, tmp_path):
    """Name, licence and targets come from the sidecar; editing it, or the network, changes the digest."""
    model = TorchScript(scripted(Brighter()))
    assert (model.card.name, model.card.licence) == ("tiny", "MIT")
    assert model.card.capabilities.targets == {"liver"}
    assert model.card.capabilities.prompts == {"target"}
    sidecar = tmp_path / "tiny.toml"
    sidecar.write_text(sidecar.read_text().replace("0.25", "0.5"))
    assert TorchScript(tmp_path / "tiny.pt").weights_sha256 != model.weights_sha256


@pytest.mark.parametrize(
    ("prompts", "message"),
    [
        (Prompts("x", target="heart"), "tiny does not know the target heart"),
        (Prompts("x"), "is told a target and nothing else, found nothing"),
        (Prompts("x", target="liver", box=(0, 0, 0, 2, 2, 2)), "nothing else, found box, target"),
    ],
)
def test_what_is_no_target_is_refused(scripted, prompts, message):
    """A target that it does not know, no target, or another prompt beside it is unsupported."""
    session = TorchScript(scripted(Brighter())).open(ball_image(straight_grid())[0])
    with pytest.raises(UnsupportedError, match=message):
        session.predict(prompts)


def test_images_that_cannot_be_meant_are_refused(scripted):
    """NaN is unsupported, and so is an image without spacing where the network was trained at one."""
    grid = straight_grid()
    model = TorchScript(scripted(Brighter(), "spacing_mm = [1, 1, 1]"))
    with pytest.raises(UnsupportedError, match="holds NaN or infinity"):
        model.open(Volume(np.full(grid.shape_ijk, np.nan, dtype=np.float32), grid))
    with pytest.raises(UnsupportedError, match="the image states no spacing"):
        model.open(Volume(np.zeros((5, 5, 1), dtype=np.uint8), Geometry((5, 5, 1), np.eye(4), "pixel")))


def test_a_network_that_breaks_its_promise_is_told(scripted):
    """Too few channels for the targets is an error that says so."""
    model = TorchScript(scripted(Neighbour(), targets="{ liver = 7 }"))
    with pytest.raises(ValueError, match="the network gives 2 channels, and a target is in channel 7"):
        model.open(ball_image(straight_grid())[0])


@pytest.mark.parametrize(
    ("more", "targets", "message"),
    [
        ("", "{ livr = 1 }", r"tiny.toml: targets: .*livr.*liver"),
        ("", "{ liver = 0 }", r"tiny.toml: .*channel 0 of a softmax is background"),
        ("", "{ liver = [] }", r"tiny.toml: .*every target needs a channel"),
        ("pach = 3", "{ liver = 1 }", r"tiny.toml: unknown key `pach`; did you mean `patch`"),
        ("[normalisation]\nclip = [5, 5]", "{ liver = 1 }", r"tiny.toml: .*clip must be \[lowest, highest\]"),
        ("[normalisation]\nmean = 5.0", "{ liver = 1 }", r"tiny.toml: .*mean and deviation go together"),
    ],
)
def test_sidecars_that_cannot_be_meant(scripted, more, targets, message):
    """What is wrong in a sidecar is one line that names file, key and what was probably meant."""
    with pytest.raises(UsageError, match=message) as caught:
        TorchScript(scripted(Brighter(), more, targets=targets))
    assert "\n" not in str(caught.value)


def test_missing_parts_are_told(scripted, tmp_path):
    """No weights, no sidecar, and a file of another kind are one line each."""
    path = scripted(Brighter())
    with pytest.raises(UsageError, match=r"torchscript needs weights: add --weights FILE, a TorchScript file"):
        TorchScript(None)
    with pytest.raises(UsageError, match=r"other.toml: no such file; describe other.pt there"):
        TorchScript(tmp_path / "other.pt")
    path.write_bytes(b"no network")
    with pytest.raises(UsageError, match=r"tiny.pt: is no TorchScript file; write it with torch.jit.save"):
        TorchScript(path)


def test_a_missing_package_says_what_to_type(scripted, monkeypatch):
    """Without MONAI the model is refused in one line with the extra's name."""
    path = scripted(Brighter())
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(UsageError, match=r"torchscript needs the package monai: type .* 'medseen\[monai\]'"):
        TorchScript(path)


def onnx_file(path, channels=2):
    """Write an ONNX network whose channel 0 is 50 - x, and whose channel 1 is x - 50; batch of any size."""
    onnx = pytest.importorskip("onnx", reason="the package onnx, which makes the file, is not installed")
    helper, kind = onnx.helper, onnx.TensorProto.FLOAT
    weight = helper.make_tensor("w", kind, [2, 1, 1, 1, 1], [-1.0, 1.0])
    bias = helper.make_tensor("b", kind, [2], [50.0, -50.0])
    node = helper.make_node("Conv", ["x", "w", "b"], ["y"])
    graph = helper.make_graph(
        [node],
        "tiny",
        [helper.make_tensor_value_info("x", kind, [None, 1, 16, 16, 16])],
        [helper.make_tensor_value_info("y", kind, [None, channels, 16, 16, 16])],
        [weight, bias],
    )
    opset = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=9), str(path))
    path.with_suffix(".toml").write_text(
        SIDECAR.format(activation="softmax", patch=[16, 16, 16], targets="{ liver = 1 }")
    )
    return path


def test_onnx_answers_as_its_formula(tmp_path):
    """An ONNX network, run window by window at its fixed patch, thresholds the image; files of one channel differ."""
    pytest.importorskip("onnxruntime", reason="the extra `onnx` is not installed")
    image, ball = ball_image(straight_grid())
    model = Onnx(onnx_file(tmp_path / "tiny.onnx"))
    assert (told(model.open(image), "liver").full() == ball).all()


def test_onnx_refuses_what_it_cannot_read(tmp_path):
    """A damaged file and a device that this ONNX Runtime lacks are one line each."""
    runtime = pytest.importorskip("onnxruntime", reason="the extra `onnx` is not installed")
    path = onnx_file(tmp_path / "tiny.onnx")
    if "CUDAExecutionProvider" not in runtime.get_available_providers():
        with pytest.raises(UsageError, match=r"no CUDAExecutionProvider: type --device cpu"):
            Onnx(path, "cuda")
    path.write_bytes(b"no network")
    with pytest.raises(UsageError, match=r"tiny.onnx: ONNX Runtime cannot read it"):
        Onnx(path)


def test_exported_networks_are_made_by_name(scripted):
    """`path:Name` makes the model as --model does, with its weights."""
    source = Path(models.__file__).parent / "adapters/torchscript.py"
    assert models.load(f"{source}:TorchScript", scripted(Brighter())).card.name == "tiny"
