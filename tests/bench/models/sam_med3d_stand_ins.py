"""Stand-in networks whose right answer is known, for the tests of SAM-Med3D's sessions."""

import torch
from torch.nn import functional


class Bright:
    """Finds what is brighter than the middle of the cube's range, whatever is clicked."""

    def __init__(self) -> None:
        self.encoded: list[torch.Tensor] = []
        self.shown: list[tuple[torch.Tensor, torch.Tensor, torch.Tensor]] = []
        """The first target of each batch: points (1, n, 3), labels (1, n), previous logits."""
        self.batches: list[torch.Tensor] = []

    def encode(self, crop):
        """Halve the resolution twice and put zero at the middle of the range."""
        self.encoded.append(crop)
        small = functional.avg_pool3d(crop, 4)
        return small - (small.max() + small.min()) / 2

    def decode(self, embedding, points, labels, previous):
        """Answer with the embedding and remember what was asked."""
        self.shown.append((points[:1], labels[:1], previous[:1]))
        self.batches.append(points)
        return embedding.expand(len(points), -1, -1, -1, -1), torch.zeros(len(points), 1)


class Attentive(Bright):
    """Heeds every click, its label, the previous answer and the orientation."""

    def decode(self, embedding, points, labels, previous):
        """Add a bump at each point, and part of the previous answer."""
        super().decode(embedding, points, labels, previous)
        places = torch.stack(torch.meshgrid([torch.arange(32.0)] * 3, indexing="ij"), dim=-1)
        logits = embedding + 0.3 * previous + 0.02 * places[..., 0]
        for target in range(len(points)):
            for point, label in zip(points[target], labels[target], strict=True):
                bump = torch.exp(-((places - point / 4) ** 2).sum(dim=-1) / 20)
                logits[target] += (2.0 if label else -2.0) * bump
        return logits, torch.zeros(len(points), 1)
