"""The report of real images."""

import json
from pathlib import Path

import nibabel
import numpy as np
import pytest

from curate import manifest, pipeline, profile, recipe, report
from curate.executor import Where
from curate.pipeline import Source

RECIPES = Path(__file__).resolve().parents[2] / "corpus/recipes"
NAMES = ("lungseg-cxr", "pyradiomics-nrrd", "stardist-nuclei")


@pytest.fixture(scope="module")
def real(corpus_dir, tmp_path_factory):
    """Build a store of radiographs, MR and micrographs, and write its report."""
    folder = tmp_path_factory.mktemp("real")
    paths = [str(RECIPES / f"{name}.toml") for name in NAMES]
    sources = [Source(recipe.load(path), corpus_dir / name) for path, name in zip(paths, NAMES, strict=True)]
    pipeline.build(sources, folder / "store", profile.load("native"), Where(1))
    return folder, report.write(folder / "store", folder / "out", 4, Where(1), paths)


@pytest.mark.shared
def test_real_images_are_as_their_recipes_expect(real):
    """Up to four tiles a dataset (4, 4 and 2), each with a picture; no fault, and licences that need a look."""
    _, found = real
    assert (found.pictures, found.not_shown, found.has_faults) == (10, 0, False)
    assert {one.kind for one in found.findings} == {"licence"}


@pytest.mark.shared
def test_the_slice_of_a_real_tumour_is_its_largest(real):
    """Counted in the label map with nibabel: the tile of a brain shows the slice with most voxels of its tumour."""
    folder, _ = real
    tiles = json.loads((folder / "out/report.json").read_text())["tiles"]
    (tile,) = (one for one in tiles if one["image_id"] == "pyradiomics-nrrd/brain1")
    rows = manifest.read_table(folder / "store", "masks", ["pyradiomics-nrrd"]).to_pylist()
    (row,) = (one for one in rows if one["image_id"] == tile["image_id"])
    labels = np.asarray(nibabel.load(folder / "store" / row["path"]).dataobj)
    areas = np.isin(labels, row["label_values"]).sum(axis=(0, 1))
    assert tile["place"] == f"axial slice {areas.argmax() + 1} of {areas.size}"
