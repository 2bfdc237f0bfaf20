"""Score stored predictions again, without any model: change a metric, run this."""

from itertools import groupby
from pathlib import Path

from tqdm import tqdm

from bench import metrics, predictions, record, scores, trial
from bench.suite import Suite, plan
from curate.errors import StoreError
from curate.files import sha256_of_file
from curate.manifest import STORE_PATH


def score(run: Path, store: Path | None = None) -> int:
    """Compute the metrics of a run's kept predictions again and write `scores.parquet`.

    Args:
        run: Folder of a finished run that kept its predictions.
        store: Where its store lies now; by default where it was.

    Returns:
        Number of rows that were scored again. Rows without a prediction stay as they are.

    Raises:
        StoreError: When the run kept none, or when the store is not the one that it ran on.
    """
    content = record.read(run)
    store = Path(content["store_path"]) if store is None else store
    if not predictions.exist(run):
        raise StoreError(f"{run}: no predictions were kept; run again with --keep-predictions --resume never")
    if not (store / STORE_PATH).is_file() or sha256_of_file(store / STORE_PATH) != content["store"]["sha256"]:
        raise StoreError(f"{store}: not the store that {run} ran on; give it with --store STORE")
    suite = Suite.model_validate(content["suite"]["content"])
    units = {unit.image["image_id"]: unit for unit in plan(suite, store)}
    rows = scores.read(run)
    count = 0
    by_image = sorted(rows, key=lambda row: str(row["image_id"]))
    for image_id, group in tqdm(groupby(by_image, key=lambda row: str(row["image_id"])), unit="image", disable=None):
        image, targets = trial.read_unit(units[image_id], store)
        references = {target.mask_id: target.reference for target in targets}
        for step, of_step in groupby(sorted(group, key=lambda row: int(row["step"])), key=lambda row: int(row["step"])):
            found = predictions.read(run, image_id, step, image.geometry.shape_ijk)
            for row in of_step:
                prediction = found.get(row["mask_id"])
                if row["status"] == "ok" and prediction is not None:
                    tolerance = trial.tolerance(suite, image.geometry)
                    row.update(metrics.score(references[row["mask_id"]], prediction, image.geometry, tolerance))
                    count += 1
    scores.write(run, rows)
    return count
