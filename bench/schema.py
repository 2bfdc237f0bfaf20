"""The columns of `scores.parquet`, as data."""

from curate.schema import Column, Table

STATUSES = {
    "ok": "the model answered; scores are there unless their definition gives none",
    "failed": "the model raised an error or answered with something that is no mask; see `detail`",
    "timeout": "the model took longer than allowed",
    "out_of_memory": "the model ran out of memory",
    "unsupported": "the model does not take this image or this kind of prompt",
    "not_applicable": "the protocol, or the grid of the scores, cannot be applied to this mask",
}
"""Every status that a row can have. A score that does not exist is null, and the status says why."""

SEEN = ("seen", "unseen", "unknown")

_WHAT: Table = (
    Column("model", "string", "name of the model"),
    Column("suite", "string", "name of the suite"),
    Column("suite_group", "string", "group of the suite that the mask belongs to"),
    Column("dataset", "string", "dataset of the image"),
    Column("patient_id", "string", "patient; the unit that the bootstrap resamples"),
    Column("image_id", "string", "image in the store"),
    Column("mask_id", "string", "mask in the store; (mask_id, protocol, seed, step) is unique"),
    Column("target", "string", "vocabulary slug"),
    Column("modality", "string", "modality of the image"),
    Column("anatomy_group", "string", "anatomical group of the SAM-Med3D taxonomy; null outside it", nullable=True),
    Column("kind", "string", "organ, bone, lesion, ... of the target"),
    Column("reference_voxels", "int64", "voxels of the reference mask"),
)

_SEEN: Table = (
    Column("seen_target", "string", "was the target among the model's training targets: seen, unseen or unknown"),
    Column("seen_modality", "string", "was the modality in training: seen, unseen or unknown"),
    Column("seen_dataset", "string", "was the dataset, or one that it re-uses, in training: seen, unseen or unknown"),
    Column("seen_image", "string", "was this image in training: seen, unseen or unknown"),
)

_HOW: Table = (
    Column("protocol", "string", "name@version of the prompt protocol"),
    Column("protocol_hash", "string", "hash of protocol, version and parameters"),
    Column("seed", "int32", "which of the repeated trials of the mask, from 0"),
    Column("step", "int32", "prompting step, from 1"),
    Column("n_points", "int32", "points shown so far"),
    Column("n_actions", "int32", "user actions so far, by the protocol's cost table"),
    Column("status", "string", "ok, failed, timeout, out_of_memory, unsupported or not_applicable"),
    Column("detail", "string", "what went wrong, or that nothing further was shown; else null", nullable=True),
)

SCORED: Table = (
    Column("dice", "double", "Dice coefficient, 0 to 1", nullable=True),
    Column("iou", "double", "intersection over union, 0 to 1", nullable=True),
    Column("nsd", "double", "normalised surface Dice at `tolerance`, 0 to 1", nullable=True),
    Column("hd95_mm", "double", "95th percentile Hausdorff distance, in `distance_unit`", nullable=True),
    Column("assd_mm", "double", "average symmetric surface distance, in `distance_unit`", nullable=True),
    Column("volume_error", "double", "(predicted - reference volume) / reference volume; 0 is right", nullable=True),
    Column("tolerance", "double", "tolerance of nsd, in `distance_unit`", nullable=True),
    Column("distance_unit", "string", "mm, or pixel where the image has no spacing", nullable=True),
    Column("grid", "string", "native, or the spacing of the grid that masks were resampled to", nullable=True),
)

FURTHER: Table = (
    Column("precision", "double", "share of the prediction that is right, 0 to 1", nullable=True),
    Column("recall", "double", "share of the reference that was found, 0 to 1", nullable=True),
    Column("nsd_1", "double", "nsd at a tolerance of 1 `distance_unit`", nullable=True),
    Column("nsd_2", "double", "nsd at a tolerance of 2 `distance_unit`", nullable=True),
    Column("nsd_3", "double", "nsd at a tolerance of 3 `distance_unit`", nullable=True),
    Column("nsd_5", "double", "nsd at a tolerance of 5 `distance_unit`", nullable=True),
    Column("hd_mm", "double", "Hausdorff distance, in `distance_unit`", nullable=True),
    Column("volume_error_ml", "double", "predicted - reference volume in ml; null without spacing", nullable=True),
    Column("lesion_f1", "double", "F1 of found lesions, 0 to 1; null where the target is no lesion", nullable=True),
    Column(
        "lesion_dice", "double", "mean Dice over lesions, 0 to 1; null where the target is no lesion", nullable=True
    ),
    Column(
        "lesion_count_error", "double", "predicted - reference lesions; null where the target is none", nullable=True
    ),
    Column("centreline_dice", "double", "centre-line Dice, 0 to 1; null where the target is no vessel", nullable=True),
)

MEASURED: Table = (
    Column("seconds_encode", "double", "time to open the image, shared by its targets", nullable=True),
    Column("seconds_prompt", "double", "time to draw this step's prompt", nullable=True),
    Column("seconds_predict", "double", "time of this step's prediction; null where none was asked for", nullable=True),
    Column("peak_memory_mb", "double", "peak resident memory of the worker so far, MiB", nullable=True),
)

SCORES: Table = (*_WHAT, *_SEEN, *_HOW, *SCORED, *FURTHER, *MEASURED)
"""One row per (mask, protocol, seed, step)."""
