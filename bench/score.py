"""Score stored predictions again, without any model: change a metric, run this."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

from tqdm import tqdm

from bench import predictions, record, scores, trial
from bench.suite import Suite, Unit, plan
from curate.errors import ReadError, StoreError
from curate.files import held, sha256_of_file
from curate.manifest import STORE_PATH


@dataclass(frozen=True, slots=True)
class Rescored:
    """What became of the rows of a run."""

    scored: int
    """Rows whose prediction was scored again."""
    without_prediction: int
    """Rows with scores whose prediction was not kept: they stay as they were."""
    without_scores: int
    """Rows of failures, which have nothing to score."""


def score(run: Path, store: Path | None = None) -> Rescored:
    """Compute the metrics of a run's kept predictions again and write `scores.parquet`.

    Args:
        run: Folder of a finished run that kept its predictions.
        store: Where its store lies now; by default where it was.

    Raises:
        StoreError: When the run kept none or lost one, or when the store is not the one that it ran on.
    """
    content = record.read(run)
    store = Path(content["store_path"]) if store is None else store
    with held(run, "bench"):
        rows = scores.read(run)
        if not predictions.exist(run):
            raise StoreError(f"{run}: no predictions were kept; run again with --keep-predictions --resume never")
        if not (store / STORE_PATH).is_file() or sha256_of_file(store / STORE_PATH) != content["store"]["sha256"]:
            raise StoreError(f"{store}: not the store that {run} ran on; give it with --store STORE")
        suite = Suite.model_validate(content["suite"]["content"])
        units = {unit.image["image_id"]: unit for unit in plan(suite, store)}
        scored = sorted((row for row in rows if row["status"] == "ok"), key=itemgetter("image_id"))
        groups = [(image_id, list(group)) for image_id, group in groupby(scored, key=itemgetter("image_id"))]
        try:
            counts = [
                _score_image(run, store, suite, units[image_id], group)
                for image_id, group in tqdm(groups, unit="image", disable=None)
            ]
        except (ReadError, KeyError) as error:
            raise StoreError(f"{run}: cannot be scored again: {error}; run again with --resume never") from error
        scores.write(run, rows)
    return Rescored(sum(counts), len(scored) - sum(counts), len(rows) - len(scored))


def _score_image(run: Path, store: Path, suite: Suite, unit: Unit, rows: Sequence[dict[str, Any]]) -> int:
    """Score the rows of one image in place; return how many had a prediction."""
    asked = {row["mask_id"] for row in rows}
    wanted = replace(unit, masks=tuple(mask for mask in unit.masks if mask["mask_id"] in asked))
    image, targets = trial.read_unit(wanted, store)
    references = {target.mask_id: target.reference for target in targets}
    kept: dict[tuple[int, int], Mapping[str, Any]] = {}
    count = 0
    for row in rows:
        step, seed = row["step"], row["seed"]
        if (step, seed) not in kept:
            kept[step, seed] = predictions.read(run, unit.image["image_id"], step, image.geometry.shape_ijk, seed)
        prediction = kept[step, seed].get(row["mask_id"])
        if prediction is not None:
            reference = references[row["mask_id"]]
            row.update(trial.scores_of(reference, prediction, image.geometry, suite, row["kind"]))
            count += 1
    return count
