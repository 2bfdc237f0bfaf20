import json
import subprocess
import sys
from math import pi

import numpy as np
import pytest

from curate import phantoms, readers
from curate.files import sha256_of_file
from curate.geometry import Geometry


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Write the three datasets once."""
    root = tmp_path_factory.mktemp("phantoms")
    phantoms.write_all(root)
    return root


def voxels(path):
    """Return the voxels of a file in its source's own orientation."""
    return readers.read(path).voxels


@pytest.mark.parametrize("number", range(3))
def test_an_ellipsoid_has_the_volume_of_the_formula(number):
    """On RAS, LPS and oblique grids of 3 x 3.5 x 5 mm the volume is 4/3 pi abc within 1 %, centred where it was put."""
    grid = phantoms.body_grid(number)
    inside = phantoms.ellipsoid(grid, (10, -20, 15), (40, 35, 45))
    assert inside.sum() * grid.voxel_volume == pytest.approx(4 / 3 * pi * 40 * 35 * 45, rel=0.01)
    assert grid.to_world(np.argwhere(inside).mean(axis=0)) == pytest.approx([10, -20, 15], abs=0.5)


def test_three_patients_lie_in_three_ways():
    """Grids are RAS, LPS and oblique in turn, around the origin of the world."""
    grids = [phantoms.body_grid(number) for number in range(6)]
    assert [grid.orientation for grid in grids] == ["RAS", "LPS", "RAS"] * 2
    assert [bool((np.abs(grid.affine[:2, :2]) > 0.1).all()) for grid in grids] == [False, False, True] * 2
    centres = [grid.to_world((np.array(grid.shape_ijk) - 1) / 2) for grid in grids]
    assert np.abs(centres).max() < 1e-9


@pytest.mark.parametrize("number", range(5))
def test_organs_lie_where_anatomy_has_them(number):
    """Liver right, spleen left, kidneys on their sides, the tumour inside the left one; organs do not overlap."""
    grid, parts = phantoms.body_grid(number), phantoms.body(number)
    x = {name: grid.to_world(np.argwhere(inside).mean(axis=0))[0] for name, inside in parts.items()}
    assert min(x["liver"], x["kidney_right"]) > 20 > -20 > max(x["spleen"], x["kidney_left"])
    assert not (parts["kidney_tumor"] & ~parts["kidney_left"]).any()
    organs = [parts[name] for name in ("liver", "spleen", "kidney_left", "kidney_right")]
    assert np.sum(organs, axis=0).max() == 1
    assert max((organ & ~parts["body"]).sum() / organ.sum() for organ in organs) < 0.01


def test_the_nnunet_tree_is_what_it_says(folder):
    """Six label maps and five images; tumour lies in kidney; one map has a value that dataset.json does not name."""
    root = folder / "phantom-nnunet"
    labels = sorted((root / "labelsTr").iterdir())
    assert len(labels) == json.loads((root / "dataset.json").read_text())["numTraining"] == 6
    assert len(list((root / "imagesTr").glob("*_0000.nii.gz"))) == 5
    values = [np.unique(voxels(path)).tolist() for path in labels]
    assert values == [[0, 1, 2, 3], [0, 1, 2, 3, 9], *[[0, 1, 2, 3]] * 4]
    first, parts = voxels(labels[0]), phantoms.body(0)
    assert ((first == 2) == parts["kidney_tumor"]).all()
    assert (np.isin(first, (1, 2)) == parts["kidney_left"] | parts["kidney_right"]).all()
    assert ((first == 3) == parts["liver"]).all()


def test_the_nrrd_tree_is_what_it_says(folder):
    """Five patients with four structures each on the image's grid; the third has no spleen."""
    root = folder / "phantom-nrrd"
    patients = sorted(root.iterdir())
    assert [len(list((patient / "structures").iterdir())) for patient in patients] == [4] * 5
    assert [int(voxels(patient / "structures/spleen.nrrd").any()) for patient in patients] == [1, 1, 0, 1, 1]
    for number, patient in enumerate(patients, start=1):
        for path in (patient / "image.nrrd", patient / "structures/liver.nrrd"):
            header = readers.header(path)
            assert header.verdict == "ok"
            assert header.geometry.same_grid(phantoms.body_grid(number), tolerance=1e-6)


def test_the_png_tree_is_what_it_says(folder):
    """Six pictures, their masks of 0 and 255, one of them empty; two lungs have the area of two ellipses."""
    root = folder / "phantom-png"
    masks = [voxels(root / f"masks/xray{number}_mask.png") for number in range(6)]
    images = [voxels(root / f"images/xray{number}.png") for number in range(6)]
    assert [image.shape for image in images] == [mask.shape for mask in masks]
    assert [np.unique(mask).tolist() for mask in masks] == [[0, 255]] * 3 + [[0]] + [[0, 255]] * 2
    assert (masks[0] == 255).sum() == pytest.approx(pi * (22 * 48 + 24 * 50), rel=0.01)


def test_intensities_follow_the_structures():
    """The mean of each organ is its Hounsfield value within the noise of the mean."""
    parts = phantoms.body(1)
    image = phantoms.body_intensities(parts, 1)
    for name, value in (("liver", 110), ("spleen", 150), ("kidney_right", 190), ("kidney_tumor", 70)):
        assert image[parts[name]].mean() == pytest.approx(value, abs=4 * 12 / np.sqrt(parts[name].sum()))
        assert image[parts[name]].std() == pytest.approx(12, rel=0.25)
    assert image[~parts["body"]].mean() == pytest.approx(-1000, abs=1)


def test_the_command_writes_the_same_bytes_again(folder, tmp_path):
    """`python -m curate.phantoms DIR` gives byte for byte what the function gave."""
    subprocess.run([sys.executable, "-m", "curate.phantoms", str(tmp_path)], check=True)
    first = {str(path.relative_to(folder)): sha256_of_file(path) for path in folder.rglob("*") if path.is_file()}
    second = {str(path.relative_to(tmp_path)): sha256_of_file(path) for path in tmp_path.rglob("*") if path.is_file()}
    assert first == second
    assert len(first) == 12 + 25 + 12


def test_an_ellipsoid_on_pixels_is_an_ellipse():
    """In a picture the world is the pixel grid, and a voxel centre on the surface is inside."""
    picture = Geometry((11, 11, 1), np.eye(4), "pixel")
    inside = phantoms.ellipsoid(picture, (5, 5, 0), (3, 2, 1))
    assert np.argwhere(inside.any(axis=(1, 2))).ravel().tolist() == [2, 3, 4, 5, 6, 7, 8]
    assert np.argwhere(inside.any(axis=(0, 2))).ravel().tolist() == [3, 4, 5, 6, 7]
