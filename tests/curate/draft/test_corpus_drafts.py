"""Drafts of real folders: every one that has image-mask pairs loads as a recipe and finds them."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from curate import matching
from curate.draft import draft
from curate.errors import UsageError

pytestmark = pytest.mark.shared

EXPECTED = {
    "biomedparse-demo": ("one file per structure", 26, 26, 70),
    "dcmqi-ct-seg": ("DICOM folders", 3, 5, 19),
    "deepmedic-brats15": ("one folder per case", 2, 4, 4),
    "fundus-drive-chase": ("paired suffixes", 12, 12, 26),
    "hc18-fetal-us": ("paired suffixes", 25, 25, 25),
    "ibsi-sts": ("one folder per case", 4, 12, 12),
    "ibsi-sts-dicom": ("DICOM folders", 1, 3, 3),
    "lungseg-cxr": ("paired suffixes", 4, 4, 4),
    "medpy-dwi": ("file by file", 2, 2, 2),
    "pyradiomics-nrrd": ("paired suffixes", 4, 4, 4),
    "sam-med2d-demo": ("one file per structure", 4, 4, 30),
    "sct-testing": ("one folder per case", 7, 12, 41),
    "stardist-nuclei": ("file by file", 2, 2, 2),
    "totalseg-ref": ("DICOM folders", 6, 6, 155),
    "tractseg-4d": ("file by file", 1, 1, 1),
    "udacity-hippocampus": ("paired folders", 63, 63, 63),
    "unet-isbi-em": ("paired folders", 30, 30, 30),
}
"""Layout, cases, images and label files."""
MISSED = {
    "biomedparse-demo": {"demo_mask/26_OCT_retinal_edema.png"},  # the vocabulary has no oedema of the retina
    "sct-testing": {"dmri/dwi_mean_centerline-optic.nii.gz"},  # is given to dwi_mean, which it is named after
    "udacity-hippocampus": {"labels/hippocampus_010.nii.gz", "labels/hippocampus_281.nii.gz"},  # no image there
}
"""End of the masks whose pair a draft does not find."""


def wanted(corpus_dir: Path, slug: str) -> set[tuple[str, str]]:
    """Return the pairs that the corpus lists for a folder: image (a folder for DICOM) and mask."""
    entries = json.loads((corpus_dir / "corpus.json").read_text(encoding="utf-8"))
    pairs: list[Mapping[str, str]] = next(one["pair_detail"] for one in entries if one["slug"] == slug)
    images = [pair["image"].removeprefix(f"{slug}/") for pair in pairs]
    folders = [f"{image.rpartition('/')[0]}/" if "*" in image else image for image in images]
    return {(image, pair["mask"].removeprefix(f"{slug}/")) for image, pair in zip(folders, pairs, strict=True)}


@pytest.mark.parametrize("slug", EXPECTED)
def test_draft_finds_the_pairs(maker, corpus_dir, slug):
    """The draft loads, and finds as many cases, images, label files and pairs as the tables say."""
    drafted = maker.draft(corpus_dir / slug, slug)
    assert (drafted.draft.layout, *drafted.counts) == EXPECTED[slug]
    found = {
        (image.path, label.path)
        for case in drafted.found.cases
        for image in case.images
        for label in case.labels
        if matching.annotates(drafted.recipe.labels[label.entry], drafted.recipe.images[image.entry])
    }
    missed = {mask for _, mask in wanted(corpus_dir, slug) - found}
    assert len(missed) == len(MISSED.get(slug, ()))
    assert all(any(mask.endswith(end) for end in MISSED[slug]) for mask in missed)


@pytest.mark.parametrize("slug", ["nibabel-odd-images", "panoptica-spine", "sam-med3d-amos"])
def test_folders_without_pairs_are_refused(corpus_dir, slug):
    """Images alone and label maps alone are refused in one line."""
    with pytest.raises(UsageError, match="no image with a label file was recognised"):
        draft(corpus_dir / slug, slug)


def test_values_of_a_real_label_map_are_listed(maker, corpus_dir):
    """The hippocampus has two values without names, and the name of the dataset tells region and nearest target."""
    drafted = maker.draft(corpus_dir / "udacity-hippocampus", "udacity-hippocampus")
    assert drafted.recipe.dataset.region == "head"
    assert '# 1 = "?" decide: what is it?\n# 2 = "?" decide: what is it?' in drafted.draft.toml


def test_real_structures_get_their_targets(maker, corpus_dir):
    """All 117 classes of a TotalSegmentator folder have a target."""
    drafted = maker.draft(corpus_dir / "totalseg-ref", "totalseg-ref")
    (entry,) = [one for one in drafted.recipe.labels if one.path.endswith("example_seg_fast/{label}.nii.gz")]
    assert len(entry.names) == 117
    assert "unknown_label_name" not in {rejection.code for rejection in drafted.found.rejections}
