"""The whole SAM-Med3D network, with the state-dict keys and shapes of the published weights."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from bench.models.sam_med3d.image_encoder import ImageEncoder
from bench.models.sam_med3d.mask_decoder import MaskDecoder
from bench.models.sam_med3d.prompt_encoder import PromptEncoder

LOW_RES = 32
"""Side of the decoder's output, in voxels of four times the cube's spacing."""
_ENLARGED = 4


class SamMed3DNetwork(nn.Module):
    """Image encoder, prompt encoder and mask decoder: `vit_b_ori` of uni-medical/SAM-Med3D, 100,509,232 parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.image_encoder = ImageEncoder()
        self.prompt_encoder = PromptEncoder()
        self.mask_decoder = MaskDecoder()

    def encode(self, crop: Tensor) -> Tensor:
        """Map z-normalised cubes, (b, 1, 128, 128, 128) float32, to embeddings, (b, 384, 8, 8, 8)."""
        embedding: Tensor = self.image_encoder(crop)
        return embedding

    def decode(self, embedding: Tensor, points: Tensor, labels: Tensor, previous: Tensor) -> tuple[Tensor, Tensor]:
        """Answer points.

        Args:
            embedding: (b, 384, 8, 8, 8).
            points: (b, n, 3), voxel indices in the cube, in array order.
            labels: (b, n), 1 inside the target, 0 outside.
            previous: (b, 1, 32, 32, 32), logits of the previous answer; zeros for the first.

        Returns:
            Logits (b, 1, 32, 32, 32) and the estimated overlap (b, 1), which was never trained.
        """
        image = embedding + self.prompt_encoder.mask(previous)
        tokens = self.prompt_encoder.points(points, labels)
        logits, overlap = self.mask_decoder(image, self.prompt_encoder.pe_layer.grid(), tokens)
        return logits[:, :1], overlap[:, :1]


def upsampled(low_res: Tensor) -> Tensor:
    """Enlarge logits from (b, 1, 32, 32, 32) to the cube's (b, 1, 128, 128, 128), trilinear."""
    return functional.interpolate(low_res, scale_factor=_ENLARGED, mode="trilinear", align_corners=False)


def foreground(low_res: Tensor) -> Tensor:
    """Tell where the enlarged logits of one target, (1, 1, 32, 32, 32), are above 0: (128, 128, 128) of bool.

    The same as `upsampled(low_res) > 0`. Between values of 0 and less there is nothing above 0, so that only the box
    around the others is enlarged, with a margin of two, of which the outer one is not read.
    """
    large = torch.zeros([_ENLARGED * side for side in low_res.shape[2:]], dtype=torch.bool, device=low_res.device)
    found = torch.nonzero(low_res[0, 0] > 0)
    if len(found) == 0:
        return large
    low, high = (found.amin(0) - 2).clamp(min=0).tolist(), (found.amax(0) + 3).tolist()
    part = tuple(slice(first, last) for first, last in zip(low, high, strict=True))
    near = upsampled(low_res[:, :, part[0], part[1], part[2]])[0, 0] > 0
    (i, j, k), (di, dj, dk) = (_ENLARGED * n for n in low), near.shape
    large[i : i + di, j : j + dj, k : k + dk] = near
    return large


def unfilled_network() -> SamMed3DNetwork:
    """Return the network in evaluation mode, without memory for its parameters until `checkpoint.fill` gives it."""
    with torch.device("meta"):
        network = SamMed3DNetwork()
    return network.eval().requires_grad_(requires_grad=False)
