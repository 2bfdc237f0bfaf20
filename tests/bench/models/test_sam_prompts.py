"""Prompts of SAM and their answers: closed forms of the tokens, batches, and which of the masks are given."""

import math
import runpy
from pathlib import Path

import pytest
import torch

from bench.models.sam.prompt_encoder import PromptEncoder

small = runpy.run_path(str(Path(__file__).with_name("sam_small.py")))
normal, randomised = small["normal"], small["randomised"]
SIDE = 64


@pytest.fixture(autouse=True)
def _one_thread():
    """Keep to one thread: the networks are small."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    with torch.inference_mode():
        yield
    torch.set_num_threads(before)


@pytest.fixture
def encoder():
    """Return a prompt encoder for squares of 64 pixels."""
    return randomised(PromptEncoder(SIDE))


def first_sine(encoder, x, y):
    """Return the first number of a place's encoding, by its definition."""
    gaussian = encoder.pe_layer.positional_encoding_gaussian_matrix[:, 0].tolist()
    return math.sin(2 * math.pi * sum((2 * (p + 0.5) / SIDE - 1) * g for p, g in zip((x, y), gaussian, strict=True)))


@pytest.mark.parametrize("label", [0, 1])
def test_point_token_by_its_formula(encoder, label):
    """A point's first number is the sine of its centred place plus that of its label; one token of no point follows."""
    tokens = encoder.tokens(torch.tensor([[[10.0, 40.0]]]), torch.tensor([[label]]), None)
    expected = first_sine(encoder, 10, 40) + float(encoder.point_embeddings[label].weight[0, 0])
    assert tokens.shape == (1, 2, 256)
    assert float(tokens[0, 0, 0]) == pytest.approx(expected, abs=1e-5)
    torch.testing.assert_close(tokens[0, 1], encoder.not_a_point_embed.weight[0])


def test_point_of_padding_has_no_place(encoder):
    """The label -1 makes a token that is the same wherever the point is."""
    tokens = encoder.tokens(torch.tensor([[[1.0, 2.0], [50.0, 3.0]]]), torch.tensor([[-1, -1]]), None)
    torch.testing.assert_close(tokens, encoder.not_a_point_embed.weight.expand(1, 3, -1))


def test_box_tokens_by_their_formula(encoder):
    """A box is its two corners, each with its own meaning, and no token of no point."""
    tokens = encoder.tokens(torch.zeros(1, 0, 2), torch.zeros(1, 0), torch.tensor([[5.0, 6.0, 30.0, 20.0]]))
    assert tokens.shape == (1, 2, 256)
    for place, (x, y) in enumerate([(5, 6), (30, 20)]):
        expected = first_sine(encoder, x, y) + float(encoder.point_embeddings[2 + place].weight[0, 0])
        assert float(tokens[0, place, 0]) == pytest.approx(expected, abs=1e-5)


def test_points_and_box_are_points_then_corners(encoder):
    """Beside a box the points are not followed by a token of no point."""
    points, labels, box = normal(2, 3, 2), torch.tensor([[1, 0, 1], [1, 1, -1]]), normal(2, 4)
    together = encoder.tokens(points, labels, box)
    torch.testing.assert_close(together[:, :3], encoder.tokens(points, labels, None)[:, :3])
    torch.testing.assert_close(together[:, 3:], encoder.tokens(points[:, :0], labels[:, :0], box))


def test_no_prompt_is_no_token(encoder):
    """Neither points nor box leave the decoder with its own tokens."""
    assert encoder.tokens(torch.zeros(2, 0, 2), torch.zeros(2, 0), None).shape == (2, 0, 256)


def test_grid_encoding_is_that_of_points_at_cell_centres(encoder):
    """The encoding of the cell in row 3 and column 1 is that of the place (1.5, 3.5) / 4."""
    place = encoder.pe_layer(torch.tensor([1.5, 3.5]) / 4)
    torch.testing.assert_close(encoder.places()[0, :, 3, 1], place, atol=1e-5, rtol=0)


def test_no_mask_and_zero_mask_differ(encoder):
    """A zero mask prompt goes through the convolutions; only a missing one becomes the learned vector."""
    zeros = encoder.mask(torch.zeros(1, 1, 16, 16))
    torch.testing.assert_close(encoder.mask(None)[0, :, 0, 0], encoder.no_mask_embed.weight[0])
    assert zeros.shape == (1, 256, 4, 4)
    assert not torch.allclose(zeros, encoder.mask(None).expand_as(zeros))


@pytest.mark.parametrize("with_mask", [False, True])
@pytest.mark.parametrize("multimask", [False, True])
def test_prompts_of_a_batch_get_what_each_gets_alone(with_mask, multimask):
    """Three prompts of one picture are answered as they are one by one, with a previous mask and without."""
    network = small["small_network"]()
    embedding = normal(1, 256, 4, 4)
    points, labels, boxes = 30 + 9 * normal(3, 2, 2), torch.tensor([[1, 0]] * 3), 30 + 9 * normal(3, 4)
    masks = normal(3, 1, 16, 16) if with_mask else None

    def answer(chosen):
        mask = None if masks is None else masks[chosen]
        return network.decode(embedding, points[chosen], labels[chosen], boxes[chosen], mask, multimask=multimask)

    logits, overlap = answer(slice(3))
    assert logits.shape == (3, 3 if multimask else 1, 16, 16)
    assert overlap.shape == logits.shape[:2]
    for n in range(3):
        alone = answer(slice(n, n + 1))
        torch.testing.assert_close((logits[n : n + 1], overlap[n : n + 1]), alone, atol=2e-5, rtol=0)


def test_several_masks_leave_out_the_one():
    """The three masks and the one are the four of the decoder's tokens: one token moved moves only its own mask."""
    network = small["small_network"]()
    asked = (normal(1, 256, 4, 4), torch.tensor([[[10.0, 20.0]]]), torch.tensor([[1]]), None, None)
    one, three = (network.decode(*asked, multimask=multimask)[0] for multimask in (False, True))
    network.mask_decoder.output_hypernetworks_mlps[2].layers[2].bias.add_(1)
    changed = [network.decode(*asked, multimask=multimask)[0] for multimask in (False, True)]
    torch.testing.assert_close(changed[0], one)
    assert (changed[1] != three).flatten(2).any(dim=2).tolist() == [[False, True, False]]
