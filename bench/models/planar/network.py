"""What 2D inference needs of a network."""

from typing import Protocol

from torch import Tensor

Embedding = Tensor | tuple[Tensor, ...]
"""What a picture is encoded to; every tensor has the pictures on its leading axis."""


class PlanarNetwork(Protocol):
    """A network of SAM's kind: a picture is encoded once, prompts are answered from its embedding."""

    side: int
    """Pixels along each side of the square that is encoded: 1024, 256."""

    def encode(self, pictures: Tensor) -> Embedding:
        """Map normalised pictures, (n, 3, side, side) float32, to their embeddings, leading axis n."""

    def decode(
        self,
        embedding: Embedding,
        points_xy: Tensor,
        labels: Tensor,
        boxes_xyxy: Tensor | None,
        mask_logits: Tensor | None,
        *,
        multimask: bool,
    ) -> tuple[Tensor, Tensor]:
        """Answer m prompts of one picture.

        Args:
            embedding: Of one picture, leading axis 1.
            points_xy: (m, p, 2) float32, in pixels of the square.
            labels: (m, p): 1 inside the target, 0 outside, -1 padding.
            boxes_xyxy: (m, 4) float32, in pixels of the square.
            mask_logits: (m, 1, side / 4, side / 4) float32, the previous answer.
            multimask: Give three answers of different extent.

        Returns:
            Logits (m, k, side / 4, side / 4) and predicted IoU (m, k); k = 3 with `multimask`, else 1.
        """
