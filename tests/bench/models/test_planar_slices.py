"""Volumes as pictures: intensities, axes, prompts per slice, propagation and the bounded memory."""

import numpy as np
import pytest

from bench.errors import UnsupportedError
from bench.models.planar.intensities import stretch_for
from bench.models.planar.memory import Memory
from bench.models.planar.options import Options
from bench.models.planar.planes import Patch, Planes, coarsest_axis, planes_of
from bench.models.planar.prompting import Shown, per_slice, require_answerable
from bench.models.planar.propagation import Front, first_fronts, shown_at
from bench.models.planar.turning import Turning
from bench.records import Prompts
from curate.errors import UsageError
from curate.geometry import Geometry
from curate.labelmap import BoxMask
from curate.volume import Volume

RNG = np.random.default_rng(2)


def volume(voxels, spacing_mm=(1, 1, 1)):
    """Return voxels on a RAS grid."""
    return Volume(voxels, Geometry(voxels.shape[:3], np.diag([*map(float, spacing_mm), 1.0])))


def prompts(points=(), labels=(), box=None, boxes=()):
    """Return prompts of one target."""
    places = np.array(points, dtype=np.int64).reshape(-1, 3)
    return Prompts("t", places, np.array(labels, dtype=np.int64), box, boxes=boxes)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (Options(), [0, 63, 127, 255]),
        (Options(intensity="percentiles"), [0, 63, 127, 255]),
        (Options(intensity="window", window=(0, 100)), [0, 0, 255, 255]),
    ],
)
def test_intensities_become_0_to_255(options, expected):
    """Linear between the two limits (a fifth of the voxels each), clipped outside, fractions cut off."""
    voxels = np.full((20, 20, 10), 100, dtype=np.int16)
    voxels[:4], voxels[-4:] = -100, 300
    stretch = stretch_for(volume(voxels), options)
    assert stretch(np.array([-100, 0, 100, 300], dtype=np.int16)).tolist() == expected


def test_percentiles_ignore_a_single_bright_voxel():
    """One voxel of 30,000 leaves the scale of all others alone."""
    voxels = RNG.integers(0, 200, (30, 30, 30)).astype(np.float32)
    voxels[3, 3, 3] = 1e6
    picture = volume(voxels)
    assert stretch_for(picture, Options(intensity="percentiles"))(voxels[:, :, 9]).max() == 255
    assert stretch_for(picture, Options(intensity="volume"))(voxels[:, :, 9]).max() == 0


def test_slices_may_have_ranges_of_their_own():
    """With `slice`, every slice reaches 255; with `volume` only the one that holds the greatest intensity."""
    voxels = np.arange(4 * 4 * 3, dtype=np.float32).reshape(3, 4, 4).transpose(1, 2, 0)
    for name, largest in (("slice", [255, 255, 255]), ("volume", [81, 168, 255])):
        stretch = stretch_for(volume(voxels), Options(intensity=name))
        assert [int(stretch(voxels[:, :, k]).max()) for k in range(3)] == largest


def test_8_bit_pictures_stay_as_they_are():
    """A uint8 picture is not stretched, a uint8 volume is, and an image without contrast is 0."""
    flat = RNG.integers(90, 160, (5, 6, 1), dtype=np.uint8)
    assert (stretch_for(volume(flat), Options())(flat) == flat).all()
    deep = np.repeat(flat, 2, axis=2)
    assert stretch_for(volume(deep), Options())(deep).max() == 255
    assert stretch_for(volume(np.full((4, 4, 4), 7.0)), Options())(np.full((4, 4), 7.0)).max() == 0


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_no_number_is_refused(bad):
    """One NaN or infinity in the image says so before anything is encoded."""
    voxels = np.zeros((4, 4, 4), dtype=np.float32)
    voxels[1, 2, 3] = bad
    with pytest.raises(UnsupportedError, match="NaN or infinity"):
        stretch_for(volume(voxels), Options())


@pytest.mark.parametrize(
    ("spacing", "axis"),
    [((1, 1, 5), 2), ((4, 1, 1), 0), ((1, 2, 1), 1), ((1, 1, 1), 2), ((3, 3, 1), 1), ((1, 3.0001, 3), 2)],
)
def test_coarsest_axis_is_the_one_with_the_largest_spacing(spacing, axis):
    """Ties go to the last axis."""
    assert coarsest_axis(Geometry((4, 4, 4), np.diag([*map(float, spacing), 1.0]))) == axis


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_points_boxes_and_masks_agree_with_the_pictures(axis):
    """A voxel is at row y, column x of its slice's picture; a mask of pictures is the mask of those voxels."""
    voxels = RNG.random((5, 6, 7)).astype(np.float32)
    planes = Planes(volume(voxels), axis)
    points = np.argwhere(voxels > 0.5)
    numbers, places = planes.split(points)
    for point, number, (x, y) in zip(points, numbers, places, strict=True):
        picture = planes.picture(int(number))
        assert picture.shape == planes.shape
        assert picture[y, x] == voxels[tuple(point)]
    found = planes.mask({n: Patch.of(planes.picture(n) > 0.5) for n in range(planes.count)})
    assert (found.full() == (voxels > 0.5)).all()
    spanned, (x0, y0, x1, y1) = planes.flat((1, 2, 3, 4, 6, 5))
    boxed = {n: np.zeros(planes.shape, dtype=bool) for n in spanned}
    for mask in boxed.values():
        mask[y0:y1, x0:x1] = True
    assert planes.mask({n: Patch.of(mask) for n, mask in boxed.items()}).box == (1, 2, 3, 4, 6, 5)


def test_no_mask_anywhere_is_the_empty_mask():
    """Empty patches give the empty mask, whose box is all zeros."""
    planes = Planes(volume(np.zeros((5, 6, 7))), 1)
    assert planes.mask({2: Patch.of(np.zeros(planes.shape, dtype=bool))}).box == (0, 0, 0, 0, 0, 0)


def test_colour_is_kept_and_transparency_dropped():
    """Three channels reach the network in their order; a fourth is transparency; two are refused."""
    colour = RNG.integers(0, 256, (4, 5, 1, 4), dtype=np.uint8)
    assert (planes_of(volume(colour), "k").picture(0) == colour[:, :, 0, :3].swapaxes(0, 1)).all()
    with pytest.raises(UnsupportedError, match="three colours, found 2 channels"):
        planes_of(volume(colour[..., :2]), "k")


def test_single_slice_is_seen_whole_whatever_the_axis():
    """The choice of axis concerns volumes only."""
    assert planes_of(volume(np.zeros((4, 5, 1))), "i").axis == 2


def test_prompts_go_to_their_slices():
    """Points prompt the slice that they lie on, a box every slice that it spans, both together where they meet."""
    planes = Planes(volume(np.zeros((9, 9, 9))), 0)
    shown = per_slice(prompts([(4, 1, 2), (7, 3, 3), (4, 5, 6)], [1, 0, 0], box=(3, 1, 2, 5, 7, 8)), planes)
    assert shown == {
        3: Shown((1, 2, 7, 8)),
        4: Shown((1, 2, 7, 8), ((1, 2, 1), (5, 6, 0))),
        7: Shown(None, ((3, 3, 0),)),
    }
    assert [one.says_where for one in shown.values()] == [True, True, False]


def test_boxes_of_slices_go_to_their_slices():
    """Each box prompts its one slice, with the points there; a box around the target may prompt others."""
    planes = Planes(volume(np.zeros((9, 9, 9))), 1)
    boxes = ((1, 6, 2, 4, 7, 5), (0, 2, 0, 9, 3, 9))
    shown = per_slice(prompts([(2, 6, 3)], [1], box=(3, 4, 3, 5, 5, 6), boxes=boxes), planes)
    assert shown == {2: Shown((0, 0, 9, 9)), 4: Shown((3, 3, 5, 6)), 6: Shown((1, 2, 4, 5), ((2, 3, 1),))}


def test_steps_begin_where_the_target_is_shown():
    """The box is the first action; without one, the first point inside and everything before it."""
    first, second, third = (1, 1, 0), (2, 2, 1), (3, 3, 0)
    box = (0, 0, 4, 4)
    assert Shown(None, (first, second, third)).steps() == [
        Shown(None, (first, second)),
        Shown(None, (first, second, third)),
    ]
    assert Shown(box, (first,)).steps() == [Shown(box), Shown(box, (first,))]
    assert Shown(None, (first,)).steps() == []


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (Prompts("t", target="liver"), "takes box, boxes, points only, found target"),
        (prompts(), "takes a box or at least one point inside the target, found neither"),
        (prompts([(1, 1, 1)], [0]), "at least one point inside"),
        (prompts([(1, 1, 9)], [1]), r"point \(1, 1, 9\) lies outside the image \(9, 9, 9\)"),
        (prompts([(-1, 1, 1)], [1]), r"point \(-1, 1, 1\) lies outside"),
        (prompts(box=(0, 0, 0, 9, 9, 10)), r"box \(0, 0, 0, 9, 9, 10\) is no half-open box inside"),
        (prompts(box=(3, 0, 0, 3, 9, 9)), "is no half-open box"),
        (prompts(boxes=((0, 0, 8, 9, 9, 9), (0, 0, 9, 9, 9, 10))), r"box \(0, 0, 9, 9, 9, 10\) is no half-open box"),
        (
            prompts(boxes=((1, 3, 2, 5, 4, 6),)),
            r'one slice across k, as this model sees the image; found \(1, 3, 2, 5, 4, 6\); choose the .* axis = "k"',
        ),
        (prompts(boxes=((1, 1, 2, 3, 3, 3), (5, 5, 2, 7, 7, 3))), "takes one box on a slice, found two"),
        (prompts(box=(0, 0, 0, 9, 9, 9), boxes=((1, 1, 2, 3, 3, 3),)), "takes one box on a slice, found two"),
    ],
)
def test_prompts_that_cannot_be_taken_are_refused(bad, message):
    """What a session cannot answer is unsupported, with the reason."""
    with pytest.raises(UnsupportedError, match=message):
        require_answerable(bad, (9, 9, 9), 2)


@pytest.mark.parametrize("signs", [(1, 1, 1), (-1, 1, -1), (-1, -1, -1)])
@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1), (1, 0, 2)])
def test_turning_keeps_prompts_and_masks_at_their_voxels(order, signs):
    """A voxel, clicked or boxed on the source grid, is that voxel of the turned image, and comes back as itself."""
    affine = np.zeros((4, 4))
    affine[order, range(3)] = signs
    affine[3, 3] = 1
    image = Volume(RNG.random((4, 5, 6)), Geometry((4, 5, 6), affine))
    turning, turned = Turning.canonical(image.geometry), image.canonical()
    assert turned.geometry.orientation == "RAS"
    boxes = ((1, 1, 2, 2, 5, 6), (0, 0, 5, 4, 3, 6))
    shown = turning.prompts(prompts([(1, 2, 3), (3, 0, 5)], [1, 0], box=(0, 1, 2, 3, 5, 4), boxes=boxes))
    assert [turned.voxels[tuple(point)] for point in shown.points_ijk] == [image.voxels[1, 2, 3], image.voxels[3, 0, 5]]
    for box, (i0, j0, k0, i1, j1, k1) in zip((shown.box, *shown.boxes), ((0, 1, 2, 3, 5, 4), *boxes), strict=True):
        boxed = turned.voxels[tuple(slice(box[n], box[n + 3]) for n in range(3))]
        assert sorted(boxed.ravel()) == sorted(image.voxels[i0:i1, j0:j1, k0:k1].ravel())
    back = turning.mask_on_source(BoxMask.of(turned.voxels > 0.9))
    assert (back.full() == (image.voxels > 0.9)).all()
    assert turning.mask_on_source(BoxMask.empty(turned.geometry.shape_ijk)).shape_ijk == (4, 5, 6)


def test_pictures_without_spacing_are_not_turned():
    """Without spacing there is no anatomical orientation."""
    grid = Geometry((4, 5, 1), np.diag([-1.0, -1.0, 1.0, 1.0]), "pixel")
    assert Turning.canonical(grid) == Turning((4, 5, 1))


@pytest.mark.parametrize("prompted", [[0], [9], [4], [0, 9], [2, 3], [2, 5, 6], [1, 8], [0, 3, 7]])
def test_fronts_reach_every_slice_once_from_the_nearest(prompted):
    """Every slice without prompts is reached exactly once, by the prompted slice nearest to it, of two the lower."""
    reached = {}
    for start in first_fronts(0, prompted, 10):
        front, origin = start, start.number - start.step
        while front is not None:
            assert front.number not in reached
            reached[front.number] = origin
            front = front.next()
    assert sorted(reached) == [n for n in range(10) if n not in prompted]
    for number, origin in reached.items():
        assert origin == min(prompted, key=lambda p: (abs(p - number), p))


def test_front_is_prompted_by_the_box_of_the_mask_before():
    """The slice's own points outside come along; an empty mask ends the way."""
    mask = np.zeros((6, 7), dtype=bool)
    mask[2:5, 1:3] = True
    own = Shown(None, ((5, 5, 0),))
    assert shown_at(Front(0, 4, 1, 2), {3: Patch.of(mask)}, own) == Shown((1, 2, 3, 5), own.points)
    assert shown_at(Front(0, 4, 1, 2), {3: Patch.of(mask)}, None) == Shown((1, 2, 3, 5))
    assert shown_at(Front(0, 4, -1, 2), {5: Patch.of(np.zeros((6, 7), dtype=bool))}, None) is None


def test_memory_forgets_what_was_unused_for_longest():
    """Values stay until the limit is passed; use counts, size counts, and what is too large is not kept."""
    memory = Memory(10)
    memory.put("a", 1, 4)
    memory.put("b", 2, 4)
    assert memory.get("a") == 1
    memory.put("c", 3, 4)
    assert (memory.get("a"), memory.get("b"), memory.get("c")) == (1, None, 3)
    memory.put("a", 4, 6)
    assert ("a" in memory, memory.get("a"), memory.held_bytes) == (True, 4, 10)
    memory.put("d", 5, 11)
    assert (memory.get("d"), memory.held_bytes) == (None, 0)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"fit": "crop"}, "fit must be one of longest-side, pad-or-stretch, stretch, found 'crop'"),
        ({"channels": "grey"}, "channels must be one of rgb, bgr"),
        ({"axis": 2}, "axis must be one of coarsest, i, j, k, found 2"),
        ({"window": (5, 5)}, r"window must be \(lowest, highest\), found \(5, 5\)"),
        ({"pictures_per_batch": 0}, "pictures_per_batch must be 1 or more, found 0"),
        ({"cache_mb": -1}, "cache_mb must be 0 or more, found -1"),
    ],
)
def test_options_that_cannot_be_meant_are_refused(wrong, message):
    """One line says what may stand there."""
    with pytest.raises(UsageError, match=message):
        Options(**wrong)
