import base64
import io
import re

import nibabel as nib
import numpy as np
import pytest
from PIL import Image, ImageDraw

from bench.finished import read
from bench.page.cases import grey, planes, reading, volumes
from bench.page.cases.choosing import Chosen
from bench.page.cases.reading import Case, read_case
from bench.suite import units_of
from curate.geometry import Geometry
from curate.volume import Volume

FINE = 8
"""Pixels per millimetre when outlines are filled."""


@pytest.fixture(scope="module")
def cases(kept_run, store, everything):
    """Read all eight cases of a run of the oracle, by mask."""
    folder = kept_run("oracle")
    run = read(folder)
    last = run.scores[run.scores["step"] == run.scores["step"].max()]
    units = {unit.image["image_id"]: unit for unit in units_of(everything, store)}
    found = {}
    for row in last.to_dict("records"):
        names = ("mask_id", "image_id", "dataset", "target", "modality", "kind", "step", "seed")
        chosen = Chosen(**{name: row[name] for name in names}, places={}, dice={})
        found[row["mask_id"]] = read_case(chosen, units[row["image_id"]], store, {"oracle": folder})
    return found


def filled(path, plane):
    """Fill an outline and return the share of its box of each pixel of a fine grid."""
    canvas = Image.new("1", (round(plane.width * FINE), round(plane.height * FINE)))
    for part in path.split("Z"):
        points = [(float(x) * FINE, float(y) * FINE) for x, y in re.findall(r"([-\d.e]+) ([-\d.e]+)", part)]
        if len(points) > 2:
            ImageDraw.Draw(canvas).polygon(points, fill=1)
    return np.array(canvas)


def test_outlines_lie_on_what_is_bright_in_the_picture(cases):
    """In every slice of flipped, permuted, oblique and flat images the outline encloses bright voxels only."""
    for case in cases.values():
        picture = grey.shown(case.image, "MR", "organ", "liver")
        for plane in planes.planes(case, picture):
            shades = Image.open(io.BytesIO(base64.b64decode(plane.png))).convert("RGB").split()[0]
            inside = filled(plane.reference, plane)
            bright = np.array(shades.resize(inside.shape[::-1], Image.Resampling.NEAREST)) > 110
            assert inside.any()
            assert (inside & bright).sum() >= 0.93 * inside.sum(), case.chosen.mask_id


def test_outline_of_a_perfect_prediction_is_that_of_the_reference(cases):
    """The oracle's outline is the reference's, in each slice; three slices of a volume, one of a picture."""
    for case in cases.values():
        drawn = planes.planes(case, grey.shown(case.image, "MR", "organ", "liver"))
        assert len(drawn) == (1 if case.chosen.image_id == "pictures/photo" else 3)
        assert all(plane.layers[0].path == plane.reference for plane in drawn)
        assert not case.answers[0].is_cut


def test_clicks_lie_where_they_were_shown(cases):
    """The first click of every mask lies inside its reference, on any grid."""
    for case in cases.values():
        click = case.answers[0].shown.clicks[0]
        assert click.is_positive
        assert case.reference[tuple(round(at) for at in click.point_ijk)], case.chosen.mask_id


def synthetic(codes, mask_at):
    """Make a case on a grid of some axis codes, with one voxel of reference."""
    sign = {"R": (0, 1), "L": (0, -1), "A": (1, 1), "P": (1, -1), "S": (2, 1), "I": (2, -1)}
    affine = np.eye(4)
    affine[:3, :3] = 0
    for axis, code in enumerate(codes):
        row, direction = sign[code]
        affine[row, axis] = direction * (1.0, 2.0, 3.0)[axis]
    mask = np.zeros((10, 11, 12), dtype=bool)
    mask[mask_at] = True
    crop = Volume(mask.astype(np.uint8), Geometry(mask.shape, affine)).canonical()
    centre = tuple(int(where[0]) for where in np.nonzero(crop.voxels))
    chosen = Chosen("d/c#x", "d/c", "d", "x", "MR", "organ", 1, 0, {}, {})
    return Case(chosen, {}, crop, crop.voxels > 0, (), centre, is_cropped=False)


@pytest.mark.parametrize("codes", ["RAS", "LPS", "SRA", "PIR"])
def test_the_patients_right_is_on_the_left(codes):
    """However a grid is turned, right, front and head are drawn left, top and top, in millimetres."""
    at = [9 if code in "RAS" else 0 for code in codes]
    case = synthetic(codes, tuple(at))
    picture = grey.Shown(case.image.voxels, "")
    axial, coronal, sagittal = planes.planes(case, picture)
    assert [plane.title for plane in (axial, coronal, sagittal)] == ["axial", "coronal", "sagittal"]
    assert [axial.left + axial.top, coronal.left + coronal.top, sagittal.left + sagittal.top] == ["RA", "RS", "AS"]
    size = dict(zip(codes.translate(str.maketrans("LPI", "RAS")), ((10, 1.0), (11, 2.0), (12, 3.0)), strict=True))
    lengths = {code: number * spacing for code, (number, spacing) in size.items()}
    assert (axial.width, axial.height) == (lengths["R"], lengths["A"])
    for plane in (axial, coronal, sagittal):
        across, down = np.argwhere(filled(plane.reference, plane)).mean(axis=0)[::-1] / FINE
        assert (across < plane.width / 2, down < plane.height / 2) == (True, True), plane.title


def loaded(text, tmp_path):
    """Read a volume as the viewer does."""
    path = tmp_path / "volume.nii.gz"
    path.write_bytes(base64.b64decode(text))
    return nib.load(path)


def test_volumes_of_the_viewer_lie_where_the_image_lies(cases, tmp_path):
    """The centre of mass of the reference has the same place in the world in the store and in the viewer's file."""
    for case in (one for one in cases.values() if not one.image.geometry.is_2d):
        data = volumes.volumes(case, grey.shown(case.image, "MR", "organ", "liver"))
        image = loaded(data.reference, tmp_path)
        voxels = np.argwhere(np.asarray(image.dataobj) > 0)
        found = nib.affines.apply_affine(image.affine, voxels).mean(axis=0)
        expected = case.image.geometry.to_world(np.argwhere(case.reference)).mean(axis=0)
        assert np.allclose(found, expected, atol=1e-3)
        assert (data.every, data.answers[0]) == (1, data.reference)


def test_a_large_case_is_thinned_out_until_it_fits(cases, tmp_path):
    """Below the limit every n-th voxel is left, with its value and its place in the world."""
    case = cases["hard/oblique#heart"]
    picture = grey.shown(case.image, "MR", "organ", "heart")
    whole = volumes.volumes(case, picture)
    thin = volumes.volumes(case, picture, most_bytes=whole.size_bytes // 3)
    assert thin.every > 1
    assert thin.size_bytes <= whole.size_bytes // 3
    n = thin.every
    assert np.array_equal(np.asarray(loaded(thin.image, tmp_path).dataobj), picture.voxels[::n, ::n, ::n])
    places = nib.affines.apply_affine(loaded(thin.image, tmp_path).affine, [[0, 0, 0], [1, 1, 1]])
    assert np.allclose(places, case.image.geometry.to_world([[0, 0, 0], [n, n, n]]), atol=1e-3)


def test_slices_cut_a_reference_of_two_parts():
    """Between two parts of three voxels and one, the slices go through the larger part's end, in millimetres."""
    mask = np.zeros((9, 1, 1), dtype=bool)
    mask[[0, 1, 2, 8], 0, 0] = True
    assert reading._middle(mask, Geometry(mask.shape, np.diag([2.0, 1, 1, 1]))) == (2, 0, 0)
