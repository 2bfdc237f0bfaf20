import numpy as np
import pytest

from curate.errors import ReadError
from curate.geometry import Geometry
from curate.label_voxels import integers
from curate.masks import Absent, LabelSource, Mask, UnknownValue, read_masks
from curate.recipe import LabelFiles
from curate.volume import Volume


def entry(**keys):
    """Return what a recipe says of a label file."""
    return LabelFiles(path="{case}_{label}.nii" if "names" in keys else "{case}.nii", **keys)


def found(labels, name=None, **keys):
    """Return what a label file holds: masks by target, absent targets, and unknown values with their counts."""
    items = list(read_masks(np.asarray(labels).reshape(-1, 1, 1), entry(**keys), LabelSource("case.nii", name)))
    masks = {item.target: item.voxels.full().ravel().astype(int).tolist() for item in items if isinstance(item, Mask)}
    absent = [item.target for item in items if isinstance(item, Absent)]
    return masks, absent, {item.value: item.voxels for item in items if isinstance(item, UnknownValue)}


def whole(values, dtype, channels=()):
    """Return the integers of a volume that holds `values` in one line."""
    voxels = np.asarray(values, dtype=dtype).reshape(-1, 1, 1, *channels)
    return integers(Volume(voxels, Geometry(voxels.shape[:3], np.eye(4))), "label.nii")


def test_each_value_is_a_mask():
    """Every value of the recipe gives a mask or a true negative; nothing else is found."""
    masks, absent, unknown = found([0, 1, 2, 2, 0], values={1: "liver", 2: "spleen", 3: "stomach"})
    assert masks == {"liver": [0, 1, 0, 0, 0], "spleen": [0, 0, 1, 1, 0]}
    assert (absent, unknown) == (["stomach"], {})


def test_two_values_of_one_target_are_one_mask():
    """Values that a recipe maps to the same target are united."""
    masks, _, _ = found([4, 0, 5, 6], values={4: "kidney", 5: "kidney", 6: "liver"})
    assert masks == {"kidney": [1, 0, 1, 0], "liver": [0, 0, 0, 1]}


@pytest.mark.parametrize(
    ("labels", "kidney"), [([1, 2, 3, 0], [1, 1, 1, 0]), ([0, 2, 0, 0], [0, 1, 0, 0]), ([0, 0, 0, 0], None)]
)
def test_a_composite_is_the_union_of_what_is_there(labels, kidney):
    """A kidney made of parenchyma, tumour and cyst is found from any of them, and absent without them all."""
    masks, absent, unknown = found(
        labels, values={2: "kidney_tumor"}, composites={"kidney": (1, 2, 3)}, ignore_values=()
    )
    assert masks.get("kidney") == kidney
    assert ("kidney" in absent, unknown) == (kidney is None, {})


def test_unknown_values_are_counted_and_ignored_ones_are_not():
    """A value beyond the recipe is reported with its voxels; one that the recipe ignores is no news."""
    assert found([1, 9, 9, 255], values={1: "liver"}, ignore_values=(255,))[2] == {9: 2}


@pytest.mark.parametrize("dtype", ["int8", "int16", "int32", "int64", ">i2", "float32"])
def test_negative_values_are_values(dtype):
    """A label of -1 is a value like any other, and no value wraps around to meet it."""
    labels = whole([-1, 0, 100, -1], dtype)
    assert found(labels, values={100: "liver"}) == ({"liver": [0, 0, 1, 0]}, [], {-1: 2})
    assert found(labels, values={-1: "liver", 100: "spleen"})[0] == {"liver": [1, 0, 0, 1], "spleen": [0, 0, 1, 0]}


@pytest.mark.parametrize("dtype", ["int32", "uint32", "int64", "uint64", "float32", "float64"])
def test_large_values_do_not_wrap(dtype):
    """70000 is neither 4464 (modulo 2 to the 16) nor 112 (modulo 2 to the 8)."""
    labels = whole([70_000, 4464, 112, 0, 2**20], dtype)
    masks, _, unknown = found(labels, values={70_000: "liver", 2**20: "spleen"})
    assert masks == {"liver": [1, 0, 0, 0, 0], "spleen": [0, 0, 0, 0, 1]}
    assert unknown == {112: 1, 4464: 1}


@pytest.mark.parametrize("dtype", ["uint8", "int16", "int32", "float32", "float64"])
def test_an_empty_map_is_all_true_negatives(dtype):
    """A label map of zeros holds no mask, and every target of the recipe was looked for."""
    assert found(whole([0, 0], dtype), values={1: "liver", 2: "spleen"}) == ({}, ["liver", "spleen"], {})


def test_masks_carry_their_own_boxes():
    """A mask is stored as its bounding box, also when it is a union of values far apart."""
    labels = np.zeros((10, 11, 12), dtype=np.int16)
    labels[2, 3, 4], labels[7, 8, 9] = 1, 2
    masks = read_masks(labels, entry(values={1: "liver", 2: "liver"}), LabelSource("case.nii"))
    assert next(masks).voxels.box == (2, 3, 4, 8, 9, 10)


@pytest.mark.parametrize("foreground", [1, 255, -1, 70_000])
def test_a_file_of_one_mask_may_use_any_value(foreground):
    """Anything but 0 is foreground where a file holds one mask."""
    assert found([0, foreground, foreground], target="liver")[0] == {"liver": [0, 1, 1]}


def test_a_file_of_one_mask_has_one_value():
    """Several foreground values are no mask: the error says which were found."""
    with pytest.raises(ReadError, match=r"case\.nii: expected one foreground value, found 1, 2, 7") as caught:
        found([0, 1, 2, 7], target="liver")
    assert caught.value.code == "not_binary"


def test_the_name_of_a_file_is_its_target():
    """In layouts of one file per structure, the name that the path captured leads to target and source label."""
    names = {"Leber": "liver", "Milz": "spleen"}
    (mask,) = read_masks(np.ones((1, 1, 1), np.uint8), entry(names=names), LabelSource("case_Milz.nii", "Milz"))
    assert (mask.target, mask.source_label, mask.source_path, mask.rater) == ("spleen", "Milz", "case_Milz.nii", None)
    assert found([0], name="Leber", names=names) == ({}, ["liver"], {})


@pytest.mark.parametrize("value", [0.99999997, 1.0000001, 1.0009])
def test_rounding_errors_of_scaled_headers_are_ones(value):
    """A float label that a header's scaling moved a little is the integer that it was."""
    assert whole([0, value], "float64").ravel().tolist() == [0, 1]


@pytest.mark.parametrize("value", [0.5, 0.99, 1.108, -0.3, 3e9, 1e30])
def test_fractions_are_no_labels(value):
    """A probability map, or a number beyond 32 bits, is no label map; the error counts and shows one."""
    with pytest.raises(ReadError, match=r"label.nii: 2 voxels are no 32-bit integers, such as .+") as caught:
        whole([0, 1, value, value], "float64")
    assert caught.value.code == "fractional_values"


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_labels_must_be_finite(value):
    """NaN and infinity are refused with their number, before anything rounds them."""
    with pytest.raises(ReadError, match=r"label\.nii: 1 voxels are not finite") as caught:
        whole([0, 1, value], "float32")
    assert caught.value.code == "nonfinite_voxels"


def test_colour_masks_with_equal_channels_are_grey():
    """A black-and-white mask that was saved in colour is the mask."""
    assert whole([[0, 0, 0], [255, 255, 255]], "uint8", (3,)).ravel().tolist() == [0, 255]


def test_colour_masks_with_different_channels_are_refused():
    """Colours that stand for classes are no integers."""
    with pytest.raises(ReadError, match=r"label\.nii: a colour picture whose channels differ") as caught:
        whole([[0, 0, 0], [255, 0, 0]], "uint8", (3,))
    assert caught.value.code == "not_a_label_map"
