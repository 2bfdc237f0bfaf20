"""Layouts without a description: what is recognised, and which paths the draft writes."""

from dataclasses import dataclass, field

import numpy as np
import pytest

from curate import phantoms, readers, recipe
from curate.draft import draft, values
from curate.errors import UsageError

CASES = ("p01", "p02", "p10")


@dataclass(frozen=True)
class Layout:
    """Files of every case, and the entries that they must become."""

    name: str
    files: dict[str, str]
    images: list[str]
    labels: list[str]
    targets: list[str] = field(default_factory=list)


LAYOUTS = {
    "paired folders": Layout(
        "paired folders",
        {"images/{}.png": "@picture", "masks/{}.png": "@mask"},
        ["images/{case}.png"],
        ["masks/{case}.png"],
    ),
    "annotations": Layout(
        "paired folders",
        {"img/{}.png": "@picture", "annotations/{}.png": "@mask"},
        ["img/{case}.png"],
        ["annotations/{case}.png"],
    ),
    "twin folders": Layout(
        "paired folders",
        {"train_images/{}.png": "@picture", "train_masks/{}_liver.png": "@mask"},
        ["train_images/{case}.png"],
        ["train_masks/{case}_liver.png"],
        ["liver"],
    ),
    "both suffixed": Layout(
        "paired suffixes",
        {"{}_image.nii.gz": "@ct", "{}_label.nii.gz": "@labels 1"},
        ["{case}_image.nii.gz"],
        ["{case}_label.nii.gz"],
    ),
    "_mask": Layout(
        "paired suffixes", {"{}.png": "@picture", "{}_mask.png": "@mask"}, ["{case}.png"], ["{case}_mask.png"]
    ),
    "-mask": Layout(
        "paired suffixes", {"{}.png": "@picture", "{}-mask.png": "@mask"}, ["{case}.png"], ["{case}-mask.png"]
    ),
    "_seg": Layout(
        "paired suffixes", {"{}.nii.gz": "@ct", "{}_seg.nii.gz": "@labels 1"}, ["{case}.nii.gz"], ["{case}_seg.nii.gz"]
    ),
    "_Annotation": Layout(
        "paired suffixes",
        {"d/{}.png": "@picture", "d/{}_Annotation.png": "@mask"},
        ["d/{case}.png"],
        ["d/{case}_Annotation.png"],
    ),
    "folder per case": Layout(
        "one folder per case",
        {"{}/scan.nii.gz": "@ct", "{}/lesion.nii.gz": "@labels 1"},
        ["{case}/scan.nii.gz"],
        ["{case}/lesion.nii.gz"],
        ["lesion"],
    ),
    "names in folders": Layout(
        "one folder per case",
        {"{0}/{0}_flair.nii.gz": "@mr", "{0}/{0}_t1ce.nii.gz": "@mr", "{0}/{0}_seg.nii.gz": "@labels 1 2 4"},
        ["{case}/{case}_flair.nii.gz", "{case}/{case}_t1ce.nii.gz"],
        ["{case}/{case}_seg.nii.gz"],
    ),
    "file per structure": Layout(
        "one file per structure",
        {"{}/ct.nii.gz": "@ct"}
        | {f"{{}}/segmentations/{name}.nii.gz": "@labels 1" for name in ("aorta", "rib_left_3")},
        ["{case}/ct.nii.gz"],
        ["{case}/segmentations/{label}.nii.gz"],
        ["aorta", "rib_3_left"],
    ),
    "structures beside": Layout(
        "one file per structure",
        {"{}/image.nii.gz": "@ct", "{}/Left_Kidney.nii.gz": "@labels 1", "{}/liver.nii.gz": "@labels 1"},
        ["{case}/image.nii.gz"],
        ["{case}/{label}.nii.gz"],
        ["kidney_left", "liver"],
    ),
    "structures behind": Layout(
        "one file per structure",
        {
            "i/{}.png": "@picture",
            "m/{}_liver_000.png": "@mask",
            "m/{}_liver_001.png": "@mask",
            "m/{}_aorta_000.png": "@mask",
        },
        ["i/{case}.png"],
        ["m/{case}_{label}.png"],
        ["aorta", "liver"],
    ),
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_layout(draft_of, name):
    """Each layout is recognised, every file is named, and every case is found with all its files."""
    layout = LAYOUTS[name]
    found = draft_of({path.format(case): what for case in CASES for path, what in layout.files.items()})
    assert found.draft.layout == layout.name
    assert (found.image_paths, found.label_paths) == (layout.images, layout.labels)
    assert found.recipe.targets() == layout.targets
    per_case = sum("picture" in what or "ct" in what or "mr" in what for what in layout.files.values())
    assert found.counts == (3, 3 * per_case, 3 * (len(layout.files) - per_case))
    assert (found.found.rejections, found.found.unnamed) == ((), 0)


def test_drafts_of_phantoms_are_their_finished_recipes(tmp_path):
    """Images and structures drafted from the NRRD phantom are those of the shipped recipe; pictures lack a target."""
    phantoms.write_nrrd(tmp_path / "nrrd", cases=2)
    phantoms.write_png(tmp_path / "png", cases=2)
    for name in ("nrrd", "png"):
        (tmp_path / f"phantom-{name}.toml").write_text(draft(tmp_path / name, f"phantom-{name}").toml, encoding="utf-8")
    volumes, pictures = (recipe.load(str(tmp_path / f"phantom-{name}.toml")) for name in ("nrrd", "png"))
    shipped = recipe.load("phantom-nrrd")
    assert [entry.path for entry in volumes.images] == [entry.path for entry in shipped.images]
    assert [(entry.path, entry.names) for entry in volumes.labels] == [
        (entry.path, entry.names) for entry in shipped.labels
    ]
    shipped = recipe.load("phantom-png")
    assert pictures.images == shipped.images
    assert [entry.path for entry in pictures.labels] == [entry.path for entry in shipped.labels]


def test_numbers_glued_to_role_words(draft_of):
    """`img0001` and `label0001` are one case, whose key is the number."""
    files = {f"Training/img/img{n:04}.nii.gz": "@ct" for n in (1, 2)}
    found = draft_of(files | {f"Training/label/label{n:04}.nii.gz": "@labels 1 2" for n in (1, 2)})
    assert found.image_paths == ["Training/img/img{case}.nii.gz"]
    assert (found.keys, found.counts) == (["0001", "0002"], (2, 2, 2))


def test_splits_in_folders(draft_of):
    """Folders called like splits become `{split}`, and words that are no splits of ours are mapped."""
    found = draft_of(
        {
            f"{split}/{kind}/{split[:2]}{n}.png": what
            for split in ("training", "test")
            for n in (1, 2)
            for kind, what in (("images", "@picture"), ("masks", "@mask"))
        }
    )
    assert (found.image_paths, found.label_paths) == (["{split}/images/{case}.png"], ["{split}/masks/{case}.png"])
    assert found.recipe.splits.names == {"training": "train"}
    assert found.counts == (4, 4, 4)


def test_cases_of_one_name_in_two_splits_stay_apart(draft_of):
    """Where train and test both have a case 1, one path for both would make one case of two: splits stay spelt out."""
    found = draft_of(
        {
            f"{split}/{kind}/{n}.png": what
            for split in ("train", "test")
            for n in (1, 2)
            for kind, what in (("images", "@picture"), ("masks", "@mask"))
        }
    )
    assert found.image_paths == ["test/images/{case}.png", "train/images/{case}.png"]
    assert found.found.rejections == ()


def test_folders_in_folders_make_one_key(draft_of):
    """Patients with visits of the same name: the case is both folders, the patient the first."""
    found = draft_of(
        {
            f"{patient}/{visit}/{name}.nii.gz": what
            for patient in ("anna", "bob")
            for visit in ("v1", "v2")
            for name, what in (("mri", "@mr"), ("tumor_mask", "@labels 1"))
        }
    )
    assert found.keys == ["anna_v1", "anna_v2", "bob_v1", "bob_v2"]
    assert {case.patient_id for case in found.found.cases} == {"anna", "bob"}
    assert found.recipe.targets() == ["tumor"]


def test_channels_on_grids_of_their_own_keep_their_labels(maker):
    """CT and PET of a case each have a mask beside them: every mask names its channel."""
    found = maker.of(
        {
            f"{case}/{scanner}_{kind}.nii.gz": what
            for case in CASES
            for scanner in ("CT", "PET")
            for kind, what in (("image", "@ct"), ("mask", "@labels 1"))
        }
    )
    assert [(one.path, one.images) for one in found.recipe.labels] == [
        ("{case}/CT_mask.nii.gz", ("CT",)),
        ("{case}/PET_mask.nii.gz", ("PET",)),
    ]
    assert [(one.channel, one.modality) for one in found.recipe.images] == [("CT", "CT"), ("PET", "PET")]


def test_voxels_decide_where_names_do_not(draft_of):
    """`a` and `b` say nothing: the one with few integers among zeros holds the labels."""
    found = draft_of(
        {f"{case}/{name}.nii.gz": what for case in CASES for name, what in (("a", "@labels 3"), ("b", "@ct"))}
    )
    assert (found.image_paths, found.label_paths) == (["{case}/b.nii.gz"], ["{case}/a.nii.gz"])
    assert found.recipe.images[0].modality == "CT"
    assert "decide: the modality is a guess" in found.draft.toml


def test_the_grid_decides_between_images(maker):
    """Of two images beside an unlike label file, the one on its grid is the one that it was drawn on."""
    tree = maker.plant({"x_ct.nii.gz": "@ct", "x_labels.nii.gz": "@labels 1"})
    import nibabel

    nibabel.save(nibabel.Nifti1Image(np.ones((3, 3, 3), dtype=np.int16), np.eye(4)), tree / "x_mr.nii.gz")
    found = maker.draft(tree)
    assert [(image.path) for case in found.found.cases for image in case.images] == ["x_ct.nii.gz"]


def test_raters_share_a_path(draft_of):
    """First and second observer are raters of one mask, not two masks."""
    found = draft_of(
        {
            f"{case}{what}.png": kind
            for case in ("01L", "01R", "02L")
            for what, kind in (("", "@picture"), ("_1stHO", "@mask"), ("_2ndHO", "@mask"))
        }
    )
    assert found.label_paths == ["{case}_{rater}.png"]
    assert {label.rater for case in found.found.cases for label in case.labels} == {"1stHO", "2ndHO"}


def test_second_segmentation_of_a_target_gets_a_rater(draft_of):
    """Two files that both hold the liver of an image would collide; the second is told apart."""
    found = draft_of(
        {
            f"{case}/{name}.nii.gz": what
            for case in CASES
            for name, what in (("ct", "@ct"), ("liver_seg", "@labels 1"), ("auto/liver_seg", "@labels 1"))
        }
    )
    assert sorted((one.path, one.rater) for one in found.recipe.labels) == [
        ("{case}/auto/liver_seg.nii.gz", None),
        ("{case}/liver_seg.nii.gz", "liver_seg"),
    ]


def test_files_alone_are_spelt_out(draft_of):
    """One image and one label file: nothing varies, so both are written out with a case beside them."""
    found = draft_of({"LICENSE": "none", "head_ct.nii.gz": "@ct", "head_ct_brain_mask.nii.gz": "@labels 1"})
    assert (found.draft.layout, found.counts) == ("file by file", (1, 1, 1))
    assert found.recipe.images[0].case == found.recipe.labels[0].case == "head_ct"
    assert found.recipe.targets() == ["brain"]
    assert "read: LICENSE" in found.draft.notes


def test_label_files_without_image_stay_orphans(draft_of):
    """A label file whose image is missing is not tied to its neighbours' images."""
    files = {f"images/case_{n:03}.nii.gz": "@ct" for n in (1, 2)} | {
        f"labels/case_{n:03}.nii.gz": "@labels 1" for n in (1, 2, 3)
    }
    found = draft_of(files)
    assert found.counts == (2, 2, 2)
    assert [rejection.code for rejection in found.found.rejections] == ["no_image"]


def test_few_files_are_opened(maker, monkeypatch):
    """Of 200 pairs at most twenty label files and an image are read."""
    tree = maker.plant(
        {f"{kind}/{n:03}.png": what for n in range(200) for kind, what in (("images", "@picture"), ("masks", "@mask"))}
    )
    opened = []
    read = readers.read
    monkeypatch.setattr(readers, "read", lambda path, *more: opened.append(path) or read(path, *more))
    draft(tree, "drafted")
    assert 0 < len(opened) <= 21
    assert values.MOST_FILES <= 150


@pytest.mark.parametrize(
    ("what", "remark"),
    [
        ("@labels 1 2", '# 1 = "?" decide: what is it?'),
        ("@labels 1", "decide: one mask in each file; set `target` and take `values` out"),
        (b"not an image", "decide: none of these files could be opened to read its values"),
    ],
)
def test_what_labels_hold_is_said_in_a_comment(draft_of, what, remark):
    """Values without names, one mask without a name, and damage each get a line that says what to do."""
    found = draft_of(
        {f"{kind}/{n}.nii.gz": content for n in "ab" for kind, content in (("image", "@ct"), ("label", what))}
    )
    assert remark in found.draft.toml
    assert found.counts == (2, 2, 2)


def test_same_tree_same_text(maker):
    """Neither the order in which files were written nor a second look changes a draft."""
    files = {f"{case}/{name}.nii.gz": what for case in CASES for name, what in (("a", "@labels 3"), ("b", "@ct"))}
    one = maker.plant(files, "one")
    other = maker.plant(dict(reversed(files.items())), "two")
    assert draft(one, "x").toml == draft(one, "x").toml == draft(other, "x").toml


@pytest.mark.parametrize(
    "files",
    [
        {},
        {"README.md": "nothing"},
        {"labels/a.nii.gz": "@labels 1"},
        {"images/a.nii.gz": "@ct", "images/b.nii.gz": "@ct"},
    ],
)
def test_trees_without_pairs_are_refused(maker, files):
    """Nothing, text, labels alone and images alone are no dataset to draft."""
    tree = maker.plant(files)
    tree.mkdir(exist_ok=True)
    with pytest.raises(UsageError, match="no image with a label file was recognised"):
        draft(tree, "drafted")
