"""Label files with values that the recipe does not know."""

import numpy as np

from curate.annotating import MOST_UNKNOWN_VALUES
from curate.geometry import Geometry
from curate.volume import Volume, write


def test_an_image_in_place_of_labels_gives_few_rows(tree):
    """A label file of a thousand values becomes a bounded number of rows, the last of which counts the rest."""
    grid = Geometry((10, 10, 10), np.eye(4))
    write(Volume(np.zeros(grid.shape_ijk, dtype=np.int16), grid), tree.raw / "images/a.nii.gz")
    write(Volume(np.arange(1000, dtype=np.int16).reshape(grid.shape_ijk), grid), tree.raw / "labels/a.nii.gz")
    rows = tree.build().rows("rejections", code="unknown_value")
    assert len(rows) == MOST_UNKNOWN_VALUES + 1
    assert sum("more values" in row["detail"] for row in rows) == 1
    assert any(f"{997 - MOST_UNKNOWN_VALUES} more values are not in the recipe" in row["detail"] for row in rows)
