import gzip

import numpy as np
import pytest
from PIL import Image

from curate import profile, scan
from curate.annotating import annotate
from curate.geometry import Geometry
from curate.opening import open_images
from curate.piece import Ledger
from curate.volume import Volume, write

IMAGE = '[[images]]\npath = "images/{case}.nii.gz"\nmodality = "CT"\n'
TWO = """
[[images]]
path = "{case}/t1.nii.gz"
channel = "T1"
modality = "MR"
[[images]]
path = "{case}/t2.nii.gz"
channel = "T2"
modality = "MR"
"""


@pytest.fixture
def annotated(tree):
    """Return a function that annotates the images of the only case, and returns them with the rows of the ledger."""

    def call(entries):
        recipe = tree.recipe(entries)
        (case,) = scan.find(recipe, tree.source_tree).cases
        ledger = Ledger(case, recipe)
        images = open_images(case, recipe, profile.load("native"), tree.source_tree, ledger)
        annotate(images, case, recipe, tree.source_tree, ledger)
        return images, ledger.piece.rejections

    return call


def label(path, **keys):
    """Return a label entry with further keys, each as TOML writes it."""
    return f'[[labels]]\npath = "{path}"\n' + "".join(f"{key} = {value}\n" for key, value in keys.items())


def voxels(image):
    """Return target -> number of voxels of an image's masks."""
    return {mask.target: mask.voxels.count for mask in image.masks}


def codes(rows):
    """Return code, image, target and file of rejections."""
    return [(row["code"], row["image_id"], row["target"], row["source_path"]) for row in rows]


NAMES = '{ L = "liver", S = "spleen" }'


@pytest.mark.parametrize(
    ("labelled", "wanted"),
    [
        ({}, []),
        ({"labelled": '"present"'}, []),
        ({"labelled": '"all"'}, [("empty_mask", "tiny/a", "spleen", None)]),
    ],
)
def test_a_missing_file_is_unknown_unless_all_was_looked_for(tree, annotated, labelled, wanted):
    """Of one file per structure, what has none is unknown; with `all` it is a true negative that has no file."""
    tree.image("images/a.nii.gz")
    tree.label("a/L.nii.gz", {1: 2})
    (image,), rows = annotated(IMAGE + label("{case}/{label}.nii.gz", names=NAMES, **labelled))
    assert voxels(image) == {"liver": 40}
    assert codes(rows) == wanted


def test_a_file_that_cannot_be_read_is_no_true_negative(tree, annotated):
    """With `all`, a structure whose file is damaged is a row of its damage, and not empty."""
    tree.image("images/a.nii.gz")
    tree.label("a/L.nii.gz", {1: 2})
    tree.label("a/S.nii.gz", {1: 2}).write_bytes(b"no label")
    _, rows = annotated(IMAGE + label("{case}/{label}.nii.gz", names=NAMES, labelled='"all"'))
    assert codes(rows) == [("unreadable", None, None, "a/S.nii.gz")]


@pytest.mark.parametrize(
    ("labelled", "wanted"),
    [({}, ["spleen"]), ({"labelled": '"all"'}, ["spleen"]), ({"labelled": '"present"'}, [])],
)
def test_a_value_that_is_not_there_is_a_true_negative_unless_only_presence_counts(tree, annotated, labelled, wanted):
    """Of a label map every target was looked for; with `present` what is not there is unknown."""
    tree.case("a", {1: 2})
    (image,), rows = annotated(
        IMAGE + label("labels/{case}.nii.gz", values='{ 1 = "liver", 2 = "spleen" }', **labelled)
    )
    assert [absent.target for absent in image.absent] == [row["target"] for row in rows] == wanted


@pytest.mark.parametrize("labelled", ["all", "present"])
@pytest.mark.parametrize(("targets", "wanted"), [(["spleen"], ["spleen"]), (["liver"], []), ([], [])])
def test_what_is_said_of_a_case_holds_in_place_of_its_entries(tree, annotated, labelled, targets, wanted):
    """`[[labelled]]` alone decides which targets without voxels were looked for; a mask that is there stays."""
    tree.image("images/a.nii.gz")
    tree.label("maps/a.nii.gz", {1: 2})
    tree.label("parts/a_R.nii.gz", {1: 2})
    maps = label("maps/{case}.nii.gz", values='{ 1 = "kidney", 2 = "spleen" }', labelled=f'"{labelled}"')
    parts = label("parts/{case}_{label}.nii.gz", names='{ R = "rectum", L = "liver" }', labelled=f'"{labelled}"')
    said = f'[[labelled]]\ncases = "a"\ntargets = {targets}\n[[labelled]]\ncases = "b"\ntargets = ["rectum"]\n'
    (image,), rows = annotated(IMAGE + maps + parts + said)
    assert voxels(image) == {"kidney": 40, "rectum": 40}
    assert [row["target"] for row in rows] == (["liver"] if targets == ["liver"] else wanted)


def test_a_case_is_known_by_its_key_and_not_by_its_file_name(tree, annotated):
    """Expressions are about what `{case}` captured, spaces and all, though the store spells it otherwise."""
    tree.case("benign (12)", {1: 2})
    said = '[[labelled]]\ncases = "benign .*"\ntargets = ["liver"]\n'
    (image,), rows = annotated(tree.ENTRIES + said)
    assert (image.image_id, rows) == ("tiny/benign_12_", [])


def test_a_label_is_read_for_each_image_on_its_own_grid(tree, annotated):
    """Of two channels on two grids the one that the label does not fit is a row that names it."""
    tree.image("p/t1.nii.gz")
    tree.image("p/t2.nii.gz", spacing=3.0)
    tree.label("p/seg.nii.gz", {1: 2, 9: 3})
    (first, second), rows = annotated(TWO + label("{case}/seg.nii.gz", values='{ 1 = "liver" }'))
    assert (voxels(first), voxels(second)) == ({"liver": 40}, {})
    assert codes(rows) == [
        ("unknown_value", None, None, "p/seg.nii.gz"),
        ("grid_mismatch", "tiny/p/T2", None, "p/seg.nii.gz"),
    ]


def test_labels_follow_their_images_onto_two_grids(tree, annotated):
    """With `resample` each voxel of an image takes the label of the nearest voxel; beyond the label there is none."""
    tree.image("p/t1.nii.gz", spacing=1.0)
    tree.image("p/t2.nii.gz", shape=(15, 14, 11), spacing=0.4)
    labels = np.random.default_rng(1).integers(0, 2, (6, 5, 4)).astype(np.uint8)
    write(Volume(labels, Geometry((6, 5, 4), np.eye(4))), tree.raw / "p/seg.nii.gz")
    entry = label("{case}/seg.nii.gz", values='{ 1 = "liver" }', on_grid_mismatch='"resample"')
    (first, second), rows = annotated(TWO + entry)
    i, j, k = (np.rint(0.4 * np.arange(n)).astype(int) for n in (15, 14, 11))
    beyond = np.pad(labels, ((0, 9), (0, 9), (0, 9)))
    np.testing.assert_array_equal(first.masks[0].voxels.full(), labels == 1)
    np.testing.assert_array_equal(second.masks[0].voxels.full(), beyond[np.ix_(i, j, k)] == 1)
    assert [(row["code"], row["effect"], row["image_id"]) for row in rows] == [
        ("grid_replaced", "changed", "tiny/p/T2")
    ]


@pytest.mark.parametrize("mode", ["image", "resample", "mask"])
def test_a_label_on_the_grid_of_its_image_is_left_alone(tree, annotated, mode):
    """Where the grids agree, no repair is made and none is told."""
    tree.case("a", {1: 2})
    entry = label("labels/{case}.nii.gz", values='{ 1 = "liver" }', on_grid_mismatch=f'"{mode}"')
    (image,), rows = annotated(IMAGE + entry)
    assert (voxels(image), rows) == ({"liver": 40}, [])


def test_the_geometry_of_the_image_holds_whatever_the_label_says(tree, annotated):
    """With `image` voxels correspond by index: in an LPS image the label turns with its image, though it says RAS."""
    affine = np.diag([-1.0, -1.0, 1.0, 1.0])
    write(Volume(np.zeros((6, 5, 4), np.int16), Geometry((6, 5, 4), affine)), tree.raw / "images/a.nii.gz")
    tree.label("labels/a.nii.gz", {1: 2})
    entry = label("labels/{case}.nii.gz", values='{ 1 = "liver" }', on_grid_mismatch='"image"')
    (image,), (row,) = annotated(IMAGE + entry)
    assert image.masks[0].voxels.box == (4, 0, 0, 6, 5, 4)
    assert "differs from image grid" in row["detail"]
    assert row["detail"].endswith("the image's geometry is taken for both, as the recipe says")


def test_pictures_are_not_resampled(tree, annotated):
    """What has no millimetres cannot be brought onto another grid."""
    tree.image("images/a.png", shape=(9, 9, 1))
    tree.label("labels/a.png", {1: 2}, shape=(8, 9, 1))
    entries = IMAGE.replace("nii.gz", "png")
    _, (row,) = annotated(entries + label("labels/{case}.png", target='"lung"', on_grid_mismatch='"resample"'))
    assert row["code"] == "grid_mismatch"


def test_an_unknown_colour_is_shown_as_one(tree, annotated):
    """The row of a colour that the recipe does not name says it as a recipe would."""
    tree.image("images/a.png", shape=(3, 1, 1))
    (tree.raw / "labels").mkdir()
    pixels = np.array([[[255, 0, 0], [0, 16, 255], [0, 16, 255]]], np.uint8)
    Image.fromarray(pixels).save(tree.raw / "labels/a.png")
    entries = IMAGE.replace("nii.gz", "png") + label("labels/{case}.png", values='{ "#FF0000" = "lung" }')
    (image,), (row,) = annotated(entries)
    assert [(mask.source_label, mask.voxels.count) for mask in image.masks] == [("#ff0000", 1)]
    assert row["detail"] == "value #0010ff on 2 voxels is not in the recipe; add it to values or ignore_values"


def test_outlines_of_several_values_are_filled_one_by_one(tree, annotated):
    """An outline inside another one stays a mask of its own; the outer one covers both."""
    outer, inner = np.zeros((2, 12, 12), np.uint8)
    outer[1:11, 1:11], inner[4:8, 4:8] = 1, 2
    outer[2:10, 2:10], inner[5:7, 5:7] = 0, 0
    tree.image("images/a.png", shape=(12, 12, 1))
    (tree.raw / "labels").mkdir()
    Image.fromarray(outer + inner).save(tree.raw / "labels/a.png")
    entry = label("labels/{case}.png", values='{ 1 = "lung", 2 = "lung_nodule" }', fill="true")
    (image,), rows = annotated(IMAGE.replace("nii.gz", "png") + entry)
    assert (voxels(image), rows) == ({"lung": 100, "lung_nodule": 16}, [])


def test_raters_of_paths_and_entries_keep_their_masks_apart(tree, annotated):
    """What `{rater}` captured and what `rater` says both tell masks of one target apart, absent ones too."""
    tree.image("images/a.nii.gz")
    for rater, ends in (("x", {1: 2}), ("y", {})):
        tree.label(f"labels/a_{rater}.nii.gz", ends)
    tree.label("other/a.nii.gz", {1: 3})
    entries = label("labels/{case}_{rater}.nii.gz", target='"liver"') + label(
        "other/{case}.nii.gz", target='"liver"', rater='"z"'
    )
    (image,), rows = annotated(IMAGE + entries)
    assert [(mask.rater, mask.voxels.count) for mask in image.masks] == [("x", 40), ("z", 60)]
    assert [absent.rater for absent in image.absent] == ["y"]
    assert codes(rows) == [("empty_mask", "tiny/a", "liver", "labels/a_y.nii.gz")]


def seg_nrrd(tree, start=(1, 0, 0), spacing=2, name="labels/a.seg.nrrd"):
    """Write a segmentation of 2 x 5 x 4 voxels: liver (by code) on the plane i = 0, two more on both planes."""
    layers = np.zeros((2, 2, 5, 4), np.uint8)
    layers[0, 0], layers[1, 0], layers[1, 1] = 1, 1, 2
    code = "Segmentation category and type~SCT^123037004^Anatomical Structure~SCT^10200004^Liver~^^~~^^~^^"
    head = "NRRD0005\ntype: uchar\ndimension: 4\nspace: right-anterior-superior\nsizes: 2 2 5 4\n"
    head += f"space directions: none ({spacing},0,0) (0,{spacing},0) (0,0,{spacing})\n"
    head += f"kinds: list domain domain domain\nspace origin: ({','.join(str(spacing * n) for n in start)})\n"
    head += f"encoding: gzip\nSegment0_Name:=Leber\nSegment0_Layer:=0\nSegment0_Tags:=TerminologyEntry:{code}|\n"
    head += "Segment1_Name:=Tumour 1\nSegment1_Layer:=1\nSegment1_LabelValue:=1\n"
    head += "Segment2_Name:=Tumour 2\nSegment2_Layer:=1\nSegment2_LabelValue:=2\n\n"
    (tree.raw / name).parent.mkdir(exist_ok=True)
    (tree.raw / name).write_bytes(head.encode() + gzip.compress(layers.tobytes(order="F")))


def test_segments_of_slicer_are_pasted_into_the_image(tree, annotated):
    """A segmentation of a part of the image has its masks where they lie; a code, or names that share a target."""
    tree.image("images/a.nii.gz")
    seg_nrrd(tree)
    segments = '{ "SCT:10200004" = "liver", "^Tumour" = "liver_tumor", "^Milz$" = "spleen" }'
    (image,), rows = annotated(IMAGE + label("labels/{case}.seg.nrrd", segments=segments))
    assert {mask.target: (mask.voxels.box, mask.voxels.count) for mask in image.masks} == {
        "liver": ((1, 0, 0, 2, 5, 4), 20),
        "liver_tumor": ((1, 0, 0, 3, 5, 4), 40),
    }
    assert codes(rows) == [("empty_mask", "tiny/a", "spleen", "labels/a.seg.nrrd")]


@pytest.mark.parametrize(("start", "spacing"), [((5, 0, 0), 2), ((1, 0, 0), 1.5), ((0.5, 0, 0), 2)])
def test_segments_of_slicer_that_do_not_fit_are_a_mismatch(tree, annotated, start, spacing):
    """Voxels beyond the image, of another size, or between its voxels are not moved: a row says so."""
    tree.image("images/a.nii.gz")
    seg_nrrd(tree, start, spacing)
    (image,), rows = annotated(IMAGE + label("labels/{case}.seg.nrrd", segments='{ "Tumour" = "liver_tumor" }'))
    assert image.masks == []
    assert codes(rows) == [("grid_mismatch", "tiny/a", None, "labels/a.seg.nrrd")]


def test_segments_turn_with_their_image(tree, annotated):
    """In an image that is stored towards left and back the masks are where its canonical voxels are."""
    affine = np.diag([-2.0, -2.0, 2.0, 1.0])
    affine[:2, 3] = 10, 8  # the same places as 6 x 5 x 4 voxels from the origin on
    write(Volume(np.zeros((6, 5, 4), np.int16), Geometry((6, 5, 4), affine)), tree.raw / "images/a.nii.gz")
    seg_nrrd(tree)
    (image,), _ = annotated(IMAGE + label("labels/{case}.seg.nrrd", segments='{ "Leber" = "liver", "T" = "tumor" }'))
    assert [mask.voxels.box for mask in image.masks] == [(1, 0, 0, 2, 5, 4), (1, 0, 0, 3, 5, 4)]


def test_segments_that_nobody_wants_are_rows_without_their_names(tree, annotated):
    """A segment that no pattern takes is told by its number; its name may be free text."""
    tree.image("images/a.nii.gz")
    seg_nrrd(tree)
    (image,), rows = annotated(IMAGE + label("labels/{case}.seg.nrrd", segments='{ "(?i:leber)" = "liver" }'))
    assert voxels(image) == {"liver": 20}
    assert [(row["code"], row["measured"]) for row in rows] == [
        ("unknown_label_name", 1.0),
        ("unknown_label_name", 2.0),
    ]
    assert not any("Tumour" in row["detail"] for row in rows)
