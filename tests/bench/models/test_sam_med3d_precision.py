"""Reduced precision and compilation: refused without CUDA, and what they cost in accuracy with it."""

import numpy as np
import pytest
import torch

from bench.golden import golden_image, golden_weight
from bench.models.precision import ReducedNetwork, reduced
from bench.models.sam_med3d.golden import filled_network
from bench.models.sam_med3d.image_encoder import ImageEncoder
from bench.models.sam_med3d.model import SamMed3D, SamMed3DNative
from bench.models.sam_med3d.network import upsampled
from curate.errors import UsageError


class Small:
    """An encoder of two blocks with golden weights, as a network."""

    def __init__(self) -> None:
        self.encoder = ImageEncoder(width=48, heads=2, depth=2).eval()
        state = self.encoder.state_dict()
        golden = {name: torch.from_numpy(golden_weight(name, tuple(value.shape))) for name, value in state.items()}
        self.encoder.load_state_dict(golden)
        self.encode = self.encoder

    def decode(self, embedding, points, labels, previous):
        """Answer with nothing that depends on precision."""
        return embedding, points, labels, previous


def test_nothing_asked_gives_the_network_itself():
    """float32 without compilation is the network as it is."""
    network = Small()
    assert reduced(network, "cpu") is network


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (
            {"precision": "bfloat16"},
            "precision='bfloat16': only for CUDA; leave it out on 'cpu', or type --device cuda",
        ),
        ({"compiled": True}, "compiled=True: only for CUDA"),
        ({"precision": "float16", "compiled": True}, "precision='float16' and compiled=True: only for CUDA"),
        ({"precision": "int8"}, "precision must be one of float32, bfloat16, float16, found 'int8'"),
    ],
)
@pytest.mark.parametrize("model", [SamMed3D, SamMed3DNative])
def test_without_cuda_they_are_refused_before_weights_are_read(tmp_path, model, asked, message):
    """Each is refused in one line."""
    with pytest.raises(UsageError, match=message) as error:
        model(tmp_path / "missing.pth", **asked)
    assert "\n" not in str(error.value)


def test_reduced_encoder_answers_in_float32_and_nearly_the_same():
    """With eight bits of mantissa an embedding is off by a hundredth or so of its largest value, and not equal."""
    network = Small()
    cube = torch.from_numpy(golden_image("small/input", (1, 1, 128, 128, 128)))
    with torch.inference_mode():
        exact, near = network.encode(cube), ReducedNetwork(network, "cpu", precision="bfloat16").encode(cube)
    assert near.dtype == torch.float32
    assert 0 < float((near - exact).abs().max() / exact.abs().max()) < 0.03


@pytest.mark.gpu
@pytest.mark.parametrize(
    ("precision", "compiled", "embedding_error", "dice"),
    [("float32", True, 1e-3, 0.999), ("bfloat16", False, 0.15, 0.95), ("float16", False, 0.03, 0.99)],
)
def test_accuracy_cost_on_cuda(precision, compiled, embedding_error, dice):
    """Embedding and mask of the published network under golden weights, against float32 on the same device."""
    network = filled_network(golden_weight).to("cuda")
    cube = torch.from_numpy(golden_image("sam_med3d/input", (1, 1, 128, 128, 128))).to("cuda")
    fast = reduced(network, "cuda", precision=precision, compiled=compiled)
    masks, embeddings = [], []
    with torch.inference_mode():
        for one in (network, fast):
            embedding = one.encode(cube)
            point, label = torch.tensor([[[40.0, 64.0, 90.0]]], device="cuda"), torch.tensor([[1]], device="cuda")
            logits, _ = one.decode(embedding, point, label, torch.zeros(1, 1, 32, 32, 32, device="cuda"))
            embeddings.append(embedding.cpu().numpy())
            masks.append((upsampled(logits) > 0).cpu().numpy())
    assert np.abs(embeddings[1] - embeddings[0]).max() / np.abs(embeddings[0]).max() < embedding_error
    assert 2 * np.count_nonzero(masks[0] & masks[1]) / (masks[0].sum() + masks[1].sum()) > dice
