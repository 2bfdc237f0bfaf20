"""Randomness that belongs to a place, not to a moment."""

import hashlib
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Key:
    """Names one draw of prompts, and the grid that it is drawn on."""

    protocol: str
    version: int
    dataset: str
    image_id: str
    target: str
    """What follows the `#` of the mask_id: the target, and its rater where there are several."""
    step: int
    """From 1."""
    seed: int = 0
    """Tells repeated trials of one mask apart; 0 draws what was drawn before there were seeds."""
    spacing: tuple[float, float, float] | None = None
    """Distance of voxel centres along i, j, k (mm, or 1 where the source states none); plays no part in the draw."""

    def generator(self) -> np.random.Generator:
        """Return the generator of this draw: PCG64 seeded by the SHA-256 of the six fields, and of the seed if any."""
        fields = (self.protocol, self.version, self.dataset, self.image_id, self.target, self.step)
        seeded = (*fields, f"seed {self.seed}") if self.seed else fields
        digest = hashlib.sha256("\x1f".join(str(field) for field in seeded).encode()).digest()
        return np.random.Generator(np.random.PCG64(int.from_bytes(digest)))
