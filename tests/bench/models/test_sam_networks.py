"""The networks of SAM, SAM-Med2D and SAM-UNet: published names and shapes, and what sets the latter two apart."""

import json
import runpy
from pathlib import Path

import pytest
import torch

from bench.errors import UnsupportedError
from bench.models.sam.image_encoder import VIT_H, VIT_L, Block
from bench.models.sam.network import unfilled_network as sam
from bench.models.sam_med2d.adapter import AdaptedBlock, Adapter
from bench.models.sam_med2d.network import unfilled_network as sam_med2d
from bench.models.sam_med2d.network import without_adapters
from bench.models.sam_unet.exchange import Reshaper
from bench.models.sam_unet.network import SamUNetNetwork
from bench.models.sam_unet.network import unfilled_network as sam_unet
from bench.models.sam_unet.resnet import DEPTHS, BasicBlock, ResNet

small = runpy.run_path(str(Path(__file__).with_name("sam_small.py")))
normal, randomised = small["normal"], small["randomised"]
PUBLISHED = {
    "sam_vit_b": (sam, {}),
    "sam_vit_b_256": (sam_med2d, {"adapters": False}),
    "sam_med2d": (sam_med2d, {}),
    "sam_unet_res34": (sam_unet, {"layers": 34}),
    "sam_unet_res50": (sam_unet, {"layers": 50}),
}


@pytest.fixture(autouse=True)
def _one_thread():
    """Keep to one thread: the networks are small."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    with torch.inference_mode():
        yield
    torch.set_num_threads(before)


def parameters(network):
    """Count the numbers of a network that are trained."""
    return sum(parameter.numel() for parameter in network.parameters())


@pytest.mark.shared
@pytest.mark.parametrize("name", PUBLISHED)
def test_state_dict_is_the_published_one(shared_dir, name):
    """Names and shapes are those of the published weights, nothing more and nothing less."""
    make, options = PUBLISHED[name]
    published = json.loads((shared_dir / "facts" / "state_dicts" / f"{name}.json").read_text())
    own = {key: list(value.shape) for key, value in make(**options).state_dict().items()}
    assert own == published


@pytest.mark.parametrize(
    ("network", "count"),
    [
        (sam(), 93_735_472),
        (sam(VIT_L), 312_342_832),
        (sam(VIT_H), 641_090_608),
        (sam_med2d(), 271_241_776),
        (sam_med2d(adapters=False), 90_737_200),
        (sam_unet(34), 116_019_884),
        (sam_unet(50), 138_428_204),
    ],
)
def test_parameter_count_is_the_published_one(network, count):
    """Each network has as many parameters as the published one."""
    assert parameters(network) == count


def test_networks_wait_for_their_weights():
    """An unfilled network takes no memory, is in evaluation mode and trains nothing."""
    for network in (sam(), sam_med2d(), sam_unet(34)):
        assert {parameter.device.type for parameter in network.parameters()} == {"meta"}
        assert not any(parameter.requires_grad for parameter in network.parameters())
        assert not network.training


def test_checkpoint_without_adapters_is_that_of_sam():
    """A SAM-Med2D checkpoint less its adapters has the names of the network without them."""
    assert without_adapters(sam_med2d().state_dict()).keys() == sam_med2d(adapters=False).state_dict().keys()


def test_adapter_by_its_definition():
    """Channels weighed by the sigmoid of the mean, looked at with a stride of 2, added, and normalised."""
    adapter = randomised(Adapter(8))
    tokens = normal(2, 4, 4, 8)
    hidden = (tokens.mean(dim=(1, 2)) @ adapter.channel[0].weight.T).clamp(min=0)
    weights = 1 / (1 + (-hidden @ adapter.channel[2].weight.T).exp())
    image = (tokens * weights.view(2, 1, 1, 8)).permute(0, 3, 1, 2)
    halved = torch.conv2d(image, adapter.spatial[0].weight, stride=2, padding=1).clamp(min=0)
    whole = torch.conv_transpose2d(halved, adapter.spatial[2].weight, stride=2, padding=1).clamp(min=0)
    added = tokens + whole.permute(0, 2, 3, 1)
    centred = added - added.mean(dim=-1, keepdim=True)
    expected = centred / (centred.square().mean(dim=-1, keepdim=True) + 1e-5).sqrt()
    torch.testing.assert_close(adapter(tokens), expected * adapter.norm.weight + adapter.norm.bias, atol=1e-5, rtol=0)


def test_adapter_stands_beside_the_mlp():
    """A block with an adapter gives what the plain block gives, plus the adapter of the same normalised tokens."""
    adapted, plain = randomised(AdaptedBlock(16, 2, 4, 14)), Block(16, 2, 4, 14)
    plain.load_state_dict({key: value for key, value in adapted.state_dict().items() if "Adapter" not in key})
    tokens = normal(1, 4, 4, 16)
    normalised = adapted.norm2(tokens + adapted.attn(adapted.norm1(tokens)))
    torch.testing.assert_close(adapted(tokens), plain(tokens) + adapted.Adapter(normalised), atol=1e-5, rtol=0)


@pytest.mark.parametrize(("layers", "channels"), [(34, (64, 128, 256, 512)), (50, (256, 512, 1024, 2048))])
def test_resnet_gives_four_stages(layers, channels):
    """Sides are those of the picture divided by 4, 8, 16 and 32."""
    with torch.device("meta"):
        features = ResNet(DEPTHS[layers])(torch.zeros(2, 3, 256, 256))
    sides = (64, 32, 16, 8)
    assert [tuple(one.shape) for one in features] == [(2, c, s, s) for c, s in zip(channels, sides, strict=True)]


def test_residual_block_by_its_definition():
    """Two normalised convolutions, the shortcut added before the last ReLU; statistics are the stored ones."""
    block = randomised(BasicBlock(4, 6, 2))
    features = normal(2, 4, 8, 8)

    def normalised(found, norm):
        scale = norm.weight / (norm.running_var + 1e-5).sqrt()
        return (found - norm.running_mean.view(-1, 1, 1)) * scale.view(-1, 1, 1) + norm.bias.view(-1, 1, 1)

    first = normalised(torch.conv2d(features, block.conv1.weight, stride=2, padding=1), block.bn1).clamp(min=0)
    second = normalised(torch.conv2d(first, block.conv2.weight, padding=1), block.bn2)
    shortcut = normalised(torch.conv2d(features, block.downsample[0].weight, stride=2), block.downsample[1])
    torch.testing.assert_close(block(features), (second + shortcut).clamp(min=0), atol=1e-5, rtol=0)


@pytest.mark.parametrize(("halvings", "side"), [(2, 32), (1, 16), (0, 8), (-1, 4)])
def test_features_come_to_the_token_grid(halvings, side):
    """Whatever the side of a ResNet stage, its features become tokens on the grid of 8."""
    assert randomised(Reshaper(4, halvings, 12))(normal(1, 4, side, side)).shape == (1, 8, 8, 12)


@pytest.fixture(scope="module")
def sam_unet_small():
    """Return SAM-UNet with four groups of two narrow blocks."""
    size = small["EncoderSize"](width=16, depth=8, heads=2, global_every=2)
    return randomised(SamUNetNetwork(DEPTHS[34], size))


def test_sam_unet_answers_one_mask_without_iou(sam_unet_small):
    """Two boxes get one mask each, what each gets alone, and an IoU that says nothing."""
    coarse, fine = embedding = sam_unet_small.encode(normal(1, 3, 256, 256))
    assert (coarse.shape, fine.shape) == ((1, 256, 16, 16), (1, 32, 64, 64))
    boxes = torch.tensor([[10.0, 20.0, 80.0, 90.0], [100.0, 30.0, 200.0, 220.0]])
    points, labels = torch.zeros(2, 0, 2), torch.zeros(2, 0)
    logits, overlap = sam_unet_small.decode(embedding, points, labels, boxes, None, multimask=False)
    alone, _ = sam_unet_small.decode(embedding, points[1:], labels[1:], boxes[1:], None, multimask=False)
    assert logits.shape == (2, 1, 64, 64)
    assert overlap.shape == (2, 1)
    assert overlap.isnan().all()
    torch.testing.assert_close(logits[1:], alone, atol=1e-5 * float(logits.abs().max()), rtol=0)


def test_sam_unet_sends_the_first_group_out_by_the_last_bridge(sam_unet_small):
    """The groups of blocks leave by bridges 2, 1 and 0, as the published weights were trained."""
    order = []
    hooks = [
        bridge.register_forward_pre_hook(lambda *_, number=number: order.append(number))
        for number, bridge in enumerate(sam_unet_small.adapters_bridge)
    ]
    sam_unet_small.encode(normal(1, 3, 256, 256))
    for hook in hooks:
        hook.remove()
    assert order == [2, 1, 0]


def test_sam_unet_refuses_several_masks():
    """Asking SAM-UNet for three masks is unsupported, never answered with one."""
    with pytest.raises(UnsupportedError, match="SAM-UNet gives one mask for a prompt: ask with multimask=False"):
        sam_unet(34).decode(None, torch.zeros(1, 0, 2), torch.zeros(1, 0), None, None, multimask=True)
