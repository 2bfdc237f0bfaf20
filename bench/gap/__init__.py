"""The generalisation gap: how much better a model is on what it has seen in training than on what it has not.

Raw, it is the mean of the seen masks minus that of the unseen ones. Matched, it compares masks of one modality and one
size class, so that small or otherwise hard targets do not pose as unseen ones.
"""

from bench.gap.estimate import Gap, compare, draw_side, estimate
from bench.gap.levels import LevelGap, gaps, strata_of
from bench.gap.masks import Masks, masks_at

__all__ = ["Gap", "LevelGap", "Masks", "compare", "draw_side", "estimate", "gaps", "masks_at", "strata_of"]
