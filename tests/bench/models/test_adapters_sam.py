"""SAM, SAM 2 and MedSAM through transformers, with tiny networks of random weights."""

import json
import re
import runpy
from pathlib import Path

import numpy as np
import pytest
import torch

from bench.errors import UnsupportedError
from bench.models.adapters.medsam import MedSam
from bench.models.adapters.stretched_frames import MedSamFrame, Sam2Frame
from bench.models.adapters.transformers_sam import Sam2Transformers, SamTransformers
from bench.models.planar.frames import DEVIATION, MEAN
from bench.models.sam.image_encoder import EncoderSize
from bench.models.sam.network import SamNetwork
from bench.records import Prompts
from curate.errors import UsageError

pytest.importorskip("transformers", reason="the extra `transformers` is not installed")

import transformers

from bench.models.adapters import hosted_network

phantoms = runpy.run_path(str(Path(__file__).with_name("adapter_phantoms.py")))
ball_image, straight_grid = phantoms["ball_image"], phantoms["straight_grid"]
SIDE = 64
BOX = Prompts("x", box=(6, 5, 2, 18, 15, 4))
CLICK = Prompts("x").with_point((12, 9, 3), 1)


def tiny_sam(hidden):
    """Return a SamModel for 64 pixels, with two blocks of width 16."""
    torch.manual_seed(0)
    vision = transformers.SamVisionConfig(
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        image_size=SIDE,
        patch_size=16,
        window_size=14,
        global_attn_indexes=[1],
        output_channels=hidden,
        mlp_dim=64,
        num_pos_feats=hidden // 2,
    )
    prompt = transformers.SamPromptEncoderConfig(hidden_size=hidden, image_size=SIDE, mask_input_channels=16)
    decoder = transformers.SamMaskDecoderConfig(
        hidden_size=hidden, mlp_dim=8 * hidden, num_attention_heads=8, iou_head_hidden_dim=hidden
    )
    network = transformers.SamModel(
        transformers.SamConfig(vision_config=vision, prompt_encoder_config=prompt, mask_decoder_config=decoder)
    )
    return randomised(network)


def tiny_sam2():
    """Return a Sam2Model for 64 pixels."""
    torch.manual_seed(0)
    backbone = transformers.Sam2HieraDetConfig(
        hidden_size=8,
        image_size=[SIDE, SIDE],
        blocks_per_stage=[1, 1, 2, 1],
        embed_dim_per_stage=[8, 16, 32, 64],
        num_attention_heads_per_stage=[1, 1, 2, 2],
        window_size_per_stage=[4, 2, 2, 1],
        global_attention_blocks=[3],
        window_positional_embedding_background_size=[4, 4],
    )
    vision = transformers.Sam2VisionConfig(
        backbone_config=backbone,
        backbone_channel_list=[64, 32, 16, 8],
        backbone_feature_sizes=[[16, 16], [8, 8], [4, 4]],
        fpn_hidden_size=32,
    )
    prompt = transformers.Sam2PromptEncoderConfig(hidden_size=32, image_size=SIDE, mask_input_channels=8)
    decoder = transformers.Sam2MaskDecoderConfig(
        hidden_size=32, mlp_dim=32, num_attention_heads=4, iou_head_hidden_dim=32
    )
    config = transformers.Sam2Config(vision_config=vision, prompt_encoder_config=prompt, mask_decoder_config=decoder)
    return randomised(transformers.Sam2Model(config))


def randomised(network):
    """Give every parameter, also those that start as zeros or ones, a random value."""
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return network.eval()


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Write the tiny networks as transformers does; return their folders by name."""
    root = tmp_path_factory.mktemp("hosted")
    tiny_sam(32).save_pretrained(root / "sam")
    tiny_sam2().save_pretrained(root / "sam2")
    return {name: root / name for name in ("sam", "sam2")}


@pytest.fixture(scope="module")
def image():
    """Return a bright ball on a small volume whose k axis is no shorter than it needs."""
    return ball_image(straight_grid((24, 20, 6)))[0]


def prompts_for(count):
    """Return points, labels, boxes and earlier logits of some prompts, at random."""
    generator = torch.Generator().manual_seed(3)
    points = torch.rand(count, 2, 2, generator=generator) * SIDE
    boxes = torch.sort(torch.rand(count, 2, 2, generator=generator) * SIDE, dim=1).values.reshape(count, 4)
    return points, torch.tensor([[1, 0]] * count), boxes, torch.randn(count, 1, 16, 16, generator=generator)


@pytest.mark.parametrize("name", ["sam", "sam2"])
@pytest.mark.parametrize(("box", "mask", "multimask"), [(False, False, True), (True, True, False), (True, False, True)])
def test_prompts_of_one_picture_are_one_batch(folders, name, box, mask, multimask):
    """Three prompts decoded together get what transformers' own forward gives each picture and prompt alone."""
    network = hosted_network.load(folders[name], "cpu", "x", name)
    points, labels, boxes, logits = prompts_for(3)
    pictures = torch.randn(2, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        embedding = network.encode(pictures)
        second = embedding[1:] if isinstance(embedding, torch.Tensor) else tuple(part[1:] for part in embedding)
        together = network.decode(
            second, points, labels, boxes if box else None, logits if mask else None, multimask=multimask
        )
        for n in range(3):
            alone = network.network(
                pixel_values=pictures[1:],
                input_points=points[n : n + 1, None],
                input_labels=labels[n : n + 1, None],
                input_boxes=boxes[n : n + 1, None] if box else None,
                input_masks=logits[n : n + 1] if mask else None,
                multimask_output=multimask,
            )
            assert torch.allclose(together[0][n], alone.pred_masks[0, 0], atol=1e-5)
            assert torch.allclose(together[1][n], alone.iou_scores[0, 0], atol=1e-5)
    assert together[0].shape == (3, 3 if multimask else 1, 16, 16)


RENAMED = (
    (r"^vision_encoder\.layers", "image_encoder.blocks"),
    (r"^vision_encoder\.patch_embed\.projection", "image_encoder.patch_embed.proj"),
    (r"^vision_encoder\.neck\.conv1", "image_encoder.neck.0"),
    (r"^vision_encoder\.neck\.layer_norm1", "image_encoder.neck.1"),
    (r"^vision_encoder\.neck\.conv2", "image_encoder.neck.2"),
    (r"^vision_encoder\.neck\.layer_norm2", "image_encoder.neck.3"),
    (r"^vision_encoder", "image_encoder"),
    (r"^prompt_encoder\.point_embed\.", "prompt_encoder.point_embeddings."),
    (r"mask_embed\.conv1", "mask_downscaling.0"),
    (r"mask_embed\.layer_norm1", "mask_downscaling.1"),
    (r"mask_embed\.conv2", "mask_downscaling.3"),
    (r"mask_embed\.layer_norm2", "mask_downscaling.4"),
    (r"mask_embed\.conv3", "mask_downscaling.6"),
    (r"\.upscale_conv1", ".output_upscaling.0"),
    (r"\.upscale_layer_norm", ".output_upscaling.1"),
    (r"\.upscale_conv2", ".output_upscaling.3"),
    (r"\.layer_norm", ".norm"),
    (r"(head|mlps\.\d)\.layers\.0", r"\1.layers.1"),
    (r"\.proj_in", ".layers.0"),
    (r"\.proj_out", ".layers.2"),
    (r"^shared_image_embedding\.positional_embedding", "prompt_encoder.pe_layer.positional_encoding_gaussian_matrix"),
)
"""Names in transformers -> names in the published SAM, in this order."""


def published_names(state):
    """Return a state dict of transformers' SamModel under the names of the published SAM."""
    found = {}
    for key, value in state.items():
        name = key
        for old, new in RENAMED:
            name = re.sub(old, new, name)
        found[name] = value
    return {name: value for name, value in found.items() if "shared_embedding" not in name}


def test_both_networks_of_sam_are_one():
    """SAM of transformers and of this package give the same under the same weights: embedding, masks and overlaps."""
    theirs = tiny_sam(256)
    ours = SamNetwork(EncoderSize(width=16, depth=2, heads=2, global_every=2), SIDE).eval()
    ours.load_state_dict(published_names(theirs.state_dict()))
    hosted = hosted_network.HostedNetwork(theirs, SIDE)
    points, labels, boxes, logits = prompts_for(3)
    picture = torch.randn(1, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        embeddings = [network.encode(picture) for network in (ours, hosted)]
        assert torch.allclose(*embeddings, atol=1e-5)
        for prompts in (
            (points, labels, None, None),
            (points, labels, boxes, logits),
            (points[:, :0], labels[:, :0], boxes, None),
        ):
            answers = [
                one.decode(e, *prompts, multimask=True) for one, e in zip((ours, hosted), embeddings, strict=True)
            ]
            for mine, other in zip(*answers, strict=True):
                assert torch.allclose(mine, other, atol=1e-3 * float(other.abs().max()))


@pytest.mark.parametrize(("maker", "name"), [(SamTransformers, "sam"), (Sam2Transformers, "sam2"), (MedSam, "sam")])
def test_volumes_slice_by_slice(folders, image, maker, name):
    """A box prompts every slice that it spans, the answer lies on the image's grid, and two targets are two answers."""
    session = maker(folders[name]).open(image)
    other = Prompts("y", box=(2, 2, 2, 9, 9, 4))
    together = session.predict_many([BOX, other])
    assert together[0].shape_ijk == image.geometry.shape_ijk
    assert together[0].box[2] >= 2
    assert together[0].box[5] <= 4
    alone = maker(folders[name]).open(image).predict(BOX)
    assert (alone.full() == together[0].full()).all()


@pytest.mark.parametrize(("maker", "name"), [(SamTransformers, "sam"), (Sam2Transformers, "sam2")])
def test_clicks_prompt_their_slice(folders, image, maker, name):
    """A point prompts its slice only, and a second point changes the answer there."""
    session = maker(folders[name]).open(image)
    first, second = session.predict(CLICK), session.predict(CLICK.with_point((2, 2, 3), 0))
    assert not first.full()[:, :, [0, 1, 2, 4, 5]].any()
    assert (first.full() != second.full()).any()


def test_medsam_takes_boxes_only(folders, image):
    """A point, for which MedSAM was not trained, is refused and not silently run."""
    assert MedSam.card.capabilities.prompts == {"box", "boxes"}
    with pytest.raises(UnsupportedError, match="takes box, boxes only, found points"):
        MedSam(folders["sam"]).open(image).predict(CLICK)


def test_medsam_reads_the_published_file(tmp_path, image, monkeypatch):
    """A checkpoint file under SAM's own names goes into the network of this package, with one answer for both forms."""
    theirs = tiny_sam(256)
    theirs.save_pretrained(tmp_path / "folder")
    torch.save(published_names(theirs.state_dict()), tmp_path / "medsam_vit_b.pth")
    small = EncoderSize(width=16, depth=2, heads=2, global_every=2)
    monkeypatch.setattr(MedSam, "unfilled", lambda _: SamNetwork(small, SIDE).eval())
    masks = [MedSam(tmp_path / name).open(image).predict(BOX) for name in ("medsam_vit_b.pth", "folder")]
    assert masks[0].count > 0
    assert np.count_nonzero(masks[0].full() != masks[1].full()) <= 0.01 * masks[0].count


def test_the_square_of_medsam():
    """Least and greatest are 0 and 1, both axes are stretched to the side, and no contrast is 0."""
    picture = np.zeros((20, 40, 3), dtype=np.uint8)
    picture[:, 20:] = 80
    frame = MedSamFrame((20, 40), SIDE)
    square = frame.square(picture)
    assert square.shape == (3, SIDE, SIDE)
    assert (square.min(), square.max()) == (0, 1)
    assert (square[:, :, :28] < 0.1).all()
    assert (square[:, :, 36:] > 0.9).all()
    assert not frame.square(np.full((20, 40, 3), 9, dtype=np.uint8)).any()
    assert frame.places(np.array([[40.0, 10.0]])).tolist() == [[64.0, 32.0]]


def test_the_square_of_sam_2():
    """As Pillow's bilinear filter, which averages where it shrinks, and then normalised."""
    from PIL import Image

    picture = np.random.default_rng(0).integers(0, 255, (150, 100, 3)).astype(np.uint8)
    expected = np.asarray(Image.fromarray(picture).resize((SIDE, SIDE), Image.Resampling.BILINEAR))
    square = Sam2Frame((150, 100), SIDE).square(picture).transpose(1, 2, 0) * DEVIATION + MEAN
    assert np.abs(square - expected).max() <= 1.0


@pytest.mark.parametrize("frame", [MedSamFrame, Sam2Frame])
def test_masks_come_back_at_the_pictures_size(frame):
    """Logits that are positive in the right half give the right half of the picture."""
    logits = torch.full((16, 16), -5.0)
    logits[:, 8:] = 5.0
    mask = frame((21, 40), SIDE).mask(logits)
    assert mask.shape == (21, 40)
    assert mask[:, 20:].all()
    assert not mask[:, :20].any()


def test_folders_that_cannot_be_meant(folders, tmp_path):
    """No folder, another family, and a folder without all its weights are one line each; unknown options are too."""
    with pytest.raises(UsageError, match=r"sam2 needs weights: add --weights FOLDER, a folder with config.json"):
        Sam2Transformers(None)
    with pytest.raises(UsageError, match=r"cannot be read by transformers .*name a folder with config.json"):
        SamTransformers(tmp_path)
    with pytest.raises(UsageError, match=r"sam2: holds a sam2; name a folder .* of sam with --weights"):
        SamTransformers(folders["sam2"])
    from safetensors.torch import load_file, save_file

    weights = load_file(folders["sam"] / "model.safetensors")
    del weights["mask_decoder.iou_token.weight"]
    save_file(weights, tmp_path / "model.safetensors", {"format": "pt"})
    (tmp_path / "config.json").write_text((folders["sam"] / "config.json").read_text())
    with pytest.raises(UsageError, match=r"lacks 1 weights \(mask_decoder.iou_token.weight\)"):
        SamTransformers(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "no-such-model"}))
    with pytest.raises(UsageError, match=r"cannot be read by transformers"):
        SamTransformers(tmp_path)
