"""What the statistics of a leaderboard mean."""

from bench.board import Board
from bench.page.tables import tolerances
from bench.schema import STATUSES
from bench.statistics.bootstrap import MIN_PATIENTS, RESAMPLES
from bench.statistics.coverage import OUTCOMES
from bench.statistics.figures import FAILED_IS_ZERO, GAP, OK_ONLY, OVER_DATASETS, OVER_MASKS, OVER_TARGETS
from bench.statistics.schemes import BY_MEAN_RANK, BY_MEDIAN_RANK, BY_TESTS
from bench.statistics.signed_rank import ALPHA

_TERMS = {
    OVER_MASKS: "Every mask weighs the same, so large datasets weigh most; the mean that SAM-Med3D published.",
    OVER_TARGETS: "The mean of the targets' means: every target weighs the same, however many masks it has.",
    OVER_DATASETS: "The mean of the datasets' means: every dataset weighs the same.",
    FAILED_IS_ZERO: """The policy of Dice, IoU and NSD wherever nothing else is said: a mask whose status is failed,
        timeout or out of memory counts as 0. Masks that are unsupported, not applicable or missing are in neither mean;
        coverage shows them.""",
    OK_ONLY: """The mean over the masks that the model answered. Distances and volume errors have no worst value, so
        they are always of answered masks, and only where their definition gives a value; n is shown where it
        differs.""",
    "rank": """Place by Dice at the last step, failed = 0, among models of this table; equal models share the better
        place. Only models that are counted on every mask that the protocol
        applies to have a rank; the others are listed apart. In brackets the 95 % interval of the rank over the
        resamples. References, which are shown the truth, are never ranked.""",
    "tie group": f"""Models that the two-sided Wilcoxon signed-rank test on patients' means, corrected by Holm over all
        pairs of ranked models, does not separate from the best of their group (p > {ALPHA}).""",
    f"{BY_MEAN_RANK}, {BY_MEDIAN_RANK}": """Models are ranked on each patient, by the mean Dice of the patient's masks;
        the mean, or the median, of these places ranks the models.""",
    BY_TESTS: f"""Models are ranked by the number of rivals that they beat in a one-sided Wilcoxon signed-rank test on
        patients' means, corrected by Holm over all ordered pairs (p <= {ALPHA}).""",
    "claim false": """Probability that the model with the larger mean over patients is not the better one: the
        posterior of the paired difference is Student's t around the mean of the sample (arXiv 2505.04720).""",
    "area over steps": """Area under the curve of Dice over the scored steps by the trapezoid rule, over the length of
        the grid: 0 to 1.""",
    "steps to 80, 85, 90 %": """First scored step whose Dice is at least that; the last step for masks that never reach
        it, whose share stands beside it.""",
    "failure rate": """Masks with status failed, timeout or out of memory, over all masks that the model was asked for
        (not those that are unsupported or not applicable).""",
    "seeds": "A mask with several seeds counts once: its seeds are averaged before anything else.",
    "95 % interval": f"""In brackets: percentile bootstrap, {RESAMPLES:,} resamples of patients within datasets,
        because the masks of one patient are not independent. All models, steps and splits share the resamples, so
        differences are paired. None is given below {MIN_PATIENTS} patients, and none for medians and maxima. The
        choice of datasets is not resampled.""",
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
