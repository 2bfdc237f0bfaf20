"""Randomness that belongs to a place, not to a moment."""

import hashlib
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Key:
    """Names one draw of prompts."""

    protocol: str
    version: int
    dataset: str
    image_id: str
    target: str
    """What follows the `#` of the mask_id: the target, and its rater where there are several."""
    step: int
    """From 1."""

    def generator(self) -> np.random.Generator:
        """Return the generator of this draw: PCG64 seeded by the SHA-256 of all six fields."""
        fields = (self.protocol, self.version, self.dataset, self.image_id, self.target, self.step)
        digest = hashlib.sha256("\x1f".join(str(field) for field in fields).encode()).digest()
        return np.random.Generator(np.random.PCG64(int.from_bytes(digest)))
