"""What each corpus folder must give, written down from the corpus's own description before any build."""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from curate import recipe, sources

pytestmark = pytest.mark.shared

HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Expected:
    """Counts of one dataset under the profile `native`, and why they are these."""

    files: int
    """Files that the recipe names."""
    cases: int
    images: int
    masks: int
    licence: str
    why: str
    rejections: dict[str, int] = field(default_factory=dict)


EXPECTED = {
    "pyradiomics-nrrd": Expected(
        files=8,
        cases=4,
        images=4,
        masks=3,
        licence="unclear",
        rejections={"unknown_value": 4},
        why="one region of interest in each of brain1, brain2 and breast1; the phantom's 1, 7, 8, 9 are undocumented",
    ),
    "deepmedic-brats15": Expected(
        files=8,
        cases=2,
        images=4,
        masks=28,
        licence="CC BY-NC-SA 3.0 CH",
        why="2 cases x 2 channels x (4 values + whole tumour + tumour core + brain); every value occurs in both cases",
    ),
    "ibsi-sts": Expected(
        files=24, cases=4, images=12, masks=12, licence="CC-BY-3.0", why="4 patients x 3 modalities, one mask each"
    ),
    "udacity-hippocampus": Expected(
        files=129,
        cases=63,
        images=63,
        masks=189,
        licence="CC-BY-SA-4.0",
        rejections={"no_image": 2, "no_label": 1},
        why="64 images and 65 labels make 63 pairs x (anterior, posterior and their union); 010, 118, 281 are orphans",
    ),
    "totalseg-ref": Expected(
        files=143,
        cases=3,
        images=3,
        masks=41 + 40 + 1 + 3 + 61 + 23 + 1,
        licence="unclear",
        rejections={"empty_mask": (117 - 41) + (117 - 40) + 1 + 4 + 11 + (117 - 61) + (50 - 23)},
        why="small CT: 41 of 117 classes in the label map, 40 of 117 in the folder, liver but no brain in the subset, "
        "3 tissues, none of 4 lung structures and 11 limb bones; large CT: 61 of 117; MR: 23 of 50, and the liver",
    ),
    "sct-testing": Expected(
        files=29,
        cases=7,
        images=7,
        masks=1 + (3 + 4 + 3 + 4) + 3 + 1 + 1 + 2 + (1 + 20 + 7),
        licence="MIT",
        rejections={"not_a_volume": 1, "nonfinite_voxels": 1, "image_rejected": 3, "fractional_values": 2},
        why="t1: cord; t2: cord x 3, 4 levels, 3 + 4 rootlets; t2s: cord x 2, grey matter; t2s_uncropped: grey matter; "
        "mt0: cord; mt1: cord, grey matter; template: cord, 20 levels, 7 rootlets; 4D dmri costs 1 label, mtr 2",
    ),
    "sam-med2d-demo": Expected(
        files=35,
        cases=4,
        images=4,
        masks=28,
        licence="CC-BY-4.0",
        rejections={"no_label": 1},
        why="30 files, of which 2 pairs are parts of one hip bone; one of five slices has no mask",
    ),
    "biomedparse-demo": Expected(
        files=98,
        cases=27,
        images=27,
        masks=68,
        licence="unclear",
        rejections={"excluded": 1},
        why="71 files, of which one has the bytes of another and three are the polyps of one picture and their parts",
    ),
    "fundus-drive-chase": Expected(
        files=33,
        cases=12,
        images=12,
        masks=21,
        licence="unclear",
        why="DRIVE: 3 test images x 2 observers, 3 training images; CHASE_DB1: 6 eyes x 2; fields of view are unnamed",
    ),
    "hc18-fetal-us": Expected(
        files=50,
        cases=25,
        images=25,
        masks=25,
        licence="unclear",
        why="25 outlines, each filled",
    ),
    "medpy-dwi": Expected(
        files=4,
        cases=1,
        images=1,
        masks=1,
        licence="unclear",
        rejections={"excluded": 1, "no_label": 1},
        why="a 2D FLAIR with its brain mask; the markers of b0 are no segmentation",
    ),
    "nibabel-odd-images": Expected(
        files=6,
        cases=0,
        images=0,
        masks=0,
        licence="MIT",
        rejections={"no_label": 6},
        why="4 NIfTI-1, 1 NIfTI-2 and 1 MGZ, nothing annotated",
    ),
    "panoptica-spine": Expected(
        files=3,
        cases=0,
        images=0,
        masks=0,
        licence="unclear",
        rejections={"no_image": 3},
        why="references without images",
    ),
    "sam-med3d-amos": Expected(
        files=1,
        cases=0,
        images=0,
        masks=0,
        licence="CC-BY-4.0",
        rejections={"no_image": 1},
        why="a label map whose image is too large for the corpus",
    ),
    "slicerrt-segnrrd": Expected(
        files=8,
        cases=0,
        images=0,
        masks=0,
        licence="3D Slicer licence",
        rejections={"no_image": 7, "no_label": 1},
        why="segmentations without their CT, and a CT whose structures are surfaces",
    ),
    "stardist-nuclei": Expected(
        files=4,
        cases=2,
        images=2,
        masks=125 + 65 + 2,
        licence="unclear",
        why="125 and 65 nuclei, and the union of each image",
    ),
    "tractseg-4d": Expected(
        files=2,
        cases=1,
        images=1,
        masks=1,
        licence="unclear",
        why="fractional anisotropy and a brain mask",
    ),
    "unet-isbi-em": Expected(
        files=60,
        cases=30,
        images=30,
        masks=30,
        licence="unclear",
        why="30 slices of one fly",
    ),
    "lungseg-cxr": Expected(files=8, cases=4, images=4, masks=4, licence="unclear", why="4 radiographs with lungs"),
}


def test_table_and_sources_file_name_the_same_datasets():
    """Every corpus recipe stands in sources.toml and in the table above."""
    recipes = {path.stem for path in (HERE / "recipes").glob("*.toml")}
    listed = {source.recipe.dataset.id for source in sources.from_file(HERE / "sources.toml")}
    assert recipes == listed == set(EXPECTED)


@pytest.mark.parametrize("slug", EXPECTED)
def test_recipe_expects_what_the_table_says(slug):
    """The recipe's own [expect] and licence are those of the table."""
    found, expected = recipe.load(str(HERE / f"recipes/{slug}.toml")), EXPECTED[slug]
    assert (found.expect.cases, found.expect.images, found.expect.masks) == (
        expected.cases,
        expected.images,
        expected.masks,
    ), expected.why
    assert found.expect.rejections == expected.rejections, expected.why
    assert found.dataset.licence == expected.licence


@pytest.mark.parametrize("slug", EXPECTED)
def test_build_gives_what_the_table_says(corpus_build, slug):
    """A build finds the expected cases, images, masks and rejections, and reports no surprise."""
    report, expected = corpus_build.reports[slug], EXPECTED[slug]
    assert report.surprises == []
    assert (report.cases, report.images, report.masks) == (expected.cases, expected.images, expected.masks)
    assert report.rejections == expected.rejections, expected.why
    assert report.decisions == {}


def test_brain_mask_stored_with_a_tiny_slope_is_not_empty(corpus_build):
    """A mask whose scaled value is 0.99999997 is a brain, not nothing."""
    brains = corpus_build.rows("masks", "deepmedic-brats15", target="brain")
    assert len(brains) == 4
    assert all(row["volume_mm3"] > 1e6 for row in brains)


def test_channels_on_one_grid_share_their_label_map(corpus_build):
    """FLAIR and T1c of a glioma case have the same masks in the same file, not two copies."""
    rows = corpus_build.rows("masks", "deepmedic-brats15", case_id="brats_2013_pat0001_1")
    by_channel = {}
    for row in rows:
        channel = row["image_id"].rsplit("/", 1)[1]
        by_channel.setdefault(channel, {})[row["target"]] = (row["path"], row["label_values"], row["voxels"])
    assert by_channel["FLAIR"] == by_channel["T1c"]
    assert len(by_channel["FLAIR"]) == 7


def test_split_comes_from_the_folder(corpus_build):
    """Patient 5 trains and patient 1 tests, because the source puts them into folders of these names."""
    rows = corpus_build.rows("splits", "deepmedic-brats15", origin="official")
    assert {(row["patient_id"], row["split"]) for row in rows} == {
        ("brats_2013_pat0005", "train"),
        ("brats_2013_pat0001", "test"),
    }


def test_modalities_of_a_patient_keep_their_own_masks_and_grids(corpus_build):
    """CT, PET and MR of one patient differ in shape, and each has the mask of its own file."""
    images = corpus_build.rows("images", "ibsi-sts", case_id="STS_008")
    assert len({tuple(row["shape_ijk"]) for row in images}) == 3
    source_of = {
        row["image_id"].rsplit("/", 1)[1]: row["source_path"].rsplit("/", 1)[1]
        for row in corpus_build.rows("masks", "ibsi-sts", case_id="STS_008")
    }
    assert source_of == {"CT": "CT_mask.nii.gz", "PET": "PET_mask.nii.gz", "T1": "MR_T1_mask.nii.gz"}


def test_orphans_are_rejected_by_name(corpus_build):
    """Labels 010 and 281 have no image (281 is foreign and never read), image 118 has no label."""
    rows = corpus_build.rows("rejections", "udacity-hippocampus")
    folder = "data/TrainingSet"
    assert {(row["code"], row["source_path"]) for row in rows} == {
        ("no_image", f"{folder}/labels/hippocampus_010.nii.gz"),
        ("no_image", f"{folder}/labels/hippocampus_281.nii.gz"),
        ("no_label", f"{folder}/images/hippocampus_118.nii.gz"),
    }


@pytest.mark.parametrize("case_id", ["hippocampus_003", "hippocampus_243"])
def test_float_labels_are_label_maps(corpus_build, case_id):
    """Labels stored as float32 give the same three targets as the others, and the union is their sum."""
    rows = corpus_build.rows("masks", "udacity-hippocampus", case_id=case_id)
    voxels = {row["target"]: row["voxels"] for row in rows}
    assert voxels["hippocampus"] == voxels["hippocampus_anterior"] + voxels["hippocampus_posterior"]


def test_undocumented_values_are_rows_and_the_image_stays(corpus_build):
    """Nothing is known of the phantom's values: four rows, an image, and no target that was looked for."""
    case_id = "prostate_phantom_subvolume"
    rows = corpus_build.rows("rejections", "pyradiomics-nrrd", case_id=case_id, code="unknown_value")
    assert sorted(row["measured"] for row in rows) == [1, 7, 8, 9]
    (image,) = corpus_build.rows("images", "pyradiomics-nrrd", case_id=case_id)
    assert image["labelled_targets"] == []
    assert corpus_build.rows("masks", "pyradiomics-nrrd", case_id=case_id) == []


def test_negative_directions_are_turned(corpus_build):
    """NRRD images in LAS, LPS and RAS keep their source orientation as a fact and end up in RAS."""
    images = corpus_build.rows("images", "pyradiomics-nrrd")
    assert {row["case_id"]: row["source_orientation"] for row in images} == {
        "brain1": "LAS",
        "brain2": "LAS",
        "breast1": "LPS",
        "prostate_phantom_subvolume": "RAS",
    }
    assert all(row["affine"][axis * 5] > 0 for row in images for axis in range(3))


def test_four_dimensions_are_no_volume(corpus_build):
    """A diffusion series is rejected, and so is the 3D label beside it."""
    rows = corpus_build.rows("rejections", "sct-testing", case_id="errsm30-dmri")
    assert {(row["code"], row["source_path"]) for row in rows} == {
        ("not_a_volume", "dmri/dmri.nii.gz"),
        ("image_rejected", "dmri/dwi_mean_centerline-optic.nii.gz"),
    }
    assert "(40, 42, 5, 7)" in next(row["detail"] for row in rows if row["code"] == "not_a_volume")


def test_infinite_ratio_image_is_rejected_and_its_channels_stay(corpus_build):
    """The ratio image has 633 infinite voxels; the two scans that it was made of are kept with their masks."""
    (row,) = corpus_build.rows("rejections", "sct-testing", code="nonfinite_voxels")
    assert (row["source_path"], row["detail"]) == ("mt/mtr.nii.gz", "mtr.nii.gz: 633 voxels are NaN or infinite")
    kept = {row["image_id"] for row in corpus_build.rows("images", "sct-testing", case_id="errsm30-mt")}
    assert kept == {"sct-testing/errsm30-mt/mt0", "sct-testing/errsm30-mt/mt1"}


def test_probabilities_are_no_segmentation(corpus_build):
    """Maps with values up to 1.1 are rejected; the map binarised from one of them is kept."""
    rows = corpus_build.rows("rejections", "sct-testing", code="fractional_values")
    assert {row["source_path"] for row in rows} == {"mt/mt1_gmseg.nii.gz", "mt/mt1_wmseg.nii.gz"}
    (kept,) = corpus_build.rows("masks", "sct-testing", case_id="errsm30-mt", target="spinal_cord_gray_matter")
    assert kept["source_path"] == "mt/mt1_gmseg_goldstandard.nii.gz"


def test_components_in_files_of_their_own_are_one_mask(corpus_build):
    """Each hip bone is one mask of two components, from two files."""
    rows = [row for row in corpus_build.rows("masks", "sam-med2d-demo") if "+" in row["source_label"]]
    assert {(row["target"], row["source_label"], row["components"]) for row in rows} == {
        ("hip_bone_left", "hip_left_000+hip_left_001", 2),
        ("hip_bone_right", "hip_right_000+hip_right_001", 2),
    }


def test_looked_for_and_absent_stays_apart_from_unknown(corpus_build):
    """The brain was looked for in the abdominal CT (a true negative); the hippocampus was not (unknown)."""
    (image,) = corpus_build.rows("images", "totalseg-ref", case_id="example_ct_sm")
    masks = {row["target"] for row in corpus_build.rows("masks", "totalseg-ref", case_id="example_ct_sm")}
    assert "brain" in image["labelled_targets"]
    assert "brain" not in masks
    assert "hippocampus" not in image["labelled_targets"]
    assert len(image["labelled_targets"]) == 117 + 3 + 4 + 11


def test_segmentations_of_one_target_are_told_apart_by_rater(corpus_build):
    """The liver of the small CT was segmented three times, and every mask says by which run."""
    rows = corpus_build.rows("masks", "totalseg-ref", case_id="example_ct_sm", target="liver")
    assert {row["mask_id"].rsplit("/", 1)[1]: row["voxels"] for row in rows} == {
        "fast": 39350,
        "full": 38634,
        "roi-subset": 38631,
    }


@pytest.mark.parametrize(
    ("slug", "patients"),
    [
        ("totalseg-ref", {"example_ct": 2, "example_mr": 1}),
        ("sct-testing", {"errsm30": 6, "PAM50": 1}),
        ("sam-med2d-demo", {"amos_0004": 1, "amos_0006": 1, "s0114": 1, "s0619": 1}),
    ],
)
def test_scans_of_one_person_share_a_patient(corpus_build, slug, patients):
    """Cases that show one person, crops among them, have one patient key and so one split."""
    assert Counter(row["patient_id"] for row in corpus_build.rows("images", slug)) == patients
