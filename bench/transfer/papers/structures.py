"""Targets as SAM-Med3D's figure 4d merges them: left and right are one structure, and so are numbered ones."""

import re

from curate.vocabulary import Vocabulary

_NUMBERED = re.compile(r".*_[a-z]?\d+")


def structure_of(target: str) -> str:
    """Return the structure that a target belongs to: `kidney` of `kidney_left`, `ribs` of `rib_3_left`.

    A word outside the vocabulary is its own structure.
    """
    vocabulary = Vocabulary.load()
    if target not in vocabulary.targets:
        return target
    base = vocabulary.unsided(target) or target
    parent = vocabulary.targets[base].parent
    if _NUMBERED.fullmatch(base) and parent is not None:
        return vocabulary.unsided(parent) or parent
    return base
