"""The network equals the published one: names, shapes, quirks, and the short form of the windowed blocks."""

import json
import math
import runpy
from pathlib import Path

import pytest
import torch

from bench.golden import golden_weight
from bench.models.sam_med3d.image_encoder import GRID, WINDOW, ImageEncoder
from bench.models.sam_med3d.network import SamMed3DNetwork, foreground, unfilled_network, upsampled
from bench.models.sam_med3d.prompt_encoder import PromptEncoder
from bench.models.sam_med3d.relative_attention import RelativeAttention

padded = runpy.run_path(str(Path(__file__).with_name("sam_med3d_padded.py")))


@pytest.fixture(autouse=True)
def _two_threads():
    """Keep to two threads, as the other users of a machine expect."""
    before = torch.get_num_threads()
    torch.set_num_threads(min(2, before))
    with torch.inference_mode():
        yield
    torch.set_num_threads(before)


def randomised(module: torch.nn.Module) -> torch.nn.Module:
    """Give every entry a golden value, so that position tables and biases are not zero."""
    values = {name: torch.from_numpy(golden_weight(name, tuple(v.shape))) for name, v in module.state_dict().items()}
    module.load_state_dict(values)
    return module.eval()


@pytest.mark.shared
def test_state_dict_is_the_published_one(shared_dir):
    """Names and shapes are those of the published weights, nothing more and nothing less."""
    published = json.loads((shared_dir / "facts" / "state_dicts" / "sam_med3d.json").read_text())
    own = {name: list(value.shape) for name, value in unfilled_network().state_dict().items()}
    assert own == {name: list(shape) for name, shape in published.items() if isinstance(shape, list)}


def test_parameter_count_is_the_published_one():
    """The network has 100,509,232 parameters, of which 92,924,928 are in the image encoder."""
    network = unfilled_network()
    assert sum(p.numel() for p in network.parameters()) == 100_509_232
    assert sum(p.numel() for p in network.image_encoder.parameters()) == 92_924_928


@pytest.mark.parametrize("window", [9, WINDOW])
def test_short_window_equals_padded_window(window):
    """512 keys and one virtual key give what attention over the whole padded window gives."""
    attention = randomised(RelativeAttention(96, 2, GRID, window))
    tokens = torch.randn(1, GRID, GRID, GRID, 96, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(attention(tokens), padded["padded_attention"](attention, tokens), atol=1e-5, rtol=0)


def test_short_window_survives_large_biases():
    """Sums of exponentials beyond float32's range do not overflow, since they are kept as logarithms."""
    attention = randomised(RelativeAttention(32, 2, GRID, WINDOW))
    attention.rel_pos_h.mul_(200)
    tokens = torch.randn(1, GRID, GRID, GRID, 32, generator=torch.Generator().manual_seed(2))
    short, plain = attention(tokens), padded["padded_attention"](attention, tokens)
    assert torch.isfinite(short).all()
    torch.testing.assert_close(short, plain, atol=1e-3, rtol=0)


def test_global_attention_has_the_quirky_bias():
    """Without padding, every key's bias is D(d,h,w;k) + H(d,h,i;k) + W(d,h,j;k), by its definition."""
    attention = randomised(RelativeAttention(12, 1, 3, 3))
    query = torch.randn(1, 1, 3, 3, 3, 12, generator=torch.Generator().manual_seed(3))
    bias = attention._bias(query).view(3, 3, 3, 3, 3, 3)

    def table(name: str, here: int, k: int) -> torch.Tensor:
        return getattr(attention, name)[here - k + 2]

    q = query[0, 0]
    for d, h, w, i, j, k in [(0, 1, 2, 2, 0, 1), (2, 2, 0, 1, 2, 0), (1, 0, 1, 0, 0, 2)]:
        expected = (
            q[d, h, w] @ table("rel_pos_d", d, k)
            + q[d, h, i] @ table("rel_pos_h", h, k)
            + q[d, h, j] @ table("rel_pos_w", j, k)
        )
        assert float(bias[d, h, w, i, j, k]) == pytest.approx(float(expected), abs=1e-5)


def test_short_encoder_equals_padded_encoder():
    """Over six blocks the two forms differ by the rounding of float64 alone: they are one function."""
    short, plain = _both_forms(ImageEncoder(width=48, heads=2, depth=6).double())
    torch.testing.assert_close(short, plain, atol=1e-11, rtol=0)


def test_attention_of_a_batch_is_that_of_each_member():
    """Two grids in one batch do not see each other."""
    attention = randomised(RelativeAttention(32, 2, GRID, WINDOW))
    tokens = torch.randn(2, GRID, GRID, GRID, 32, generator=torch.Generator().manual_seed(4))
    each = torch.cat([attention(tokens[:1]), attention(tokens[1:])])
    torch.testing.assert_close(attention(tokens), each, atol=1e-6, rtol=0)


@pytest.mark.slow
def test_published_encoder_equals_its_padded_form():
    """At the published width in float32 the forms agree to 1e-5 of the largest output."""
    short, plain = _both_forms(ImageEncoder())
    assert float((short - plain).abs().max() / plain.abs().max()) < 1e-5


def _both_forms(encoder: ImageEncoder) -> tuple[torch.Tensor, torch.Tensor]:
    randomised(encoder)
    dtype = encoder.pos_embed.dtype
    image = torch.randn(1, 1, 128, 128, 128, generator=torch.Generator().manual_seed(5)).to(dtype)
    short = encoder(image)
    padded["use_padded_form"](encoder)
    return short, encoder(image)


def test_grid_encoding_exchanges_the_first_two_axes():
    """The encoding of grid cell (a, b, c) is that of a point at cell (b, a, c): the quirk of published weights."""
    places = randomised(PromptEncoder()).pe_layer
    grid = places.grid()[0]
    torch.testing.assert_close(grid[:, 1, 6, 3], places(torch.tensor([6.5, 1.5, 3.5]) / 8), atol=1e-5, rtol=0)
    assert not torch.allclose(grid[:, 1, 6, 3], places(torch.tensor([1.5, 6.5, 3.5]) / 8), atol=1e-2)


def test_point_encoding_by_its_formula():
    """A point's first number is the sine of 2 pi times its centred place times the first column, plus the label's."""
    encoder = randomised(PromptEncoder())
    tokens = encoder.points(torch.tensor([[[40.0, 64.0, 90.0]]]), torch.tensor([[0]]))
    gaussian = encoder.pe_layer.positional_encoding_gaussian_matrix[:, 0].tolist()
    phase = sum((2 * (p + 0.5) / 128 - 1) * g for p, g in zip((40, 64, 90), gaussian, strict=True))
    expected = math.sin(2 * math.pi * phase) + float(encoder.point_embeddings[0].weight[0, 0])
    assert tokens.shape == (1, 2, 384)
    assert float(tokens[0, 0, 0]) == pytest.approx(expected, abs=1e-5)
    torch.testing.assert_close(tokens[0, 1], encoder.not_a_point_embed.weight[0])


def test_no_mask_and_zero_mask_differ():
    """A zero mask prompt goes through the convolutions; only a missing one becomes the learned vector."""
    encoder = randomised(PromptEncoder())
    absent, zeros = encoder.mask(None), encoder.mask(torch.zeros(1, 1, 32, 32, 32))
    assert absent.shape == zeros.shape == (1, 384, 8, 8, 8)
    torch.testing.assert_close(absent[0, :, 3, 4, 5], encoder.no_mask_embed.weight[0])
    assert not torch.allclose(absent, zeros)


def test_targets_can_be_decoded_as_a_batch():
    """Two targets in one batch get what each gets alone."""
    network = SamMed3DNetwork.__new__(SamMed3DNetwork)
    torch.nn.Module.__init__(network)
    network.prompt_encoder = randomised(PromptEncoder())
    network.mask_decoder = randomised(type(unfilled_network().mask_decoder)())
    generator = torch.Generator().manual_seed(6)
    embedding = torch.randn(1, 384, 8, 8, 8, generator=generator).expand(2, -1, -1, -1, -1)
    points = torch.randint(0, 128, (2, 3, 3), generator=generator).float()
    labels = torch.tensor([[1, 0, 1], [1, 1, 0]])
    previous = torch.randn(2, 1, 32, 32, 32, generator=generator)
    together, _ = network.decode(embedding, points, labels, previous)
    alone, overlap = network.decode(embedding[1:], points[1:], labels[1:], previous[1:])
    assert overlap.shape == (1, 1)
    torch.testing.assert_close(together[1:], alone, atol=1e-5, rtol=0)
    assert not torch.allclose(together[0], together[1], atol=1e-2)


def test_upsampling_keeps_a_linear_ramp():
    """Trilinear enlargement by four with centres aligned: a ramp of slope 1 becomes one of slope 1/4."""
    ramp = torch.arange(32.0).view(1, 1, 32, 1, 1).expand(1, 1, 32, 32, 32)
    large = upsampled(ramp)[0, 0, :, 5, 5]
    assert large.shape == (128,)
    torch.testing.assert_close(large[2:126], (torch.arange(2.0, 126.0) + 0.5) / 4 - 0.5)


@pytest.mark.parametrize("share", [0.0, 0.0005, 0.02, 1.0])
@pytest.mark.parametrize("seed", range(4))
def test_foreground_is_where_the_enlarged_logits_are_above_zero(seed, share):
    """Nothing, single points (borders too), scattered ones and everything: as enlarging the whole cube says."""
    generator = torch.Generator().manual_seed(seed)
    logits = torch.rand((1, 1, 32, 32, 32), generator=generator)
    inside = torch.rand(logits.shape, generator=generator) < share
    logits = torch.where(inside, logits, -logits)
    if seed == 0 and share:
        logits[0, 0, 0, 31, 15] = 3.0
    assert torch.equal(foreground(logits), upsampled(logits)[0, 0] > 0)
