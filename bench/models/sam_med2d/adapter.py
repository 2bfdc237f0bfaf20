"""The adapter that SAM-Med2D puts beside the second half of every block of SAM's image encoder."""

from torch import Tensor, nn

from bench.models.sam.image_encoder import Block


class Adapter(nn.Module):
    """Weigh channels by the whole picture, look at neighbours at half the resolution, add, and normalise."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.channel = nn.Sequential(
            nn.Linear(width, width // 4, bias=False),
            nn.ReLU(),
            nn.Linear(width // 4, width, bias=False),
            nn.Sigmoid(),
        )
        self.spatial = nn.Sequential(
            nn.Conv2d(width, width, 3, stride=2, padding=1, bias=False),
            nn.ReLU(),
            nn.ConvTranspose2d(width, width, 4, stride=2, padding=1, bias=False),
            nn.ReLU(),
        )

    def forward(self, tokens: Tensor) -> Tensor:
        """Map (b, grid, grid, width) to the same shape; the grid's side is even."""
        weighed = tokens * self.channel(tokens.mean(dim=(1, 2)))[:, None, None]
        looked: Tensor = self.spatial(weighed.movedim(-1, 1)).movedim(1, -1)
        normal: Tensor = self.norm(tokens + looked)
        return normal


class AdaptedBlock(Block):
    """A block of SAM with an adapter beside the MLP: both see the same tokens, and both are added."""

    def __init__(self, width: int, heads: int, grid: int, window: int) -> None:
        super().__init__(width, heads, grid, window)
        self.Adapter = Adapter(width)

    def second_half(self, normal: Tensor) -> Tensor:
        """Map normalised tokens to what is added to the tokens."""
        adapted: Tensor = self.Adapter(normal)
        return super().second_half(normal) + adapted
