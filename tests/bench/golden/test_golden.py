"""Golden outputs: the rules by which numbers are drawn, the published network's answers, and damaged files."""

import runpy

import numpy as np
import pytest
import torch

from bench import golden
from curate.errors import MedseenError, UsageError

SHAPES = {
    "image_encoder.blocks.0.attn.qkv.weight": (12, 4),
    "image_encoder.patch_embed.proj.weight": (6, 1, 4, 4, 4),
    "image_encoder.blocks.0.attn.rel_pos_h": (27, 4),
    "image_encoder.pos_embed": (1, 2, 2, 2, 6),
    "image_encoder.blocks.0.norm1.weight": (9,),
    "image_encoder.blocks.0.norm1.bias": (9,),
    "prompt_encoder.pe_layer.positional_encoding_gaussian_matrix": (3, 8),
    "prompt_encoder.point_embeddings.0.weight": (1, 8),
    "mask_decoder.mask_tokens.weight": (4, 8),
    "mask_decoder.iou_prediction_head.layers.2.weight": (4, 8),
    "patch_embed.table.weight": (9, 8),
    "encoder.bn1.running_mean": (5,),
    "encoder.bn1.running_var": (5,),
    "encoder.bn1.num_batches_tracked": (),
}


@pytest.fixture(scope="module")
def answers():
    """Return what a stand-in network answers, fast, in place of the real one."""
    return {"low_res": np.array([1.0, -4.0], dtype=np.float32), "mask_voxels": np.array([1000])}


@pytest.fixture
def stand_in(monkeypatch, answers):
    """Register a model whose answers do not depend on weights."""

    class Module:
        @staticmethod
        def answers(_weight, _image, inputs):
            assert str(inputs["input_name"]) == "x/input"
            return answers

    monkeypatch.setattr(golden, "MODELS", {"stand-in": golden.Golden("stand.in", axes=3)})
    monkeypatch.setattr(golden.importlib, "import_module", {"stand.in": Module}.__getitem__)


def write(path, **arrays):
    """Write a golden file with two points."""
    content = {"input_name": np.array("x/input"), "points": np.zeros((2, 3), np.float32), "labels": np.array([1, 0])}
    content |= arrays
    np.savez(path, **{name: value for name, value in content.items() if value is not None})
    return path


@pytest.mark.shared
def test_rules_are_those_of_the_golden_folder(shared_dir):
    """Every kind of entry and every input is drawn as the folder's own script draws it, bit for bit."""
    script = runpy.run_path(str(shared_dir / "golden" / "weights.py"))
    for key, shape in SHAPES.items():
        own, theirs = golden.golden_weight(key, shape), script["weight"](key, shape)
        assert own.dtype == theirs.dtype
        np.testing.assert_array_equal(own, theirs, err_msg=key)
    np.testing.assert_array_equal(golden.golden_image("a/b", (2, 3)), script["image"]("a/b", (2, 3)))


@pytest.mark.shared
def test_sam_med3d_answers_as_published(shared_dir):
    """Every array of the published network's golden file is met to 1e-4."""
    threads = torch.get_num_threads()
    torch.set_num_threads(min(2, threads))
    try:
        errors = golden.check("sam-med3d", shared_dir / "golden" / "sam_med3d.npz")
    finally:
        torch.set_num_threads(threads)
    assert len(errors) == 9
    assert max(errors.values()) < 1e-4


@pytest.mark.usefixtures("stand_in")
def test_error_is_relative_above_one(tmp_path):
    """The largest difference is divided by the largest stored value, or by one where that is smaller."""
    path = write(tmp_path / "g.npz", low_res=np.array([1.0, -5.0]), mask_voxels=np.array([800]))
    assert golden.check("stand-in", path) == {"low_res": pytest.approx(0.2), "mask_voxels": pytest.approx(0.25)}
    path = write(tmp_path / "h.npz", low_res=np.array([0.5, 0.5]), mask_voxels=np.array([1000]))
    assert golden.check("stand-in", path) == {"low_res": pytest.approx(4.5), "mask_voxels": 0.0}


def test_unknown_model_lists_the_known(tmp_path):
    """A name without golden outputs gets the names that have them."""
    with pytest.raises(UsageError, match=r"no golden outputs for model 'sam-med4d'; known: .*sam-med3d"):
        golden.check("sam-med4d", tmp_path / "g.npz")


@pytest.mark.usefixtures("stand_in")
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"points": None}, "g.npz: lacks points"),
        ({"input_name": None, "labels": None}, "lacks input_name, labels"),
        ({"labels": np.array([1])}, "points .* and labels"),
        ({"points": np.zeros((0, 3)), "labels": np.zeros(0)}, "points .* and labels"),
        ({"points": np.zeros((2, 2))}, r"points \(2, 2\) and labels \[1, 0\] are no \(n, 3\)"),
        ({"labels": np.array([1, 2])}, "n labels of 0 or 1"),
        ({"labels": np.array(["a", "b"])}, "numeric points and labels"),
        ({"low_res": None}, "no golden file of stand-in: lacks low_res"),
        ({"click3_iou": np.zeros(1)}, "no golden file of stand-in: holds click3_iou"),
        ({"low_res": np.zeros(3)}, r"low_res is float64 \(3,\), expected finite numbers \(2,\)"),
        ({"low_res": np.array([np.nan, 0])}, "low_res is .* expected finite numbers"),
        ({"low_res": np.array(["a", "b"])}, "low_res is .* expected finite numbers"),
        ({"low_res": np.array([{}, {}])}, "cannot be read as plain arrays"),
    ],
)
def test_unfit_file_is_one_line(tmp_path, change, message):
    """A golden file that cannot be meant says what is wrong with it, and pickled arrays are never loaded."""
    path = write(tmp_path / "g.npz", **({"low_res": np.zeros(2), "mask_voxels": np.array([0])} | change))
    with pytest.raises(UsageError, match=message) as error:
        golden.check("stand-in", path)
    assert "\n" not in str(error.value)


@pytest.mark.usefixtures("stand_in")
@pytest.mark.parametrize("content", [None, b"", b"PK\x03\x04 cut short", b"no archive"])
def test_damaged_file_is_one_line(tmp_path, content):
    """A file that is missing, empty, cut short or no archive says so."""
    path = tmp_path / "g.npz"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UsageError, match=r"cannot be read as plain arrays .*--golden FILE"):
        golden.check("stand-in", path)


@pytest.mark.usefixtures("stand_in")
def test_answers_that_are_not_finite_are_an_error(tmp_path, answers, monkeypatch):
    """A network that computes NaN never passes for agreement."""
    monkeypatch.setitem(answers, "low_res", np.array([np.nan, 0.0]))
    path = write(tmp_path / "g.npz", low_res=np.zeros(2), mask_voxels=np.array([0]))
    with pytest.raises(MedseenError, match="low_res: the network answers with NaN or infinity"):
        golden.check("stand-in", path)
