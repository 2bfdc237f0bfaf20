"""What the figures of the study mean."""

from bench.gap.levels import SIZE_CLASSES
from bench.statistics.bootstrap import MIN_PATIENTS, RESAMPLES
from bench.transfer.held_out import MARGIN, VERDICTS
from bench.transfer.nearest import RELATIONS, SAME_TARGET

GAP_IN_SHORT = (
    "Raw: mean of seen minus mean of unseen masks. Matched: the same within strata of modality and size, so that small "
    "targets do not pose as unseen ones. Unknown masks are on neither side."
)
HELD_OUT_IN_SHORT = (
    f"A held-out target transfers when its matched gap certainly stays below {MARGIN:g} Dice: a statement relative to "
    "the same model's seen masks, not a grade."
)
PUBLISHED_IN_SHORT = (
    "Published numbers come from the papers' own copies of the data: not run here, and part of no other number."
)
_TERMS = {
    "seen, unseen, unknown": """The answer of the run's training card for the target, modality, dataset or image of a
        mask. What is not disclosed is unknown, not unseen, and stays apart.""",
    "Dice": """Mean over masks. A mask whose status is failed, timeout or out of memory counts as 0; masks that are
        unsupported or not applicable are left out. Several seeds of one mask are averaged first: n counts masks.""",
    "95 % interval": f"""In brackets: percentile bootstrap, {RESAMPLES:,} resamples of patients within datasets. All
        runs, steps and answers share the resamples of the leaderboard, so differences are paired. The choice of
        datasets is not resampled. None is given below {MIN_PATIENTS} patients; for a gap, below {MIN_PATIENTS} on
        either side.""",
    "gap, raw": "Mean Dice of the seen masks minus that of the unseen ones.",
    "gap, matched": f"""Average treatment effect on the unseen: in each stratum that holds both sides the mean of the
        seen minus the mean of the unseen masks, averaged with the number of unseen masks as weight. A stratum is one
        modality and one size class ({SIZE_CLASSES}); for the level modality, one size class. It is a cost of being
        unseen only as far as seen and unseen masks of one stratum are equally hard otherwise.""",
    "unseen with a match": """Share of the unseen masks whose stratum has a seen one. The matched gap speaks of these
        alone.""",
    "held-out target, modality, source": """Everything that the training card calls unseen, one by one; its matched gap
        is that of all seen masks minus its own.""",
    SAME_TARGET: "The same target on images of a modality that was in training.",
}


def terms() -> list[tuple[str, str]]:
    """Define everything that a reader meets."""
    found = [(term, " ".join(meaning.split())) for term, meaning in _TERMS.items()]
    found += [(verdict, meaning) for verdict, meaning in VERDICTS.items()]
    return found + [(f"nearest seen target: {relation}", meaning) for relation, meaning in RELATIONS.items()]
