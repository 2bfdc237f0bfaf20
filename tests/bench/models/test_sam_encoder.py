"""The image encoder's short form equals the padded windows of the published one."""

import runpy
from pathlib import Path

import pytest
import torch

from bench.models.sam import window_attention
from bench.models.sam.image_encoder import ImageEncoder
from bench.models.sam.window_attention import WindowAttention

HERE = Path(__file__).parent
padded = runpy.run_path(str(HERE / "sam_padded.py"))
small = runpy.run_path(str(HERE / "sam_small.py"))
normal, randomised = small["normal"], small["randomised"]


@pytest.fixture(autouse=True)
def _one_thread():
    """Keep to one thread: the networks are small."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    with torch.inference_mode():
        yield
    torch.set_num_threads(before)


def both(attention, tokens):
    """Return what the short and the written-out form give."""
    return attention(tokens), padded["padded_attention"](attention, tokens)


@pytest.mark.parametrize(("grid", "window"), [(16, 14), (9, 4), (8, 4), (3, 5), (6, 6)])
def test_short_windows_equal_padded_windows(grid, window):
    """Cut windows with one virtual key, whole windows and a single window give what padded windows give."""
    attention = randomised(WindowAttention(24, 2, grid, window)).double()
    short, plain = both(attention, normal(2, grid, grid, 24).double())
    torch.testing.assert_close(short, plain, atol=1e-12, rtol=0)


def test_padding_takes_part():
    """A lone token in the corner window does not answer with its own value: 15 padded keys have their weight."""
    attention = randomised(WindowAttention(24, 2, 5, 4))
    tokens = normal(1, 5, 5, 24)
    own_value = attention.proj(attention.qkv(tokens[0, 4, 4])[48:])
    assert not torch.allclose(attention(tokens)[0, 4, 4], own_value, atol=1e-2)


def test_short_windows_survive_large_biases():
    """Sums of exponentials beyond float32's range do not overflow, since they are kept as logarithms."""
    attention = randomised(WindowAttention(24, 2, 9, 4))
    attention.rel_pos_h.mul_(200)
    short, plain = both(attention, normal(1, 9, 9, 24))
    assert torch.isfinite(short).all()
    torch.testing.assert_close(short, plain, atol=1e-3, rtol=0)


@pytest.mark.parametrize(("grid", "window"), [(8, 8), (9, 4)])
def test_rows_at_a_time_change_nothing(monkeypatch, grid, window):
    """A grid too large for one piece of memory gets the same answer, row by row."""
    attention = randomised(WindowAttention(24, 2, grid, window)).double()
    tokens = normal(2, grid, grid, 24).double()
    whole = attention(tokens)
    monkeypatch.setattr(window_attention, "BIAS_NUMBERS", 1)
    torch.testing.assert_close(attention(tokens), whole, atol=1e-12, rtol=0)


def test_short_encoder_equals_padded_encoder():
    """Over the blocks of a whole encoder the forms differ by the rounding of float64 alone."""
    encoder = randomised(ImageEncoder(small["SIZE"], 256)).double()
    pictures = normal(1, 3, 256, 256).double()
    short = encoder(pictures)
    padded["use_padded_form"](encoder)
    torch.testing.assert_close(short, encoder(pictures), atol=1e-11, rtol=0)


def test_pictures_of_a_batch_do_not_see_each_other():
    """Two pictures in one batch get what each gets alone."""
    network = small["small_network"]()
    pictures = normal(2, 3, 64, 64)
    each = torch.cat([network.encode(pictures[:1]), network.encode(pictures[1:])])
    assert each.shape == (2, 256, 4, 4)
    torch.testing.assert_close(network.encode(pictures), each, atol=1e-5, rtol=0)


def test_last_block_of_each_group_sees_the_whole_grid():
    """Blocks 2 of 3 and 5 of 6 attend over the grid's side, the others over 14 tokens."""
    size = small["EncoderSize"](width=8, depth=6, heads=2, global_every=3)
    with torch.device("meta"):
        encoder = ImageEncoder(size, 1024)
    assert [block.attn.window for block in encoder.blocks] == [14, 14, 64, 14, 14, 64]
