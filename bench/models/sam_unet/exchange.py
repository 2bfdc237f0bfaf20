"""What passes between SAM's image encoder and its surroundings: ResNet features in, maps of finer resolution out."""

from torch import Tensor, nn

from bench.models.sam.image_encoder import CHANNELS
from bench.models.sam.layers import LayerNorm2d


class Reshaper(nn.Module):
    """Bring features of one ResNet stage to the grid and the width of the encoder's tokens."""

    def __init__(self, channels: int, halvings: int, width: int) -> None:
        """Make one for features whose side is the grid's times two to the power of `halvings`, -1 for half of it."""
        super().__init__()
        layers: list[nn.Module] = []
        for _ in range(halvings):
            layers += [nn.Conv2d(channels, 2 * channels, 3, stride=2, padding=1), LayerNorm2d(2 * channels), nn.GELU()]
            channels *= 2
        if halvings < 0:
            layers += [nn.ConvTranspose2d(channels, channels // 2, 2, stride=2), LayerNorm2d(channels // 2), nn.GELU()]
            channels //= 2
        self.reshaper = nn.Sequential(*layers, nn.Conv2d(channels, width, 1))

    def forward(self, features: Tensor) -> Tensor:
        """Map (b, channels, s, s) to tokens, (b, grid, grid, width)."""
        reshaped: Tensor = self.reshaper(features)
        return reshaped.movedim(1, -1)


def enlarging(channels: int, between: int) -> nn.Sequential:
    """Return the layers that map (b, channels, n, n) by way of `between` channels to (b, 32, 4n, 4n)."""
    return nn.Sequential(
        nn.ConvTranspose2d(channels, between, 2, stride=2),
        LayerNorm2d(between),
        nn.GELU(),
        nn.ConvTranspose2d(between, CHANNELS // 8, 2, stride=2),
    )
