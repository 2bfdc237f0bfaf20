"""What is in a store, in numbers."""

from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Any

from curate import manifest
from curate.funnel import funnels

_OF_RULES = ["dataset", "target", "code", "effect", "step", "rule", "masks_before", "masks_after"]


def stats(store: Path) -> dict[str, Any]:
    """Count a store's images, masks and rejections.

    Returns:
        `counts` of the whole store, `datasets` (a row each), `modalities`, `targets` and `rejections`, each sorted;
        `funnel`, what the profile's rules did, per dataset and target (see `curate.funnel`).

    Raises:
        StoreError: When there is no finished store.
    """
    content = manifest.read_store(store)
    images, masks = manifest.read_frame(store, "images"), manifest.read_frame(store, "masks")
    rejections = manifest.read_frame(store, "rejections")
    kept = Counter(zip(masks["dataset"], masks["target"], strict=True))
    of_rules = manifest.read_table(store, "rejections", columns=_OF_RULES).to_pylist()
    targets = masks.groupby("target").agg(
        masks=("mask_id", "size"), datasets=("dataset", "nunique"), voxels=("voxels", "median")
    )
    codes = rejections.groupby(["stage", "code", "effect"], as_index=False).size()
    return {
        "profile": content["profile"]["name"],
        "counts": content["counts"],
        "datasets": [
            {key: row[key] for key in ("dataset", "licence", "images", "masks", "patients", "rejections")}
            for row in manifest.read_datasets(store)
        ],
        "modalities": {str(name): int(count) for name, count in images["modality"].value_counts().sort_index().items()},
        "targets": [
            {
                "target": str(name),
                "masks": int(row["masks"]),
                "datasets": int(row["datasets"]),
                "median_voxels": float(row["voxels"]),
            }
            for name, row in targets.sort_index().iterrows()
        ],
        "rejections": [
            {"stage": row["stage"], "code": row["code"], "effect": row["effect"], "rows": int(row["size"])}
            for row in codes.sort_values(["stage", "code"]).to_dict("records")
        ],
        "funnel": [asdict(one) for one in funnels(kept, of_rules)],
    }
