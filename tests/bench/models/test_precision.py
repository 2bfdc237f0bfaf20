"""Reduced precision: refused where it brings nothing, float32 outside of the encoder, and its cost on CUDA."""

import runpy
from pathlib import Path

import pytest
import torch

from bench.models.precision import ReducedNetwork, reduced
from curate.errors import UsageError

small = runpy.run_path(str(Path(__file__).with_name("sam_small.py")))
normal = small["normal"]


def relative(found, expected):
    """Return the largest difference over the largest expected value."""
    return float((found - expected).abs().max() / expected.abs().max())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"precision": "bfloat16"},
            "precision='bfloat16': only for CUDA; leave it out on 'cpu', or type --device cuda",
        ),
        ({"compiled": True}, "compiled=True: only for CUDA"),
        ({"precision": "float16", "compiled": True}, "precision='float16' and compiled=True: only for CUDA"),
        ({"precision": "half"}, "precision must be one of float32, bfloat16, float16, found 'half'"),
    ],
)
def test_refusals_are_one_line(options, message):
    """The CPU refuses reduced precision and compilation, and says what to leave out."""
    with pytest.raises(UsageError, match=message) as error:
        reduced(small["small_network"](), "cpu", **options)
    assert "\n" not in str(error.value)


def test_nothing_asked_is_the_network_itself():
    """In float32 and not compiled, the network is handed back as it is."""
    network = small["small_network"]()
    assert reduced(network, "cpu") is network


@torch.inference_mode()
def test_reduced_encoder_gives_float32_near_the_exact():
    """An encoder under autocast differs by the rounding of bfloat16, and its embeddings are float32 again."""
    network = small["small_network"]()
    pictures = normal(1, 3, 64, 64)
    exact, found = network.encode(pictures), ReducedNetwork(network, "cpu", precision="bfloat16").encode(pictures)
    assert found.dtype == torch.float32
    assert 0 < relative(found, exact) < 0.1


@pytest.mark.slow
@torch.inference_mode()
def test_encoder_compiles_as_one_piece():
    """The whole encoder is one graph, with nothing that a compiler would leave out."""
    network = small["small_network"]()
    pictures = normal(1, 3, 64, 64)
    compiled = torch.compile(network.encode, backend="eager", fullgraph=True)
    torch.testing.assert_close(compiled(pictures), network.encode(pictures))


@pytest.mark.gpu
@pytest.mark.parametrize(("precision", "bound"), [("bfloat16", 0.1), ("float16", 0.02)])
@torch.inference_mode()
def test_cost_of_reduced_precision_on_cuda(precision, bound):
    """On CUDA the embedding differs from that of float32 by no more than the rounding of the precision allows."""
    network = small["small_network"]().to("cuda")
    pictures = normal(1, 3, 64, 64).to("cuda")
    found = reduced(network, "cuda", precision=precision, compiled=True).encode(pictures)
    assert 0 < relative(found, network.encode(pictures)) < bound
