"""Boxes of slices and strokes on case pages: they lie where they were shown, on any grid."""

import json

import numpy as np
import pytest

from bench import kept_prompts
from bench.page.cases import grey, planes
from bench.page.cases.choosing import Chosen
from bench.page.cases.prompts import Click, Drawn, Prompted, read_prompts
from bench.page.cases.reading import Answer, Case
from bench.records import Prompts, Stroke
from curate.errors import ReadError
from curate.geometry import Geometry
from curate.volume import Volume

SHAPE = (9, 10, 11)
CHOSEN = Chosen("d/c#x", "d/c", "d", "x", "MR", "organ", 2, 1, {}, {})
TURNS = {
    "as it is": np.diag([1.0, 2.0, 3.0, 1.0]),
    "flipped": np.diag([-1.0, -2.0, 3.0, 1.0]),
    "permuted": np.array([[0, 0, 3.0, 5], [1.0, 0, 0, -4], [0, -2.0, 0, 7], [0, 0, 0, 1]]),
}
SHOWN = Prompts(
    "x",
    np.array([[4, 5, 6]]),
    np.array([1]),
    box=(2, 3, 4, 6, 7, 8),
    boxes=((2, 3, 5, 6, 7, 6), (3, 3, 6, 6, 6, 7)),
    strokes=(
        Stroke("scribble", np.array([[3, 4, 5], [4, 4, 5], [5, 4, 5]]), 1),
        Stroke("lasso", np.array([[1, 1, 1], [8, 9, 10]]), 0),
    ),
)


def kept(folder, grid, crop):
    """Keep what was shown and read it again on the grid of a crop."""
    kept_prompts.keep(folder, "d/c", 2, 1, {"d/c#x": SHOWN})
    return read_prompts(folder, CHOSEN, grid, crop)


@pytest.mark.parametrize("turn", TURNS)
def test_what_was_shown_keeps_its_place_in_the_world(tmp_path, turn):
    """Clicks, boxes and strokes have the same coordinates in millimetres on both grids, however one is turned."""
    grid = Geometry(SHAPE, TURNS[turn])
    crop = grid.canonical()
    found = kept(tmp_path, grid, crop)
    (click,) = found.clicks
    assert np.allclose(crop.to_world(click.point_ijk), grid.to_world([4, 5, 6]))
    assert click.is_positive
    for box, own in zip(found.boxes, (SHOWN.box, *SHOWN.boxes), strict=True):
        corners = [
            np.sort([of.to_world(np.array(b[:3]) - 0.5), of.to_world(np.array(b[3:]) - 0.5)], axis=0)
            for of, b in ((crop, box), (grid, own))
        ]
        assert np.allclose(*corners)
    for drawn, stroke in zip(found.strokes, SHOWN.strokes, strict=True):
        places = {tuple(crop.to_world(voxel).round(3)) for voxel in np.argwhere(drawn.mask)}
        assert places == {tuple(grid.to_world(voxel).round(3)) for voxel in stroke.voxels_ijk}
    assert [drawn.is_positive for drawn in found.strokes] == [True, False]


def test_what_lies_outside_the_crop_is_left_out(tmp_path):
    """A lasso around a large target goes on outside the crop: its voxels there are not drawn, and nothing fails."""
    grid = Geometry(SHAPE, np.diag([1.0, 2.0, 3.0, 1.0]))
    affine = grid.affine.copy()
    affine[:3, 3] = grid.to_world([2, 2, 2])
    found = kept(tmp_path, grid, Geometry((5, 6, 7), affine))
    assert [int(drawn.mask.sum()) for drawn in found.strokes] == [3, 0]
    assert found.boxes[0] == (0, 1, 2, 4, 5, 6)


def test_another_mask_step_or_seed_was_shown_nothing(tmp_path):
    """Only the rows of the chosen mask, step and seed are taken; a damaged file is said to be one."""
    grid = Geometry(SHAPE, np.eye(4))
    assert kept(tmp_path, grid, grid).clicks == (Click((4, 5, 6), is_positive=True),)
    (file,) = (tmp_path / "prompts" / "d").iterdir()
    rows = json.loads(file.read_text())
    for change in ({"mask_id": "d/c#y"}, {"step": 1}, {"seed": 0}):
        file.write_text(json.dumps([{**rows[0], **change}]))
        found = read_prompts(tmp_path, CHOSEN, grid, grid)
        assert (found.clicks, found.boxes, found.strokes) == ((), (), ())
    file.write_text("[{")
    with pytest.raises(ReadError, match="cannot be read"):
        read_prompts(tmp_path, CHOSEN, grid, grid)


def test_a_slice_shows_its_own_box_and_strokes():
    """Through slice 5 are drawn the box of the whole target and that of slice 5, and the stroke that runs in it."""
    mask = np.zeros(SHAPE, dtype=bool)
    mask[4, 4, 5] = True
    stroke = np.zeros(SHAPE, dtype=bool)
    stroke[3:6, 4, 5] = True
    shown = Prompted((), (SHOWN.box, *SHOWN.boxes), (Drawn(stroke, is_positive=False),))
    image = Volume(mask.astype(np.uint8), Geometry(SHAPE, np.diag([1.0, 2.0, 3.0, 1.0])))
    case = Case(CHOSEN, {}, image, mask, (Answer("net", None, False, shown),), (4, 4, 5), is_cropped=False)
    axial, coronal, sagittal = (plane.layers[0] for plane in planes.planes(case, grey.Shown(image.voxels, "")))
    assert [(frame.width, frame.height) for frame in axial.frames] == [(4, 8), (4, 8)]
    assert [(frame.width, frame.height) for frame in coronal.frames] == [(4, 12), (4, 3), (3, 3)]
    assert [(frame.width, frame.height) for frame in sagittal.frames] == [(8, 12), (8, 3), (6, 3)]
    for layer in (axial, coronal, sagittal):
        assert [line.is_positive for line in layer.lines] == [False]
    away = Case(CHOSEN, {}, image, mask, case.answers, (0, 0, 0), is_cropped=False)
    for plane in planes.planes(away, grey.Shown(image.voxels, "")):
        assert (plane.layers[0].frames, plane.layers[0].lines) == ((), ())
