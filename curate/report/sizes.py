"""How large images and their voxels are, by modality."""

from typing import TYPE_CHECKING

from curate.report import quantiles, table
from curate.report.content import Content
from curate.report.table import Column, Table

if TYPE_CHECKING:
    import pandas as pd

SLICE, IN_PLANE, LONGEST, VOXELS, EXTENT = (
    *("spacing across slices, mm", "spacing in plane, mm", "longest side, voxels"),
    *("voxels", "longest side, mm"),
)
"""What is measured of an image; see `measured`."""
NO_SPACING = "no image of these has a spacing"


def measured(content: Content) -> "pd.DataFrame":
    """Return modality and measures of every image; NaN where it has no such thing.

    Across slices is the largest of the three spacings, in plane the mean of the two others. An image of a single slice
    has no spacing across slices; in plane, its first two count.
    """
    import numpy as np
    import pandas as pd

    shapes = np.array(content.images["shape_ijk"].tolist(), dtype=float).reshape(-1, 3)
    spacings = [[np.nan] * 3 if value is None else list(value) for value in content.images["spacing_mm"]]
    spacing = np.array(spacings, dtype=float).reshape(-1, 3)
    ordered = np.sort(spacing, axis=1)
    flat = shapes[:, 2] == 1
    return pd.DataFrame(
        {
            "modality": content.images["modality"].astype(str).to_numpy(),
            SLICE: np.where(flat, np.nan, ordered[:, 2]),
            IN_PLANE: np.where(flat, spacing[:, :2].mean(axis=1), ordered[:, :2].mean(axis=1)),
            LONGEST: shapes.max(axis=1, initial=0),
            EXTENT: (shapes * spacing).max(axis=1, initial=0),
            VOXELS: shapes.prod(axis=1),
        }
    )


def by_modality(images: "pd.DataFrame") -> Table:
    """Give the five numbers of each measure for each modality; `images` as `measured` returns them."""
    columns = (
        Column("measure", "Measure"),
        Column("modality", "Modality"),
        Column("images", "Images", "count"),
        *quantiles.columns("", NO_SPACING),
    )
    caption = (
        "Of a volume, across slices is the largest of its three spacings and in plane the mean of the two others; an "
        "image of one slice has no spacing across slices. n counts the images that have the measure; a modality "
        "without one has no row. "
        f"{quantiles.DEFINITION}"
    )
    rows = [
        {"measure": measure, "modality": str(modality), "images": len(part), **quantiles.five(part[measure])}
        for measure in (IN_PLANE, SLICE, LONGEST, EXTENT, VOXELS)
        for modality, part in images.groupby("modality")
        if part[measure].notna().any()
    ]
    return table.of("sizes", "Spacing and size", caption, columns, rows)
