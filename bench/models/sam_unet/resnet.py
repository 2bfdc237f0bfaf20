"""ResNet-34 and ResNet-50 without their classifier, with the state-dict keys of SAM-UNet's copy."""

from dataclasses import dataclass

from torch import Tensor, nn
from torch.nn import functional


class BasicBlock(nn.Module):
    """Two convolutions of 3 x 3 beside a shortcut."""

    expansion = 1

    def __init__(self, channels: int, narrow: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, narrow, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(narrow)
        self.conv2 = nn.Conv2d(narrow, narrow, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(narrow)
        self.downsample = _shortcut(channels, narrow, stride)

    def forward(self, features: Tensor) -> Tensor:
        """Map (b, channels, h, w) to (b, narrow, h / stride, w / stride)."""
        mapped = functional.relu(self.bn1(self.conv1(features)))
        return functional.relu(self.bn2(self.conv2(mapped)) + self.downsample(features))


class Bottleneck(nn.Module):
    """A convolution of 3 x 3 between two of 1 x 1, beside a shortcut; the stride is that of the 3 x 3."""

    expansion = 4

    def __init__(self, channels: int, narrow: int, stride: int) -> None:
        super().__init__()
        wide = self.expansion * narrow
        self.conv1 = nn.Conv2d(channels, narrow, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(narrow)
        self.conv2 = nn.Conv2d(narrow, narrow, 3, stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(narrow)
        self.conv3 = nn.Conv2d(narrow, wide, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(wide)
        self.downsample = _shortcut(channels, wide, stride)

    def forward(self, features: Tensor) -> Tensor:
        """Map (b, channels, h, w) to (b, 4 narrow, h / stride, w / stride)."""
        mapped = functional.relu(self.bn1(self.conv1(features)))
        mapped = functional.relu(self.bn2(self.conv2(mapped)))
        return functional.relu(self.bn3(self.conv3(mapped)) + self.downsample(features))


@dataclass(frozen=True, slots=True)
class Depth:
    """One of the published residual networks."""

    block: type[BasicBlock | Bottleneck]
    counts: tuple[int, int, int, int]
    """Blocks of each stage."""

    @property
    def channels(self) -> tuple[int, int, int, int]:
        """Return the channels that each stage gives."""
        one, two, three, four = (self.block.expansion * narrow for narrow in _NARROW)
        return one, two, three, four


_NARROW = (64, 128, 256, 512)
DEPTHS = {34: Depth(BasicBlock, (3, 4, 6, 3)), 50: Depth(Bottleneck, (3, 4, 6, 3))}


class ResNet(nn.Module):
    """A stem and four stages; the first stage keeps the resolution of the stem, each other halves it."""

    def __init__(self, depth: Depth) -> None:
        super().__init__()
        self.stage0 = nn.Sequential(
            nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False),
            nn.BatchNorm2d(64),
            nn.ReLU(),
            nn.MaxPool2d(3, stride=2, padding=1),
        )
        inputs = (64, *depth.channels)
        self.stage1, self.stage2, self.stage3, self.stage4 = (
            _stage(depth.block, channels, narrow, count, stride)
            for channels, narrow, count, stride in zip(inputs[:4], _NARROW, depth.counts, (1, 2, 2, 2), strict=True)
        )

    def forward(self, pictures: Tensor) -> list[Tensor]:
        """Map normalised pictures, (b, 3, side, side), to the features of the four stages.

        Returns:
            (b, c, s, s) with s the side divided by 4, 8, 16 and 32.
        """
        features = [self.stage0(pictures)]
        for stage in (self.stage1, self.stage2, self.stage3, self.stage4):
            features.append(stage(features[-1]))
        return features[1:]


def _stage(block: type[BasicBlock | Bottleneck], channels: int, narrow: int, count: int, stride: int) -> nn.Sequential:
    wide = block.expansion * narrow
    return nn.Sequential(block(channels, narrow, stride), *(block(wide, narrow, 1) for _ in range(count - 1)))


def _shortcut(channels: int, wide: int, stride: int) -> nn.Sequential:
    """Return what brings features to the shape of a block's answer; nothing where they have it."""
    if stride == 1 and channels == wide:
        return nn.Sequential()
    return nn.Sequential(nn.Conv2d(channels, wide, 1, stride, bias=False), nn.BatchNorm2d(wide))
