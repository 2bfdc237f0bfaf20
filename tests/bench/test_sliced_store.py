"""A store of slices is a store like another: suites find its masks, and perfect answers score as such."""

import pytest

from bench import models, suite
from bench import run as runs
from curate import manifest, phantoms, pipeline, profile, recipe
from curate.executor import Where

STEPS = 4
LIMIT = 30


@pytest.mark.parametrize(
    ("dataset", "name", "unit"), [("phantom-nnunet", "all", "mm"), ("phantom-png", "phantom", "pixel")]
)
def test_the_oracle_is_perfect_on_slices(tmp_path, rows_of, dataset, name, unit):
    """Every mask of slices and of pictures has Dice and NSD 1; distances are in mm where the volume had a spacing."""
    write = {"phantom-nnunet": phantoms.write_nnunet, "phantom-png": phantoms.write_png}[dataset]
    write(tmp_path / "raw", cases=2)
    source = pipeline.Source(recipe.load(dataset), tmp_path / "raw")
    pipeline.build([source], tmp_path / "store", profile.load("sa-med2d"), Where(1))
    runs.run(suite.load(name), models.Choice("oracle"), tmp_path / "store", tmp_path / "run", Where(1), limit=LIMIT)
    masks = manifest.read_table(tmp_path / "store", "masks").to_pylist()
    images = sorted({row["image_id"] for row in masks})[:LIMIT]
    rows = rows_of(tmp_path / "run")
    assert len(rows) == STEPS * sum(row["image_id"] in images for row in masks) > 0
    assert {(row["status"], row["dice"], row["nsd"], row["hd95_mm"]) for row in rows} == {("ok", 1.0, 1.0, 0.0)}
    assert {row["distance_unit"] for row in rows} == {unit}
