"""Small stand-ins for the published 2D networks, and prompts and images for their tests."""

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from bench.models.base import Capabilities, ModelCard
from bench.models.planar.frames import Stretched
from bench.models.planar.options import Options
from bench.models.planar.session import PlanarSession
from bench.records import Prompts
from curate.geometry import Geometry

SIDE = 32


class Tiny(nn.Module):
    """Random weights; heeds the picture, every point and its label, the box, the previous answer and their number."""

    side = SIDE

    def __init__(self, seed=0):
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            self.patch = nn.Conv2d(3, 6, 4, stride=4)
            self.mix = nn.Conv2d(6, 6, 3, padding=1)
            self.kinds = nn.Embedding(4, 6)
            self.head = nn.Conv2d(6, 4, 1)
        self.requires_grad_(requires_grad=False)
        self.encoded = 0
        self.batches = []
        self.decoded = []

    def encode(self, pictures):
        """Return (n, 6, 8, 8) and (n, 1, 8, 8)."""
        self.encoded += len(pictures)
        self.batches.append(len(pictures))
        tokens = torch.tanh(self.patch(pictures))
        return tokens + torch.tanh(self.mix(tokens)), functional.avg_pool2d(pictures.mean(dim=1, keepdim=True), 4)

    def decode(self, embedding, points_xy, labels, boxes_xyxy, mask_logits, *, multimask):
        """Add bumps at the points, in the direction of their label; every token shifts all pixels."""
        self.decoded.append(len(points_xy))
        tokens, bright = embedding
        count, side = len(points_xy), SIDE // 4
        line = torch.arange(side, device=tokens.device)
        places = torch.stack(torch.meshgrid(line, line, indexing="xy"), dim=-1) * 4.0
        state = (tokens + 0.3 * bright).repeat(count, 1, 1, 1)
        for n in range(points_xy.shape[1]):
            near = torch.exp(-((places - points_xy[:, n, None, None]) ** 2).sum(dim=-1) / 60)
            kind = self.kinds(labels[:, n].clamp(min=-1) + 1)
            state = state + kind[:, :, None, None] * (0.05 + near[:, None])
        if boxes_xyxy is not None:
            inside = ((places >= boxes_xyxy[:, None, None, :2]) & (places <= boxes_xyxy[:, None, None, 2:])).all(dim=-1)
            state = state + self.kinds.weight[3][:, None, None] * inside[:, None]
        if mask_logits is not None:
            state = state + 0.2 * mask_logits * self.kinds.weight[0][:, None, None]
        logits = self.head(torch.tanh(state))
        logits = logits[:, 1:] if multimask else logits[:, :1]
        return logits, logits.mean(dim=(2, 3)) - logits.amax(dim=(2, 3))


class Bright(Tiny):
    """Finds what is bright inside the box, or everywhere without one."""

    def decode(self, embedding, points_xy, labels, boxes_xyxy, mask_logits, *, multimask):
        """Answer one mask, whatever else is asked, and remember how many prompts came at once."""
        del labels, mask_logits, multimask
        self.decoded.append(len(points_xy))
        logits = embedding[1].repeat(len(points_xy), 1, 1, 1)
        if boxes_xyxy is not None:
            places = torch.stack(torch.meshgrid(torch.arange(8), torch.arange(8), indexing="xy"), dim=-1) * 4.0 + 1.5
            low, high = boxes_xyxy[:, None, None, :2] - 6, boxes_xyxy[:, None, None, 2:] + 6
            inside = ((places >= low) & (places <= high)).all(dim=-1)[:, None]
            logits = torch.where(inside, logits, torch.full_like(logits, -3.0))
        return logits, torch.zeros(len(points_xy), 1)


class TinyModel:
    """A model of the benchmark around the random network, for the checks of conformance."""

    card = ModelCard(
        "tiny", "a random network", "Apache-2.0", Capabilities(frozenset({2, 3}), frozenset({"points", "box", "boxes"}))
    )
    options = Options()

    def open(self, image):
        """Open as the published models do."""
        return PlanarSession(Tiny(), image, self.options)


class PropagatingModel(TinyModel):
    """The same, going on to slices without prompts."""

    options = Options(propagate=True, previous="sigmoid", fit="pad-or-stretch", channels="bgr")


class FlatModel(TinyModel):
    """The same, for boxes on single slices only, in a frame of its own."""

    card = ModelCard("flat", "a random network", "Apache-2.0", Capabilities(frozenset({2}), frozenset({"box"})))
    options = Options(multimask="never", previous="none", intensity="slice")

    def open(self, image):
        """Open with boxes only."""
        return PlanarSession(Tiny(), image, self.options, frame=Stretched, prompts=self.card.capabilities.prompts)


def upright(shape_ijk, spacing_mm=(1.0, 1.0, 1.0)):
    """Return a RAS grid."""
    return Geometry(shape_ijk, np.diag([*spacing_mm, 1.0]))


def clicks(*points, labels=None, key="target", box=None):
    """Return prompts; all positive unless labels are given."""
    found = np.array(points, dtype=np.int64).reshape(-1, 3)
    return Prompts(key, found, np.array(labels if labels is not None else [1] * len(found), dtype=np.int64), box)
