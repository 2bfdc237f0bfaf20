"""What the statistics of a leaderboard mean."""

from bench.bootstrap import MIN_PATIENTS, RESAMPLES
from bench.coverage import OUTCOMES
from bench.figures import FAILED_IS_ZERO, GAP, OK_ONLY, OVER_DATASETS, OVER_MASKS
from bench.leaderboard import Board
from bench.page.tables import tolerances
from bench.schema import STATUSES

_TERMS = {
    OVER_MASKS: "Every mask weighs the same, so large datasets weigh most; the mean that SAM-Med3D published.",
    OVER_DATASETS: "The mean of the datasets' means: every dataset weighs the same.",
    FAILED_IS_ZERO: """The policy of Dice, IoU and NSD wherever nothing else is said: a mask whose status is failed,
        timeout or out of memory counts as 0. Masks that are unsupported, not applicable or missing are in neither mean;
        coverage shows them.""",
    OK_ONLY: """The mean over the masks that the model answered. Distances and volume errors have no worst value, so
        they are always of answered masks, and only where their definition gives a value; n is shown where it
        differs.""",
    "rank": """Place by Dice at the last step, failed = 0. Only models that are counted on every mask that the protocol
        applies to have a rank; the others are listed apart. In brackets the 95 % interval of the rank over the
        resamples. References, which are shown the truth, are never ranked.""",
    "95 % interval": f"""In brackets: percentile bootstrap, {RESAMPLES:,} resamples of patients within datasets,
        because the masks of one patient are not independent. All models, steps and splits share the resamples, so
        differences are paired. None is given below {MIN_PATIENTS} patients, and none for medians. The choice of
        datasets is not resampled.""",
    "n": "Masks, patients and datasets that a figure is made of.",
    "seen, unseen, unknown": f"""Whether the target, modality, dataset or image was in the model's training, by its
        training card. What is not disclosed is unknown, not unseen. The gap ({GAP}) is given only where both sides
        have masks.""",
    "HD95, mm": "Mean of the masks whose distances are in millimetres; images without spacing are left out.",
    "volume error": "(predicted - reference volume) / reference volume: its median, and its mean absolute value.",
}


def statistics(board: Board) -> tuple[tuple[str, str], ...]:
    """Define what is done with the scores, and every outcome of a mask."""
    terms = [(term, " ".join(meaning.split())) for term, meaning in _TERMS.items()]
    terms.append(("NSD tolerance", f"{tolerances(board)}; pixel where an image has no spacing."))
    missing = "another run of this table has the mask, this run does not"
    return (
        *terms,
        *((outcome.replace("_", " "), STATUSES.get(outcome, missing).replace("`", "")) for outcome in OUTCOMES),
    )
