"""The targets of a store: how many masks, how large, and in how many images one was looked for and is not there."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from curate.report import quantiles, table
from curate.report.content import Content
from curate.report.counts import patients
from curate.report.table import Column, Table

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

_MM3_PER_ML = 1000.0
_NO_VOLUME = "no image of these masks has a spacing, or there is no mask"
SHOWN = 1500
"""Targets on the page; the vocabulary has fewer."""


def by_target(content: Content) -> Table:
    """Count masks, images, patients and datasets of each target, with the quartiles of its volume in millilitres."""
    columns = (
        Column("target", "Target"),
        Column("kind", "Kind"),
        Column("anatomy_group", "Anatomical group", why="the taxonomy of SAM-Med3D does not have it"),
        *table.counts("masks", "images", "patients", "datasets"),
        Column("n_volume", "n with a volume", "count"),
        *(Column(f"volume_ml_{name}", title, "number", _NO_VOLUME) for name, title in _VOLUMES.items()),
    )
    caption = f"Volumes are of masks whose image has a spacing. {quantiles.DEFINITION}"
    groups = content.masks.groupby("target", observed=True)
    rows = sorted((_target_row(str(name), part) for name, part in groups), key=lambda row: str(row["target"]))
    return table.of("targets", "Targets", caption, columns, rows, SHOWN)


def by_kind(content: Content) -> Table:
    """Count the masks of each kind of target, with the quartiles of their volume in millilitres."""
    columns = (
        Column("kind", "Kind"),
        *table.counts("targets", "masks"),
        *quantiles.columns("ml", _NO_VOLUME),
    )
    rows = [
        {
            "kind": str(kind),
            "targets": int(part["target"].nunique()),
            "masks": len(part),
            **quantiles.five(volumes_ml(part)),
        }
        for kind, part in content.masks.groupby("kind", observed=True)
    ]
    rows.sort(key=lambda row: str(row["kind"]))
    caption = f"Volumes of masks whose image has a spacing; n counts these. {quantiles.DEFINITION}"
    return table.of("kinds", "Mask volume by kind of target", caption, columns, rows)


def volumes_ml(masks: "pd.DataFrame") -> "NDArray[np.float64]":
    """Return the volumes of masks in millilitres; NaN where an image has no spacing."""
    found: NDArray[np.float64] = masks["volume_mm3"].to_numpy(dtype=float) / _MM3_PER_ML
    return found


def by_absence(content: Content) -> Table:
    """Count, for each target, the images in which it was looked for, those with a mask, and the true negatives.

    Every (image, target) pair of `labelled_targets` is exactly one of the three that the columns count.
    """
    columns = (
        Column("target", "Target"),
        *table.counts("looked_for", "with_mask", "true_negatives", "removed"),
    )
    caption = (
        "Images by what became of a target that was looked for in them. True negatives: it was looked for and has no "
        "voxels (code empty_mask). Removed: its mask was rejected, cleaned away or split into other targets. In all "
        "other images the target is unknown, which is not background."
    )
    looked_for = _pairs_looked_for(content)
    masks, empty = content.masks, content.rejections[content.rejections["code"] == "empty_mask"]
    rows = []
    with_mask = _is_among(looked_for, masks)
    negative = ~with_mask & _is_among(looked_for, empty)
    counted = looked_for.assign(with_mask=with_mask, true_negatives=negative, removed=~with_mask & ~negative)
    for name, part in counted.groupby("target", observed=True):
        sums = {column: int(part[column].sum()) for column in ("with_mask", "true_negatives", "removed")}
        rows.append({"target": str(name), "looked_for": len(part), **sums})
    rows.sort(key=lambda row: str(row["target"]))
    return table.of("true_negatives", "Looked for and not there", caption, columns, rows, SHOWN)


_VOLUMES: Mapping[str, str] = {
    "q1": "Volume, ml: lower quartile",
    "median": "Volume, ml: median",
    "q3": "Volume, ml: upper quartile",
}


def _target_row(name: str, masks: "pd.DataFrame") -> dict[str, Any]:
    group = masks["anatomy_group"].iloc[0]
    volumes = quantiles.five(volumes_ml(masks))
    return {
        "target": name,
        "kind": str(masks["kind"].iloc[0]),
        "anatomy_group": group if isinstance(group, str) else None,
        "masks": len(masks),
        "images": int(masks["image_id"].nunique()),
        "patients": patients(masks),
        "datasets": int(masks["dataset"].nunique()),
        "n_volume": volumes["n"],
        **{f"volume_ml_{quantile}": volumes[quantile] for quantile in _VOLUMES},
    }


def _pairs_looked_for(content: Content) -> "pd.DataFrame":
    """Return (image_id, target) of every target that was looked for in an image, each pair once."""
    pairs = content.images[["image_id", "labelled_targets"]].explode("labelled_targets")
    named = pairs.rename(columns={"labelled_targets": "target"}).dropna(subset=["target"])
    return named.drop_duplicates().reset_index(drop=True)


def _is_among(pairs: "pd.DataFrame", others: "pd.DataFrame") -> "NDArray[np.bool_]":
    """Tell for each (image_id, target) pair whether it stands among others."""
    import numpy as np
    import pandas as pd

    images = pd.Index(pairs["image_id"].astype(object).unique())
    targets = pd.Index(pairs["target"].astype(object).unique())

    def numbers(frame: "pd.DataFrame") -> "NDArray[np.int64]":
        """Return one whole number per pair, -1 where the image or the target is none of `pairs`."""
        image = images.get_indexer(frame["image_id"].astype(object))
        target = targets.get_indexer(frame["target"].astype(object))
        joined: NDArray[np.int64] = np.where((image < 0) | (target < 0), -1, image * len(targets) + target)
        return joined

    found: NDArray[np.bool_] = np.isin(numbers(pairs), np.setdiff1d(numbers(others), [-1]))
    return found
