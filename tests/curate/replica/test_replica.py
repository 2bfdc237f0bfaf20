"""A replica: a recipe that is right finds all of it, and one that is wrong in any way is told where."""

import tomllib
from pathlib import Path

import nibabel
import numpy as np
import pytest

from curate import replica
from curate.cli import main
from curate.errors import ConfigError
from curate.recipe import Recipe
from curate.recipe.replica import Replica, ReplicaFile
from curate.replica.arrays import stored
from curate.replica.blocks import lattice

HEAD = """
schema = 1
[dataset]
id = "tiny"
title = "t"
licence = "unclear"
licence_evidence = "x"
citation = "x"
source = "x"
annotation = "x"
region = "abdomen"
"""
RECIPE = """
[[images]]
path = "im/{case}.nii.gz"
modality = "CT"
[[labels]]
path = "lb/{case}.nii.gz"
values = { 2 = "liver_tumor" }
composites = { liver = [1, 2] }
"""
REPLICA = """
[[replica.files]]
path = "im/p1.nii.gz"
kind = "image"
case = "p1"
modality = "CT"
orientation = "PIR"
spacing_mm = [1.0, 3.0, 2.0]
split = "train"
[[replica.files]]
path = "lb/p1.nii.gz"
kind = "labels"
case = "p1"
orientation = "PIR"
spacing_mm = [1.0, 3.0, 2.0]
values = { 1 = "liver", 2 = ["liver", "liver_tumor"] }
[[replica.files]]
path = "lb/._p1.nii.gz"
kind = "junk"
rejected = "system_file"
"""
SPLITS = '[splits]\ncases = { train = ["p1"] }\n'


def made(*changes, text=HEAD + RECIPE + SPLITS + REPLICA):
    """Return the recipe with some of its text changed."""
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return Recipe.model_validate(tomllib.loads(text))


def test_a_right_recipe_finds_all(tmp_path):
    """Nothing differs, and the tree has the files of the replica, no more and no less."""
    assert replica.differences(made(), tmp_path) == []
    files = sorted(path.relative_to(tmp_path / "raw").as_posix() for path in (tmp_path / "raw").rglob("*.nii.gz"))
    assert files == ["im/p1.nii.gz", "lb/._p1.nii.gz", "lb/p1.nii.gz"]
    image = nibabel.load(tmp_path / "raw/im/p1.nii.gz")
    assert nibabel.aff2axcodes(image.affine) == ("P", "I", "R")
    assert image.header.get_zooms() == (1, 3, 2)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ([("composites = { liver = [1, 2] }", "composites = { liver = [1] }")], "mask p1#liver: 0 voxels too many, 32"),
        ([('2 = "liver_tumor"', '2 = "spleen"')], "1 masks missing: p1#liver_tumor"),
        ([('2 = "liver_tumor"', '2 = "spleen"')], "1 masks not put there: p1#spleen"),
        ([('values = { 2 = "liver_tumor" }', 'values = { 1 = "liver_tumor" }')], "mask p1#liver_tumor: 32 voxels too"),
        ([('path = "im/{case}', 'path = "IM/{case}')], "1 images missing: p1"),
        ([("[[labels]]\n", '[[labels]]\naxes = "-ijk"\n')], "mask p1#liver: "),
        ([('modality = "CT"\n[[l', 'modality = "MR"\n[[l')], "image p1: modality is MR, and not CT"),
        ([('train = ["p1"]', 'val = ["p1"]')], "image p1: in the split val, and not train"),
        ([('path = "lb/{case}', 'path = "lb/{case:p.}')], "rejections system_file: 0, and not 1"),
        ([('path = "lb/{case}', 'path = "lb/{case:p.}')], "rejections system_file: none is about lb/._p1.nii.gz"),
        (
            [('1 = "liver", 2', '1 = "liver", 9 = [], 2')],
            "rejections unknown_value: 1, and not 0 (lb/p1.nii.gz: value 9",
        ),
    ],
)
def test_a_wrong_recipe_is_told_where(tmp_path, change, message):
    """Values, composites, paths, axes, modality, splits and rejections: each mistake has a sentence."""
    assert any(line.startswith(message) for line in replica.differences(made(*change), tmp_path))


FORMATS = {
    "nii.gz": "",
    "nii": "",
    "nrrd": "",
    "mha": "",
    "mhd": "",
    "mgz": "",
    "npy": "spacing_mm = [1.0, 3.0, 2.0]\norientation = 'PIR'\n",
    "npz": "spacing_mm = [1.0, 3.0, 2.0]\norientation = 'PIR'\n",
    "h5": "spacing_mm = [1.0, 3.0, 2.0]\norientation = 'PIR'\n",
}


@pytest.mark.parametrize(("suffix", "geometry"), FORMATS.items())
def test_every_format_round_trips(tmp_path, suffix, geometry):
    """An array in an odd orientation comes back voxel by voxel from each format, through the real readers."""
    changes = [
        (".nii.gz", f".{suffix}"),
        ("[[images]]\n", f"[[images]]\n{geometry}"),
        ("[[labels]]\n", f"[[labels]]\n{geometry}"),
    ]
    if suffix == "mhd":
        changes.append(("spacing_mm = [1.0, 3.0, 2.0]\nsplit", "spacing_mm = [1.0, 3.0, 2.0]\nsplit"))
    found = made(*changes)
    assert replica.differences(found, tmp_path) == []


@pytest.mark.parametrize("suffix", ["png", "bmp", "tif", "gif"])
def test_pictures_round_trip(tmp_path, suffix):
    """Labels in a picture lie where the blocks were put, column by row."""
    text = (HEAD + RECIPE + SPLITS + REPLICA).replace(".nii.gz", f".{suffix}")
    text = text.replace('orientation = "PIR"\nspacing_mm = [1.0, 3.0, 2.0]\n', "")
    assert replica.differences(made(text=text), tmp_path) == []


def test_jpeg_masks_round_trip_through_a_threshold(tmp_path):
    """Lossy masks come back exactly, because a block fills whole squares of the code."""
    labels = 'path = "lb/{case}.jpg"\ntarget = "liver"\nthreshold = 127\n'
    text = f"""{HEAD}[[images]]\npath = "im/{{case}}.jpg"\nmodality = "endoscopy"\n[[labels]]\n{labels}
[[replica.files]]
path = "im/p1.jpg"
kind = "image"
case = "p1"
colours = true
[[replica.files]]
path = "lb/p1.jpg"
kind = "mask"
case = "p1"
shows = "liver"
foreground = 255
"""
    assert replica.differences(made(text=text), tmp_path) == []


@pytest.mark.parametrize("count", [1, 2, 5, 27, 28, 117])
@pytest.mark.parametrize("suffix", ["nii.gz", "png"])
def test_blocks_lie_apart_and_no_mirror_hides(count, suffix):
    """Each label has its own voxels, with room between them, and any turn or mirror image of the grid shows."""
    file = ReplicaFile(path=f"a.{suffix}", kind="labels", case="p", values={str(n + 1): "liver" for n in range(count)})
    grid = lattice([file])
    labels = sum((n + 1) * grid.voxels(block).astype(int) for n, block in enumerate(grid.blocks))
    values, voxels = np.unique(labels, return_counts=True)
    assert values.tolist() == list(range(count + 1))
    assert len(set(voxels[1:])) == 1
    planes = (0, 1) if suffix == "png" else (0, 1, 2)
    assert len({grid.shape_ijk[axis] for axis in planes}) == len(planes)
    for axis in planes:
        assert not np.array_equal(np.flip(labels, axis) > 0, labels > 0)


@pytest.mark.parametrize("axes", ["-ijk", "jik", "-jik", "kji", "-k-ij", "ij-k"])
def test_stored_as_is_what_axes_of_a_recipe_undo(tmp_path, axes):
    """Voxels that were turned under a right header are put right by the same word in the recipe."""
    found = made(
        ("[[labels]]\n", f'[[labels]]\naxes = "{axes}"\n'), ("values = { 1 =", f'stored_as = "{axes}"\nvalues = {{ 1 =')
    )
    assert replica.differences(found, tmp_path) == []


def test_each_stands_for_one_file_per_structure(tmp_path):
    """`each` makes one file for every key, and every file shows what its key says."""
    text = f"""{HEAD}[[images]]\npath = "{{case}}/ct.nii.gz"\nmodality = "CT"
[[labels]]\npath = "{{case}}/seg/{{label}}.nii.gz"\nnames = {{ liver = "liver", kidneys = "kidney" }}
[[replica.files]]
path = "p1/ct.nii.gz"
kind = "image"
case = "p1"
[[replica.files]]
path = "p1/seg/{{each}}.nii.gz"
kind = "mask"
case = "p1"
each = {{ liver = "liver", kidneys = "kidney" }}
"""
    assert replica.differences(made(text=text), tmp_path) == []
    swapped = text.replace(
        'each = { liver = "liver", kidneys = "kidney" }', 'each = { liver = "kidney", kidneys = "liver" }'
    )
    assert len(replica.differences(made(text=swapped), tmp_path / "swapped")) == 2


def test_a_coarser_label_is_what_nearest_neighbour_makes_of_it(tmp_path):
    """A label with voxels twice as large, resampled onto its image, is the label read at the nearest voxel."""
    text = (HEAD + RECIPE + SPLITS + REPLICA).replace("[[labels]]\n", '[[labels]]\non_grid_mismatch = "resample"\n')
    text = text.replace(
        'orientation = "PIR"\nspacing_mm = [1.0, 3.0, 2.0]\nvalues', "spacing_mm = [4.0, 1.0, 3.0]\nvalues"
    )
    text += "[replica.rejections]\ngrid_replaced = 1\n"
    assert replica.differences(made(text=text), tmp_path) == []


def test_a_wrong_header_is_written():
    """`header_spacing_mm` and `origin_shift_mm` change the header and no voxel."""
    plain = ReplicaFile(path="a.nii.gz", kind="labels", case="p", values={"1": "liver"}, orientation="LPS")
    wrong = plain.model_copy(update={"header_spacing_mm": (2.0, 2.0, 5.0), "origin_shift_mm": (0.0, 7.0, 0.0)})
    grid = lattice([plain])
    right, moved = stored(plain, grid, plain), stored(wrong, grid, plain)
    assert np.array_equal(right.voxels, moved.voxels)
    assert np.diag(right.affine)[:3].tolist() == [-1, -1, 1]
    assert np.diag(moved.affine)[:3].tolist() == [-2, -2, 5]
    assert (moved.affine - right.affine)[1, 3] == 7


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"path": "../out.nii.gz"}, "must be relative to the source root"),
        ({"path": "/etc/x.nii.gz"}, "must be relative to the source root"),
        ({"case": None}, "`case` goes with images and labels, and only with them"),
        ({"kind": "labels"}, "is of kind `labels`: give `values`"),
        ({"path": "{each}.nii.gz"}, "`each` goes with {each} in the path"),
        ({"slice_files": "../{k}.png"}, "must be a file name with {k} or {k:03} in it"),
        ({"slice_files": "{k.__class__}"}, "must be a file name with {k} or {k:03} in it"),
    ],
)
def test_a_broken_replica_says_what_is_wrong(change, message):
    """Paths that climb out, and keys that do not go together, are refused with a sentence."""
    with pytest.raises(ValueError, match="validation error") as caught:
        ReplicaFile.model_validate({"path": "a.nii.gz", "kind": "image", "case": "p"} | change)
    assert message in str(caught.value)


def test_what_cannot_be_made_is_one_line(tmp_path):
    """A suffix that nothing writes, and a DICOM object without its series, name the file and the way out."""
    odd = Replica(files=(ReplicaFile(path="a.xyz", kind="image", case="p"),))
    with pytest.raises(ConfigError, match=r"`a.xyz`: a replica can have files that end in .nii.gz"):
        replica.write(odd, tmp_path / "odd")
    alone = Replica(files=(ReplicaFile(path="a.dcm", kind="rois", case="p", objects={"x": "liver"}),))
    with pytest.raises(ConfigError, match=r"`a.dcm` needs a DICOM series of the same case, listed before it"):
        replica.write(alone, tmp_path / "alone")


def test_curate_check_says_what_differs(tmp_path, capsys):
    """The command exits with 0 for a right recipe, and with 1 and a line for a wrong one; DIR keeps the tree."""
    path = tmp_path / "tiny.toml"
    path.write_text(HEAD + RECIPE + SPLITS + REPLICA, encoding="utf-8")
    assert main(["check", str(path), "--replica", str(tmp_path / "kept")]) == 0
    assert "tiny: fine (1 image and 1 label entries, 2 targets)" in capsys.readouterr().out
    assert Path(tmp_path, "kept/raw/lb/p1.nii.gz").is_file()
    assert main(["check", str(path), "--replica", str(tmp_path / "kept")]) == 2
    assert "give a folder that is empty or does not exist yet" in capsys.readouterr().err
    path.write_text((HEAD + RECIPE + SPLITS + REPLICA).replace("liver = [1, 2]", "liver = [1]"), encoding="utf-8")
    assert main(["check", str(path)]) == 1
    assert "tiny: mask p1#liver: 0 voxels too many, 32 missing" in capsys.readouterr().out
