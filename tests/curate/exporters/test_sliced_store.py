"""Stores of slices under the exporters: SA-Med2D writes the same files as from the volumes, others want volumes."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from curate import pipeline, profile, recipe
from curate.errors import UsageError
from curate.executor import Where
from curate.exporters import Selection, export
from curate.geometry import Geometry
from curate.pipeline import Source
from curate.volume import Volume, write

SAME = ("SAMed2D_v1.json", "SAMed2D_v1_class_mapping_id.json", "image2label_train.json", "label2image_test.json")
CELLS = """schema = 1
[dataset]
id = "cells"
title = "Cells"
licence = "CC0-1.0"
licence_evidence = "made here"
citation = "none"
source = "made here"
annotation = "phantom"
region = "cell"
[[images]]
path = "images/{case}.png"
modality = "microscopy"
[[labels]]
path = "labels/{case}.png"
instances = "cell_nucleus"
"""


def rebuilt(store: Path, raw: Path, recipes: Path) -> Path:
    """Build every recipe of a folder again, with the profile `sa-med2d`, beside its native store."""
    out = store.with_name("sliced")
    sources = [Source(recipe.load(str(path)), raw / path.stem) for path in sorted(recipes.glob("*.toml"))]
    pipeline.build(sources, out, profile.load("sa-med2d"), Where(1))
    return out


def contents(folder: Path) -> dict[str, str]:
    """Return the hash of every picture and JSON file of an export, by its path."""
    files = [*folder.rglob("*.png"), *(folder / name for name in SAME if (folder / name).exists())]
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.mark.parametrize("name", ["phantom_store", "organs_store", "glioma_store", "colour_store"])
def test_slices_export_as_their_volumes_do(name, request, tmp_path):
    """Pictures, masks, names, classes and lists are the same, byte by byte, whether cut by the build or the export."""
    native = request.getfixturevalue(name)
    sliced = native.with_name("sliced")
    if not sliced.exists():
        rebuilt(native, native.with_name("raw"), native.with_name("recipes"))
    export(native, "sa-med2d", tmp_path / "native")
    export(sliced, "sa-med2d", tmp_path / "sliced")
    found = contents(tmp_path / "native")
    assert contents(tmp_path / "sliced") == found
    assert len(found) > 5


def test_regions_are_numbered_alike_beyond_ten(tmp_path):
    """Thirteen nuclei of two regions each: instance 10 comes after 9, so that both exports number them the same."""
    labels = np.zeros((130, 60, 1), dtype=np.uint8)
    for n in range(13):
        labels[10 * n : 10 * n + 6, 2:8] = labels[10 * n : 10 * n + 6, 20:26] = n + 1
    grid = Geometry(labels.shape, np.eye(4), unit="pixel")
    write(Volume(labels, grid), tmp_path / "raw/cells/labels/a.png")
    write(Volume(labels * np.uint8(9), grid), tmp_path / "raw/cells/images/a.png")
    (tmp_path / "recipes").mkdir()
    (tmp_path / "recipes/cells.toml").write_text(CELLS)
    source = Source(recipe.load(str(tmp_path / "recipes/cells.toml")), tmp_path / "raw/cells")
    pipeline.build([source], tmp_path / "native", profile.load("native"), Where(1))
    rebuilt(tmp_path / "native", tmp_path / "raw", tmp_path / "recipes")
    for name in ("native", "sliced"):
        export(tmp_path / name, "sa-med2d", tmp_path / "out" / name)
    masks = json.loads((tmp_path / "out/native/SAMed2D_v1.json").read_text())
    assert [len(found) for found in masks.values()] == [26]
    assert contents(tmp_path / "out/sliced") == contents(tmp_path / "out/native")


@pytest.mark.parametrize("name", ["sam-med3d", "nnunet", "decathlon"])
def test_formats_of_volumes_take_no_slices(phantom_store, tmp_path, name):
    """They refuse a store of slices, and say why."""
    sliced = phantom_store.with_name("sliced")
    if not sliced.exists():
        rebuilt(phantom_store, phantom_store.with_name("raw"), phantom_store.with_name("recipes"))
    with pytest.raises(UsageError, match="nothing to export: needs_volume for"):
        export(sliced, name, tmp_path / "out", Selection(datasets=("phantom-n*",)))
